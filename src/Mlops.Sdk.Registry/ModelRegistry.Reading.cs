namespace Mlops.Sdk.Registry;

public sealed partial class ModelRegistry
{
    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ModelSummary>> ListModelsAsync(CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return _state.Models();
    }

    /// <inheritdoc/>
    public async ValueTask<ModelSummary?> FindModelAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => m is { IsThere: true } ? m.Summary() : null);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<ModelVersion>>(model, m =>
        {
            if (m is null)
            {
                return [];
            }

            HashSet<int> served = [.. m.Open.Values.Select(i => m.Deployments[i].Version)];
            return [.. m.Versions.Select(v => Shown(v, served.Contains(v.Number)))];
        });
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindVersionAsync(string model, int number, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => Shown(m, number));
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindAliasAsync(string model, string alias, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alias);
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => Shown(m, m?.Named(alias) ?? 0));
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindAliasAtAsync(string model, string alias, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alias);
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => Shown(m, m?.NamedAt(alias, instant) ?? 0));
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsIntegrityException">It is of a newer format (<c>registry.newer_format</c>) or no manifest of the version (<c>registry.unreadable_manifest</c>).</exception>
    public async ValueTask<ModelManifest> ReadManifestAsync(ModelVersion version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        await CatchUpAsync(version.Model, cancellationToken).ConfigureAwait(false);
        if (version.Deleted || _state.Read(version.Model, m => m?.Find(version.Number)) is { Deleted: true })
        {
            throw Deleted(version);
        }

        byte[] bytes = await _artifacts.ReadAsync(version.Digest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        return ManifestDocument.Read(version, bytes);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerEntry>> HistoryAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        long[] numbers = _state.Read<long[]>(model, m => m is null ? [] : [.. m.History]);
        List<LedgerEntry> entries = new(numbers.Length);
        await foreach (LedgerEntry entry in _ledger.ReadThoseAsync(numbers, cancellationToken).ConfigureAwait(false))
        {
            entries.Add(entry);
        }

        return entries;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ModelChange>> ChangesAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        long[] numbers = _state.Read<long[]>(model, m => m is null ? [] : [.. m.History]);
        ChangeLog log = new(model);
        await foreach (LedgerEntry entry in _ledger.ReadThoseAsync(numbers, cancellationToken).ConfigureAwait(false))
        {
            log.Add(entry);
        }

        return log.Changes;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<AliasMove>> AliasHistoryAsync(string model, string alias, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alias);
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        AliasStep[] steps = _state.Read<AliasStep[]>(model, m => [.. m?.Aliases.GetValueOrDefault(alias)?.Steps ?? []]);
        List<AliasMove> moves = new(steps.Length);
        int? from = null;
        await foreach (LedgerEntry entry in _ledger.ReadThoseAsync([.. steps.Select(s => s.Entry)], cancellationToken).ConfigureAwait(false))
        {
            AliasStep step = steps[moves.Count];
            moves.Add(new AliasMove(model, alias, from, step.To, entry.Reason, entry.Actor, step.At));
            from = step.To == 0 ? null : step.To;
        }

        return moves;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<AliasInterval>> AliasIntervalsAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<AliasInterval>>(model, m =>
        {
            List<AliasInterval> intervals = [];
            foreach ((string alias, AliasTrack track) in m?.Aliases ?? [])
            {
                for (int i = 0; i < track.Steps.Count; i++)
                {
                    AliasStep step = track.Steps[i];
                    DateTimeOffset? end = i + 1 < track.Steps.Count ? track.Steps[i + 1].At : null;
                    if (step.To > 0)
                    {
                        intervals.Add(new AliasInterval(model, alias, step.To, step.At, end < step.At ? step.At : end)); // a clock that went back ends it where it began
                    }
                }
            }

            return intervals;
        });
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeploymentInterval>> VersionsInServiceAtAsync(string model, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<DeploymentInterval>>(model, m =>
        {
            // where clocks differ two intervals of a host may meet in an instant: the later one in the ledger holds, as for hosts that take another version
            Dictionary<string, DeploymentInterval> byHost = new(StringComparer.Ordinal);
            foreach (DeploymentInterval deployment in m?.Deployments ?? [])
            {
                if (deployment.Start <= instant && (deployment.End is not { } end || instant < end))
                {
                    byHost[deployment.Host] = deployment;
                }
            }

            return [.. byHost.Values.OrderBy(d => d.Host, StringComparer.Ordinal)];
        });
    }

    /// <inheritdoc/>
    public async ValueTask<VersionComparison> CompareAsync(string model, int from, int to, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        (ModelVersion one, ModelVersion two) = _state.Read(model, m => (m?.Find(from) ?? throw NoVersion(model, from, m), m.Find(to) ?? throw NoVersion(model, to, m)));
        ModelManifest before = await ReadManifestAsync(one, cancellationToken).ConfigureAwait(false);
        ModelManifest after = await ReadManifestAsync(two, cancellationToken).ConfigureAwait(false);
        return await ManifestComparison.CompareAsync(one, before, two, after, _artifacts, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeploymentInterval>> DeploymentsAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<DeploymentInterval>>(model, m => m is null ? [] : [.. m.Deployments]);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunRecord>> ListRunsAsync(string experiment, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(experiment, cancellationToken).ConfigureAwait(false);
        return _state.Runs(experiment);
    }

    /// <summary>A version as readers see it: while a host serves it, at the stage that says so.</summary>
    private ModelVersion Shown(ModelVersion version, bool served) =>
        served && !version.Deleted && _lifecycle.InService is { } stage && _lifecycle.Promotable.Contains(version.Stage) ? version with { Stage = stage } : version;

    private ModelVersion? Shown(ModelState? model, int number) => model?.Find(number) is { } version ? Shown(version, model.IsServed(number)) : null;

    private ModelVersion Shown(string model, int number) => _state.Read(model, m => Shown(m, number)!);

    private static MlopsNotFoundException Deleted(ModelVersion version) => new(
        "registry.version_deleted",
        $"{version} was deleted and cannot be loaded any more. Use another version; the model's history says who deleted it and why.");

    private async ValueTask CatchUpAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }
}

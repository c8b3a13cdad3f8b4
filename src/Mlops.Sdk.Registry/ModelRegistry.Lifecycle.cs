namespace Mlops.Sdk.Registry;

public sealed partial class ModelRegistry
{
    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">The model's name or the stage breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_stage</c>.</exception>
    public async ValueTask<ModelVersion> MoveStageAsync(string model, int version, string stage, string reason, string? expected = null, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckStage(stage);
        RegistryRules.CheckReason(reason);
        LedgerDraft attempt = Draft(string.Empty);
        await DecideAsync(
            $"model:{model}",
            () => attempt,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
            {
                ModelVersion found = state?.Find(version) ?? throw NoVersion(model, version, state);
                string shown = Shown(found, state.IsServed(version)).Stage;
                attempt = Draft(found.Stage);
                if (found.Deleted)
                {
                    throw Gone(found, "it stays as it is");
                }

                if (expected is not null && expected != found.Stage && expected != shown)
                {
                    throw new MlopsConflictException("registry.stage_moved", $"{found} was expected to be {RegistryRules.Show(expected)} and is '{shown}'. Look at the new state and decide again.");
                }

                if (found.Stage == stage)
                {
                    return [];
                }

                CheckStageMove(state, found, stage);
                return [attempt];
            }),
            cancellationToken).ConfigureAwait(false);
        return Shown(model, version);

        LedgerDraft Draft(string from) => OfVersion(LedgerKinds.StageMoved, model, version, reason, new StageNote(model, version, from, stage));
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">A text breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_description</c>.</exception>
    public async ValueTask<ModelSummary> DescribeAsync(string model, string? description, string? owner, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckDescription(description, owner);
        RegistryRules.CheckReason(reason);
        LedgerDraft draft = new(LedgerKinds.ModelDescribed, new LedgerResource("model", model), reason, LedgerData.Of(new DescriptionNote(model, description, owner)));
        await DecideAsync(
            $"model:{model}",
            draft,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
                state is { Described: true } && (description is null || description == (state.Description ?? string.Empty)) && (owner is null || owner == (state.Owner ?? string.Empty)) ? [] : [draft]),
            cancellationToken).ConfigureAwait(false);
        return _state.Read(model, state => state!.Summary());
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDeniedException">The version was deleted (<c>registry.version_deleted</c>), or a guard said no.</exception>
    public async ValueTask SetTagAsync(string model, int? version, string key, string value, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckTagValue(value);
        await TagAsync(new TagNote(model, version, key, value), reason, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDeniedException">The version was deleted (<c>registry.version_deleted</c>), or a guard said no.</exception>
    public async ValueTask RemoveTagAsync(string model, int? version, string key, string reason, CancellationToken cancellationToken = default) =>
        await TagAsync(new TagNote(model, version, key, null), reason, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="MlopsDeniedException">The version was deleted (<c>registry.version_deleted</c>), or a guard said no.</exception>
    public async ValueTask<ModelVersion> DeprecateVersionAsync(string model, int version, string reason, int? successor = null, CancellationToken cancellationToken = default)
    {
        return await DecideVersionAsync(
            model,
            version,
            LedgerKinds.VersionDeprecated,
            reason,
            new DeprecationNote(model, version, successor),
            (state, found) =>
            {
                CheckSuccessor(state, found, successor);
                return found.Deprecation is not { } earlier || earlier.Successor != successor;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    public async ValueTask<ModelVersion> RevokeDeprecationAsync(string model, int version, string reason, CancellationToken cancellationToken = default) =>
        await DecideVersionAsync(model, version, LedgerKinds.VersionDeprecated, reason, new DeprecationNote(model, version, Revoked: true), (_, found) => found.Deprecation is not null, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<ModelVersion> DeleteVersionAsync(string model, int version, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckReason(reason);
        LedgerDraft attempt = Draft(default);
        await DecideAsync(
            $"model:{model}",
            () => attempt,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
            {
                ModelVersion found = state?.Find(version) ?? throw NoVersion(model, version, state);
                attempt = Draft(found.Digest);
                if (found.Deleted)
                {
                    return [];
                }

                CheckUnused(state, found, "cannot be deleted");
                return [attempt];
            }),
            cancellationToken).ConfigureAwait(false);
        return Shown(model, version);

        LedgerDraft Draft(Digest digest) => OfVersion(LedgerKinds.VersionDeleted, model, version, reason, new TombstoneNote(model, version, digest));
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    public async ValueTask EndDeploymentAsync(string model, int version, string host, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckHost(host);
        RegistryRules.CheckReason(reason);
        LedgerDraft draft = OfVersion(LedgerKinds.DeploymentEnded, model, version, reason, new DeploymentNote(model, version, host));
        await DecideAsync(
            $"model:{model}",
            draft,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
            {
                _ = state?.Find(version) ?? throw NoVersion(model, version, state);
                return state.Open.TryGetValue(host, out int open) && state.Deployments[open].Version == version ? [draft] : [];
            }),
            cancellationToken).ConfigureAwait(false);
    }

    private void CheckStageMove(ModelState state, ModelVersion version, string stage)
    {
        if (stage == _lifecycle.InService)
        {
            throw new MlopsDeniedException("registry.illegal_stage_move", $"{version} cannot be moved to '{stage}' by hand: it is shown so while a host serves it. Move an alias that hosts follow.");
        }

        if (!_lifecycle.Allows(version.Stage, stage))
        {
            throw new MlopsDeniedException("registry.illegal_stage_move", $"{version} is '{version.Stage}', and the life cycle has no move from there to '{stage}'; there is: {_lifecycle.Next(version.Stage)}.");
        }

        if (_lifecycle.Promotable.Contains(stage))
        {
            if (version.Status == VersionStatus.Rejected)
            {
                throw new MlopsDeniedException("registry.version_rejected", $"{version} was rejected by its gates ('{version.Reason}') and is kept as evidence only: it cannot become '{stage}'. Register a version that passes.");
            }
        }
        else
        {
            CheckUnused(state, version, $"cannot become '{stage}'");
        }
    }

    private static void CheckUnused(ModelState state, ModelVersion version, string so)
    {
        if (state.NamedBy(version.Number) is { } alias)
        {
            throw new MlopsDeniedException("registry.version_in_use", $"{version} {so}: alias '{alias}' names it. Move or remove the alias first.");
        }

        if (state.ServedBy(version.Number) is { } host)
        {
            throw new MlopsDeniedException("registry.version_in_use", $"{version} {so}: host {RegistryRules.Show(host)} serves it. Wait until it serves another version, or, when the host is gone, say so with {nameof(EndDeploymentAsync)}.");
        }
    }

    private static void CheckSuccessor(ModelState state, ModelVersion version, int? successor)
    {
        int steps = 0;
        for (int? next = successor; next is not null && steps++ <= state.Versions.Count; next = state.Find(next.Value)!.Deprecation?.Successor)
        {
            ModelVersion found = state.Find(next.Value) ?? throw NoVersion(version.Model, next.Value, state);
            string? problem = found.Number == version.Number ? next == successor ? "is the version itself" : "leads back to the version itself"
                : found.Deleted ? "was deleted"
                : found.Status == VersionStatus.Rejected ? "was rejected" : null;
            if (problem is not null && (next == successor || found.Number == version.Number))
            {
                throw new MlopsDataException("registry.invalid_successor", $"{version} cannot be deprecated in favour of version {successor}: that {problem}. Name a version that people can use instead, or none.");
            }
        }
    }

    private async ValueTask TagAsync(TagNote note, string reason, CancellationToken cancellationToken)
    {
        RegistryRules.CheckModelName(note.Model);
        RegistryRules.CheckTagKey(note.Key);
        RegistryRules.CheckReason(reason);
        LedgerDraft draft = new(LedgerKinds.TagSet, new LedgerResource("model", note.Model, note.Version), reason, LedgerData.Of(note));
        await DecideAsync(
            $"model:{note.Model}",
            draft,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(note.Model, state =>
            {
                IReadOnlyDictionary<string, string> tags = state?.Tags ?? RegistryState.NoTags;
                if (note.Version is { } number)
                {
                    ModelVersion version = state?.Find(number) ?? throw NoVersion(note.Model, number, state);
                    tags = version.Deleted ? throw Gone(version, "it stays as it is") : version.Tags;
                }

                if (tags.GetValueOrDefault(note.Key) == note.Value)
                {
                    return [];
                }

                return note.Value is null || tags.ContainsKey(note.Key) || tags.Count < RegistryRules.MaxTags
                    ? [draft]
                    : throw new MlopsDataException("registry.invalid_tag", $"There are {tags.Count} tags already, and at most {RegistryRules.MaxTags} are allowed. Remove one first.");
            }),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes a note about a version that is not deleted, if there is something to write.</summary>
    private async ValueTask<ModelVersion> DecideVersionAsync<T>(string model, int version, string kind, string reason, T note, Func<ModelState, ModelVersion, bool> changes, CancellationToken cancellationToken)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckReason(reason);
        LedgerDraft draft = OfVersion(kind, model, version, reason, note);
        await DecideAsync(
            $"model:{model}",
            draft,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
            {
                ModelVersion found = state?.Find(version) ?? throw NoVersion(model, version, state);
                if (found.Deleted)
                {
                    throw Gone(found, "it stays as it is");
                }

                return changes(state, found) ? [draft] : [];
            }),
            cancellationToken).ConfigureAwait(false);
        return Shown(model, version);
    }

    private static LedgerDraft OfVersion<T>(string kind, string model, int version, string reason, T note) => new(kind, new LedgerResource("model", model, version), reason, LedgerData.Of(note));
}

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
    public async ValueTask<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<ModelVersion>>(model, m => m is null ? [] : [.. m.Versions]);
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindVersionAsync(string model, int number, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => m?.Find(number));
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindAliasAsync(string model, string alias, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alias);
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => m?.Last(alias) is { } move ? m.Find(move.To) : null);
    }

    /// <inheritdoc/>
    public async ValueTask<ModelVersion?> FindAliasAtAsync(string model, string alias, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alias);
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read(model, m => m?.LastAt(alias, instant) is { } move ? m.Find(move.To) : null);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsIntegrityException">It is of a newer format (<c>registry.newer_format</c>) or no manifest of the version (<c>registry.unreadable_manifest</c>).</exception>
    public async ValueTask<ModelManifest> ReadManifestAsync(ModelVersion version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        byte[] bytes = await _artifacts.ReadAsync(version.Digest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        return ManifestDocument.Read(version, bytes);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerEntry>> HistoryAsync(string model, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(model, cancellationToken).ConfigureAwait(false);
        return _state.Read<IReadOnlyList<LedgerEntry>>(model, m => m is null ? [] : [.. m.History]);
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

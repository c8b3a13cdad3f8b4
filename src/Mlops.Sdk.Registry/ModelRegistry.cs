using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Registry;

/// <summary>The registry: a view of the ledger to read, and decisions appended to it to write.</summary>
/// <remarks>
/// Thread-safe; any number of registries in any number of processes may stand on one store. Version numbers are never used twice and
/// alias moves are compare-and-swap, because each write is decided at the exact end of the ledger. Disposing is not needed: the ledger owns everything.
/// <para>A write that a rule or a guard refuses is recorded too, with outcome <see cref="LedgerOutcome.Denied"/> and who tried.</para>
/// </remarks>
public sealed partial class ModelRegistry : IModelRegistry
{
    private readonly ILedger _ledger;
    private readonly IArtifactStore _artifacts;
    private readonly ILogger _logger;
    private readonly LifecyclePolicy _lifecycle;
    private readonly bool _refuseBreaking;
    private readonly SchemaCache _schemas;
    private readonly RegistryState _state = new();
    private volatile bool _attached;

    internal ModelRegistry(ILedger ledger, IArtifactStore artifacts, ILogger<ModelRegistry>? logger, RegistryOptions? options)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        options ??= new RegistryOptions();
        _lifecycle = options.Lifecycle ?? throw new MlopsException("registry.invalid_lifecycle", "RegistryOptions.Lifecycle is null. Leave it at LifecyclePolicy.Default, or give a policy of your own.");
        _refuseBreaking = options.RefuseBreakingChanges;
        _schemas = new SchemaCache(artifacts);
        _ledger = ledger;
        _artifacts = artifacts;
        _logger = logger ?? (ILogger)NullLogger.Instance;
    }

    /// <summary>Makes a registry without a container, caught up with the ledger.</summary>
    /// <param name="ledger">The ledger, open; not disposed.</param>
    /// <param name="artifacts">Where manifests and model files are; not disposed.</param>
    /// <param name="logger">Where to log, or null.</param>
    /// <param name="options">How strict it is; null for defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The registry.</returns>
    public static async ValueTask<ModelRegistry> CreateAsync(ILedger ledger, IArtifactStore artifacts, ILogger<ModelRegistry>? logger = null, RegistryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ModelRegistry registry = new(ledger, artifacts, logger, options);
        await registry.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return registry;
    }

    /// <inheritdoc/>
    public async ValueTask<RunRecord> StartRunAsync(RunStart start, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRun(start);
        LedgerDraft draft = new(LedgerKinds.RunStarted, new LedgerResource("run", start.RunId), start.Reason, LedgerData.Of(start)) { Correlation = start.RunId };
        await DecideAsync($"run:{start.RunId}", draft, () => _state.Run(start.RunId) is null ? [draft] : [], cancellationToken).ConfigureAwait(false);
        return _state.Run(start.RunId)!;
    }

    /// <inheritdoc/>
    public async ValueTask<RunRecord> EndRunAsync(RunEnd end, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRunEnd(end);
        string reason = RegistryRules.ToReason(end.Message);
        LedgerDraft draft = new(LedgerKinds.RunEnded, new LedgerResource("run", end.RunId), reason, LedgerData.Of(end)) { Correlation = end.RunId };
        await DecideAsync(
            $"run:{end.RunId}",
            draft,
            () => RunOf(end.RunId) switch
            {
                { Status: RunStatus.Running } => [draft],
                { } run when run.Status == end.Status => [],
                { } run => throw Ended(run),
            },
            cancellationToken).ConfigureAwait(false);
        return _state.Run(end.RunId)!;
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">A name breaks the rules (<c>registry.invalid_name</c>) or the manifest does (<c>registry.invalid_manifest</c>).</exception>
    /// <exception cref="MlopsConflictException">The manifest's run has ended otherwise; code <c>registry.run_ended</c>.</exception>
    public ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, VersionStatus status = VersionStatus.Validated, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Enum.IsDefined(status)
            ? RegisterAsync(manifest, reason, status, status == VersionStatus.Rejected ? _lifecycle.Failed : _lifecycle.Passed, cancellationToken)
            : throw new ArgumentOutOfRangeException(nameof(status), status, "A version is Validated or Rejected.");
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">A name breaks the rules (<c>registry.invalid_name</c>, <c>registry.invalid_stage</c>) or the manifest does (<c>registry.invalid_manifest</c>).</exception>
    /// <exception cref="MlopsConflictException">The manifest's run has ended otherwise; code <c>registry.run_ended</c>.</exception>
    public ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, string stage, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        RegistryRules.CheckStage(stage);
        return RegisterAsync(manifest, reason, stage == _lifecycle.Failed ? VersionStatus.Rejected : VersionStatus.Validated, stage, cancellationToken);
    }

    private async ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, VersionStatus status, string stage, CancellationToken cancellationToken)
    {
        RegistryRules.CheckManifest(manifest);
        RegistryRules.CheckReason(reason);
        Digest digest = await StoreAsync(manifest, cancellationToken).ConfigureAwait(false);
        ModelVersion? found = null;
        LedgerReceipt receipt = await DecideAsync(
            $"model:{manifest.Model}",
            Draft(manifest, digest, reason, status, stage, number: 0, parent: manifest.Parent),
            () =>
            {
                found = null;
                return DecideVersion(manifest, digest, reason, status, stage, ref found);
            },
            cancellationToken).ConfigureAwait(false);
        int number = found?.Number ?? receipt.Entries[0].Resource.Version!.Value;
        return Shown(manifest.Model, number);
    }

    /// <summary>Stores the manifest. Its files and it itself are touched, so that a collection of unused artifacts leaves them alone until the version that names them is in the ledger.</summary>
    private async ValueTask<Digest> StoreAsync(ModelManifest manifest, CancellationToken cancellationToken)
    {
        byte[] bytes = ManifestDocument.Write(manifest);
        foreach (ModelFile file in manifest.Files)
        {
            if (!await _artifacts.TouchAsync(file.Digest, cancellationToken).ConfigureAwait(false))
            {
                throw new MlopsNotFoundException("artifact.not_found", $"File '{file.Name}' of the manifest, {file.Digest}, is not in the artifact store. Write every file before registering the version.");
            }
        }

        while (true)
        {
            using MemoryStream document = new(bytes, writable: false);
            Digest digest = (await _artifacts.WriteAsync(document, cancellationToken).ConfigureAwait(false)).Digest;
            if (await _artifacts.TouchAsync(digest, cancellationToken).ConfigureAwait(false))
            {
                return digest; // else it was there, too old, and collected between the two calls
            }
        }
    }

    private IReadOnlyList<LedgerDraft> DecideVersion(ModelManifest manifest, Digest digest, string reason, VersionStatus status, string stage, ref ModelVersion? found)
    {
        (int next, int? champion, ModelVersion? same, bool parentThere) = _state.Read(manifest.Model, state => (
            (state?.Versions.Count ?? 0) + 1,
            state?.Named("champion") is { } named and > 0 ? named : (int?)null,
            manifest.RunId is null ? null : state?.Versions.Find(v => v.RunId == manifest.RunId && v.Digest == digest),
            manifest.Parent is null || state?.Find(manifest.Parent.Value) is not null));
        if (same is { Deleted: true })
        {
            throw Gone(same, $"run '{manifest.RunId}' cannot register it again; start a new run");
        }

        if (same is not null)
        {
            found = same.Status == status
                ? same
                : throw new MlopsConflictException("registry.run_ended", $"Run '{manifest.RunId}' made {same} with status {same.Status} already; it cannot be registered as {status}.");
            return [];
        }

        if (!parentThere)
        {
            throw new MlopsNotFoundException("registry.version_not_found", $"The manifest names version {manifest.Parent} of model '{manifest.Model}' as its parent, and there is none.");
        }

        if (manifest.RunId is not null && RunOf(manifest.RunId) is { Status: not RunStatus.Running } run)
        {
            throw Ended(run);
        }

        if (!_lifecycle.Entry.Contains(stage))
        {
            throw new MlopsDeniedException("registry.illegal_stage_move", $"A version cannot begin its life as '{stage}'; it may begin as {string.Join(", ", _lifecycle.Entry.Order(StringComparer.Ordinal))}. Register it as one of these and move it on.");
        }

        return [Draft(manifest, digest, reason, status, stage, next, manifest.Parent ?? champion)];
    }

    private static LedgerDraft Draft(ModelManifest manifest, Digest digest, string reason, VersionStatus status, string stage, int number, int? parent) => new(
        LedgerKinds.VersionRegistered,
        new LedgerResource("model", manifest.Model, number == 0 ? null : number, digest),
        reason,
        LedgerData.Of(new VersionNote(manifest.Model, number, digest, status, manifest.Files)
        {
            RunId = manifest.RunId,
            Parent = parent,
            Metrics = manifest.Metrics,
            Task = manifest.Schema.Task,
            ModelFormat = manifest.ModelFormat,
            Algorithm = manifest.Algorithm,
            Dataset = manifest.Dataset,
            Stage = stage == (status == VersionStatus.Rejected ? VersionStages.Rejected : VersionStages.Validated) ? null : stage,
        }))
    {
        Correlation = manifest.RunId,
    };

    private ValueTask<LedgerReceipt> DecideAsync(string subject, LedgerDraft attempt, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken) =>
        DecideAsync(subject, () => attempt, decide, cancellationToken);

    /// <summary>Appends what is decided; when a rule or a guard refuses, writes down who tried what and why not.</summary>
    private async ValueTask<LedgerReceipt> DecideAsync(string subject, Func<LedgerDraft> attempt, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await _ledger.AppendAsync(subject, decide, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsDeniedException denied)
        {
            await RecordDenialAsync(attempt(), denied).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask RecordDenialAsync(LedgerDraft attempt, MlopsDeniedException denied)
    {
        string reason = RegistryRules.ToReason($"Denied ({denied.Code}): {denied.Message} Asked for because: {attempt.Reason}");
        LedgerDraft draft = attempt with
        {
            Outcome = LedgerOutcome.Denied,
            Reason = reason,
            Data = attempt.Kind == LedgerKinds.AliasMoved && LedgerData.TryRead(attempt.Data, out AliasNote? note) ? LedgerData.Of(note with { Denied = denied.Code }) : attempt.Data,
        };
        try
        {
            // Not the caller's token: who was refused is evidence, also when the caller has gone.
            await _ledger.AppendAsync([draft], CancellationToken.None).ConfigureAwait(false);
        }
        catch (MlopsException e)
        {
            RegistryLog.DenialLost(_logger, e, attempt.Kind, attempt.Resource.Name, denied.Code); // the caller still gets the denial itself
        }
    }

    private RunRecord RunOf(string runId) => _state.Run(runId)
        ?? throw new MlopsNotFoundException("registry.run_not_found", $"There is no run '{runId}'. Start it with {nameof(StartRunAsync)} first.");

    private static MlopsConflictException Ended(RunRecord run) => new(
        "registry.run_ended",
        $"Run '{run.RunId}' has ended already, as {run.Status}{(run.Version is { } v ? $" with version {v}" : string.Empty)}. Start a new run.");

    private static MlopsNotFoundException NoVersion(string model, int number, ModelState? state) => new(
        "registry.version_not_found",
        state is null or { Versions.Count: 0 }
            ? $"There is no version of model '{model}', so there is no version {number}. Register one first."
            : $"Model '{model}' has versions 1 to {state.Versions.Count}; there is no version {number}.");

    private static MlopsDeniedException Gone(ModelVersion version, string so) => new(
        "registry.version_deleted",
        $"{version} was deleted at {version.DeletedAt!.Value:u}; its number and history stay, and {so}.");

    private async ValueTask AttachAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(_state, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }
    }
}

internal static partial class RegistryLog
{
    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "The denial {Code} of '{Kind}' on '{Name}' could not be written to the ledger.")]
    internal static partial void DenialLost(ILogger logger, Exception error, string kind, string name, string code);
}

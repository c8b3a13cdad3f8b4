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
    private readonly RegistryState _state = new();
    private volatile bool _attached;

    internal ModelRegistry(ILedger ledger, IArtifactStore artifacts, ILogger<ModelRegistry>? logger)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        _ledger = ledger;
        _artifacts = artifacts;
        _logger = logger ?? (ILogger)NullLogger.Instance;
    }

    /// <summary>Makes a registry without a container, caught up with the ledger.</summary>
    /// <param name="ledger">The ledger, open; not disposed.</param>
    /// <param name="artifacts">Where manifests and model files are; not disposed.</param>
    /// <param name="logger">Where to log, or null.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The registry.</returns>
    public static async ValueTask<ModelRegistry> CreateAsync(ILedger ledger, IArtifactStore artifacts, ILogger<ModelRegistry>? logger = null, CancellationToken cancellationToken = default)
    {
        ModelRegistry registry = new(ledger, artifacts, logger);
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
    public async ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, VersionStatus status = VersionStatus.Validated, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckManifest(manifest);
        RegistryRules.CheckReason(reason);
        if (!Enum.IsDefined(status))
        {
            throw new ArgumentOutOfRangeException(nameof(status), status, "A version is Validated or Rejected.");
        }

        foreach (ModelFile file in manifest.Files)
        {
            if (!await _artifacts.ExistsAsync(file.Digest, cancellationToken).ConfigureAwait(false))
            {
                throw new MlopsNotFoundException("artifact.not_found", $"File '{file.Name}' of the manifest, {file.Digest}, is not in the artifact store. Write every file before registering the version.");
            }
        }

        using MemoryStream document = new(ManifestDocument.Write(manifest), writable: false);
        Digest digest = (await _artifacts.WriteAsync(document, cancellationToken).ConfigureAwait(false)).Digest;
        ModelVersion? found = null;
        LedgerReceipt receipt = await DecideAsync(
            $"model:{manifest.Model}",
            Draft(manifest, digest, reason, status, number: 0, parent: manifest.Parent),
            () =>
            {
                found = null;
                return DecideVersion(manifest, digest, reason, status, ref found);
            },
            cancellationToken).ConfigureAwait(false);
        int number = found?.Number ?? receipt.Entries[0].Resource.Version!.Value;
        return _state.Read(manifest.Model, m => m!.Find(number)!);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">The model's name or the alias breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_alias</c>.</exception>
    public async ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, int? expected = null, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckAlias(alias);
        RegistryRules.CheckReason(reason);
        return await MoveAsync(model, alias, reason, (_, last) => expected is null || expected == (last?.To ?? 0)
            ? version
            : throw new MlopsConflictException("registry.alias_moved", $"Alias '{alias}' of model '{model}' was expected to name {Number(expected.Value)} and names {Number(last?.To ?? 0)}. Look at the new state and decide again."), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsNotFoundException">There is no such alias; code <c>registry.alias_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">The alias named no version before; code <c>registry.nothing_before</c>.</exception>
    public async ValueTask<AliasMove> RollbackAsync(string model, string alias, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckAlias(alias);
        RegistryRules.CheckReason(reason);
        return await MoveAsync(model, alias, reason, (_, last) => last switch
        {
            null => throw new MlopsNotFoundException("registry.alias_not_found", $"Model '{model}' has no alias '{alias}' to roll back."),
            { From: null } => throw new MlopsConflictException("registry.nothing_before", $"Alias '{alias}' of model '{model}' has named version {last.To} from the start: there is nothing to roll back to. Move it to a version by number."),
            { From: { } from } => from,
        }, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<AliasMove> MoveAsync(string model, string alias, string reason, Func<ModelState?, AliasMove?, int> target, CancellationToken cancellationToken)
    {
        // What a refusal would be recorded as: filled in by the decision that was refused.
        LedgerDraft attempt = MoveDraft(new AliasNote(model, alias, null, 0, default), reason);
        LedgerReceipt receipt = await DecideAsync(
            $"model:{model}",
            () => attempt,
            () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
            {
                AliasMove? last = state?.Last(alias);
                int to = target(state, last);
                ModelVersion version = state?.Find(to) ?? throw NoVersion(model, to, state);
                attempt = MoveDraft(new AliasNote(model, alias, last?.To, to, version.Digest), reason);
                if (version.Status == VersionStatus.Rejected)
                {
                    throw new MlopsDeniedException("registry.version_rejected", $"{version} was rejected by its gates ('{version.Reason}') and is kept as evidence only: it cannot be named '{alias}'. Register a version that passes.");
                }

                return last?.To == to ? [] : [attempt];
            }),
            cancellationToken).ConfigureAwait(false);
        if (receipt.Entries.Count > 0)
        {
            LedgerEntry entry = receipt.Entries[0];
            AliasNote note = LedgerData.Read<AliasNote>(entry);
            return new AliasMove(model, alias, note.From, note.To, entry.Reason, entry.Actor, entry.Time);
        }

        return _state.Read(model, state => state!.Last(alias)!);
    }

    private IReadOnlyList<LedgerDraft> DecideVersion(ModelManifest manifest, Digest digest, string reason, VersionStatus status, ref ModelVersion? found)
    {
        (int next, int? champion, ModelVersion? same, bool parentThere) = _state.Read(manifest.Model, state => (
            (state?.Versions.Count ?? 0) + 1,
            state?.Last("champion")?.To,
            manifest.RunId is null ? null : state?.Versions.Find(v => v.RunId == manifest.RunId && v.Digest == digest),
            manifest.Parent is null || state?.Find(manifest.Parent.Value) is not null));
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

        return [Draft(manifest, digest, reason, status, next, manifest.Parent ?? champion)];
    }

    private static LedgerDraft Draft(ModelManifest manifest, Digest digest, string reason, VersionStatus status, int number, int? parent) => new(
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
        }))
    {
        Correlation = manifest.RunId,
    };

    private static LedgerDraft MoveDraft(AliasNote note, string reason) => new(
        LedgerKinds.AliasMoved,
        new LedgerResource("model", note.Model, note.To > 0 ? note.To : null, note.Digest.HasValue ? note.Digest : null),
        reason,
        LedgerData.Of(note));

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
            ? $"There is no model '{model}', so it has no version {number}. Register a version first."
            : $"Model '{model}' has versions 1 to {state.Versions.Count}; there is no version {number}.");

    private static string Number(int number) => number == 0 ? "no version" : $"version {number}";

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

namespace Mlops.Sdk;

/// <summary>Reads models, versions, aliases and history. Every call sees all that was committed before it, by any process.</summary>
public interface IModelCatalog
{
    /// <summary>Lists the models.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The models by name.</returns>
    ValueTask<IReadOnlyList<ModelSummary>> ListModelsAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists a model's versions.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The versions by number; empty when there is no such model.</returns>
    ValueTask<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Finds a version by number.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="number">The version's number.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version, or null.</returns>
    ValueTask<ModelVersion?> FindVersionAsync(string model, int number, CancellationToken cancellationToken = default);

    /// <summary>Finds the version that an alias names now.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias, such as <c>champion</c>.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version, or null when the alias names none.</returns>
    ValueTask<ModelVersion?> FindAliasAsync(string model, string alias, CancellationToken cancellationToken = default);

    /// <summary>Reads a version's manifest and verifies it against the version's digest.</summary>
    /// <param name="version">The version.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The manifest.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are not what was registered.</exception>
    ValueTask<ModelManifest> ReadManifestAsync(ModelVersion version, CancellationToken cancellationToken = default);

    /// <summary>Lists everything that happened to a model, oldest first.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The ledger's entries about it.</returns>
    ValueTask<IReadOnlyList<LedgerEntry>> HistoryAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Lists when which version was in service on which host, oldest first.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The intervals.</returns>
    ValueTask<IReadOnlyList<DeploymentInterval>> DeploymentsAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Answers "which version did the alias name at this instant?".</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="instant">The instant, compared with the times in the ledger.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version, or null when the alias named none then.</returns>
    ValueTask<ModelVersion?> FindAliasAtAsync(string model, string alias, DateTimeOffset instant, CancellationToken cancellationToken = default);

    /// <summary>Lists the runs of an experiment, oldest first.</summary>
    /// <param name="experiment">The experiment's name: the pipeline's.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The runs.</returns>
    ValueTask<IReadOnlyList<RunRecord>> ListRunsAsync(string experiment, CancellationToken cancellationToken = default);
}

/// <summary>Changes models, versions and aliases. Every change is one ledger commit with who, why and when.</summary>
public interface IModelRegistry : IModelCatalog
{
    /// <summary>Records that a run starts. Starting a run id again answers with the first record.</summary>
    /// <param name="start">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run as recorded.</returns>
    ValueTask<RunRecord> StartRunAsync(RunStart start, CancellationToken cancellationToken = default);

    /// <summary>Records how a run ended without a version: completed, rejected, failed or cancelled. Ending it again the same way changes nothing.</summary>
    /// <param name="end">The end.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run as recorded.</returns>
    ValueTask<RunRecord> EndRunAsync(RunEnd end, CancellationToken cancellationToken = default);

    /// <summary>Registers a version and, when the manifest names a run, ends that run in one commit: as registered, or as rejected when the version is.</summary>
    /// <param name="manifest">The version's manifest; its files are in the artifact store already.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="status">How the version stands: passed its gates, or was rejected by them.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version. Registering the same manifest for the same run again answers with the version it has.</returns>
    /// <exception cref="MlopsNotFoundException">A file is not in the artifact store (<c>artifact.not_found</c>), or the run was never started (<c>registry.run_not_found</c>).</exception>
    ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, VersionStatus status = VersionStatus.Validated, CancellationToken cancellationToken = default);

    /// <summary>Moves an alias to a version: this is promotion.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias: 1 to 64 of <c>a-z 0-9 - _</c>.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="expected">What the alias must name now: a number, 0 for none, or null for whatever it is.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The move. Moving to the version it names already writes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">No such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">The alias names another version than expected; code <c>registry.alias_moved</c>.</exception>
    /// <exception cref="MlopsDeniedException">The version was rejected (<c>registry.version_rejected</c>), or a guard said no.</exception>
    ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, int? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Moves an alias back to the version it named before the last move.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The move.</returns>
    ValueTask<AliasMove> RollbackAsync(string model, string alias, string reason, CancellationToken cancellationToken = default);
}

/// <summary>A model in one line.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Versions">How many versions it has.</param>
/// <param name="Latest">The newest version's number.</param>
/// <param name="Aliases">Its aliases and the version each one names.</param>
public sealed record ModelSummary(string Name, int Versions, int Latest, IReadOnlyDictionary<string, int> Aliases);

/// <summary>How a version stands.</summary>
public enum VersionStatus
{
    /// <summary>It passed its gates, or came in without any.</summary>
    Validated,

    /// <summary>A gate said no: it is kept as evidence and cannot be promoted.</summary>
    Rejected,
}

/// <summary>A registered version of a model.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Number">Its number, from 1; never used twice.</param>
/// <param name="Digest">The digest of its manifest.</param>
/// <param name="Status">How it stands.</param>
/// <param name="RunId">The run that made it, or null.</param>
/// <param name="Reason">Why it was registered.</param>
/// <param name="By">Who registered it.</param>
/// <param name="At">When.</param>
public sealed record ModelVersion(string Model, int Number, Digest Digest, VersionStatus Status, string? RunId, string Reason, Actor By, DateTimeOffset At)
{
    /// <summary>Gets the version it follows, or null for the first.</summary>
    public int? Parent { get; init; }

    /// <summary>Gets the metrics on the test rows.</summary>
    public IReadOnlyDictionary<string, MetricValue> Metrics { get; init; } = new Dictionary<string, MetricValue>();

    /// <inheritdoc/>
    public override string ToString() => $"{Model} v{Number}";
}

/// <summary>A move of an alias.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias.</param>
/// <param name="From">The version it named before, or null for none.</param>
/// <param name="To">The version it names now.</param>
/// <param name="Reason">Why.</param>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
public sealed record AliasMove(string Model, string Alias, int? From, int To, string Reason, Actor By, DateTimeOffset At);

/// <summary>When a version was in service on a host.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Host">The host and process.</param>
/// <param name="Start">From when.</param>
/// <param name="End">Until when, or null while it still is.</param>
public sealed record DeploymentInterval(string Model, int Version, string Host, DateTimeOffset Start, DateTimeOffset? End);

/// <summary>The start of a run.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Experiment">The experiment it belongs to: the pipeline's name.</param>
/// <param name="Trigger">What started it, such as <c>manual</c> or <c>drift:ALERT-ID</c>.</param>
/// <param name="Reason">Why; not blank.</param>
public sealed record RunStart(string RunId, string Experiment, string Trigger, string Reason)
{
    /// <summary>Gets what the run hopes to show, or null.</summary>
    public string? Hypothesis { get; init; }

    /// <summary>Gets the parameters.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}

/// <summary>How a run stands.</summary>
public enum RunStatus
{
    /// <summary>It has started and not ended: it runs, or its process died and it can be resumed.</summary>
    Running,

    /// <summary>It made a version.</summary>
    Registered,

    /// <summary>A contract or a gate said no.</summary>
    Rejected,

    /// <summary>A step failed.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,

    /// <summary>It ended well and was not to make a version.</summary>
    Completed,
}

/// <summary>The end of a run that made no version to promote.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Status">Completed, rejected, failed or cancelled.</param>
/// <param name="Message">What happened, for a person.</param>
public sealed record RunEnd(string RunId, RunStatus Status, string Message)
{
    /// <summary>Gets the steps that ran.</summary>
    public IReadOnlyList<StepRecord> Steps { get; init; } = [];
}

/// <summary>A step of a run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Outcome">How it ended: <c>ok</c>, <c>cached</c>, <c>rejected</c>, <c>failed</c>, <c>skipped</c> or <c>cancelled</c>.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="RowsIn">Rows that went in, or null.</param>
/// <param name="RowsOut">Rows that came out, or null.</param>
public sealed record StepRecord(string Name, string Outcome, double Milliseconds, long? RowsIn = null, long? RowsOut = null);

/// <summary>A run as the registry knows it.</summary>
/// <param name="RunId">Its id.</param>
/// <param name="Experiment">Its experiment.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Trigger">What started it.</param>
/// <param name="Reason">Why.</param>
/// <param name="By">Who.</param>
/// <param name="Started">When it started.</param>
/// <param name="Ended">When it ended, or null.</param>
/// <param name="Version">The version it made, or null.</param>
/// <param name="Message">What happened, or null.</param>
public sealed record RunRecord(string RunId, string Experiment, RunStatus Status, string Trigger, string Reason, Actor By, DateTimeOffset Started, DateTimeOffset? Ended, int? Version, string? Message);

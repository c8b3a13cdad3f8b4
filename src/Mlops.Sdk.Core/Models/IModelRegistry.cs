using System.Collections.ObjectModel;

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
    /// <exception cref="MlopsNotFoundException">The version was deleted; code <c>registry.version_deleted</c>.</exception>
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

    /// <summary>Finds a model by name.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The model, or null when nothing was registered under the name and nobody described it.</returns>
    ValueTask<ModelSummary?> FindModelAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Lists every move of an alias, oldest first, its removals included.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The moves; empty when the alias never named a version. Moves that were refused are in <see cref="HistoryAsync"/> only.</returns>
    ValueTask<IReadOnlyList<AliasMove>> AliasHistoryAsync(string model, string alias, CancellationToken cancellationToken = default);

    /// <summary>Lists from when to when each alias named which version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The intervals by alias, oldest first.</returns>
    ValueTask<IReadOnlyList<AliasInterval>> AliasIntervalsAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Answers "which version answered at this instant, and where?".</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="instant">The instant, compared with the times in the ledger.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The intervals that the instant lies in, their start included and their end not: at most one of each host.</returns>
    ValueTask<IReadOnlyList<DeploymentInterval>> VersionsInServiceAtAsync(string model, DateTimeOffset instant, CancellationToken cancellationToken = default);

    /// <summary>Lists every change of a model, oldest first, as a person reads it: what, from what, to what, who, why and when.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The changes, those that were refused included and marked.</returns>
    ValueTask<IReadOnlyList<ModelChange>> ChangesAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Tells how two versions of a model differ: schema, metrics, data, parameters, environment, gates, files and importance of inputs.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="from">The number of the version to start from, such as the one in service.</param>
    /// <param name="to">The number of the version to go to.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The differences.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version (<c>registry.version_not_found</c>), or it was deleted (<c>registry.version_deleted</c>).</exception>
    ValueTask<VersionComparison> CompareAsync(string model, int from, int to, CancellationToken cancellationToken = default);
}

/// <summary>Changes models, versions and aliases. Every change is one ledger commit with who, why and when.</summary>
public interface IModelRegistry : IModelCatalog
{
    /// <summary>Records that a run starts. Starting a run id again answers with the first record.</summary>
    /// <param name="start">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run as recorded.</returns>
    ValueTask<RunRecord> StartRunAsync(RunStart start, CancellationToken cancellationToken = default);

    /// <summary>Records how a run ended without a version: rejected, failed or cancelled. Ending it again the same way changes nothing.</summary>
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

    /// <summary>Registers a version at a stage of its life of the caller's choice, such as <see cref="VersionStages.Draft"/>.</summary>
    /// <param name="manifest">The version's manifest; its files are in the artifact store already.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="stage">The stage: one that the registry's life cycle lets a version begin at.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version.</returns>
    /// <exception cref="MlopsDeniedException">A version cannot begin at that stage; code <c>registry.illegal_stage_move</c>.</exception>
    ValueTask<ModelVersion> RegisterAsync(ModelManifest manifest, string reason, string stage, CancellationToken cancellationToken = default);

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
    /// <exception cref="MlopsDeniedException">
    /// The version was rejected (<c>registry.version_rejected</c>) or deleted (<c>registry.version_deleted</c>), is at a stage that may not be
    /// promoted (<c>registry.stage_not_promotable</c>), would break the callers of the version the alias names now (<c>registry.breaking_change</c>), or a guard said no.
    /// </exception>
    ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, int? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Moves an alias to a version, if so wished also to one that breaks the callers of the version it names now.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias: 1 to 64 of <c>a-z 0-9 - _</c>.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="allowBreaking">Whether to move though callers break: true once they have been changed.</param>
    /// <param name="expected">What the alias must name now: a number, 0 for none, or null for whatever it is.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The move.</returns>
    ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, bool allowBreaking, int? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Takes an alias away: from then on it names no version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="expected">What the alias must name now, or null for whatever it is.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The removal: a move to 0. Removing one that names none writes nothing and answers with the removal that was.</returns>
    /// <exception cref="MlopsNotFoundException">The model never had such an alias; code <c>registry.alias_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">The alias names another version than expected; code <c>registry.alias_moved</c>.</exception>
    ValueTask<AliasMove> RemoveAliasAsync(string model, string alias, string reason, int? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Moves an alias back to the version it named before: the last one that is not the present one and may still be promoted.</summary>
    /// <remarks>Rolling back twice undoes the first rollback. Versions that were deleted, rejected or archived meanwhile are passed over. Callers that would break are no obstacle.</remarks>
    /// <param name="model">The model's name.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The move.</returns>
    ValueTask<AliasMove> RollbackAsync(string model, string alias, string reason, CancellationToken cancellationToken = default);

    /// <summary>Moves a version to another stage of its life, if the life cycle lets it.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="stage">The stage, such as <see cref="VersionStages.Archived"/>.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="expected">The stage it must be at now, or null for whichever it is.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version. Moving it to the stage it is at writes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">No such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">It is at another stage than expected; code <c>registry.stage_moved</c>.</exception>
    /// <exception cref="MlopsDeniedException">
    /// The life cycle has no such move (<c>registry.illegal_stage_move</c>), the version was rejected or deleted (<c>registry.version_rejected</c>,
    /// <c>registry.version_deleted</c>), or an alias or host uses a version that could not be promoted from there (<c>registry.version_in_use</c>).
    /// </exception>
    ValueTask<ModelVersion> MoveStageAsync(string model, int version, string stage, string reason, string? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Says what a model is for and who answers for it. A model may be described before it has a version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="description">At most 4,000 characters; null leaves it as it is, empty takes it away.</param>
    /// <param name="owner">The person or team, at most 256 characters; null leaves it as it is, empty takes it away.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The model.</returns>
    ValueTask<ModelSummary> DescribeAsync(string model, string? description, string? owner, string reason, CancellationToken cancellationToken = default);

    /// <summary>Sets a tag of a model or of one of its versions.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version, or null for the model itself, which need not have a version yet.</param>
    /// <param name="key">The key: 1 to 128 letters, digits, <c>- _ . / :</c>, the first a letter or digit.</param>
    /// <param name="value">The value: at most 1,000 characters without control characters; empty for a tag that is only there or not.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when the tag is durable. Setting it to what it is writes nothing.</returns>
    /// <exception cref="MlopsDataException">The key or value breaks the rules, or there would be more than 100 tags; code <c>registry.invalid_tag</c>.</exception>
    /// <exception cref="MlopsNotFoundException">No such version; code <c>registry.version_not_found</c>.</exception>
    ValueTask SetTagAsync(string model, int? version, string key, string value, string reason, CancellationToken cancellationToken = default);

    /// <summary>Takes a tag away.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version, or null for the model itself.</param>
    /// <param name="key">The key.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is gone. Taking away what is not there writes nothing.</returns>
    ValueTask RemoveTagAsync(string model, int? version, string key, string reason, CancellationToken cancellationToken = default);

    /// <summary>Advises against a version. It can still be loaded and promoted; catalogs, cards and comparisons say so.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="successor">The version to use instead, or null.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version.</returns>
    /// <exception cref="MlopsDataException">The successor is the version itself, was rejected or deleted, or leads back to the version; code <c>registry.invalid_successor</c>.</exception>
    ValueTask<ModelVersion> DeprecateVersionAsync(string model, int version, string reason, int? successor = null, CancellationToken cancellationToken = default);

    /// <summary>Takes a deprecation back.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version.</returns>
    ValueTask<ModelVersion> RevokeDeprecationAsync(string model, int version, string reason, CancellationToken cancellationToken = default);

    /// <summary>Deletes a version for good: it can no longer be promoted, loaded or compared. Its number, history and digest stay, and its number is never used again.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version, marked as deleted. Deleting it again writes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">No such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDeniedException">An alias names it or a host serves it; code <c>registry.version_in_use</c>.</exception>
    ValueTask<ModelVersion> DeleteVersionAsync(string model, int version, string reason, CancellationToken cancellationToken = default);

    /// <summary>Records that a host no longer serves a version, for a host that is gone and cannot say so itself.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="host">The host, as <see cref="DeploymentInterval.Host"/> names it.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is recorded. When the host does not serve the version, nothing is written.</returns>
    ValueTask EndDeploymentAsync(string model, int version, string host, string reason, CancellationToken cancellationToken = default);
}

/// <summary>A model in one line.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Versions">How many versions it has.</param>
/// <param name="Latest">The newest version's number, or 0 when there is none yet.</param>
/// <param name="Aliases">Its aliases and the version each one names.</param>
public sealed record ModelSummary(string Name, int Versions, int Latest, IReadOnlyDictionary<string, int> Aliases)
{
    /// <summary>Gets what it is for, or null.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the person or team that answers for it, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>Gets its tags by key.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}

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

    /// <summary>Gets the stage of its life, such as <see cref="VersionStages.Validated"/>.</summary>
    public string Stage { get; init; } = VersionStages.Validated;

    /// <summary>Gets its tags by key.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Gets why it should not be used any more and what to use instead, or null.</summary>
    public VersionDeprecation? Deprecation { get; init; }

    /// <summary>Gets when it was deleted, or null.</summary>
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Gets whether it was deleted: it is listed as evidence and cannot be promoted or loaded.</summary>
    public bool Deleted => DeletedAt is not null;

    /// <inheritdoc/>
    public override string ToString() => $"{Model} v{Number}";
}

/// <summary>Advice against a version.</summary>
/// <param name="Successor">The version to use instead, or null.</param>
/// <param name="Reason">Why.</param>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
public sealed record VersionDeprecation(int? Successor, string Reason, Actor By, DateTimeOffset At);

/// <summary>A move of an alias.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias.</param>
/// <param name="From">The version it named before, or null for none.</param>
/// <param name="To">The version it names now, or 0 for none: it was removed.</param>
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

/// <summary>When an alias named a version.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Start">From when.</param>
/// <param name="End">Until when, or null while it still does.</param>
public sealed record AliasInterval(string Model, string Alias, int Version, DateTimeOffset Start, DateTimeOffset? End);

/// <summary>One change of a model, for a person to read.</summary>
/// <param name="Entry">The number of the ledger entry that tells of it: the order of changes.</param>
/// <param name="Kind">The entry's kind, such as <c>model.alias_moved</c>.</param>
/// <param name="Version">The version it concerns, or null for the model.</param>
/// <param name="What">What was changed, such as <c>alias 'champion'</c>.</param>
/// <param name="From">What it was before, or null.</param>
/// <param name="To">What it is from then on, or null.</param>
/// <param name="Outcome">Whether it happened, was refused or failed.</param>
/// <param name="Reason">Why.</param>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
public sealed record ModelChange(long Entry, string Kind, int? Version, string What, string? From, string? To, LedgerOutcome Outcome, string Reason, Actor By, DateTimeOffset At);

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
}

/// <summary>The end of a run that made no version to promote.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Status">Rejected, failed or cancelled.</param>
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

using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>The kinds of entry that more than one package reads or writes.</summary>
public static class LedgerKinds
{
    /// <summary>A run started. Data: <see cref="RunStart"/>.</summary>
    public const string RunStarted = "run.started";

    /// <summary>A run ended without a version. Data: <see cref="RunEnd"/>.</summary>
    public const string RunEnded = "run.ended";

    /// <summary>A version was registered; when it names a run, that run ended with it. Data: <see cref="VersionNote"/>.</summary>
    public const string VersionRegistered = "model.version_registered";

    /// <summary>An alias was moved, or removed. Data: <see cref="AliasNote"/>.</summary>
    public const string AliasMoved = "model.alias_moved";

    /// <summary>A model's description or owner was written. Data: <see cref="DescriptionNote"/>.</summary>
    public const string ModelDescribed = "model.described";

    /// <summary>A tag of a model or version was set or removed. Data: <see cref="TagNote"/>.</summary>
    public const string TagSet = "model.tag_set";

    /// <summary>A version moved to another stage of its life. Data: <see cref="StageNote"/>.</summary>
    public const string StageMoved = "model.stage_moved";

    /// <summary>A version was deprecated, or its deprecation was taken back. Data: <see cref="DeprecationNote"/>.</summary>
    public const string VersionDeprecated = "model.version_deprecated";

    /// <summary>A version was deleted: its number stays taken. Data: <see cref="TombstoneNote"/>.</summary>
    public const string VersionDeleted = "model.version_deleted";

    /// <summary>A person wrote a section of a model card. Data: <see cref="CardNote"/>.</summary>
    public const string CardEdited = "model.card_edited";

    /// <summary>Somebody asked to be allowed to use a model. Data: <see cref="AccessRequestNote"/>; the reason says what for.</summary>
    public const string AccessRequested = "model.access_requested";

    /// <summary>Such a request was answered. Data: <see cref="AccessAnswerNote"/>.</summary>
    public const string AccessAnswered = "model.access_answered";

    /// <summary>Somebody rated a model. Data: <see cref="RatingNote"/>; the reason is the comment.</summary>
    public const string ModelRated = "model.rated";

    /// <summary>A run read a dataset. Data: <see cref="DataUseNote"/>.</summary>
    public const string RunDataUsed = "run.data_used";

    /// <summary>Two things were declared to be connected. Data: <see cref="LinkNote"/>.</summary>
    public const string Linked = "lineage.linked";

    /// <summary>A segment of high-volume records was closed. Data: <see cref="RecordSegmentNote"/>.</summary>
    public const string RecordsRolled = "records.rolled";

    /// <summary>Segments of high-volume records were deleted by age. Data: <see cref="RecordDeletionNote"/>.</summary>
    public const string RecordsDeleted = "records.deleted";

    /// <summary>A host took a version into service. Data: <see cref="DeploymentNote"/>.</summary>
    public const string DeploymentStarted = "deployment.started";

    /// <summary>A host took a version out of service. Data: <see cref="DeploymentNote"/>.</summary>
    public const string DeploymentEnded = "deployment.ended";

    /// <summary>A host refused a version. Data: <see cref="DeploymentNote"/>; the outcome is failed.</summary>
    public const string DeploymentFailed = "deployment.failed";

    /// <summary>Monitoring raised an alert. Data: <see cref="AlertNote"/>.</summary>
    public const string AlertRaised = "monitor.alert_raised";

    /// <summary>An approval was given. Data: <see cref="ApprovalNote"/>.</summary>
    public const string ApprovalGiven = "approval.given";
}

/// <summary>The data of an entry about a registered version.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Number">The version's number.</param>
/// <param name="Digest">The digest of its manifest.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Files">Its files.</param>
public sealed record VersionNote(string Model, int Number, Digest Digest, VersionStatus Status, IReadOnlyList<ModelFile> Files)
{
    /// <summary>Gets the run that made it, or null.</summary>
    public string? RunId { get; init; }

    /// <summary>Gets the version it follows, or null.</summary>
    public int? Parent { get; init; }

    /// <summary>Gets the metrics on the test rows.</summary>
    public IReadOnlyDictionary<string, MetricValue> Metrics { get; init; } = new Dictionary<string, MetricValue>();

    /// <summary>Gets the kind of task, or null in entries of older writers.</summary>
    public ModelTask? Task { get; init; }

    /// <summary>Gets the name of the model format, or null in entries of older writers.</summary>
    public string? ModelFormat { get; init; }

    /// <summary>Gets the name of the candidate or algorithm that made it, or null in entries of older writers.</summary>
    public string? Algorithm { get; init; }

    /// <summary>Gets the data it was trained on, or null when not known.</summary>
    public DatasetInfo? Dataset { get; init; }

    /// <summary>Gets the stage its life began at; null for <c>rejected</c> when the status says so and <c>validated</c> otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Stage { get; init; }
}

/// <summary>The data of an entry that describes a model.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Description">What it is for; null leaves it as it was.</param>
/// <param name="Owner">The person or team that answers for it; null leaves it as it was.</param>
public sealed record DescriptionNote(string Model, string? Description, string? Owner);

/// <summary>The data of a tag entry.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number, or null for a tag of the model.</param>
/// <param name="Key">The tag's key.</param>
/// <param name="Value">Its value, empty for a tag that is only there or not; null when it was removed.</param>
public sealed record TagNote(string Model, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Version, string Key, string? Value);

/// <summary>The data of an entry about a version's stage.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="From">The stage before.</param>
/// <param name="To">The stage from now on.</param>
public sealed record StageNote(string Model, int Version, string From, string To);

/// <summary>The data of an entry about a deprecation.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Successor">The version to use instead, or null.</param>
/// <param name="Revoked">Whether an earlier deprecation was taken back.</param>
public sealed record DeprecationNote(string Model, int Version, int? Successor = null, bool Revoked = false);

/// <summary>The data of an entry about a deleted version.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Digest">The digest that its manifest had.</param>
public sealed record TombstoneNote(string Model, int Version, Digest Digest);

/// <summary>The data of an entry about a section of a model card that a person wrote.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number, or null for every version of the model.</param>
/// <param name="Section">The section, such as <c>intended-use</c>.</param>
/// <param name="Text">The text in Markdown; empty takes the section out.</param>
public sealed record CardNote(string Model, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Version, string Section, string Text);

/// <summary>The data of an entry by which somebody asks to be allowed to use a model. The request's id is that of the entry.</summary>
/// <param name="Model">The model's name.</param>
public sealed record AccessRequestNote(string Model);

/// <summary>The data of an entry that answers a request. It gives no right by itself.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="RequestId">The id of the entry that asked.</param>
/// <param name="Granted">Whether the answer is yes.</param>
public sealed record AccessAnswerNote(string Model, string RequestId, bool Granted);

/// <summary>The data of an entry that rates a model. Of several by one person the last counts.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Stars">How good, from 1 to 5.</param>
public sealed record RatingNote(string Model, int Stars);

/// <summary>The data of an entry about a dataset that a run read.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Name">The dataset's name.</param>
/// <param name="Digest">The digest of its content: the dataset's version.</param>
/// <param name="Source">Where it came from, without secrets.</param>
/// <param name="Role">What for, such as <c>training</c> or <c>test</c>.</param>
public sealed record DataUseNote(string RunId, string Name, Digest Digest, string Source, string Role);

/// <summary>One end of a declared connection.</summary>
/// <param name="Kind">What it is, such as <c>dataset</c>, <c>feature</c>, <c>run</c>, <c>version</c>, <c>monitor</c> or <c>decision</c>.</param>
/// <param name="Name">Its name; of a version <c>model/number</c>.</param>
public sealed record LinkEnd(string Kind, string Name);

/// <summary>The data of an entry that connects two things.</summary>
/// <param name="From">Where it comes from.</param>
/// <param name="To">What was made of it or depends on it.</param>
/// <param name="Relation">How, such as <c>used</c> or <c>made</c>.</param>
public sealed record LinkNote(LinkEnd From, LinkEnd To, string Relation);

/// <summary>The data of an entry about a closed segment of high-volume records.</summary>
/// <param name="Log">The log's name, such as <c>access</c> or <c>metrics/RUN-ID</c>.</param>
/// <param name="Key">The segment's key in the store.</param>
/// <param name="Digest">The digest of the segment's bytes.</param>
/// <param name="Records">How many records it has.</param>
/// <param name="Bytes">How many bytes it has.</param>
public sealed record RecordSegmentNote(string Log, string Key, Digest Digest, long Records, long Bytes)
{
    /// <summary>Gets the time of the earliest record, or null when not known.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Gets the time of the latest record, or null when not known.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <summary>The data of an entry about records deleted by age: every segment of the log that is on the ledger before this entry and whose latest record is older.</summary>
/// <param name="Log">The log's name.</param>
/// <param name="Before">The instant; segments whose latest record is before it are gone.</param>
/// <param name="Segments">How many segments that was, as the writer saw it.</param>
/// <param name="Records">How many records they held.</param>
/// <param name="Bytes">How many bytes they took.</param>
public sealed record RecordDeletionNote(string Log, DateTimeOffset Before, int Segments, long Records, long Bytes);

/// <summary>The data of an entry about an alias: a move, or one that was refused.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias.</param>
/// <param name="From">The version it named before, or null for none.</param>
/// <param name="To">The version it was moved to, or 0 when it was removed and names none.</param>
/// <param name="Digest">The digest of the version it was moved to; empty when it was removed.</param>
/// <param name="Denied">The code of the rule that refused it, or null.</param>
public sealed record AliasNote(string Model, string Alias, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? From, int To, Digest Digest, string? Denied = null)
{
    /// <summary>Gets whether callers of the version before break with this one: an input they do not send, an output they no longer get.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Breaking { get; init; }
}

/// <summary>The data of an approval entry.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Digest">The digest of its manifest: the approval holds for these bytes only.</param>
public sealed record ApprovalNote(string Model, int Version, Digest Digest);

/// <summary>The data of a deployment entry.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Host">The host and process.</param>
/// <param name="Scorer">How it scores there, or null.</param>
/// <param name="Problem">Why it was refused, or null.</param>
public sealed record DeploymentNote(string Model, int Version, string Host, string? Scorer = null, string? Problem = null);

/// <summary>The data of an alert entry.</summary>
/// <param name="AlertId">The alert's id.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version that was watched, or null.</param>
/// <param name="Check">The check that fired, such as <c>drift</c>.</param>
/// <param name="Message">What was found, for a person.</param>
/// <param name="Numbers">The numbers behind it, by name.</param>
public sealed record AlertNote(string AlertId, string Model, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Version, string Check, string Message, IReadOnlyDictionary<string, double> Numbers);

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Registry;

/// <summary>What a version is, what it was made of, how good it is and what is not known: facts of the ledger and the manifest, and people's words.</summary>
/// <remarks>Made anew at each call, so it is never out of date. Equal facts give equal bytes in every form.</remarks>
public sealed record ModelCard
{
    /// <summary>The newest format this library writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the version's number.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the digest of the version's manifest.</summary>
    public required Digest Digest { get; init; }

    /// <summary>Gets what the model is for, or null.</summary>
    public string? Description { get; init; }

    /// <summary>Gets who answers for it, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>Gets how it came through its gates.</summary>
    public required VersionStatus Status { get; init; }

    /// <summary>Gets its stage of life.</summary>
    public required string Stage { get; init; }

    /// <summary>Gets the aliases that name it now.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>Gets whether it is deprecated.</summary>
    public bool Deprecated { get; init; }

    /// <summary>Gets the version to use instead, or null.</summary>
    public int? Successor { get; init; }

    /// <summary>Gets whether it was deleted.</summary>
    public bool Deleted { get; init; }

    /// <summary>Gets whether it drifts.</summary>
    public CatalogDrift Drift { get; init; }

    /// <summary>Gets whether it is signed.</summary>
    public bool Signed { get; init; }

    /// <summary>Gets how people rated the model, or null when nobody did.</summary>
    public RatingSummary? Rating { get; init; }

    /// <summary>Gets how many people asked to be allowed to use the model, answered or not.</summary>
    public int AccessRequests { get; init; }

    /// <summary>Gets how many of them wait for an answer.</summary>
    public int OpenAccessRequests { get; init; }

    /// <summary>Gets who registered it.</summary>
    public required string RegisteredBy { get; init; }

    /// <summary>Gets when it was registered.</summary>
    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Gets why it was registered.</summary>
    public required string Reason { get; init; }

    /// <summary>Gets the tags: the version's, and the model's where the version has none of that key.</summary>
    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    /// <summary>Gets the sections that people wrote, in the order they are read.</summary>
    public required IReadOnlyList<CardSection> Sections { get; init; }

    /// <summary>Gets the sections that a card should have and nobody wrote yet.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>Gets the manifest: data, parameters, metrics, gates, goal, environment, schema and notes; null for a deleted version.</summary>
    public ModelManifest? Manifest { get; init; }

    /// <summary>Gets all candidates that were tried, best first; empty when the version carries no report of its run.</summary>
    public IReadOnlyList<CardCandidate> Candidates { get; init; } = [];

    /// <summary>Gets how it does on parts of the test rows, worst first; empty when the version carries no report of its run.</summary>
    public IReadOnlyList<CardSlice> Slices { get; init; } = [];

    /// <summary>Gets how many rows broke each rule of the data contract.</summary>
    public IReadOnlyDictionary<string, long> RejectedRows { get; init; } = new Dictionary<string, long>();

    /// <summary>Gets the approvals, oldest first.</summary>
    public IReadOnlyList<CardApproval> Approvals { get; init; } = [];

    /// <summary>Gets when it was in service where, oldest first, the newest 100.</summary>
    public IReadOnlyList<DeploymentInterval> Deployments { get; init; } = [];

    /// <summary>Gets what happened to it and to its model's description, tags and card, oldest first, the newest 100.</summary>
    public IReadOnlyList<CardChange> Changes { get; init; } = [];

    /// <summary>Gets what it was made of, nearest first, at most 200.</summary>
    public IReadOnlyList<LineageFact> MadeOf { get; init; } = [];

    /// <summary>Gets the front matter: what catalogs outside understand of the model. Licence, language and base model come from the tags <c>license</c>, <c>language</c> and <c>base_model</c>.</summary>
    [JsonIgnore]
    public ModelCardMetadata Metadata => CardText.MetadataOf(this);

    /// <summary>Writes the card as Markdown with the front matter that the Hugging Face hub reads.</summary>
    /// <returns>The text.</returns>
    public string ToMarkdown() => CardText.Markdown(this);

    /// <summary>Writes the card as a whole HTML page without scripts. Everything is escaped; people's Markdown is shown as it was typed.</summary>
    /// <returns>The page.</returns>
    public string ToHtml() => CardText.Html(this);

    /// <summary>Writes the card as JSON.</summary>
    /// <returns>The document, indented.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, CardJson.Default.ModelCard);
}

/// <summary>A section of a card that a person wrote.</summary>
/// <param name="Name">Its name, such as <c>intended-use</c>.</param>
/// <param name="Text">The text in Markdown.</param>
/// <param name="By">Who wrote it.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why it was written or changed.</param>
/// <param name="OfModel">Whether it was written for every version of the model.</param>
public sealed record CardSection(string Name, string Text, string By, DateTimeOffset At, string Reason, bool OfModel);

/// <summary>A candidate that was tried.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Metrics">Its metrics on the validation rows; empty when it failed.</param>
/// <param name="Problem">Why it failed, or null.</param>
public sealed record CardCandidate(string Name, IReadOnlyDictionary<string, MetricValue> Metrics, string? Problem);

/// <summary>How a version does on a part of the test rows.</summary>
/// <param name="Column">The column the part is made by.</param>
/// <param name="Value">The column's value there.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Result">The metric, or null when there are too few rows to tell.</param>
public sealed record CardSlice(string Column, string Value, long Rows, string Metric, MetricValue? Result);

/// <summary>An approval.</summary>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why.</param>
public sealed record CardApproval(string By, DateTimeOffset At, string Reason);

/// <summary>Something that happened.</summary>
/// <param name="Entry">The number of its ledger entry.</param>
/// <param name="Kind">What, such as <c>model.alias_moved</c>.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why.</param>
public sealed record CardChange(long Entry, string Kind, LedgerOutcome Outcome, string By, DateTimeOffset At, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(ModelCard))]
internal sealed partial class CardJson : JsonSerializerContext;

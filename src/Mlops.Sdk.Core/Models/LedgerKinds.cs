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

    /// <summary>An alias was moved. Data: <see cref="AliasNote"/>.</summary>
    public const string AliasMoved = "model.alias_moved";

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
}

/// <summary>The data of an entry about an alias: a move, or one that was refused.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias.</param>
/// <param name="From">The version it named before, or null for none.</param>
/// <param name="To">The version it was moved to.</param>
/// <param name="Digest">The digest of the version it was moved to.</param>
/// <param name="Denied">The code of the rule that refused it, or null.</param>
public sealed record AliasNote(string Model, string Alias, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? From, int To, Digest Digest, string? Denied = null);

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

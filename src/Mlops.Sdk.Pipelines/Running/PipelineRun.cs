using System.Text.Json.Serialization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>How a run is to be recorded and repeated.</summary>
public sealed record PipelineRunOptions
{
    /// <summary>Gets why the pipeline runs; not blank.</summary>
    public required string Reason { get; init; }

    /// <summary>Gets what started it, such as <c>manual</c>, <c>cron</c> or <c>drift:ALERT-ID</c>.</summary>
    public string Trigger { get; init; } = "manual";

    /// <summary>
    /// Gets what makes the run that run: the same pipeline and key never make two versions, whichever process runs them and however often.
    /// Null for the content of the data and the definition: equal data run twice is one run.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>Gets the seed. Equal data, definition, seed and library versions give equal models.</summary>
    /// <value>The default is 1.</value>
    public int Seed { get; init; } = 1;

    /// <summary>Gets what the run hopes to show, or null.</summary>
    public string? Hypothesis { get; init; }
}

/// <summary>What a run did.</summary>
/// <param name="RunId">Its id.</param>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Report">What it found on the way.</param>
/// <param name="Repeated">True when the run had ended before, here or in another process, and this is its record.</param>
public sealed record PipelineRun(string RunId, string Pipeline, RunOutcome Outcome, RunReport Report, bool Repeated = false)
{
    /// <summary>Gets the version it made, passed or rejected, or null.</summary>
    public ModelVersion? Version => Outcome switch
    {
        Registered registered => registered.Version,
        Rejected rejected => rejected.Version,
        _ => null,
    };
}

/// <summary>How a run ended: one of <see cref="Registered"/>, <see cref="Rejected"/>, <see cref="Failed"/> and <see cref="Cancelled"/>.</summary>
public abstract record RunOutcome
{
    private protected RunOutcome()
    {
    }

    internal static RunOutcome Of(ModelVersion version) => version.Status == VersionStatus.Validated ? new Registered(version) : new Rejected(version.Reason, version);
}

/// <summary>The version passed its gate and can be promoted.</summary>
/// <param name="Version">The version.</param>
public sealed record Registered(ModelVersion Version) : RunOutcome;

/// <summary>A contract or the gate said no.</summary>
/// <param name="Reason">Why, for a person.</param>
/// <param name="Version">The version, kept as evidence; null when no model was made.</param>
public sealed record Rejected(string Reason, ModelVersion? Version) : RunOutcome;

/// <summary>A step failed.</summary>
/// <param name="Step">The step.</param>
/// <param name="Error">The error.</param>
public sealed record Failed(string Step, Exception Error) : RunOutcome;

/// <summary>The run was cancelled.</summary>
/// <param name="Step">The step that was running.</param>
public sealed record Cancelled(string Step) : RunOutcome;

/// <summary>What a run found; stored with the version as <c>run.json</c>.</summary>
public sealed record RunReport
{
    /// <summary>The name of the file in a version.</summary>
    public const string FileName = "run.json";

    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the steps that ran, in order.</summary>
    public IReadOnlyList<StepRecord> Steps { get; init; } = [];

    /// <summary>Gets the data, or null when it could not be read.</summary>
    public DatasetInfo? Dataset { get; init; }

    /// <summary>Gets how many rows broke each rule of the contract.</summary>
    public IReadOnlyDictionary<string, long> RejectedByRule { get; init; } = new Dictionary<string, long>();

    /// <summary>Gets the first rows that were kept aside, at most 100.</summary>
    public IReadOnlyList<RejectedRow> RejectedRows { get; init; } = [];

    /// <summary>Gets the columns that leak the label.</summary>
    public IReadOnlyList<LeakFinding> Leaks { get; init; } = [];

    /// <summary>Gets the candidates, best first.</summary>
    public IReadOnlyList<LeaderboardRow> Leaderboard { get; init; } = [];

    /// <summary>Gets the evaluation of the best candidate on the test rows, or null.</summary>
    public Evaluation? Evaluation { get; init; }

    /// <summary>Gets the evaluation of the trivial baseline on the test rows, or null.</summary>
    public Evaluation? Baseline { get; init; }

    /// <summary>Gets the gate's decisions.</summary>
    public IReadOnlyList<GateResult> Gates { get; init; } = [];

    /// <summary>Gets the business goal and how the version stands to it, or null.</summary>
    public GoalResult? Goal { get; init; }
}

/// <summary>A candidate on the leaderboard.</summary>
/// <param name="Candidate">Its name.</param>
/// <param name="Metrics">Its metrics on the validation rows; empty when it failed.</param>
/// <param name="Milliseconds">How long training took; 0 when it came from the cache.</param>
/// <param name="Problem">Why it failed, or null.</param>
public sealed record LeaderboardRow(string Candidate, IReadOnlyDictionary<string, MetricValue> Metrics, double Milliseconds, string? Problem = null);

/// <summary>Progress of a run.</summary>
/// <param name="Step">The step.</param>
/// <param name="State"><c>started</c>, or how it ended: <c>ok</c>, <c>cached</c>, <c>rejected</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Detail">A few words for a person, or null.</param>
public sealed record StepEvent(string Step, string State, string? Detail = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunReport))]
[JsonSerializable(typeof(TrainedRecord))]
internal sealed partial class PipelineJson : JsonSerializerContext;

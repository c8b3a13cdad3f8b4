namespace Mlops.Sdk.Registry;

/// <summary>An experiment: what runs belong together under.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, or null.</param>
/// <param name="Tags">Its tags.</param>
/// <param name="Runs">How many runs it has, deleted ones not counted.</param>
/// <param name="Created">When it was described or its first run started.</param>
/// <param name="Updated">When it was last described or a run of it last started.</param>
/// <param name="Deleted">Whether it was deleted, its runs with it; it can be restored.</param>
public sealed record Experiment(string Name, string? Description, IReadOnlyDictionary<string, string> Tags, int Runs, DateTimeOffset Created, DateTimeOffset Updated, bool Deleted);

/// <summary>What is written about an experiment.</summary>
public sealed record ExperimentChange
{
    /// <summary>Gets the description; null leaves it as it was.</summary>
    public string? Description { get; init; }

    /// <summary>Gets tags to set; a null value removes the tag.</summary>
    public IReadOnlyDictionary<string, string?> Tags { get; init; } = new Dictionary<string, string?>();
}

/// <summary>A point of a metric series.</summary>
/// <param name="Step">The step, such as an epoch or iteration.</param>
/// <param name="Time">When it was measured; to 100 ns.</param>
/// <param name="Value">The value; NaN and infinities are kept.</param>
public readonly record struct MetricPoint(long Step, DateTimeOffset Time, double Value);

/// <summary>A metric series in one line. Points that were written twice by a resumed run count twice here; <see cref="IRunTracker.MetricHistoryAsync"/> gives them once.</summary>
/// <param name="Last">The value at the highest step, the latest of them.</param>
/// <param name="LastStep">That step.</param>
/// <param name="LastTime">That time.</param>
/// <param name="Minimum">The smallest value that is not NaN; NaN when there is none.</param>
/// <param name="Maximum">The largest value that is not NaN; NaN when there is none.</param>
/// <param name="Count">How many points were written.</param>
public sealed record MetricSummary(double Last, long LastStep, DateTimeOffset LastTime, double Minimum, double Maximum, long Count);

/// <summary>A file of a run.</summary>
/// <param name="Path">Its path within the run.</param>
/// <param name="Digest">The digest of its bytes: its name in the artifact store.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Time">When it was logged.</param>
public sealed record RunArtifact(string Path, Digest Digest, long Length, DateTimeOffset Time);

/// <summary>A file or folder in a listing of a run's files.</summary>
/// <param name="Path">Its path within the run.</param>
/// <param name="File">The file, or null for a folder.</param>
public sealed record RunArtifactItem(string Path, RunArtifact? File);

/// <summary>A dataset that a run read.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="Digest">The digest of its content.</param>
/// <param name="Source">Where it came from, without secrets.</param>
/// <param name="Role">What for, such as <c>training</c>.</param>
public sealed record RunDataset(string Name, Digest Digest, string Source, string Role);

/// <summary>What became of a run's hypothesis.</summary>
public enum HypothesisVerdict
{
    /// <summary>The run bears it out.</summary>
    Confirmed,

    /// <summary>The run speaks against it.</summary>
    Refuted,

    /// <summary>The run does not tell.</summary>
    Inconclusive,
}

/// <summary>What became of a run's hypothesis, in one word and in a person's words.</summary>
/// <param name="Verdict">The word.</param>
/// <param name="Text">What was seen; at most 4,000 characters.</param>
public sealed record HypothesisOutcome(HypothesisVerdict Verdict, string Text);

/// <summary>Everything that is known of a run, as of one moment. Immutable.</summary>
/// <param name="RunId">Its id.</param>
/// <param name="Experiment">Its experiment.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Trigger">What started it.</param>
/// <param name="Reason">Why.</param>
/// <param name="By">Who.</param>
/// <param name="Started">When it started.</param>
public sealed record RunDetails(string RunId, string Experiment, RunStatus Status, string Trigger, string Reason, Actor By, DateTimeOffset Started)
{
    /// <summary>Gets the name for people, or null.</summary>
    public string? Name { get; init; }

    /// <summary>Gets when it ended, or null.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>Gets what happened at its end, or null.</summary>
    public string? Message { get; init; }

    /// <summary>Gets what it hoped to show, or null.</summary>
    public string? Hypothesis { get; init; }

    /// <summary>Gets what became of the hypothesis, or null.</summary>
    public HypothesisOutcome? Outcome { get; init; }

    /// <summary>Gets the note in Markdown, or null.</summary>
    public string? Note { get; init; }

    /// <summary>Gets the run that it is a part of, or null.</summary>
    public string? Parent { get; init; }

    /// <summary>Gets the model that it made a version of, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the number of that version, or null.</summary>
    public int? Version { get; init; }

    /// <summary>Gets whether it was deleted, by itself or with its experiment; it can be restored.</summary>
    public bool Deleted { get; init; }

    /// <summary>Gets the parameters.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the tags.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the metric series in one line each. What a process logged and has not flushed is not among them.</summary>
    public IReadOnlyDictionary<string, MetricSummary> Metrics { get; init; } = new Dictionary<string, MetricSummary>();

    /// <summary>Gets the files by path.</summary>
    public IReadOnlyDictionary<string, RunArtifact> Artifacts { get; init; } = new Dictionary<string, RunArtifact>();

    /// <summary>Gets the datasets it read.</summary>
    public IReadOnlyList<RunDataset> Datasets { get; init; } = [];

    /// <summary>Gets where it took place, or null.</summary>
    public EnvironmentInfo? Environment { get; init; }
}

/// <summary>How a run is started beyond what <see cref="RunStart"/> says.</summary>
public sealed record RunOptions
{
    /// <summary>Gets the name for people; at most 250 characters.</summary>
    public string? Name { get; init; }

    /// <summary>Gets the run that it is a part of, or null.</summary>
    public string? Parent { get; init; }

    /// <summary>Gets the tags to begin with.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets where the run takes place; null to write down nothing. See <see cref="EnvironmentCapture.Now"/>.</summary>
    public EnvironmentInfo? Environment { get; init; }
}

/// <summary>Several things to log at once.</summary>
public sealed record RunBatch
{
    /// <summary>Gets parameters. One that has another value already is refused, and the whole batch with it.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets tags to set; a null value removes the tag.</summary>
    public IReadOnlyDictionary<string, string?> Tags { get; init; } = new Dictionary<string, string?>();

    /// <summary>Gets points of metric series.</summary>
    public IReadOnlyList<(string Name, MetricPoint Point)> Metrics { get; init; } = [];

    /// <summary>
    /// Gets whether <see cref="IRunTracker.LogBatchAsync"/> waits until the metrics are durable. When not, they are within about ten seconds, and this process's tracker reads them at once;
    /// callers that log point by point write one segment for many calls instead of one for each.
    /// </summary>
    /// <value>The default is true.</value>
    public bool WaitUntilDurable { get; init; } = true;
}

/// <summary>How a metric series is made smaller for a chart.</summary>
public enum MetricSampling
{
    /// <summary>Largest triangle three buckets: keeps the look of the line. Points that are not finite are left out.</summary>
    /// <remarks>Source: S. Steinarsson, Downsampling Time Series for Visual Representation, University of Iceland, 2013.</remarks>
    LargestTriangle,

    /// <summary>The first, smallest, largest and last point of each bucket: keeps every extreme. Points that are not finite are left out.</summary>
    MinMax,
}

/// <summary>Which points of a metric series to read.</summary>
public sealed record MetricQuery
{
    /// <summary>Gets the first step to read, or null.</summary>
    public long? FromStep { get; init; }

    /// <summary>Gets the last step to read, inclusive, or null.</summary>
    public long? ToStep { get; init; }

    /// <summary>Gets whether only the latest point of each step is given, as after a run was resumed from an earlier step.</summary>
    public bool LatestOfEachStep { get; init; }

    /// <summary>Gets the most points to give; null for all.</summary>
    /// <value>At least 4.</value>
    public int? MaxPoints { get; init; }

    /// <summary>Gets how the series is made smaller when it has more points than that.</summary>
    public MetricSampling Sampling { get; init; }
}

/// <summary>Runs side by side.</summary>
/// <param name="Runs">The runs in the order asked for.</param>
/// <param name="Parameters">A row for each parameter of any of them, by name.</param>
/// <param name="Metrics">A row for the last value of each metric of any of them, by name.</param>
public sealed record RunComparison(IReadOnlyList<RunDetails> Runs, IReadOnlyList<ComparisonRow<string>> Parameters, IReadOnlyList<ComparisonRow<double?>> Metrics);

/// <summary>One row of a comparison.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
/// <param name="Name">The parameter or metric.</param>
/// <param name="Values">Its value in each run, in the order of the runs; null where the run has none.</param>
/// <param name="Differs">Whether not all runs have the same value.</param>
public sealed record ComparisonRow<T>(string Name, IReadOnlyList<T?> Values, bool Differs);

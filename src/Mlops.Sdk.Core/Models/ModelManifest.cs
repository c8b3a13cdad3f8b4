namespace Mlops.Sdk;

/// <summary>What makes a version that version: stored as an artifact, its digest is the version's digest, so that it can never change.</summary>
public sealed record ModelManifest
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the name of the model format, such as <c>mlnet</c>, that says who can load the files.</summary>
    public required string ModelFormat { get; init; }

    /// <summary>Gets the files.</summary>
    public required IReadOnlyList<ModelFile> Files { get; init; }

    /// <summary>Gets what the model takes and gives.</summary>
    public required ModelSchema Schema { get; init; }

    /// <summary>Gets the name of the candidate or algorithm that made it.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Gets the parameters it was trained with.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the metrics on the test rows by standard name (<c>auc</c>, <c>logLoss</c>, <c>rmse</c>, ...).</summary>
    public IReadOnlyDictionary<string, MetricValue> Metrics { get; init; } = new Dictionary<string, MetricValue>();

    /// <summary>Gets the data it was trained on, or null when not known (an imported model).</summary>
    public DatasetInfo? Dataset { get; init; }

    /// <summary>Gets every dataset that went into it by name and content, when there is more to say than <see cref="Dataset"/>: test rows, reference data, an earlier model's data.</summary>
    public IReadOnlyList<DatasetReference> Datasets { get; init; } = [];

    /// <summary>Gets where it was trained, or null when not known.</summary>
    public EnvironmentInfo? Environment { get; init; }

    /// <summary>Gets the run that made it, or null.</summary>
    public string? RunId { get; init; }

    /// <summary>Gets the version it follows, or null for the first.</summary>
    public int? Parent { get; init; }

    /// <summary>Gets the gate's decisions.</summary>
    public IReadOnlyList<GateResult> Gates { get; init; } = [];

    /// <summary>Gets the stated business goal and whether it is met, or null.</summary>
    public GoalResult? Goal { get; init; }

    /// <summary>Gets notes that a person should read, such as an excluded leaking column.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>The file roles that more than one package knows.</summary>
public static class ModelFileNames
{
    /// <summary>An example of what the model takes: a JSON object of columns and values, or an array of such.</summary>
    public const string InputExample = "input-example.json";

    /// <summary>How much each input matters: <c>{"format":1,"method":"permutation","inputs":{"Distance":0.41}}</c>.</summary>
    public const string Importance = "importance.json";
}

/// <summary>A dataset that went into a version.</summary>
/// <param name="Name">Its name: 1 to 512 characters.</param>
/// <param name="Digest">The digest of its content.</param>
/// <param name="Role">What for, such as <c>training</c>, <c>test</c> or <c>reference</c>; 1 to 64 of <c>a-z 0-9 - _</c>.</param>
public sealed record DatasetReference(string Name, Digest Digest, string Role)
{
    /// <summary>Gets where it came from, without secrets, or null.</summary>
    public string? Source { get; init; }
}

/// <summary>A file of a version.</summary>
/// <param name="Name">Its role, such as <c>model.zip</c>, <c>profile.json</c>, <c>probe.json</c> or one of <see cref="ModelFileNames"/>: 1 to 128 of <c>a-z 0-9 . _ -</c>.</param>
/// <param name="Digest">The digest of its bytes in the artifact store.</param>
/// <param name="Length">Its length in bytes.</param>
public sealed record ModelFile(string Name, Digest Digest, long Length);

/// <summary>A metric with its confidence interval.</summary>
/// <param name="Value">The value on the test rows; NaN is not stored, an undefined metric is left out.</param>
/// <param name="Lower">The lower end of the 95 % interval, or null.</param>
/// <param name="Upper">The upper end of the 95 % interval, or null.</param>
public sealed record MetricValue(double Value, double? Lower = null, double? Upper = null);

/// <summary>The data a model was trained on.</summary>
/// <param name="Source">Where it came from, without secrets.</param>
/// <param name="Fingerprint">The digest of its content: equal rows give equal fingerprints, whatever the source.</param>
/// <param name="Rows">How many rows were accepted.</param>
/// <param name="Rejected">How many rows the contract refused.</param>
public sealed record DatasetInfo(string Source, Digest Fingerprint, long Rows, long Rejected)
{
    /// <summary>Gets the first and last time in the time column as ISO 8601, or null.</summary>
    public string? From { get; init; }

    /// <summary>Gets the last time in the time column as ISO 8601, or null.</summary>
    public string? To { get; init; }

    /// <summary>Gets how many rows were trained on.</summary>
    public long TrainingRows { get; init; }

    /// <summary>Gets how many rows were tested on.</summary>
    public long TestRows { get; init; }
}

/// <summary>Where a run took place.</summary>
/// <param name="Runtime">The .NET runtime, such as <c>.NET 10.0.1</c>.</param>
/// <param name="OperatingSystem">The operating system.</param>
/// <param name="Architecture">The processor architecture.</param>
/// <param name="Processors">How many logical processors the process saw.</param>
/// <param name="Packages">The packages that matter and their versions.</param>
/// <param name="Seed">The seed.</param>
public sealed record EnvironmentInfo(string Runtime, string OperatingSystem, string Architecture, int Processors, IReadOnlyDictionary<string, string> Packages, int Seed)
{
    /// <summary>Gets the vector instruction sets of the processor that ML.NET's sums depend on.</summary>
    public IReadOnlyList<string> CpuFeatures { get; init; } = [];

    /// <summary>Gets the git commit of the working directory, or null when there is none.</summary>
    public string? GitCommit { get; init; }
}

/// <summary>One decision of a gate.</summary>
/// <param name="Name">The rule, such as <c>beats-baseline</c>.</param>
/// <param name="Passed">Whether it was kept.</param>
/// <param name="Message">What was expected and found, for a person.</param>
/// <param name="Numbers">The numbers behind it, by name.</param>
public sealed record GateResult(string Name, bool Passed, string Message, IReadOnlyDictionary<string, double> Numbers);

/// <summary>A business goal and how a version stands to it.</summary>
/// <param name="Statement">The goal in words.</param>
/// <param name="Criteria">The criteria: the metric's name, what was asked, what was reached.</param>
public sealed record GoalResult(string Statement, IReadOnlyList<GateResult> Criteria);

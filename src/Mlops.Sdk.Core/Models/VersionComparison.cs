namespace Mlops.Sdk;

/// <summary>How two versions of a model differ. What is equal is left out, except metrics, which are all there.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="From">The number of the version to start from.</param>
/// <param name="To">The number of the version to go to.</param>
public sealed record VersionComparison(string Model, int From, int To)
{
    /// <summary>Gets whether callers of the first version break with the second one.</summary>
    public bool Breaking => Schema.Any(c => c.Breaking);

    /// <summary>Gets what differs in what the model takes and gives.</summary>
    public IReadOnlyList<SchemaChange> Schema { get; init; } = [];

    /// <summary>Gets the metrics of both, by name.</summary>
    public IReadOnlyList<MetricChange> Metrics { get; init; } = [];

    /// <summary>Gets what differs in the data: source, fingerprint, rows, time range, datasets.</summary>
    public IReadOnlyList<ValueChange> Data { get; init; } = [];

    /// <summary>Gets what differs in algorithm and parameters.</summary>
    public IReadOnlyList<ValueChange> Parameters { get; init; } = [];

    /// <summary>Gets what differs in runtime, machine, packages, seed and git commit.</summary>
    public IReadOnlyList<ValueChange> Environment { get; init; } = [];

    /// <summary>Gets what differs in the decisions of the gates.</summary>
    public IReadOnlyList<ValueChange> Gates { get; init; } = [];

    /// <summary>Gets what differs in the files.</summary>
    public IReadOnlyList<ValueChange> Files { get; init; } = [];

    /// <summary>Gets how much each input matters in both, the greatest change first; empty when a version does not say.</summary>
    public IReadOnlyList<ImportanceChange> Importance { get; init; } = [];

    /// <summary>Gets why <see cref="Importance"/> is empty, or null.</summary>
    public string? ImportanceMissing { get; init; }
}

/// <summary>The kinds of difference between two schemas.</summary>
public enum SchemaChangeKind
{
    /// <summary>The task is another one.</summary>
    TaskChanged,

    /// <summary>The learned column has another name.</summary>
    LabelChanged,

    /// <summary>There is an input more.</summary>
    InputAdded,

    /// <summary>There is an input less.</summary>
    InputRemoved,

    /// <summary>An input is of another kind, or comes from a value of another kind.</summary>
    InputKindChanged,

    /// <summary>An input comes from another column or part of it.</summary>
    InputSourceChanged,

    /// <summary>Other categories were seen in training.</summary>
    CategoriesChanged,

    /// <summary>Another range was seen in training.</summary>
    RangeChanged,

    /// <summary>There is an output more.</summary>
    OutputAdded,

    /// <summary>There is an output less.</summary>
    OutputRemoved,

    /// <summary>The outputs come in another order.</summary>
    OutputsReordered,
}

/// <summary>One difference between two schemas.</summary>
/// <param name="Kind">What kind of difference.</param>
/// <param name="Name">The input or output, or the part of the schema.</param>
/// <param name="From">What it was, or null.</param>
/// <param name="To">What it is, or null.</param>
/// <param name="Breaking">Whether callers of the first version break.</param>
/// <param name="Message">What it means for callers, for a person.</param>
public sealed record SchemaChange(SchemaChangeKind Kind, string Name, string? From, string? To, bool Breaking, string Message);

/// <summary>A metric of two versions.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The first version's, or null.</param>
/// <param name="To">The second version's, or null.</param>
/// <param name="Delta">Second less first, or null when one is missing.</param>
/// <param name="IntervalsOverlap">Whether the two 95 % intervals meet, so that the difference may be chance; null when one is missing. Versions were tested on their own rows: only a paired test on the same rows decides.</param>
public sealed record MetricChange(string Name, MetricValue? From, MetricValue? To, double? Delta, bool? IntervalsOverlap);

/// <summary>A value that differs.</summary>
/// <param name="Name">What it is.</param>
/// <param name="From">The first version's, or null.</param>
/// <param name="To">The second version's, or null.</param>
public sealed record ValueChange(string Name, string? From, string? To);

/// <summary>How much an input matters in two versions.</summary>
/// <param name="Input">The input.</param>
/// <param name="From">In the first version, or null when it has no such input.</param>
/// <param name="To">In the second version, or null when it has no such input.</param>
/// <param name="RankFrom">Its rank in the first version, from 1, or null.</param>
/// <param name="RankTo">Its rank in the second version, from 1, or null.</param>
public sealed record ImportanceChange(string Input, double? From, double? To, int? RankFrom, int? RankTo);

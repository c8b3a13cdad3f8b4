using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>How right a version's answers of one span of time were. Realised and estimated numbers stand apart, each under its own name.</summary>
public sealed record PerformanceWindow
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets when the span began; predictions belong to the span they were made in, whenever the truth came.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Gets when the span ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Gets how the labels came.</summary>
    public required LabelCounts Labels { get; init; }

    /// <summary>Gets the realised performance: of the predictions whose truth came; null when none did.</summary>
    public PerformanceValues? Realised { get; init; }

    /// <summary>Gets the performance estimated without labels, of all predictions that have an id, by name; empty when the version has no <c>performance.json</c>.</summary>
    public IReadOnlyDictionary<string, MetricValue> Estimated { get; init; } = new Dictionary<string, MetricValue>(StringComparer.Ordinal);

    /// <summary>Gets how calibrated probabilities stand to the truth (after the reference's calibration, so that a change since training shows); null unless answers are yes and no and truths came.</summary>
    public CalibrationCheck? Calibration { get; init; }

    /// <summary>Gets the business numbers, of the predictions whose truth came.</summary>
    public IReadOnlyList<KpiValue> Kpis { get; init; } = [];

    /// <summary>Gets the realised performance of single segments, most rows first, at most 50.</summary>
    public IReadOnlyList<SegmentPerformance> Segments { get; init; } = [];

    /// <summary>Gets what a reader has to know, such as that labels come later for one class.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Writes the numbers as signals.</summary>
    /// <param name="reference">The version's reference, or null.</param>
    /// <param name="minimumLabels">How many truths realised metrics need.</param>
    /// <returns>The signals: <c>performance.*</c> realised, <c>estimated.*</c> without labels, <c>kpi.*</c>.</returns>
    public IReadOnlyList<MonitorSignal> ToSignals(PerformanceReference? reference, int minimumLabels = 100) => PerformanceSignals.Of(this, reference, minimumLabels);
}

/// <summary>How the truths of a window's predictions came.</summary>
public sealed record LabelCounts
{
    /// <summary>Gets how many predictions with an id were recorded; an id that a version was asked by twice counts once, with the later answer.</summary>
    public required long Predictions { get; init; }

    /// <summary>Gets how many have a truth that counts.</summary>
    public required long Labelled { get; init; }

    /// <summary>Gets how many wait for one.</summary>
    public long Waiting { get; init; }

    /// <summary>Gets how many got none within the horizon.</summary>
    public long Expired { get; init; }

    /// <summary>Gets how many got one too long after, or too long before; it does not count.</summary>
    public long TooLate { get; init; }

    /// <summary>Gets how many got one that is no truth of this model: an unknown class, or a number that is none.</summary>
    public long Unusable { get; init; }

    /// <summary>Gets how many have none because it was told for another version only.</summary>
    public long OtherVersion { get; init; }

    /// <summary>Gets how many have a truth that was told several times, and not always the same.</summary>
    public long Relabelled { get; init; }

    /// <summary>Gets how many were asked by the same id before.</summary>
    public long Repeated { get; init; }

    /// <summary>Gets how long truths took, in seconds: median, 90th and 99th percentile; empty when none came. One told before its prediction took 0.</summary>
    public IReadOnlyList<double> Delays { get; init; } = [];

    /// <summary>Gets whether labels come sooner or more often for one answer or class than for another: realised metrics of a young window then lean to that one.</summary>
    public bool Biased { get; init; }

    /// <summary>Gets the share of predictions that have a truth.</summary>
    [JsonIgnore]
    public double Coverage => Predictions == 0 ? 0 : (double)Labelled / Predictions;
}

/// <summary>A business number.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Unit">Its unit, or null.</param>
/// <param name="Rows">How many answers it was counted over.</param>
/// <param name="Total">The sum with its 95 % interval: what other rows of the same kind might have brought.</param>
/// <param name="Mean">The mean per answer.</param>
public sealed record KpiValue(string Name, string? Unit, long Rows, MetricValue Total, double Mean);

/// <summary>The realised performance of a segment.</summary>
/// <param name="Segment">The segment, such as <c>country=SE</c>.</param>
/// <param name="Values">How right the answers were.</param>
public sealed record SegmentPerformance(string Segment, PerformanceValues Values);

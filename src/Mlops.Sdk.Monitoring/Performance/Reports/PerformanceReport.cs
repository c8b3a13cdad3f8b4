using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>The performance of a version over time: what a page draws. JSON by <see cref="ToJson"/>.</summary>
public sealed record PerformanceReport
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    private const int MaxBytes = 64 << 20;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the kind of task.</summary>
    public required ModelTask Task { get; init; }

    /// <summary>Gets when the report was made.</summary>
    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>Gets the metrics over time, by name.</summary>
    public required IReadOnlyList<PerformanceSeries> Series { get; init; }

    /// <summary>Gets the windows, oldest first.</summary>
    public required IReadOnlyList<PerformanceWindow> Windows { get; init; }

    /// <summary>Gets the business numbers over time, by name.</summary>
    public IReadOnlyList<KpiSeries> Kpis { get; init; } = [];

    /// <summary>Gets the metrics whose latest window with a value lies outside its thresholds.</summary>
    public IReadOnlyList<string> Outside { get; init; } = [];

    /// <summary>Gets what a reader has to know: above all what estimates can and cannot see.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Writes the report.</summary>
    /// <returns>UTF-8 JSON.</returns>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, PerformanceJson.Default.PerformanceReport);

    /// <summary>Reads a report.</summary>
    /// <param name="json">Its bytes, at most 64 MiB.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are none (<c>monitoring.unreadable_report</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static PerformanceReport FromJson(ReadOnlySpan<byte> json)
    {
        PerformanceReport? report;
        try
        {
            report = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, PerformanceJson.Default.PerformanceReport) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_report", $"A performance report is expected; the bytes do not read as one: {error.Message} Make it again.", error);
        }

        return report switch
        {
            { Format: > CurrentFormat } => throw new MlopsIntegrityException("monitoring.newer_format", $"The performance report has format {report.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process."),
            { Model: not null, Series: not null, Windows: not null } => report,
            _ => throw new MlopsIntegrityException("monitoring.unreadable_report", $"A performance report of at most {MaxBytes} bytes is expected; the bytes found are not one. Make it again."),
        };
    }

    internal static PerformanceReport Of(string model, int version, ModelTask task, DateTimeOffset now, IReadOnlyList<PerformanceWindow> windows, PerformanceReference? reference)
    {
        string[] names = [.. windows.SelectMany(w => (w.Realised?.Metrics.Keys ?? []).Concat(w.Estimated.Keys)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var series = new List<PerformanceSeries>();
        foreach (string name in names)
        {
            series.Add(new PerformanceSeries(name, reference?.Metrics.GetValueOrDefault(name), [.. windows.Select(w => PointOf(w, name, reference))]));
        }

        string[] kpis = [.. windows.SelectMany(w => w.Kpis).Select(k => k.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var notes = new List<string>();
        if (windows.Any(w => w.Estimated.Count > 0))
        {
            notes.Add("Estimated values use no label. They hold while the truth hangs on the inputs as in training: inputs may shift. When that relation itself changes (concept drift), estimates do not see it.");
        }

        if (reference is null)
        {
            notes.Add($"The version has no {PerformanceReference.FileName}: there are no estimates, no thresholds and no comparison with training.");
        }

        return new PerformanceReport
        {
            Model = model,
            Version = version,
            Task = task,
            MadeAt = now,
            Series = series,
            Windows = windows,
            Kpis = [.. kpis.Select(k => new KpiSeries(k, [.. windows.SelectMany(w => w.Kpis.Where(v => v.Name == k).Select(v => new KpiPoint(w.From, w.To, v)))]))],
            Outside = [.. series.Where(s => s.Points.LastOrDefault(p => p.Realised is not null || p.Estimated is not null) is { } p && (p.RealisedOutside || p.EstimatedOutside)).Select(s => s.Metric)],
            Notes = notes,
        };
    }

    private static PerformancePoint PointOf(PerformanceWindow window, string name, PerformanceReference? reference)
    {
        MetricValue? realised = window.Realised?.Metrics.GetValueOrDefault(name);
        MetricValue? estimated = window.Estimated.GetValueOrDefault(name);
        (double Low, double High)? forRealised = reference?.ThresholdsOf(name, window.Labels.Labelled);
        (double Low, double High)? forEstimated = reference?.ThresholdsOf(name, window.Labels.Predictions);
        (double Low, double High)? drawn = realised is null ? forEstimated : forRealised;
        static bool Outside(MetricValue? value, (double Low, double High)? bounds) => value is not null && bounds is { } b && (value.Value < b.Low || value.Value > b.High);
        return new PerformancePoint(window.From, window.To)
        {
            Predictions = window.Labels.Predictions,
            Labelled = window.Labels.Labelled,
            Realised = realised,
            Estimated = estimated,
            ThresholdLow = Drawable(drawn?.Low),
            ThresholdHigh = Drawable(drawn?.High),
            RealisedOutside = Outside(realised, forRealised),
            EstimatedOutside = Outside(estimated, forEstimated),
        };
    }

    private static double? Drawable(double? bound) => bound is { } b && double.IsFinite(b) ? b : null;
}

/// <summary>One metric over time.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="Reference">Its value on the reference's rows, or null.</param>
/// <param name="Points">The windows, oldest first.</param>
public sealed record PerformanceSeries(string Metric, MetricValue? Reference, IReadOnlyList<PerformancePoint> Points);

/// <summary>One metric in one window.</summary>
/// <param name="From">When the window began.</param>
/// <param name="To">When it ended.</param>
public sealed record PerformancePoint(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>Gets how many predictions there were.</summary>
    public long Predictions { get; init; }

    /// <summary>Gets how many of them have a truth.</summary>
    public long Labelled { get; init; }

    /// <summary>Gets the value by the truths that came, with its 95 % interval; null when none came.</summary>
    public MetricValue? Realised { get; init; }

    /// <summary>Gets the value estimated without labels, with its 95 % interval; null when there is none.</summary>
    public MetricValue? Estimated { get; init; }

    /// <summary>Gets the lower threshold for a window of this size; null when the reference has none.</summary>
    public double? ThresholdLow { get; init; }

    /// <summary>Gets the upper threshold for a window of this size; null when the reference has none.</summary>
    public double? ThresholdHigh { get; init; }

    /// <summary>Gets whether the realised value is outside its thresholds.</summary>
    public bool RealisedOutside { get; init; }

    /// <summary>Gets whether the estimated value is outside its thresholds.</summary>
    public bool EstimatedOutside { get; init; }
}

/// <summary>One business number over time.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Points">The windows that have it, oldest first.</param>
public sealed record KpiSeries(string Name, IReadOnlyList<KpiPoint> Points);

/// <summary>One business number in one window.</summary>
/// <param name="From">When the window began.</param>
/// <param name="To">When it ended.</param>
/// <param name="Value">The number.</param>
public sealed record KpiPoint(DateTimeOffset From, DateTimeOffset To, KpiValue Value);

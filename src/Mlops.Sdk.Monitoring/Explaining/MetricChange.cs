using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>A metric of one segment, before and now.</summary>
/// <param name="Segment">The segment, such as <c>country=SE</c>.</param>
/// <param name="RowsBefore">Its rows before, at least 0.</param>
/// <param name="RowsNow">Its rows now, at least 0.</param>
/// <param name="Before">The mean of the metric over its rows before, such as the share of right answers or the mean absolute error; not looked at when there were no rows.</param>
/// <param name="Now">The same now.</param>
public sealed record SegmentMetric(string Segment, long RowsBefore, long RowsNow, double Before, double Now);

/// <summary>What a segment adds to the change of a metric over all rows.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="ShareBefore">Its share of the rows before, in [0, 1].</param>
/// <param name="ShareNow">Its share of the rows now, in [0, 1].</param>
/// <param name="Before">The metric in it before; for a new segment as now.</param>
/// <param name="Now">The metric in it now; for one that is gone as before.</param>
/// <param name="Mix">What comes of its share having changed, in units of the metric.</param>
/// <param name="Rate">What comes of the metric in it having changed.</param>
public sealed record SegmentContribution(string Segment, double ShareBefore, double ShareNow, double Before, double Now, double Mix, double Rate)
{
    /// <summary>Gets both together.</summary>
    public double Total => Mix + Rate;

    /// <summary>Gets what happened to the segment, for a person.</summary>
    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"{Segment}: {Total:+0.####;-0.####;0} of the change; {(Math.Abs(Mix) >= Math.Abs(Rate) ? "mostly because its share of the rows went" : "mostly because the metric in it went")} {(Math.Abs(Mix) >= Math.Abs(Rate) ? string.Create(CultureInfo.InvariantCulture, $"from {ShareBefore * 100:0.#} % to {ShareNow * 100:0.#} %") : string.Create(CultureInfo.InvariantCulture, $"from {Before:0.####} to {Now:0.####}"))}.");
}

/// <summary>Why a metric over all rows changed: which segments, and whether it is their share or the metric in them. Immutable.</summary>
/// <remarks>
/// With w the share of a segment and m the metric in it, the change is the sum over segments of w' m' - w m, which is exactly the sum of a
/// mix effect (w' - w) ((m + m') / 2 - (M + M') / 2) and a rate effect (m' - m) (w + w') / 2, with M the metric over all rows. Taking M
/// away changes no sum, since shares add up to 1, and makes the mix effect of a segment good or bad by whether it is better than the whole.
/// A segment without rows before or now has a mix effect only. Holds for metrics that are means over rows; for one that is not, such as
/// the area under the ROC curve, the segments explain the mean of the segments' values and <see cref="Rest"/> is the difference.
/// <para>Source: E. Kitagawa, Components of a difference between two rates, Journal of the American Statistical Association 50, 1955.</para>
/// </remarks>
public sealed record MetricChange
{
    /// <summary>Gets the metric's name.</summary>
    public required string Metric { get; init; }

    /// <summary>Gets the metric over all rows before.</summary>
    public required double Before { get; init; }

    /// <summary>Gets the metric over all rows now.</summary>
    public required double Now { get; init; }

    /// <summary>Gets the segments, largest contribution of either sign first.</summary>
    public required IReadOnlyList<SegmentContribution> Segments { get; init; }

    /// <summary>Gets the change.</summary>
    public double Change => Now - Before;

    /// <summary>Gets what comes of shares having changed.</summary>
    public double Mix => Segments.Sum(s => s.Mix);

    /// <summary>Gets what comes of the metric in segments having changed.</summary>
    public double Rate => Segments.Sum(s => s.Rate);

    /// <summary>Gets what the segments do not explain: 0 to rounding for a metric that is a mean over rows.</summary>
    public double Rest => Change - Mix - Rate;

    /// <summary>Gets what happened in one sentence.</summary>
    public string Summary => Segments.Count == 0
        ? $"{Metric} has no segments to explain it."
        : string.Create(CultureInfo.InvariantCulture, $"{Metric} went from {Before:0.####} to {Now:0.####} ({Change:+0.####;-0.####;0}): {Rate:+0.####;-0.####;0} by what happened in segments, {Mix:+0.####;-0.####;0} by their shares. Most of it: {Segments[0].Sentence}");

    /// <summary>Explains a change.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="segments">Segments that have no row in common and together hold all rows.</param>
    /// <param name="before">The metric over all rows before, when it is no mean over rows; null for the mean.</param>
    /// <param name="now">The metric over all rows now, when it is no mean over rows; null for the mean.</param>
    /// <returns>The explanation.</returns>
    /// <exception cref="ArgumentException">Rows are negative, there are none before or now, or a metric of a segment with rows is not finite.</exception>
    public static MetricChange Explain(string metric, IReadOnlyList<SegmentMetric> segments, double? before = null, double? now = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(metric);
        ArgumentNullException.ThrowIfNull(segments);
        foreach (SegmentMetric segment in segments)
        {
            if (segment.RowsBefore < 0 || segment.RowsNow < 0 || (segment.RowsBefore > 0 && !double.IsFinite(segment.Before)) || (segment.RowsNow > 0 && !double.IsFinite(segment.Now)))
            {
                throw new ArgumentException($"Segment '{segment.Segment}' has {segment.RowsBefore} rows with {segment.Before} before and {segment.RowsNow} rows with {segment.Now} now; rows are at least 0, and a segment with rows has a finite metric.", nameof(segments));
            }
        }

        double rowsBefore = segments.Sum(s => (double)s.RowsBefore);
        double rowsNow = segments.Sum(s => (double)s.RowsNow);
        if (rowsBefore == 0 || rowsNow == 0)
        {
            throw new ArgumentException($"There are {rowsBefore} rows before and {rowsNow} now; a change needs both.", nameof(segments));
        }

        double meanBefore = segments.Sum(s => s.RowsBefore == 0 ? 0 : s.RowsBefore / rowsBefore * s.Before);
        double meanNow = segments.Sum(s => s.RowsNow == 0 ? 0 : s.RowsNow / rowsNow * s.Now);
        double middle = (meanBefore + meanNow) / 2;
        return new MetricChange
        {
            Metric = metric,
            Before = before ?? meanBefore,
            Now = now ?? meanNow,
            Segments =
            [
                .. segments.Where(s => s.RowsBefore + s.RowsNow > 0).Select(s => Contribution(s, s.RowsBefore / rowsBefore, s.RowsNow / rowsNow, middle))
                    .OrderByDescending(s => Math.Abs(s.Total)).ThenBy(s => s.Segment, StringComparer.Ordinal),
            ],
        };
    }

    /// <summary>Explains a change of a metric that was measured by segment, from the signals of two spans of time.</summary>
    /// <param name="name">The signal's name, such as <c>performance.accuracy</c>.</param>
    /// <param name="key">What the segments are by, such as <c>country</c>: segments <c>country=…</c> are taken, which have no row in common.</param>
    /// <param name="before">The signals of the earlier span.</param>
    /// <param name="now">The signals of the later span.</param>
    /// <returns>The explanation. Where a span has the metric over all rows too, that is the value that changed, and <see cref="Rest"/> what the segments leave open.</returns>
    /// <exception cref="ArgumentException">A span has no rows in such segments.</exception>
    public static MetricChange Explain(string name, string key, IReadOnlyList<MonitorSignal> before, IReadOnlyList<MonitorSignal> now)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(now);
        Dictionary<string, (double Rows, double Mean)> earlier = BySegment(name, key, before);
        Dictionary<string, (double Rows, double Mean)> later = BySegment(name, key, now);
        SegmentMetric[] segments =
        [
            .. earlier.Keys.Union(later.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(s => (Segment: s, Before: earlier.GetValueOrDefault(s), Now: later.GetValueOrDefault(s)))
                .Select(s => new SegmentMetric(s.Segment, (long)s.Before.Rows, (long)s.Now.Rows, s.Before.Mean, s.Now.Mean)),
        ];
        return Explain(name, segments, OverAll(name, before), OverAll(name, now));
    }

    private static Dictionary<string, (double Rows, double Mean)> BySegment(string name, string key, IReadOnlyList<MonitorSignal> signals) =>
        signals.Where(s => s.Name == name && s.Rows > 0 && s.Segment is { } segment && segment.StartsWith(key, StringComparison.Ordinal) && segment.Length > key.Length && segment[key.Length] == '=')
            .GroupBy(s => s.Segment!, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => (g.Sum(s => (double)s.Rows), Mean([.. g])), StringComparer.Ordinal);

    private static double? OverAll(string name, IReadOnlyList<MonitorSignal> signals) =>
        signals.Where(s => s.Name == name && s.Segment is null && s.Rows > 0).ToArray() is { Length: > 0 } all ? Mean(all) : null;

    /// <summary>Windows of one span weigh by their rows.</summary>
    private static double Mean(MonitorSignal[] signals) => signals.Sum(s => s.Value * s.Rows) / signals.Sum(s => (double)s.Rows);

    private static SegmentContribution Contribution(SegmentMetric segment, double shareBefore, double shareNow, double middle)
    {
        double before = segment.RowsBefore > 0 ? segment.Before : segment.Now;
        double now = segment.RowsNow > 0 ? segment.Now : segment.Before;
        return new SegmentContribution(segment.Segment, shareBefore, shareNow, before, now, (shareNow - shareBefore) * (((before + now) / 2) - middle), (now - before) * (shareBefore + shareNow) / 2);
    }
}

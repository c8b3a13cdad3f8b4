using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Measuring: joining the log and computing.</summary>
public sealed partial class PerformanceMonitor
{
    private const int MaxWindows = 1_000;
    private const int MaxSegments = 50;
    private const double BiasedShare = 0.05;

    /// <summary>Measures the predictions of a version that were made in a span.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="from">The begin, inclusive.</param>
    /// <param name="to">The end, exclusive.</param>
    /// <param name="cancellationToken">Stops the measuring.</param>
    /// <returns>The realised performance of those whose truth came, and the estimated one of all. What any process has flushed is in it, and all of this process.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsIntegrityException">A segment of the log is damaged (<c>records.corrupt</c>, <c>monitoring.unreadable_outcome</c>) or gone (<c>records.missing</c>).</exception>
    public async ValueTask<PerformanceWindow> MeasureAsync(string model, int version, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(to, from);
        return (await MeasureAsync(model, version, [(from, to)], cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Measures a version window by window.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="from">The begin of the first window.</param>
    /// <param name="to">The end of the last window, exclusive; it may be cut short.</param>
    /// <param name="window">The length of a window, such as a day; at most 1,000 of them.</param>
    /// <param name="cancellationToken">Stops the measuring.</param>
    /// <returns>The report: each metric realised, estimated, with its thresholds and training's value.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    public async ValueTask<PerformanceReport> ReportAsync(string model, int version, DateTimeOffset from, DateTimeOffset to, TimeSpan window, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(to, from);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((to - from) / window, MaxWindows, nameof(window));
        var spans = new List<(DateTimeOffset From, DateTimeOffset To)>();
        for (DateTimeOffset begin = from; begin < to; begin += window)
        {
            spans.Add((begin, to - begin < window ? to : begin + window));
        }

        VersionFacts facts = await FactsAsync(model, version, cancellationToken).ConfigureAwait(false);
        PerformanceWindow[] windows = await MeasureAsync(model, version, spans, cancellationToken).ConfigureAwait(false);
        return PerformanceReport.Of(model, version, facts.Schema.Task, _time.GetUtcNow(), windows, facts.Reference);
    }

    private async ValueTask<PerformanceWindow[]> MeasureAsync(string model, int version, List<(DateTimeOffset From, DateTimeOffset To)> spans, CancellationToken cancellationToken)
    {
        VersionFacts facts = await FactsAsync(model, version, cancellationToken).ConfigureAwait(false);
        await FlushAsync(model, cancellationToken).ConfigureAwait(false);
        RecordLog log = _open.GetValueOrDefault(model) ?? _logs.Get(LogNameOf(model));
        var join = new OutcomeJoin(log, _options, v => v == version ? facts.Layout : null);
        Dictionary<(int Version, int Window), OutcomeBucket> buckets = await join.JoinAsync(spans, new HashSet<int> { version }, _time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        PerformancePlan? plan = _plans.GetValueOrDefault(model);
        return [.. spans.Select((span, i) => WindowOf(model, version, span, buckets.GetValueOrDefault((version, i)), facts, plan))];
    }

    private static PerformanceWindow WindowOf(string model, int version, (DateTimeOffset From, DateTimeOffset To) span, OutcomeBucket? bucket, VersionFacts facts, PerformancePlan? plan)
    {
        var window = new PerformanceWindow { Model = model, Version = version, From = span.From.ToUniversalTime(), To = span.To.ToUniversalTime(), Labels = new LabelCounts { Predictions = 0, Labelled = 0 } };
        if (bucket is null)
        {
            return window;
        }

        PerformanceRows rows = bucket.Rows();
        var notes = new List<string>();
        LabelCounts labels = LabelsOf(bucket, notes);
        return window with
        {
            Labels = labels,
            Realised = rows.Count == 0 ? null : PerformanceMetrics.Of(rows, plan?.Metrics),
            Estimated = facts.Reference is { } reference && bucket.Scores is { } scores ? ConfidenceEstimate.Of(reference, scores)
                : bucket.Scores is null ? LossModel.Estimate(facts.Reference, bucket.Losses) : window.Estimated,
            Calibration = facts.Schema.Task == ModelTask.Binary ? CalibrationOf(rows, facts.Reference) : null,
            Kpis = [.. (plan?.Kpis ?? []).Select(k => KpiOf(k, rows))],
            Segments = plan?.Segment is { } segment ? SegmentsOf(segment, bucket, rows, plan) : [],
            Notes = notes,
        };
    }

    private static CalibrationCheck? CalibrationOf(PerformanceRows rows, PerformanceReference? reference) => CalibrationCheck.Of(
        [.. rows.Scores[0].Select(s => reference?.Classes[0].Probability(s) ?? Math.Clamp(s, 0.0, 1.0))],
        [.. rows.Actuals.Select(a => a != 0)]);

    private static KpiValue KpiOf(Kpi kpi, PerformanceRows rows)
    {
        double[] values = [.. rows.Predictions.Zip(rows.Actuals, (p, a) => kpi.Value(p, a) is var value && double.IsFinite(value) ? value : 0)];
        if (values.Length == 0)
        {
            return new KpiValue(kpi.Name, kpi.Unit, 0, new MetricValue(0), 0);
        }

        (double mean, double error) = MetricIntervals.Mean(values);
        return new KpiValue(kpi.Name, kpi.Unit, values.Length, MetricIntervals.Normal(mean * values.Length, error * values.Length), mean);
    }

    private static SegmentPerformance[] SegmentsOf(string name, OutcomeBucket bucket, PerformanceRows rows, PerformancePlan plan) =>
    [
        .. bucket.Segments.Index().Where(s => s.Item is not null).GroupBy(s => s.Item!, s => s.Index, StringComparer.Ordinal)
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).Take(MaxSegments)
            .Select(g => new SegmentPerformance($"{name}={g.Key}", PerformanceMetrics.Of(rows.Take([.. g]), plan.Metrics))),
    ];

    private static LabelCounts LabelsOf(OutcomeBucket bucket, List<string> notes)
    {
        double[] delays = [.. bucket.Delays];
        Array.Sort(delays);
        bool biased = false;
        if (bucket.Layout.Task != ModelTask.Regression)
        {
            biased = CoverageDiffers(bucket, notes) | (bucket.Layout.Task == ModelTask.Binary && DelayDiffers(bucket, notes));
        }

        if (bucket.Of(OutcomeState.Waiting) > 0)
        {
            notes.Add($"{bucket.Of(OutcomeState.Waiting)} of {bucket.Predictions} predictions still wait for their truth; realised values are of the others.");
        }

        return new LabelCounts
        {
            Predictions = bucket.Predictions,
            Labelled = bucket.Labelled,
            Waiting = bucket.Of(OutcomeState.Waiting),
            Expired = bucket.Of(OutcomeState.Expired),
            TooLate = bucket.Of(OutcomeState.TooLate),
            Unusable = bucket.Of(OutcomeState.Unusable),
            OtherVersion = bucket.OtherVersion,
            Relabelled = bucket.Relabelled,
            Repeated = bucket.Repeated,
            Delays = delays.Length == 0 ? [] : [Rank(delays, 0.5), Rank(delays, 0.9), Rank(delays, 0.99)],
            Biased = biased,
        };
    }

    /// <summary>The nearest rank.</summary>
    private static double Rank(double[] sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];

    /// <summary>Whether truths come more often for one answer than for another: at least 5 points apart, and not by chance (two-proportion z, p below 0.01).</summary>
    private static bool CoverageDiffers(OutcomeBucket bucket, List<string> notes)
    {
        (long Predictions, long Labelled)[] answers = [.. bucket.ByAnswer().Where(a => a.Predictions >= 30)];
        if (answers.Length < 2)
        {
            return false;
        }

        (long Predictions, long Labelled) most = answers.MaxBy(a => (double)a.Labelled / a.Predictions);
        (long Predictions, long Labelled) least = answers.MinBy(a => (double)a.Labelled / a.Predictions);
        double high = (double)most.Labelled / most.Predictions;
        double low = (double)least.Labelled / least.Predictions;
        double pooled = (double)(most.Labelled + least.Labelled) / (most.Predictions + least.Predictions);
        double error = Math.Sqrt(pooled * (1 - pooled) * ((1.0 / most.Predictions) + (1.0 / least.Predictions)));
        if (high - low < BiasedShare || error <= 0 || SpecialFunctions.NormalTwoSided((high - low) / error) >= 0.01)
        {
            return false;
        }

        notes.Add(FormattableString.Invariant($"Truths came for {high:P0} of one answer and {low:P0} of another: realised values lean to the first."));
        return true;
    }

    /// <summary>Whether truths take longer for one class: medians at least by half apart, and not by chance (Welch's z of the logarithms, p below 0.01).</summary>
    private static bool DelayDiffers(OutcomeBucket bucket, List<string> notes)
    {
        double[] no = bucket.DelaysOf(0);
        double[] yes = bucket.DelaysOf(1);
        if (no.Length < 30 || yes.Length < 30)
        {
            return false;
        }

        static double[] Logs(double[] delays) => Array.ConvertAll(delays, d => Math.Log(1 + d));
        (double meanNo, double errorNo) = MetricIntervals.Mean(Logs(no));
        (double meanYes, double errorYes) = MetricIntervals.Mean(Logs(yes));
        Array.Sort(no);
        Array.Sort(yes);
        double medianNo = Rank(no, 0.5);
        double medianYes = Rank(yes, 0.5);
        double error = Math.Sqrt((errorNo * errorNo) + (errorYes * errorYes));
        if (Math.Max(medianNo, medianYes) < 1.5 * Math.Min(medianNo, medianYes) || (error > 0 && SpecialFunctions.NormalTwoSided((meanYes - meanNo) / error) >= 0.01) || meanYes == meanNo)
        {
            return false;
        }

        notes.Add(FormattableString.Invariant($"The truth takes {medianYes:F0} s (median) when it is yes and {medianNo:F0} s when it is no: a young window sees more of the faster one."));
        return true;
    }
}

using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Reads the numbers over time that a report carries.</summary>
internal static class ReportMetrics
{
    private static readonly HashSet<string> Errors = new(StringComparer.Ordinal)
    {
        "mae", "mse", "rmse", "mape", "smape", "log_loss", "brier", "brier_score", "calibration_error", "expected_calibration_error", "error", "error_rate", "median_absolute_error", "max_error", "rmsle", "bias",
    };

    /// <summary>One metric over time.</summary>
    /// <param name="Kind">The kind of signal, such as <see cref="SignalNames.Performance"/>.</param>
    /// <param name="Measure">What is measured, with the feature behind a colon where there is one.</param>
    /// <param name="Segment">The segment, or null.</param>
    /// <param name="Signals">The numbers, oldest first, at least one.</param>
    internal sealed record Metric(string Kind, string Measure, string? Segment, IReadOnlyList<MonitorSignal> Signals)
    {
        internal MonitorSignal Last => Signals[^1];
    }

    internal static IReadOnlyList<Metric> Of(MonitoringReport report, params ReadOnlySpan<string> kinds)
    {
        HashSet<string> wanted = [.. kinds];
        return
        [
            .. report.Signals.Where(s => wanted.Contains(KindOf(s.Name)) && double.IsFinite(s.Value)).GroupBy(s => (s.Name, s.Segment))
                .Select(g => new Metric(KindOf(g.Key.Name), g.Key.Name[(KindOf(g.Key.Name).Length + 1)..], g.Key.Segment, [.. g.OrderBy(s => s.To).ThenBy(s => s.From)]))
                .OrderBy(m => m.Measure, StringComparer.Ordinal).ThenBy(m => m.Segment, StringComparer.Ordinal),
        ];
    }

    /// <summary>Metrics of all rows whose newest interval, by the truth, lies wholly on the bad side of training's value.</summary>
    internal static IReadOnlyList<Metric> Worse(MonitoringReport report) =>
        [.. Of(report, SignalNames.Performance).Where(m => m.Segment is null && m.Last is { Reference: { } reference, Low: { } low, High: { } high } && (IsError(m.Measure) ? low > reference : high < reference))];

    internal static bool IsError(string measure) => Errors.Contains(measure);

    /// <summary>The population stability index of each feature over time: of the windows in the report, and of signals where there are no such windows.</summary>
    internal static Dictionary<(string Name, FeatureRole Role), double[]> Trends(MonitoringReport report, out IReadOnlyList<DateTimeOffset> times)
    {
        const string prefix = "drift.psi:";
        MonitorSignal[] older = [.. report.Signals.Where(s => s.Segment is null && s.Name.StartsWith(prefix, StringComparison.Ordinal) && (report.Drift.Count == 0 || s.To < report.Drift[0].To))];
        DateTimeOffset[] before = [.. older.Select(s => s.To).Distinct().Order()];
        times = [.. before, .. report.Drift.Select(d => d.To)];
        int windows = times.Count;
        Dictionary<DateTimeOffset, int> places = before.Index().ToDictionary(t => t.Item, t => t.Index);
        var trends = new Dictionary<(string, FeatureRole), double[]>();
        double[] Of(string name, FeatureRole role)
        {
            if (!trends.TryGetValue((name, role), out double[]? values))
            {
                trends[(name, role)] = values = new double[windows];
                Array.Fill(values, double.NaN);
            }

            return values;
        }

        for (int i = 0; i < report.Drift.Count; i++)
        {
            foreach (FeatureDrift feature in report.Drift[i].Features)
            {
                Of(feature.Name, feature.Role)[before.Length + i] = feature.Psi;
            }
        }

        foreach (MonitorSignal signal in older)
        {
            string name = signal.Name[prefix.Length..];
            FeatureRole role = trends.ContainsKey((name, FeatureRole.Input)) || !trends.ContainsKey((name, FeatureRole.Output)) ? FeatureRole.Input : FeatureRole.Output;
            Of(name, role)[places[signal.To]] = signal.Value;
        }

        return trends;
    }

    private static string KindOf(string name) => name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? name[..dot] : string.Empty;
}

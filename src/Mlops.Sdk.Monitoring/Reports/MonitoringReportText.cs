using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The report for a console: short, aligned, no line longer than 160 characters.</summary>
internal static class MonitoringReportText
{
    private const int MostFeatures = 10;
    private const int MostFindings = 8;
    private const int MostMetrics = 8;
    private const int Widest = 160;

    internal static string Write(MonitoringReport report)
    {
        var text = new StringBuilder();
        Line(text, string.Empty, $"{ReportNumbers.Name(report.Model, 100)} v{report.Version}: {ReportNumbers.Word(report.Verdict)}");
        if (report.Latest is { } drift)
        {
            Line(text, "drift", Invariant($"{drift.Drifted} of {drift.Judged} judged features drifted, {drift.Features.Count(f => f.Status == DriftStatus.Watch)} to watch; {ReportNumbers.Count(drift.Rows)} rows against {ReportNumbers.Count(drift.ReferenceRows)}{(report.Drift.Count > 1 ? Invariant($", {report.Drift.Count} windows") : string.Empty)}"));
            FeatureDrift[] moved = [.. drift.Features.Where(f => f.Status is DriftStatus.Drifted or DriftStatus.Watch)];
            int width = moved.Take(MostFeatures).Select(f => ReportNumbers.Name(f.Name).Length).DefaultIfEmpty(0).Max();
            foreach (FeatureDrift feature in moved.Take(MostFeatures))
            {
                Line(text, string.Empty, Invariant($"  {ReportNumbers.Name(feature.Name).PadRight(width)}  {ReportNumbers.Word(feature.Status),-7}  PSI {ReportNumbers.Distance(feature.Psi)}  {feature.Change}"));
            }

            More(text, moved.Length - MostFeatures, "features");
        }

        if (report.Quality is { } quality)
        {
            IReadOnlyList<QualityMeasure> findings = quality.Findings;
            Line(text, "quality", findings.Count == 0 ? "fine" : Invariant($"{findings.Count(f => f.Severity == QualitySeverity.Failed)} failed, {findings.Count(f => f.Severity == QualitySeverity.Watch)} to watch"));
            foreach (QualityMeasure finding in findings.Take(MostFindings))
            {
                Line(text, string.Empty, Invariant($"  {ReportNumbers.Word(finding.Severity),-6}  {finding.Message}"));
            }

            More(text, findings.Count - MostFindings, "findings");
        }

        if (report.Skew is { Findings: var skews } && skews.Where(s => s.Kind is not (SkewKind.Distribution or SkewKind.MissingShare)).ToArray() is { Length: > 0 } skew)
        {
            Line(text, "skew", Invariant($"{skew.Length} differences from training besides distributions"));
            foreach (SkewFinding finding in skew.Take(MostFindings))
            {
                Line(text, string.Empty, $"  {finding.Message}");
            }

            More(text, skew.Length - MostFindings, "differences");
        }

        WriteMetrics(text, report);
        foreach (RootCauses causes in report.Causes)
        {
            Line(text, "cause", causes.Summary);
        }

        foreach (MonitorAlert alert in report.Alerts.Take(MostFindings))
        {
            Line(text, "alert", $"{alert.Id} since {ReportNumbers.Instant(alert.RaisedAt)}: {alert.Message}");
        }

        if (report.FalseAlarmsExpected is { } expected)
        {
            Line(text, "budget", Invariant($"{expected:0.##} false alarms to be expected{(report.FalseAlarmsAllowed is { } allowed ? Invariant($" of {allowed:0.##} allowed") : string.Empty)}"));
        }

        foreach (string step in report.NextSteps)
        {
            Line(text, "next", step);
        }

        return text.ToString();
    }

    private static void WriteMetrics(StringBuilder text, MonitoringReport report)
    {
        IReadOnlyList<ReportMetrics.Metric> metrics = ReportMetrics.Of(report, SignalNames.Performance, SignalNames.Estimated, SignalNames.Kpi);
        foreach (ReportMetrics.Metric metric in metrics.Take(MostMetrics))
        {
            MonitorSignal last = metric.Last;
            string interval = last is { Low: { } low, High: { } high } ? Invariant($" ({Svg.Number(low)} to {Svg.Number(high)})") : string.Empty;
            string reference = last.Reference is { } training ? Invariant($", training {Svg.Number(training)}") : string.Empty;
            Line(text, metric.Kind == SignalNames.Estimated ? "guess" : metric.Kind == SignalNames.Kpi ? "kpi" : "truth",
                Invariant($"{metric.Measure}{(metric.Segment is null ? string.Empty : $" [{metric.Segment}]")} {Svg.Number(last.Value)}{interval}{reference}, {ReportNumbers.Count(last.Rows)} rows"));
        }

        More(text, metrics.Count - MostMetrics, "metrics");
    }

    private static void More(StringBuilder text, int left, string what)
    {
        if (left > 0)
        {
            Line(text, string.Empty, Invariant($"  and {left} more {what}"));
        }
    }

    private static void Line(StringBuilder text, string head, string line) =>
        text.Append(head.Length == 0 ? string.Empty : head.PadRight(9)).Append(ReportNumbers.Name(line, Widest - 9)).Append('\n');

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

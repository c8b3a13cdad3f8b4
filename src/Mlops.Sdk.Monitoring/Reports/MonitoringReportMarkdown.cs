using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The report as Markdown. Every text from outside goes through <see cref="Escape"/>: a name cannot end a table, start a link or be markup.</summary>
internal static class MonitoringReportMarkdown
{
    private const int MostFeatures = 40;
    private const int MostRows = 40;
    private const string Special = "\\`*_[]#|~!";

    internal static string Write(MonitoringReport report)
    {
        var text = new StringBuilder();
        Invariant(text, $"# Monitoring of {Escape(report.Model)} version {report.Version}: {ReportNumbers.Word(report.Verdict)}\n\n{Escape(report.Summary)}\n\n## What to do next\n");
        foreach (string step in report.NextSteps)
        {
            Invariant(text, $"- {Escape(step)}\n");
        }

        foreach (RootCauses causes in report.Causes.Where(c => c.Causes.Count > 0))
        {
            Invariant(text, $"\n## What explains {Escape(causes.About)}\n{Escape(causes.How)}\n\n| rank | cause | share | contribution | what happened |\n| ---: | --- | ---: | ---: | --- |\n");
            foreach ((int rank, Cause cause) in causes.Causes.Take(MostRows).Index())
            {
                Invariant(text, $"| {rank + 1} | {Escape(cause.Name)} | {ReportNumbers.Percent(cause.Share)} | {(cause.Contribution is { } c ? Svg.Number(c) : "–")} | {Escape(cause.Sentence)} |\n");
            }
        }

        WriteMetrics(text, report);
        WriteDrift(text, report);
        WriteQuality(text, report);
        if (report.Skew is { Findings.Count: > 0 } skew)
        {
            text.Append("\n## Columns that differ from training\n\n| column | kind | what differs |\n| --- | --- | --- |\n");
            foreach (SkewFinding finding in skew.Findings.Take(MostRows))
            {
                Invariant(text, $"| {Escape(finding.Column)} | {ReportNumbers.Word(finding.Kind)} | {Escape(finding.Message)} |\n");
            }

            More(text, skew.Findings.Count - MostRows);
        }

        if (report.Alerts.Count > 0)
        {
            text.Append("\n## Open alerts\n\n| alert | since | what |\n| --- | --- | --- |\n");
            foreach (MonitorAlert alert in report.Alerts.Take(MostRows))
            {
                Invariant(text, $"| {Escape(alert.Id)} | {ReportNumbers.Instant(alert.RaisedAt)} | {Escape(alert.Message)} |\n");
            }

            More(text, report.Alerts.Count - MostRows);
        }

        if (report.FalseAlarmsExpected is { } expected)
        {
            Invariant(text, $"\nFalse alarms to be expected: {expected:0.##}{(report.FalseAlarmsAllowed is { } allowed ? allowed.ToString("' of '0.##' allowed'", CultureInfo.InvariantCulture) : string.Empty)}.\n");
        }

        return text.ToString();
    }

    internal static string Escape(string text)
    {
        string clean = ReportNumbers.Name(text, 500);
        var escaped = new StringBuilder(clean.Length + 8);
        foreach (char c in clean)
        {
            // entities for what is markup in HTML too; a backslash for the rest
            _ = c switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                '@' => escaped.Append("&#64;"), // mentions nobody
                ':' => escaped.Append("&#58;"), // no scheme, so no address that becomes a link by itself
                _ when Special.Contains(c, StringComparison.Ordinal) || (IsListSign(c) && escaped.Length == 0) => escaped.Append('\\').Append(c),
                '.' when EndsWithWww(escaped) => escaped.Append("&#46;"),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }

    private static bool IsListSign(char c) => c is '-' or '+';

    private static bool EndsWithWww(StringBuilder text) => text.Length >= 3 && text.ToString(text.Length - 3, 3).Equals("www", StringComparison.OrdinalIgnoreCase);

    private static void WriteMetrics(StringBuilder text, MonitoringReport report)
    {
        IReadOnlyList<ReportMetrics.Metric> metrics = ReportMetrics.Of(report, SignalNames.Performance, SignalNames.Estimated, SignalNames.Kpi, SignalNames.Usage);
        if (metrics.Count == 0)
        {
            return;
        }

        text.Append("\n## Performance and use\nRealised numbers come from the truth that arrived. Estimated ones were made without it and hold while the relation between inputs and truth stays as it was.\n\n| metric | kind | segment | value | 95 % interval | training | rows | until |\n| --- | --- | --- | ---: | --- | ---: | ---: | --- |\n");
        foreach (ReportMetrics.Metric metric in metrics.Take(MostRows))
        {
            MonitorSignal last = metric.Last;
            string interval = last is { Low: { } low, High: { } high } ? $"{Svg.Number(low)} to {Svg.Number(high)}" : "–";
            Invariant(text, $"| {Escape(metric.Measure)} | {MonitoringReportHtml.KindOf(metric.Kind)} | {(metric.Segment is null ? "all" : Escape(metric.Segment))} | {Svg.Number(last.Value)} | {interval} | {(last.Reference is { } reference ? Svg.Number(reference) : "–")} | {ReportNumbers.Count(last.Rows)} | {ReportNumbers.Instant(last.To)} |\n");
        }

        More(text, metrics.Count - MostRows);
    }

    private static void WriteDrift(StringBuilder text, MonitoringReport report)
    {
        if (report.Latest is not { } drift)
        {
            return;
        }

        Invariant(text, $"\n## Drift\n{ReportNumbers.Count(drift.Rows)} rows against {ReportNumbers.Count(drift.ReferenceRows)} of the reference, {ReportNumbers.Span(drift)}, {report.Drift.Count} windows.\n\n| feature | status | PSI | Jensen–Shannon | p, adjusted | missing | what changed |\n| --- | --- | ---: | ---: | ---: | --- | --- |\n");
        foreach (FeatureDrift feature in drift.Features.Take(MostFeatures))
        {
            ShareChange? missing = feature.Shares.FirstOrDefault(s => s.Kind == ShareKind.Missing);
            string share = missing is null ? "–" : $"{ReportNumbers.Percent(missing.Reference)} → {ReportNumbers.Percent(missing.Current)}";
            Invariant(text, $"| {Escape(feature.Name)}{(feature.Role == Data.FeatureRole.Output ? " (output)" : string.Empty)} | {ReportNumbers.Word(feature.Status)} | {ReportNumbers.Distance(feature.Psi)} | {ReportNumbers.Distance(feature.JensenShannon)} | {Escape(ReportNumbers.PValue(feature.AdjustedPValue))} | {share} | {Escape(feature.Change)} |\n");
        }

        More(text, drift.Features.Count - MostFeatures);
    }

    private static void WriteQuality(StringBuilder text, MonitoringReport report)
    {
        if (report.Quality is not { } quality)
        {
            return;
        }

        Invariant(text, $"\n## Data quality: {ReportNumbers.Word(quality.Verdict)}\n");
        if (quality.Findings.Count == 0)
        {
            return;
        }

        text.Append("\n| severity | column or rule | what was found |\n| --- | --- | --- |\n");
        foreach (QualityMeasure finding in quality.Findings.Take(MostRows))
        {
            Invariant(text, $"| {ReportNumbers.Word(finding.Severity)} | {(finding.Name is null ? "all rows" : Escape(finding.Name))} | {Escape(finding.Message)} |\n");
        }

        More(text, quality.Findings.Count - MostRows);
    }

    private static void More(StringBuilder text, int left)
    {
        if (left > 0)
        {
            Invariant(text, $"\n{left} more are left out here; the page and the JSON have them.\n");
        }
    }

    private static void Invariant(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture));
}

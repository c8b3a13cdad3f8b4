using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;
using static Mlops.Sdk.Monitoring.MonitoringReportHtml;

namespace Mlops.Sdk.Monitoring;

/// <summary>Drift on the page: over time, as a table, and feature by feature with both distributions, trend and numbers.</summary>
internal static class MonitoringReportDrift
{
    internal static void Write(StringBuilder html, MonitoringReport report)
    {
        if (report.Latest is not { } drift)
        {
            return;
        }

        Dictionary<(string Name, FeatureRole Role), double[]> trends = ReportMetrics.Trends(report, out IReadOnlyList<DateTimeOffset> times);
        if (report.Drift.Count > 1)
        {
            Add(html, $"<section><h2>Drift over {times.Count} windows</h2>");
            Over(html, report);
            html.Append("</section>");
        }

        html.Append(DriftReportHtml.Write(drift, feature => Beside(feature, trends, report)));
    }

    private static void Over(StringBuilder html, MonitoringReport report)
    {
        var share = new Svg.Series("share drifted", "a", [.. report.Drift.Where(d => d.Judged > 0).Select(d => new Svg.TrendPoint(d.To, (double)d.Drifted / d.Judged))]);
        var rows = new Svg.Series("rows", "a", [.. report.Drift.Select(d => new Svg.TrendPoint(d.To, d.Rows))]);
        Add(html, $"<div class=\"grid2\"><div class=\"card\"><h3>Share of judged features that drifted</h3>{Svg.Trend("share of features that drifted, over time", string.Empty, null, share)}</div><div class=\"card\"><h3>Rows in each window</h3>{Svg.Trend("rows in each window, over time", string.Empty, null, rows)}</div></div>");
        html.Append("<details><summary>The same as a table</summary><div class=\"scroll\"><table><thead><tr><th>window until</th><th class=\"n\">rows</th><th class=\"n\">judged</th><th class=\"n\">drifted</th><th>status</th></tr></thead><tbody>");
        foreach (DriftReport window in report.Drift)
        {
            Add(html, $"<tr><td>{ReportNumbers.Instant(window.To)}</td><td class=\"n\">{ReportNumbers.Count(window.Rows)}</td><td class=\"n\">{window.Judged}</td><td class=\"n\">{window.Drifted}</td><td>{ReportNumbers.Word(window.Status)}</td></tr>");
        }

        html.Append("</tbody></table></div></details>");
    }

    /// <summary>What stands below a feature's picture: its trend, its numbers, and the picture as a table.</summary>
    private static string Beside(FeatureDrift feature, Dictionary<(string, FeatureRole), double[]> trends, MonitoringReport report)
    {
        var html = new StringBuilder();
        if (trends.TryGetValue((feature.Name, feature.Role), out double[]? trend) && trend.Length > 1)
        {
            double highest = trend.Where(double.IsFinite).DefaultIfEmpty(0).Max();
            Add(html, $"<div>PSI over {trend.Length} windows, highest {ReportNumbers.Distance(highest)}</div>{Svg.Sparkline("population stability index over time", trend)}");
        }

        (int rank, Cause? cause) = report.Causes.SelectMany(c => c.Causes.Index()).FirstOrDefault(c => c.Item.Kind == CauseKind.Feature && c.Item.Name == feature.Name);
        string contribution = cause is null ? string.Empty : Invariant($"; rank {rank + 1} of the causes ({ReportNumbers.Percent(cause.Share)})");
        Add(html, $"<div class=\"muted\">PSI {ReportNumbers.Distance(feature.Psi)}, Jensen–Shannon {ReportNumbers.Distance(feature.JensenShannon)}, p {E(ReportNumbers.PValue(feature.AdjustedPValue))}; {ReportNumbers.Count(feature.Values)} values against {ReportNumbers.Count(feature.ReferenceValues)}{contribution}</div>");
        foreach (ShareChange share in feature.Shares)
        {
            Add(html, $"<div class=\"muted\">{share.Kind.ToString().ToLowerInvariant()} {ReportNumbers.Percent(share.Reference)} → {ReportNumbers.Percent(share.Current)}</div>");
        }

        html.Append("<details><summary>Table</summary><table><thead><tr><th>values</th><th class=\"n\">before</th><th class=\"n\">now</th></tr></thead><tbody>");
        const int most = 50;
        foreach (DriftBin bin in feature.Bins.Take(most))
        {
            Add(html, $"<tr><td>{E(ReportNumbers.Name(bin.Label, 80))}</td><td class=\"n\">{ReportNumbers.Count(bin.Reference)}</td><td class=\"n\">{ReportNumbers.Count(bin.Current)}</td></tr>");
        }

        if (feature.Bins.Count > most)
        {
            Add(html, $"<tr><td>{feature.Bins.Count - most} more</td><td class=\"n\">{ReportNumbers.Count(feature.Bins.Skip(most).Sum(b => b.Reference))}</td><td class=\"n\">{ReportNumbers.Count(feature.Bins.Skip(most).Sum(b => b.Current))}</td></tr>");
        }

        return html.Append("</tbody></table></details>").ToString();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

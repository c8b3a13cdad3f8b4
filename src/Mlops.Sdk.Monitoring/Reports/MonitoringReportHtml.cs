using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>The report as HTML. Every text from outside goes through <see cref="Html.Encode"/>.</summary>
internal static class MonitoringReportHtml
{
    private const int MostCharts = 24;
    private const int MostRows = 200;

    internal static string Write(MonitoringReport report)
    {
        var html = new StringBuilder(64 * 1024);
        Add(html, $"<h1>Monitoring of {E(report.Model)} version {report.Version} <span class=\"badge {Css(report.Verdict)}\">{ReportNumbers.Word(report.Verdict)}</span></h1>");
        Add(html, $"<p>{E(report.Summary)}</p><p class=\"mute\">Made {ReportNumbers.Instant(report.CreatedAt)}{(report.Latest is { } latest ? $"; the newest window is {ReportNumbers.Span(latest)}" : string.Empty)}.</p>");
        Tiles(html, report);
        html.Append("<section class=\"short\"><h2>What to do next</h2><ul>");
        foreach (string step in report.NextSteps)
        {
            Add(html, $"<li>{E(step)}</li>");
        }

        html.Append("</ul></section>");
        Causes(html, report);
        Metrics(html, report);
        Quality(html, report);
        Skew(html, report);
        MonitoringReportDrift.Write(html, report);
        Alerts(html, report);
        return html.ToString();
    }

    internal static string KindOf(string kind) => kind switch
    {
        SignalNames.Performance => "realised",
        SignalNames.Estimated => "estimated",
        SignalNames.Kpi => "business",
        _ => kind,
    };

    internal static string E(string text) => Html.Encode(text);

    internal static void Add(StringBuilder html, FormattableString text) => html.Append(text.ToString(CultureInfo.InvariantCulture));

    private static void Tiles(StringBuilder html, MonitoringReport report)
    {
        html.Append("<div class=\"tiles\">");
        if (report.Latest is { } drift)
        {
            string share = drift.Judged > 0 ? ReportNumbers.Percent((double)drift.Drifted / drift.Judged) : "–";
            Tile(html, $"{drift.Drifted} of {drift.Judged}", $"judged features drifted ({share})");
            Tile(html, ReportNumbers.Count(drift.Rows), report.Drift.Count == 1 ? "rows" : $"rows in the newest window; {ReportNumbers.Count(report.Drift.Sum(d => d.Rows))} in {report.Drift.Count}");
        }

        if (report.Quality is { } quality)
        {
            Tile(html, Invariant($"{quality.Findings.Count(f => f.Severity == QualitySeverity.Failed)}"), Invariant($"quality checks failed, {quality.Findings.Count(f => f.Severity == QualitySeverity.Watch)} to watch"));
        }

        Tile(html, Invariant($"{report.Alerts.Count}"), "open alerts");
        if (report.FalseAlarmsExpected is { } expected)
        {
            Tile(html, Invariant($"{expected:0.##}"), report.FalseAlarmsAllowed is { } allowed ? Invariant($"false alarms to be expected, of {allowed:0.##} allowed") : "false alarms to be expected");
        }

        html.Append("</div>");
    }

    private static void Tile(StringBuilder html, string number, string what) => Add(html, $"<div class=\"card tile\"><b>{E(number)}</b><span class=\"mute\">{E(what)}</span></div>");

    private static void Causes(StringBuilder html, MonitoringReport report)
    {
        foreach (RootCauses causes in report.Causes)
        {
            Add(html, $"<section><h2>What explains {E(causes.About)}</h2><p class=\"mute\">{E(causes.How)}</p>");
            if (causes.Causes.Count == 0)
            {
                html.Append("<p>Nothing that explains it was found.</p></section>");
                continue;
            }

            html.Append("<div class=\"scroll\"><table><thead><tr><th class=\"n\">#</th><th>cause</th><th class=\"n\">share</th><th class=\"n\">contribution</th><th>what happened</th></tr></thead><tbody>");
            foreach ((int rank, Cause cause) in causes.Causes.Take(MostRows).Index())
            {
                Add(html, $"<tr><td class=\"n\">{rank + 1}</td><td>{E(ReportNumbers.Name(cause.Name, 80))}</td><td class=\"n\">{ReportNumbers.Percent(cause.Share)}</td><td class=\"n\">{(cause.Contribution is { } c ? Svg.Number(c) : "–")}</td><td>{E(cause.Sentence)}</td></tr>");
            }

            html.Append("</tbody></table></div>");
            Left(html, causes.Causes.Count - MostRows);
            html.Append("</section>");
        }
    }

    private static void Metrics(StringBuilder html, MonitoringReport report)
    {
        IReadOnlyList<ReportMetrics.Metric> metrics = ReportMetrics.Of(report, SignalNames.Performance, SignalNames.Estimated, SignalNames.Kpi, SignalNames.Usage);
        html.Append("<section><h2>Performance and use</h2>");
        if (metrics.Count == 0)
        {
            html.Append("<p class=\"mute\">Nothing was measured: no truth has come, and nothing was estimated.</p></section>");
            return;
        }

        html.Append("<p class=\"mute\">Solid lines are <b>realised</b>: by the truth that came. Dashed lines are <b>estimated</b> without the truth; they hold while the relation between inputs and truth stays as it was, and say nothing when that changes. Bands are 95 % intervals; the dotted line is training.</p><div class=\"grid2\">");
        foreach (IGrouping<string, ReportMetrics.Metric> group in metrics.Where(m => m.Segment is null).GroupBy(m => m.Measure).Take(MostCharts))
        {
            Chart(html, group.Key, [.. group]);
        }

        html.Append("</div><details><summary>All numbers, with segments</summary><div class=\"scroll\"><table><thead><tr><th>metric</th><th>kind</th><th>segment</th><th class=\"n\">value</th><th class=\"n\">95 % interval</th><th class=\"n\">training</th><th class=\"n\">rows</th><th>until</th></tr></thead><tbody>");
        foreach (ReportMetrics.Metric metric in metrics.Take(MostRows))
        {
            MonitorSignal last = metric.Last;
            string interval = last is { Low: { } low, High: { } high } ? $"{Svg.Number(low)} to {Svg.Number(high)}" : "–";
            Add(html, $"<tr><td>{E(ReportNumbers.Name(metric.Measure, 80))}</td><td>{E(KindOf(metric.Kind))}</td><td>{(metric.Segment is null ? "all" : E(ReportNumbers.Name(metric.Segment, 80)))}</td><td class=\"n\">{Svg.Number(last.Value)}</td><td class=\"n\">{interval}</td><td class=\"n\">{(last.Reference is { } reference ? Svg.Number(reference) : "–")}</td><td class=\"n\">{ReportNumbers.Count(last.Rows)}</td><td>{ReportNumbers.Instant(last.To)}</td></tr>");
        }

        html.Append("</tbody></table></div></details>");
        Left(html, metrics.Count - MostRows);
        html.Append("</section>");
    }

    private static void Chart(StringBuilder html, string measure, ReportMetrics.Metric[] metrics)
    {
        double? training = metrics.Select(m => m.Last.Reference).FirstOrDefault(r => r is not null);
        Svg.Series[] series = [.. metrics.Select(m => new Svg.Series(KindOf(m.Kind), m.Kind == SignalNames.Estimated ? "c" : "a", [.. m.Signals.Select(s => new Svg.TrendPoint(s.To, s.Value, s.Low, s.High))]))];
        string name = ReportNumbers.Name(measure, 80);
        string kinds = string.Join(" and ", series.Select(s => s.Name));
        Add(html, $"<div class=\"card\"><h3>{E(name)} <span class=\"mute\">({E(kinds)})</span></h3>{Svg.Trend($"{name} over time, {kinds}", string.Empty, training is { } value ? ("training", value) : null, series)}");
        foreach (ReportMetrics.Metric metric in metrics)
        {
            MonitorSignal last = metric.Last;
            string interval = last is { Low: { } low, High: { } high } ? $" ({Svg.Number(low)} to {Svg.Number(high)})" : string.Empty;
            Add(html, $"<p class=\"mute\">{E(KindOf(metric.Kind))}: {Svg.Number(last.Value)}{interval} over {ReportNumbers.Count(last.Rows)} rows{(last.Reference is { } reference ? $"; training {Svg.Number(reference)}" : string.Empty)}.</p>");
        }

        html.Append("</div>");
    }

    private static void Quality(StringBuilder html, MonitoringReport report)
    {
        if (report.Quality is not { } quality)
        {
            return;
        }

        Add(html, $"<section><h2>Data quality <span class=\"badge {Css(quality.Verdict)}\">{ReportNumbers.Word(quality.Verdict)}</span></h2>");
        if (quality.Findings.Count == 0)
        {
            Add(html, $"<p>{E(quality.Summary)}</p>");
        }
        else
        {
            html.Append("<div class=\"scroll\"><table><thead><tr><th>severity</th><th>column or rule</th><th>what was found</th><th class=\"n\">p, adjusted</th></tr></thead><tbody>");
            foreach (QualityMeasure finding in quality.Findings.Take(MostRows))
            {
                Add(html, $"<tr><td class=\"{Css(finding.Severity)}\">{ReportNumbers.Word(finding.Severity)}</td><td>{(finding.Name is null ? "all rows" : E(ReportNumbers.Name(finding.Name, 80)))}</td><td>{E(finding.Message)}</td><td class=\"n\">{E(ReportNumbers.PValue(finding.AdjustedPValue))}</td></tr>");
            }

            html.Append("</tbody></table></div>");
            Left(html, quality.Findings.Count - MostRows);
        }

        html.Append("</section>");
    }

    private static void Skew(StringBuilder html, MonitoringReport report)
    {
        if (report.Skew is not { } skew)
        {
            return;
        }

        html.Append("<section><h2>Columns that differ from training</h2>");
        if (skew.Alike)
        {
            html.Append("<p>None.</p></section>");
            return;
        }

        html.Append("<div class=\"scroll\"><table><thead><tr><th>column</th><th>kind</th><th>what differs</th><th class=\"n\">sure</th></tr></thead><tbody>");
        foreach (SkewFinding finding in skew.Findings.Take(MostRows))
        {
            Add(html, $"<tr><td>{E(ReportNumbers.Name(finding.Column, 80))}</td><td>{ReportNumbers.Word(finding.Kind)}</td><td>{E(finding.Message)}</td><td class=\"n\">{ReportNumbers.Percent(finding.Sureness)}</td></tr>");
        }

        html.Append("</tbody></table></div>");
        Left(html, skew.Findings.Count - MostRows);
        html.Append("</section>");
    }

    private static void Alerts(StringBuilder html, MonitoringReport report)
    {
        if (report.Alerts.Count == 0)
        {
            return;
        }

        html.Append("<section><h2>Open alerts</h2><div class=\"scroll\"><table><thead><tr><th>alert</th><th>since</th><th>what</th></tr></thead><tbody>");
        foreach (MonitorAlert alert in report.Alerts.Take(MostRows))
        {
            Add(html, $"<tr><td>{E(ReportNumbers.Name(alert.Id, 80))}</td><td>{ReportNumbers.Instant(alert.RaisedAt)}</td><td>{E(alert.Message)}</td></tr>");
        }

        html.Append("</tbody></table></div>");
        Left(html, report.Alerts.Count - MostRows);
        html.Append("</section>");
    }

    private static void Left(StringBuilder html, int left)
    {
        if (left > 0)
        {
            Add(html, $"<p class=\"mute\">{left} more are left out here; the JSON has them.</p>");
        }
    }

    private static string Css(MonitoringVerdict verdict) => verdict switch
    {
        MonitoringVerdict.Failed => "bad",
        MonitoringVerdict.Watch => "warn",
        MonitoringVerdict.TooFew => "mute",
        _ => "good",
    };

    private static string Css(QualitySeverity severity) => severity switch
    {
        QualitySeverity.Failed => "bad",
        QualitySeverity.Watch => "warn",
        _ => "good",
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

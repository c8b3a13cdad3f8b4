using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The report as a self-contained HTML fragment.</summary>
internal static class DriftReportHtml
{
    private const int MostBins = 24;
    private const int Width = 320;
    private const int Height = 150;
    private const int Base = 118;
    private const int Top = 12;

    private const string Style = """
        <style>
        .mlops-drift{--r:var(--mlops-reference,#9aa5b4);--c:var(--mlops-current,#2563eb);--t:var(--mlops-text,#1f2733);--m:var(--mlops-muted,#647084);--l:var(--mlops-rule,#dfe3ea);--bad:var(--mlops-bad,#c2261d);--warn:var(--mlops-warn,#a65f00);color:var(--t);font:14px/1.45 system-ui,sans-serif}
        @media(prefers-color-scheme:dark){.mlops-drift{--r:var(--mlops-reference,#6f7b8d);--c:var(--mlops-current,#6ea2ff);--t:var(--mlops-text,#e6eaf0);--m:var(--mlops-muted,#9aa5b4);--l:var(--mlops-rule,#333c49);--bad:var(--mlops-bad,#ff7b72);--warn:var(--mlops-warn,#e3a448)}}
        .mlops-drift .scroll{overflow-x:auto}.mlops-drift table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        .mlops-drift th,.mlops-drift td{padding:.3em .7em;border-bottom:1px solid var(--l);text-align:left}.mlops-drift .n{text-align:right;white-space:nowrap}
        .mlops-drift th{color:var(--m);font-weight:600}.mlops-drift .drifted{color:var(--bad);font-weight:700}.mlops-drift .watch{color:var(--warn);font-weight:700}.mlops-drift .stable,.mlops-drift .muted{color:var(--m)}
        .mlops-drift .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:1em;margin-top:1em}.mlops-drift figure{margin:0;border:1px solid var(--l);border-radius:6px;padding:.6em;break-inside:avoid}
        .mlops-drift figcaption{font-weight:600;overflow-wrap:anywhere}.mlops-drift svg{width:100%;height:auto;display:block}.mlops-drift .ref{fill:var(--r);opacity:.55}.mlops-drift .cur{fill:none;stroke:var(--c);stroke-width:2}
        .mlops-drift .axis{stroke:var(--l)}.mlops-drift text{fill:var(--m);font-size:10px}.mlops-drift .key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em;vertical-align:-.05em;border-radius:2px}
        </style>
        """;

    internal static string Write(DriftReport report, Func<FeatureDrift, string>? beside = null)
    {
        var html = new StringBuilder();
        html.Append("<section class=\"mlops-drift\">\n").Append(Style);
        html.Append(CultureInfo.InvariantCulture, $"\n<h2>Drift of {Encode(report.Model)} version {report.Version}: <span class=\"{CssClass(report.Status)}\">{ReportNumbers.Word(report.Status)}</span></h2>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p>{Arrows(report.Summary)}</p>\n<p class=\"muted\">{ReportNumbers.Count(report.Rows)} rows against {ReportNumbers.Count(report.ReferenceRows)} of training, {ReportNumbers.Span(report)}. <span class=\"key\" style=\"background:var(--r);opacity:.55\"></span>training<span class=\"key\" style=\"border:2px solid var(--c);box-sizing:border-box\"></span>now</p>\n");
        Table(html, report);
        html.Append("<div class=\"charts\">\n");
        foreach (FeatureDrift feature in report.Features)
        {
            Figure(html, feature, beside?.Invoke(feature));
        }

        return html.Append("</div>\n</section>\n").ToString();
    }

    private static void Table(StringBuilder html, DriftReport report)
    {
        html.Append("<div class=\"scroll\"><table><thead><tr><th>Feature</th><th>Status</th><th class=\"n\">PSI</th><th class=\"n\">Jensen–Shannon</th><th class=\"n\">p (adjusted)</th><th class=\"n\">Missing</th><th>What changed</th></tr></thead><tbody>\n");
        foreach (FeatureDrift feature in report.Features)
        {
            ShareChange? missing = feature.Shares.FirstOrDefault(s => s.Kind == ShareKind.Missing);
            string share = missing is null ? "–" : $"{ReportNumbers.Percent(missing.Reference)} → {ReportNumbers.Percent(missing.Current)}";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{NameOf(feature)}</td><td class=\"{CssClass(feature.Status)}\">{ReportNumbers.Word(feature.Status)}</td><td class=\"n\">{ReportNumbers.Distance(feature.Psi)}</td><td class=\"n\">{ReportNumbers.Distance(feature.JensenShannon)}</td><td class=\"n\">{Encode(ReportNumbers.PValue(feature.AdjustedPValue))}</td><td class=\"n\">{share}</td><td>{Arrows(feature.Change)}</td></tr>\n");
        }

        html.Append("</tbody></table></div>\n");
    }

    private static void Figure(StringBuilder html, FeatureDrift feature, string? safeBeside)
    {
        IReadOnlyList<Bar> bars = Bars(feature);
        double tallest = bars.Select(b => Math.Max(b.Reference, b.Current)).DefaultIfEmpty(0).Max();
        double scale = tallest > 0 ? (Base - Top) / tallest : 0;
        double step = (double)Width / Math.Max(1, bars.Count);
        html.Append(CultureInfo.InvariantCulture, $"<figure><figcaption>{NameOf(feature)} <span class=\"{CssClass(feature.Status)}\">{ReportNumbers.Word(feature.Status)}</span></figcaption><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{NameOf(feature)}: distribution in training and now\">");
        for (int i = 0; i < bars.Count; i++)
        {
            Bar bar = bars[i];
            double x = i * step;
            html.Append(CultureInfo.InvariantCulture, $"<g><title>{Encode(ReportNumbers.Name(bar.Label, 80))}: {ReportNumbers.Percent(bar.Reference)} in training, {ReportNumbers.Percent(bar.Current)} now</title><rect class=\"ref\" x=\"{F(x + (step * 0.08))}\" y=\"{F(Base - (bar.Reference * scale))}\" width=\"{F(step * 0.84)}\" height=\"{F(bar.Reference * scale)}\"/><rect class=\"cur\" x=\"{F(x + (step * 0.2))}\" y=\"{F(Base - (bar.Current * scale))}\" width=\"{F(step * 0.6)}\" height=\"{F(bar.Current * scale)}\"/></g>");
            if (bar.Labelled && bars.Count <= 14)
            {
                (string anchor, double at) = i == 0 ? ("start", 0d) : i == bars.Count - 1 ? ("end", Width) : ("middle", x + (step / 2));
                html.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"{anchor}\" x=\"{F(at)}\" y=\"{Base + (i % 2 == 0 ? 13 : 26)}\">{Encode(ReportNumbers.Name(bar.Label, Math.Max(9, (int)(step / 2.8))))}</text>");
            }
        }

        html.Append(CultureInfo.InvariantCulture, $"<line class=\"axis\" x1=\"0\" x2=\"{Width}\" y1=\"{Base}\" y2=\"{Base}\"/><text x=\"0\" y=\"9\">{ReportNumbers.Percent(tallest)}</text></svg>{safeBeside}</figure>\n");
    }

    /// <summary>Shares of all rows, so that missing values stand in the picture; what does not fit is drawn as one bar.</summary>
    private static IReadOnlyList<Bar> Bars(FeatureDrift feature)
    {
        double before = feature.ReferenceValues;
        double now = feature.Values;
        double outsideBefore = feature.Shares.Where(s => s.Kind != ShareKind.Unseen).Sum(s => s.Reference);
        double outsideNow = feature.Shares.Where(s => s.Kind != ShareKind.Unseen).Sum(s => s.Current);
        Bar Of(string label, long r, long c, bool labelled) => new(label, before > 0 ? r / before * (1 - outsideBefore) : 0, now > 0 ? c / now * (1 - outsideNow) : 0, labelled);
        IReadOnlyList<DriftBin> bins = feature.Bins;
        if (bins.Count > MostBins && feature.Kind == InputKind.Text)
        {
            DriftBin[] sorted = [.. bins.OrderByDescending(b => Math.Max(before > 0 ? b.Reference / before : 0, now > 0 ? b.Current / now : 0))];
            DriftBin[] rest = sorted[(MostBins - 1)..];
            bins = [.. sorted[..(MostBins - 1)], new DriftBin($"{rest.Length} others", rest.Sum(b => b.Reference), rest.Sum(b => b.Current))];
        }

        return
        [
            // ranges follow each other: the ends tell enough, the rest is in the tooltip
            .. bins.Select((b, i) => Of(b.Label, b.Reference, b.Current, feature.Kind == InputKind.Text || bins.Count <= 3 || i == 0 || i == bins.Count - 1)),
            .. feature.Shares.Where(s => s.Kind != ShareKind.Unseen).Select(s => new Bar($"({s.Kind.ToString().ToLowerInvariant()})", s.Reference, s.Current, Labelled: true)),
        ];
    }

    private static string NameOf(FeatureDrift feature) => Encode(ReportNumbers.Name(feature.Name, 80)) + (feature.Role == Data.FeatureRole.Output ? " (output)" : string.Empty);

    private static string CssClass(DriftStatus status) => status switch
    {
        DriftStatus.Drifted => "drifted",
        DriftStatus.Watch => "watch",
        _ => "stable",
    };

    private static string Arrows(string text) => Encode(text).Replace(" -&gt; ", "\u00a0→\u00a0", StringComparison.Ordinal);

    private static string Encode(string text) => Html.Encode(text);

    private static string F(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private readonly record struct Bar(string Label, double Reference, double Current, bool Labelled);
}

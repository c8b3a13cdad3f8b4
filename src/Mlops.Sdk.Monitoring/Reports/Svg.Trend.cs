using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <content>Numbers over time.</content>
internal static partial class Svg
{
    /// <summary>Draws numbers over time with their intervals, each series as a line in a band.</summary>
    /// <param name="title">What a screen reader says.</param>
    /// <param name="unit">The name of the vertical axis.</param>
    /// <param name="reference">A level to compare with and what it is, or null.</param>
    /// <param name="series">The series: name, CSS class <c>a</c> or <c>c</c>, points in order of time.</param>
    internal static string Trend(string title, string unit, (string Name, double Value)? reference, params IReadOnlyList<Series> series)
    {
        double[] values = [.. series.SelectMany(s => s.Points).SelectMany(p => new[] { p.Value, p.Low ?? p.Value, p.High ?? p.Value }).Concat(reference is { } r ? [r.Value] : []).Where(double.IsFinite)];
        double[] times = [.. series.SelectMany(s => s.Points).Select(p => (double)p.At.UtcTicks)];
        var svg = Begin(title);
        if (values.Length == 0 || times.Length == 0)
        {
            return svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{Height / 2}\">no numbers yet</text></svg>").ToString();
        }

        double low = values.Min();
        double high = values.Max();
        double pad = Math.Max((high - low) * 0.08, Math.Max(Math.Abs(high), 1e-9) * 1e-3);
        var y = new Axis(unit, low >= 0 && low - pad < 0 ? 0 : low - pad, high + pad);
        double first = times.Min();
        double last = times.Max();
        var x = new Axis(string.Empty, first, last > first ? last : first + 1);
        TrendFrame(svg, x, y, last > first);
        if (reference is { } level)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"line d\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{F(Y(level.Value, y))}\" y2=\"{F(Y(level.Value, y))}\"><title>{Encode(level.Name)} {Number(level.Value)}</title></line>");
        }

        foreach (Series one in series)
        {
            TrendPoint[] points = [.. one.Points.Where(p => double.IsFinite(p.Value))];
            TrendPoint[] banded = [.. points.Where(p => p is { Low: { } l, High: { } h } && double.IsFinite(l) && double.IsFinite(h))];
            if (banded.Length > 1)
            {
                IEnumerable<string> edge = banded.Select(p => $"{F(X(p.At.UtcTicks, x))},{F(Y(p.High!.Value, y))}").Concat(banded.Reverse().Select(p => $"{F(X(p.At.UtcTicks, x))},{F(Y(p.Low!.Value, y))}"));
                svg.Append(CultureInfo.InvariantCulture, $"<polygon class=\"band {one.Class}\" points=\"{string.Join(' ', edge)}\"/>");
            }

            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"line {one.Class}\" points=\"{string.Join(' ', points.Select(p => $"{F(X(p.At.UtcTicks, x))},{F(Y(p.Value, y))}"))}\"><title>{Encode(one.Name)}</title></polyline>");
            if (points.Length <= 40)
            {
                foreach (TrendPoint p in points)
                {
                    string interval = p is { Low: { } l, High: { } h } ? $" ({Number(l)} to {Number(h)})" : string.Empty;
                    svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"dot {one.Class}\" cx=\"{F(X(p.At.UtcTicks, x))}\" cy=\"{F(Y(p.Value, y))}\" r=\"2.5\"><title>{Encode(one.Name)}, {ReportNumbers.Instant(p.At)}: {Number(p.Value)}{interval}</title></circle>");
                }
            }
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Draws a line the size of a word; the highest point is the top.</summary>
    /// <param name="title">What a screen reader says.</param>
    /// <param name="values">The numbers in order of time, at least 0; one that is not finite is a gap.</param>
    internal static string Sparkline(string title, IReadOnlyList<double> values)
    {
        const int width = 160;
        const int height = 28;
        double top = values.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double scale = top > 0 ? (height - 4) / top : 0;
        double step = values.Count > 1 ? (double)width / (values.Count - 1) : 0;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{Encode(title)}\"><path class=\"spark\" d=\"");
        bool pen = false;
        for (int i = 0; i < values.Count; i++)
        {
            if (double.IsFinite(values[i]))
            {
                svg.Append(pen ? 'L' : 'M').Append(F(i * step)).Append(' ').Append(F(height - 2 - (values[i] * scale)));
                pen = true;
            }
            else
            {
                pen = false;
            }
        }

        return svg.Append("\"/></svg>").ToString();
    }

    internal static string Number(double value) => Math.Abs(value) switch
    {
        >= 1e15 => value.ToString("0.###E+0", CultureInfo.InvariantCulture),
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0.#", CultureInfo.InvariantCulture),
        >= 0.001 or 0 => value.ToString("0.###", CultureInfo.InvariantCulture),
        _ => value.ToString("0.##E+0", CultureInfo.InvariantCulture),
    };

    private static void TrendFrame(StringBuilder svg, Axis x, Axis y, bool span)
    {
        foreach (double tick in Ticks(y))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{F(Y(tick, y))}\" y2=\"{F(Y(tick, y))}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{Left - 6}\" y=\"{F(Y(tick, y) + 4)}\">{Number(tick)}</text>");
        }

        double[] ends = span ? [x.From, x.To] : [x.From];
        for (int i = 0; i < ends.Length; i++)
        {
            string at = new DateTime((long)Math.Clamp(ends[i], 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" text-anchor=\"{(i == 0 ? "start" : "end")}\" x=\"{F(i == 0 ? Left : Width - Right)}\" y=\"{Height - Bottom + 15}\">{at}</text>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" x=\"2\" y=\"{Top - 12}\">{Encode(y.Name)}</text>");
    }

    /// <summary>A series.</summary>
    internal sealed record Series(string Name, string Class, IReadOnlyList<TrendPoint> Points);

    /// <summary>A number at a time, and its interval.</summary>
    internal readonly record struct TrendPoint(DateTimeOffset At, double Value, double? Low = null, double? High = null);
}

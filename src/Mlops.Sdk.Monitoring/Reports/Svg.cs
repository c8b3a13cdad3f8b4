using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>Draws small charts as inline SVG: no script, no network, colours from the page's CSS variables so that they follow light and dark.</summary>
internal static partial class Svg
{
    private const int Width = 460;
    private const int Height = 240;
    private const int Left = 46;
    private const int Bottom = 34;
    private const int Top = 24;
    private const int Right = 14;

    /// <summary>Draws lines over a common plane.</summary>
    /// <param name="title">What a screen reader says.</param>
    /// <param name="x">The name of the horizontal axis and its range.</param>
    /// <param name="y">The name of the vertical axis and its range.</param>
    /// <param name="lines">The lines: name, CSS class, points.</param>
    internal static string Lines(string title, Axis x, Axis y, params (string Name, string Class, IReadOnlyList<(double X, double Y)> Points)[] lines)
    {
        var svg = Begin(title);
        Frame(svg, x, y);
        foreach ((string name, string cssClass, IReadOnlyList<(double X, double Y)> points) in lines)
        {
            string path = string.Join(' ', points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).Select(p => $"{F(X(p.X, x))},{F(Y(p.Y, y))}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"line {cssClass}\" points=\"{path}\"><title>{Encode(name)}</title></polyline>");
        }

        Legend(svg, lines.Select(l => (l.Name, l.Class)));
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Draws points with whiskers: a value and its interval per row, the field's way to show a leaderboard.</summary>
    /// <param name="title">What a screen reader says.</param>
    /// <param name="axis">The name of the value and its range.</param>
    /// <param name="rows">The rows: label, value, lower and upper end, whether it stands out.</param>
    internal static string Intervals(string title, Axis axis, IReadOnlyList<(string Label, double Value, double Lower, double Upper, bool Strong)> rows)
    {
        const int label = 110;
        int height = (rows.Count * 26) + Bottom + 6;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{Encode(title)}\">");
        double At(double v) => label + ((Math.Clamp(v, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * (Width - label - Right));
        foreach (double tick in Ticks(axis))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{F(At(tick))}\" x2=\"{F(At(tick))}\" y1=\"4\" y2=\"{height - Bottom}\"/><text class=\"tick\" text-anchor=\"middle\" x=\"{F(At(tick))}\" y=\"{height - Bottom + 14}\">{tick.ToString("0.##", CultureInfo.InvariantCulture)}</text>");
        }

        for (int i = 0; i < rows.Count; i++)
        {
            (string name, double value, double lower, double upper, bool strong) = rows[i];
            int y = 18 + (i * 26);
            string cssClass = strong ? "a" : "b";
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"name\" x=\"0\" y=\"{y + 4}\">{Encode(name)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"line {cssClass}\" x1=\"{F(At(lower))}\" x2=\"{F(At(upper))}\" y1=\"{y}\" y2=\"{y}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"dot {cssClass}\" cx=\"{F(At(value))}\" cy=\"{y}\" r=\"4.5\"><title>{Encode(name)} {value.ToString("0.000", CultureInfo.InvariantCulture)}</title></circle>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" text-anchor=\"end\" x=\"{Width - Right}\" y=\"{height - 4}\">{Encode(axis.Name)}</text>");
        return svg.Append("</svg>").ToString();
    }

    internal static string Encode(string? text) => Html.Encode(text ?? string.Empty);

    private static StringBuilder Begin(string title) =>
        new StringBuilder().Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Encode(title)}\">");

    private static void Frame(StringBuilder svg, Axis x, Axis y)
    {
        foreach (double tick in Ticks(y))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{F(Y(tick, y))}\" y2=\"{F(Y(tick, y))}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{Left - 6}\" y=\"{F(Y(tick, y) + 4)}\">{tick.ToString("0.##", CultureInfo.InvariantCulture)}</text>");
        }

        foreach (double tick in Ticks(x))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" text-anchor=\"middle\" x=\"{F(X(tick, x))}\" y=\"{Height - Bottom + 15}\">{tick.ToString("0.##", CultureInfo.InvariantCulture)}</text>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" text-anchor=\"end\" x=\"{Width - Right}\" y=\"{Height - 3}\">{Encode(x.Name)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" x=\"2\" y=\"{Top - 12}\">{Encode(y.Name)}</text>");
    }

    private static void Legend(StringBuilder svg, IEnumerable<(string Name, string Class)> lines)
    {
        int y = Height - Bottom - 12;
        foreach ((string name, string cssClass) in lines.Reverse())
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"key {cssClass}\" x=\"{Width - Right - 150}\" y=\"{y - 8}\" width=\"10\" height=\"10\"/><text class=\"tick\" x=\"{Width - Right - 135}\" y=\"{y + 1}\">{Encode(name)}</text>");
            y -= 16;
        }
    }

    private static IEnumerable<double> Ticks(Axis axis)
    {
        for (int i = 0; i <= 4; i++)
        {
            yield return axis.From + ((axis.To - axis.From) * i / 4);
        }
    }

    private static double X(double value, Axis axis) => Left + ((value - axis.From) / (axis.To - axis.From) * (Width - Left - Right));

    private static double Y(double value, Axis axis) => Height - Bottom - ((Math.Clamp(value, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * (Height - Bottom - Top));

    private static string F(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>An axis: its name and its range, which is not empty.</summary>
    internal readonly record struct Axis(string Name, double From, double To);
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Registry;

/// <summary>Writes a comparison for people and for programs.</summary>
public static class VersionComparisonFormats
{
    /// <summary>Writes a comparison as Markdown: what breaks first, then a table per part. Texts from outside cannot leave their cell.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <returns>The text.</returns>
    public static string ToMarkdown(this VersionComparison comparison)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# {Cell(comparison.Model)}: version {comparison.From} to {comparison.To}\n\n");
        SchemaChange[] breaking = [.. comparison.Schema.Where(c => c.Breaking)];
        text.Append(breaking.Length == 0 ? "Callers do not break.\n" : "**Callers break:**\n\n");
        foreach (SchemaChange change in breaking)
        {
            text.Append("- ").Append(Cell(change.Message)).Append('\n');
        }

        Table(text, "Schema", ["what", "name", "before", "after", "breaks"], comparison.Schema.Select(c => (string?[])[c.Kind.ToString(), c.Name, c.From, c.To, c.Breaking ? "yes" : "no"]));
        Table(text, "Metrics", ["metric", "before", "after", "difference", "intervals"], comparison.Metrics.Select(m => (string?[])[m.Name, Metric(m.From), Metric(m.To), Number(m.Delta), m.IntervalsOverlap switch { true => "overlap", false => "apart", null => null }]));
        Table(text, "Data", comparison.Data);
        Table(text, "Parameters", comparison.Parameters);
        Table(text, "Environment", comparison.Environment);
        Table(text, "Gates", comparison.Gates);
        Table(text, "Files", comparison.Files);
        Table(text, "Importance", ["input", "before", "after", "rank before", "rank after"], comparison.Importance.Select(i => (string?[])[i.Input, Number(i.From), Number(i.To), Number(i.RankFrom), Number(i.RankTo)]));
        if (comparison.ImportanceMissing is { } missing)
        {
            text.Append('\n').Append(Cell(missing)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Writes a comparison as a JSON object with camel-case names; <c>breaking</c> says whether callers break.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <returns>The text.</returns>
    public static string ToJson(this VersionComparison comparison)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        return JsonSerializer.Serialize(comparison, ComparisonJson.Default.VersionComparison);
    }

    private static void Table(StringBuilder text, string title, IReadOnlyList<ValueChange> changes) =>
        Table(text, title, ["name", "before", "after"], changes.Select(c => (string?[])[c.Name, c.From, c.To]));

    private static void Table(StringBuilder text, string title, string[] heads, IEnumerable<string?[]> rows)
    {
        string[] lines = [.. rows.Select(r => $"| {string.Join(" | ", r.Select(Cell))} |\n")];
        if (lines.Length == 0)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| {string.Join(" | ", heads)} |\n|{string.Concat(Enumerable.Repeat(" --- |", heads.Length))}\n");
        foreach (string line in lines)
        {
            text.Append(line);
        }
    }

    private static string? Metric(MetricValue? metric) => metric switch
    {
        null => null,
        { Lower: { } low, Upper: { } high } => $"{Number(metric.Value)} ({Number(low)} to {Number(high)})",
        _ => Number(metric.Value),
    };

    private static string? Number(double? value) => value?.ToString("G6", CultureInfo.InvariantCulture);

    private static string? Number(int? value) => value?.ToString(CultureInfo.InvariantCulture);

    /// <summary>A text in one line, with everything that Markdown or HTML would act on made harmless.</summary>
    private static string Cell(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "–";
        }

        StringBuilder cell = new(text.Length);
        foreach (char c in text)
        {
            _ = c switch
            {
                '<' => cell.Append("&lt;"),
                '>' => cell.Append("&gt;"),
                '&' => cell.Append("&amp;"),
                '|' or '\\' or '`' or '*' or '_' or '[' or ']' or '!' => cell.Append('\\').Append(c),
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' => cell.Append(' '),
                _ => cell.Append(c),
            };
        }

        return cell.ToString();
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = false)]
[JsonSerializable(typeof(VersionComparison))]
internal sealed partial class ComparisonJson : JsonSerializerContext;

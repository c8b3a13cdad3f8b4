using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Data;

/// <summary>A table at a glance: what a person looks at before training.</summary>
/// <param name="Rows">How many rows.</param>
/// <param name="Columns">The columns in order.</param>
public sealed record DataProfile(int Rows, IReadOnlyList<ColumnProfile> Columns)
{
    private const int TopValues = 5;

    /// <summary>Looks at a table: one exact pass per column.</summary>
    /// <param name="table">The table.</param>
    /// <returns>The profile.</returns>
    public static DataProfile Of(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new DataProfile(table.Rows, [.. table.Columns.Select(Look)]);
    }

    /// <summary>Writes the profile as an aligned table for a console.</summary>
    /// <returns>Lines separated by line feeds.</returns>
    public string ToText()
    {
        var text = new StringBuilder();
        int width = Math.Max(6, Columns.Max(c => c.Name.Length));
        text.Append(CultureInfo.InvariantCulture, $"{"column".PadRight(width)}  kind    missing  distinct  what is in it\n");
        foreach (ColumnProfile column in Columns)
        {
            string content = column.Mean is { } mean
                ? string.Create(CultureInfo.InvariantCulture, $"{column.Minimum} to {column.Maximum}, mean {mean:0.##}, sd {column.StandardDeviation:0.##}, median {column.Median:0.##}")
                : column.Minimum is not null ? $"{column.Minimum} to {column.Maximum}"
                : string.Join(", ", column.Top.Take(3).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Value} {100.0 * t.Rows / Math.Max(1, Rows):0.#} %")));
            text.Append(CultureInfo.InvariantCulture, $"{column.Name.PadRight(width)}  {column.Kind,-6}  {100.0 * column.Missing / Math.Max(1, Rows),5:0.0} %  {column.Distinct,8}  {content}\n");
        }

        return text.ToString();
    }

    private static ColumnProfile Look(Column column)
    {
        int missing = Enumerable.Range(0, column.Rows).Count(column.IsMissing);
        switch (column)
        {
            case NumberColumn number:
                double[] sorted = [.. number.Values.Where(v => !double.IsNaN(v)).Order()];
                double mean = sorted.Length == 0 ? double.NaN : sorted.Average();
                double deviation = sorted.Length == 0 ? double.NaN : Math.Sqrt(sorted.Average(v => (v - mean) * (v - mean)));
                return new ColumnProfile(column.Name, "number", missing, sorted.Distinct().Count())
                {
                    Minimum = sorted.Length == 0 ? null : sorted[0].ToString("G6", CultureInfo.InvariantCulture),
                    Maximum = sorted.Length == 0 ? null : sorted[^1].ToString("G6", CultureInfo.InvariantCulture),
                    Mean = sorted.Length == 0 ? null : mean,
                    StandardDeviation = sorted.Length == 0 ? null : deviation,
                    Median = sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2,
                };
            case TimeColumn time:
                long[] ticks = [.. time.Ticks.Where(t => t != TimeColumn.Missing)];
                string form = time.DateOnly ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm:ss";
                return new ColumnProfile(column.Name, "time", missing, ticks.Distinct().Count())
                {
                    Minimum = ticks.Length == 0 ? null : new DateTime(ticks.Min(), DateTimeKind.Utc).ToString(form, CultureInfo.InvariantCulture),
                    Maximum = ticks.Length == 0 ? null : new DateTime(ticks.Max(), DateTimeKind.Utc).ToString(form, CultureInfo.InvariantCulture),
                };
            default:
                var text = (TextColumn)column;
                ValueCount[] values =
                [
                    .. text.Codes.Where(c => c >= 0).CountBy(c => c).Select(c => new ValueCount(text.Dictionary[c.Key], c.Value))
                        .OrderByDescending(v => v.Rows).ThenBy(v => v.Value, StringComparer.Ordinal),
                ];
                return new ColumnProfile(column.Name, "text", missing, values.Length) { Top = [.. values.Take(TopValues)] };
        }
    }
}

/// <summary>A column at a glance.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>number</c>, <c>text</c> or <c>time</c>.</param>
/// <param name="Missing">How many rows have no value.</param>
/// <param name="Distinct">How many different values there are.</param>
public sealed record ColumnProfile(string Name, string Kind, int Missing, int Distinct)
{
    /// <summary>Gets the smallest value, or null for texts and empty columns.</summary>
    public string? Minimum { get; init; }

    /// <summary>Gets the largest value, or null for texts and empty columns.</summary>
    public string? Maximum { get; init; }

    /// <summary>Gets the mean of a number column, or null.</summary>
    public double? Mean { get; init; }

    /// <summary>Gets the population standard deviation of a number column, or null.</summary>
    public double? StandardDeviation { get; init; }

    /// <summary>Gets the median of a number column, or null.</summary>
    public double? Median { get; init; }

    /// <summary>Gets the most frequent values of a text column, at most five.</summary>
    public IReadOnlyList<ValueCount> Top { get; init; } = [];
}

/// <summary>A value and how many rows have it.</summary>
/// <param name="Value">The value.</param>
/// <param name="Rows">How many rows.</param>
public sealed record ValueCount(string Value, int Rows);

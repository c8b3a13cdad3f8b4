using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The answer to a <see cref="UsageQuery"/>.</summary>
/// <param name="Rows">The calls, in order of model, hour, version, caller and error.</param>
/// <param name="By">What they are told apart by.</param>
public sealed record UsageTable(IReadOnlyList<UsageRow> Rows, UsageParts By)
{
    private const int MaxText = 40;

    /// <summary>Writes the rows as a table for a console: one line each, times in milliseconds.</summary>
    /// <returns>The text; lines end with a line feed.</returns>
    public string ToText()
    {
        List<string[]> lines = [[.. Heads()]];
        lines.AddRange(Rows.Select(r => Cells(r).ToArray()));
        int left = lines[0].Length - Numbers.Length;
        int[] widths = [.. Enumerable.Range(0, lines[0].Length).Select(c => lines.Max(l => l[c].Length))];
        var text = new StringBuilder();
        foreach (string[] line in lines)
        {
            text.AppendJoin("  ", line.Select((cell, c) => c < left ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c])));
            while (text[^1] == ' ')
            {
                text.Length--;
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static readonly string[] Numbers = ["calls", "rows", "errors", "p50 ms", "p95 ms", "p99 ms", "max ms", "cost"];

    private IEnumerable<string> Heads()
    {
        yield return "model";
        foreach ((UsageParts part, string head) in new[] { (UsageParts.Hour, "hour (UTC)"), (UsageParts.Version, "version"), (UsageParts.Caller, "caller"), (UsageParts.Error, "error") })
        {
            if (By.HasFlag(part))
            {
                yield return head;
            }
        }

        foreach (string number in Numbers)
        {
            yield return number;
        }
    }

    private IEnumerable<string> Cells(UsageRow row)
    {
        yield return Shown(row.Model);
        if (By.HasFlag(UsageParts.Hour))
        {
            yield return row.Hour!.Value.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        }

        if (By.HasFlag(UsageParts.Version))
        {
            yield return row.Version == 0 ? "-" : row.Version!.Value.ToString(CultureInfo.InvariantCulture);
        }

        if (By.HasFlag(UsageParts.Caller))
        {
            yield return Shown(row.Caller);
        }

        if (By.HasFlag(UsageParts.Error))
        {
            yield return Shown(row.Error);
        }

        yield return row.Calls.ToString(CultureInfo.InvariantCulture);
        yield return row.Rows.ToString(CultureInfo.InvariantCulture);
        yield return row.Errors.ToString(CultureInfo.InvariantCulture);
        foreach (TimeSpan time in new[] { row.LatencyAt(0.5), row.LatencyAt(0.95), row.LatencyAt(0.99), row.Longest })
        {
            yield return time.TotalMilliseconds.ToString("0.####", CultureInfo.InvariantCulture);
        }

        yield return row.Costs.Count == 0 ? "-" : string.Join(" + ", row.Costs.Select(c => $"{c.Amount.ToString("0.######", CultureInfo.InvariantCulture)} {Shown(c.Currency)}"));
    }

    /// <summary>Callers name themselves: what would break a line or run on is not shown.</summary>
    private static string Shown(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return "-";
        }

        var text = new StringBuilder();
        foreach (Rune rune in name.EnumerateRunes())
        {
            if (text.Length >= MaxText)
            {
                return text.Append('…').ToString();
            }

            text.Append(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned ? "?" : rune.ToString());
        }

        return text.ToString();
    }
}

using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>How numbers and names are written in reports, whatever the culture of the process.</summary>
internal static class ReportNumbers
{
    internal static string Distance(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    internal static string Percent(double share) => (share * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    internal static string PValue(double? p) => p switch
    {
        null => "-",
        < 0.0001 => "<0.0001",
        _ => p.Value.ToString("0.0000", CultureInfo.InvariantCulture),
    };

    internal static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    internal static string Span(DriftReport report) => report.From == report.To
        ? Instant(report.To)
        : $"{Instant(report.From)} to {Instant(report.To)}";

    /// <summary>Makes a name from outside harmless for a terminal and a page, and short enough for a table.</summary>
    internal static string Name(string name, int longest = 32)
    {
        string clean = Clean(name);
        if (clean.Length <= longest)
        {
            return clean;
        }

        int cut = longest - 1;
        return string.Concat(clean.AsSpan(0, cut > 0 && char.IsHighSurrogate(clean[cut - 1]) ? cut - 1 : cut), "…");
    }

    /// <summary>Puts a question mark for what no report should carry: control characters, halves of pairs, marks that turn the direction of text, and code points that are no characters.</summary>
    internal static string Clean(string text)
    {
        int bad = -1;
        for (int i = 0; i < text.Length && bad < 0; i++)
        {
            bad = IsHarmless(text, i) ? -1 : i;
        }

        return bad < 0 ? text : string.Concat(text.Select((c, i) => IsHarmless(text, i) ? c : '?'));
    }

    private static bool IsHarmless(string text, int at)
    {
        char c = text[at];
        if (char.IsSurrogate(c))
        {
            return char.IsHighSurrogate(c) ? at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) && (char.ConvertToUtf32(c, text[at + 1]) & 0xFFFE) != 0xFFFE
                : at > 0 && char.IsHighSurrogate(text[at - 1]) && (char.ConvertToUtf32(text[at - 1], c) & 0xFFFE) != 0xFFFE;
        }

        return !char.IsControl(c) && c is not ((>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u2028' or '\u2029' or '\uFFFE' or '\uFFFF' or (>= '\uFDD0' and <= '\uFDEF'));
    }

    internal static string Word(DriftStatus status) => status switch
    {
        DriftStatus.Drifted => "DRIFTED",
        DriftStatus.Watch => "watch",
        DriftStatus.TooFew => "too few",
        DriftStatus.Ignored => "ignored",
        _ => "stable",
    };

    internal static string Word(QualitySeverity severity) => severity switch
    {
        QualitySeverity.Failed => "FAILED",
        QualitySeverity.Watch => "watch",
        _ => "fine",
    };

    internal static string Word(SkewKind kind) => kind switch
    {
        SkewKind.ColumnMissing => "missing column",
        SkewKind.ColumnNew => "new column",
        SkewKind.MissingShare => "missing values",
        _ => kind.ToString().ToLowerInvariant(),
    };

    internal static string Word(MonitoringVerdict verdict) => verdict switch
    {
        MonitoringVerdict.Failed => "FAILED",
        MonitoringVerdict.Watch => "watch",
        MonitoringVerdict.TooFew => "too few rows",
        _ => "fine",
    };

    internal static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";
}

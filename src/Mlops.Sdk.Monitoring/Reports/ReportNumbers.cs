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

    /// <summary>Makes a name from outside harmless for a terminal and short enough for a table.</summary>
    internal static string Name(string name, int longest = 32)
    {
        string clean = string.Concat(name.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return clean.Length <= longest ? clean : string.Concat(clean.AsSpan(0, longest - 1), "…");
    }

    internal static string Word(DriftStatus status) => status switch
    {
        DriftStatus.Drifted => "DRIFTED",
        DriftStatus.Watch => "watch",
        DriftStatus.TooFew => "too few",
        DriftStatus.Ignored => "ignored",
        _ => "stable",
    };

    private static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";
}

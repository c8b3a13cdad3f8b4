using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The report as a table for a console.</summary>
internal static class DriftReportText
{
    private const int LongestChange = 52;

    internal static string Write(DriftReport report)
    {
        string[] head = ["feature", "status", "PSI", "JS", "p (adj.)", "missing", "what changed"];
        string[][] rows = [.. report.Features.Select(Row)];
        int[] widths = [.. Enumerable.Range(0, head.Length).Select(c => rows.Select(r => r[c].Length).Append(head[c].Length).Max())];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{ReportNumbers.Name(report.Model, 128)} v{report.Version}: {ReportNumbers.Count(report.Rows)} rows against {ReportNumbers.Count(report.ReferenceRows)} of training, {ReportNumbers.Span(report)}\n");
        Line(text, head, widths);
        Line(text, [.. widths.Select(w => new string('-', w))], widths);
        foreach (string[] row in rows)
        {
            Line(text, row, widths);
        }

        return text.Append(ReportNumbers.Name(report.Summary, int.MaxValue)).Append('\n').ToString();
    }

    private static string[] Row(FeatureDrift feature)
    {
        ShareChange? missing = feature.Shares.FirstOrDefault(s => s.Kind == ShareKind.Missing);
        return
        [
            ReportNumbers.Name(feature.Name) + (feature.Role == Data.FeatureRole.Output ? " (output)" : string.Empty),
            ReportNumbers.Word(feature.Status),
            ReportNumbers.Distance(feature.Psi),
            ReportNumbers.Distance(feature.JensenShannon),
            ReportNumbers.PValue(feature.AdjustedPValue),
            missing is null ? "-" : $"{ReportNumbers.Percent(missing.Reference)} -> {ReportNumbers.Percent(missing.Current)}",
            ReportNumbers.Name(feature.Change, LongestChange),
        ];
    }

    private static void Line(StringBuilder text, string[] cells, int[] widths)
    {
        int start = text.Length;
        for (int i = 0; i < cells.Length; i++)
        {
            // numbers stand right, words left
            text.Append(i is >= 2 and <= 5 ? cells[i].PadLeft(widths[i]) : cells[i].PadRight(widths[i])).Append("  ");
        }

        while (text.Length > start && text[^1] == ' ')
        {
            text.Length--;
        }

        text.Append('\n');
    }
}

using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <content>Shares that rise, and numbers that leave their range.</content>
public static partial class DataQuality
{
    /// <summary>A share before and now.</summary>
    private sealed record Rise(QualityKind Kind, string Name, long Before, long ReferenceRows, long Now, long Rows, bool Judged, string Message)
    {
        internal double Reference => ReferenceRows == 0 ? 0 : Before / (double)ReferenceRows;

        internal double Current => Rows == 0 ? 0 : Now / (double)Rows;
    }

    private static void AddRise(List<Rise> rises, QualityKind kind, string name, long before, long referenceRows, long now, long rows, bool judged, string? message = null)
    {
        if (before + now == 0 || rows == 0)
        {
            return;
        }

        string what = kind switch
        {
            QualityKind.Missing => "have no value",
            QualityKind.Infinite => "are infinite",
            _ => "have a category that the reference does not list",
        };
        double usual = referenceRows == 0 ? 0 : Math.Min(1, before / (double)referenceRows);
        rises.Add(new Rise(kind, name, Math.Min(before, referenceRows), referenceRows, now, rows, judged,
            message ?? Text($"'{name}': {now} of {rows} rows ({now * 100.0 / rows:0.#} %) {what}; {usual * 100:0.#} % are usual.")));
    }

    private static void AddInfinite(List<Rise> rises, List<QualityMeasure> measures, ReferenceFeature reference, WindowFeature current, long referenceRows, long rows, bool judged, QualityOptions options)
    {
        if (reference.Infinite > 0 || current.Infinite == 0)
        {
            AddRise(rises, QualityKind.Infinite, current.Name, reference.Infinite, referenceRows, current.Infinite, rows, judged);
            return;
        }

        double share = current.Infinite / (double)rows;
        QualitySeverity severity = options.Ignored.Contains(current.Name) ? QualitySeverity.Fine : share >= options.ViolationFail ? QualitySeverity.Failed : QualitySeverity.Watch;
        measures.Add(new QualityMeasure(QualityKind.Infinite, severity, current.Name, rows, current.Infinite, share, 0, Text($"'{current.Name}': {current.Infinite} of {rows} rows ({share * 100:0.##} %) are infinite; the reference has none.")));
    }

    private static void AddRange(List<QualityMeasure> measures, ReferenceFeature reference, WindowFeature current, long rows, bool ignored, QualityOptions options)
    {
        if (reference is not { Minimum: { } low, Maximum: { } high } || current is not { Minimum: { } least, Maximum: { } most } || (least >= low && most <= high))
        {
            return;
        }

        // a constant has no width: its own size stands for it
        double width = high > low ? (double)high - low : Math.Max(Math.Abs((double)high), 1);
        double beyond = Math.Max(low - (double)least, most - (double)high) / width;
        QualitySeverity severity = ignored || beyond < options.RangeSlack ? QualitySeverity.Fine : beyond < 10 * options.RangeSlack ? QualitySeverity.Watch : QualitySeverity.Failed;
        long outside = (least < low ? current.Counts[0] : 0) + (most > high ? current.Counts[^1] : 0);
        measures.Add(new QualityMeasure(QualityKind.OutOfRange, severity, current.Name, rows, (least < low ? 1 : 0) + (most > high ? 1 : 0), beyond, 0,
            Text($"'{current.Name}' runs from {least:G6} to {most:G6}, in the reference from {low:G6} to {high:G6}: {beyond:0.##} widths beyond; at most {outside} of {rows} rows are outside.")));
    }

    private static void AddDeclared(List<QualityMeasure> measures, ReferenceFeature reference, WindowFeature current, long rows, QualityOptions options)
    {
        if (!options.Ranges.TryGetValue(current.Name, out QualityRange? range) || current is not { Minimum: { } least, Maximum: { } most })
        {
            return;
        }

        bool below = least < range.Minimum;
        bool above = most > range.Maximum;
        long surely = 0;
        long perhaps = 0;
        float[] edges = reference.Edges;
        for (int i = 0; i < current.Counts.Length; i++)
        {
            // a bin is right-closed and open on the left; the outer ones have no end
            double from = i == 0 ? double.NegativeInfinity : edges[i - 1];
            double to = i == edges.Length ? double.PositiveInfinity : edges[i];
            bool outside = (below && to < range.Minimum) || (above && from >= range.Maximum);
            bool partly = (below && from < range.Minimum) || (above && to > range.Maximum);
            surely += outside ? current.Counts[i] : 0;
            perhaps += partly && !outside ? current.Counts[i] : 0;
        }

        long least1 = Math.Max(surely, (below ? 1 : 0) + (above ? 1 : 0));
        double share = rows == 0 ? 0 : least1 / (double)rows;
        QualitySeverity severity = least1 == 0 ? QualitySeverity.Fine : share >= options.ViolationFail ? QualitySeverity.Failed : QualitySeverity.Watch;
        string message = least1 == 0
            ? Text($"'{current.Name}' runs from {least:G6} to {most:G6}, as declared.")
            : Text($"'{current.Name}' runs from {least:G6} to {most:G6}; declared is {range.Minimum:G6} to {range.Maximum:G6}. From {least1} to {Math.Max(least1, surely + perhaps)} of {rows} rows are outside.");
        measures.Add(new QualityMeasure(QualityKind.OutOfDeclaredRange, severity, current.Name, rows, least1, share, 0, message));
    }

    private static IEnumerable<QualityMeasure> Judge(List<Rise> rises, QualityOptions options)
    {
        Rise[] tested = [.. rises.Where(r => r.Judged)];
        double[] adjusted = DriftStatistics.BenjaminiHochberg([.. tested.Select(r => DriftStatistics.ShareTest(r.Before, r.ReferenceRows, r.Now, r.Rows))]);
        int next = 0;
        foreach (Rise rise in rises)
        {
            double? p = rise.Judged ? adjusted[next++] : null;
            double by = rise.Current - rise.Reference;
            QualitySeverity severity = !(p <= options.FalseDiscoveryRate) || by < options.Watch ? QualitySeverity.Fine : by < options.Fail ? QualitySeverity.Watch : QualitySeverity.Failed;
            yield return new QualityMeasure(rise.Kind, severity, rise.Name, rise.Rows, rise.Now, rise.Current, rise.Reference, rise.Message) { AdjustedPValue = p };
        }
    }
}

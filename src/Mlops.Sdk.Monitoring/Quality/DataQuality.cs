using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Judges the rows of a window. Pure: the same input gives the same report.</summary>
/// <remarks>
/// A share fails when it rose over the reference's by enough (<see cref="QualityOptions.Fail"/>) and the rise is not chance: a test of two
/// shares, adjusted over all tests of the report by Benjamini and Hochberg. Only a rise counts: fewer missing values are drift, not bad
/// data. What should never happen (a broken rule, an infinity where the reference has none, a number outside its declared range) is told
/// from the first row on. For unseen categories some are to be expected, as <see cref="DriftDetector"/> explains.
/// </remarks>
public static partial class DataQuality
{
    private const double ChanceOfConstant = 1e-6;

    /// <summary>Judges a window.</summary>
    /// <param name="profile">The reference of the window's version.</param>
    /// <param name="window">The window.</param>
    /// <param name="options">When rows count as bad; null for the defaults.</param>
    /// <param name="raw">What was counted about the same rows before they were encoded; null when nothing was.</param>
    /// <param name="volume">How many rows came in the last hour; null when that is not judged.</param>
    /// <param name="now">What ages are measured to; null for the end of the window.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsDataException">The window was counted by another reference; code <c>monitoring.profile_mismatch</c>.</exception>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static QualityReport Check(ReferenceProfile profile, MonitorWindow window, QualityOptions? options = null, RawQuality? raw = null, VolumeJudgement? volume = null, DateTimeOffset? now = null)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(window);
        options ??= new QualityOptions();
        options.Check();
        return Check(profile, window, options, raw, volume, now ?? window.To, options.ExpectedDuplicateShare);
    }

    internal static QualityReport Check(ReferenceProfile profile, MonitorWindow window, QualityOptions options, RawQuality? raw, VolumeJudgement? volume, DateTimeOffset now, double? expectedDuplicates)
    {
        var measures = new List<QualityMeasure>();
        var rises = new List<Rise>();
        bool judged = window.Rows >= options.MinimumRows;
        Dictionary<(string, FeatureRole), ReferenceFeature> known = profile.Features.ToDictionary(f => (f.Name, f.Role));
        foreach (WindowFeature current in window.Features)
        {
            if (!known.TryGetValue((current.Name, current.Role), out ReferenceFeature? reference) || reference.Kind != current.Kind
                || (current.Kind == InputKind.Number ? reference.Counts.Length : reference.Categories.Length) != current.Counts.Length)
            {
                throw new MlopsDataException("monitoring.profile_mismatch", $"Window '{window.Id}' of {window.Model} v{window.Version} counts '{current.Name}' in {current.Counts.Length} bins; the reference does not. Check it with the reference that it was counted by.");
            }

            bool ignored = options.Ignored.Contains(current.Name);
            AddRise(rises, QualityKind.Missing, current.Name, reference.Missing, profile.Rows, current.Missing, window.Rows, judged && !ignored);
            AddInfinite(rises, measures, reference, current, profile.Rows, window.Rows, judged && !ignored, options);
            if (current.Kind == InputKind.Text && reference.Other == 0)
            {
                AddRise(rises, QualityKind.Unseen, current.Name, Math.Min(reference.CategoryCounts.LongCount(c => c == 1), profile.Rows), profile.Rows, current.Unseen, window.Rows, judged && !ignored);
            }

            if (current.Kind == InputKind.Number)
            {
                AddRange(measures, reference, current, window.Rows, ignored, options);
                AddDeclared(measures, reference, current, window.Rows, options);
            }

            if (judged && !ignored && current.Role == FeatureRole.Input && WhyConstant(reference, current) is { } constant)
            {
                measures.Add(new QualityMeasure(QualityKind.Constant, QualitySeverity.Failed, current.Name, window.Rows, current.Values, 1, 0, constant));
            }
        }

        if (window.NotRecorded > 0)
        {
            double share = window.NotRecorded / (double)(window.Rows + window.NotRecorded);
            measures.Add(new QualityMeasure(QualityKind.NotRecorded, share >= options.Fail ? QualitySeverity.Failed : QualitySeverity.Watch, null, window.Rows + window.NotRecorded, window.NotRecorded, share, 0,
                Text($"{window.NotRecorded} of {window.Rows + window.NotRecorded} predictions were not recorded: the version has no usable reference.")));
        }

        if (raw is not null)
        {
            AddRaw(rises, measures, profile, raw, options, now, expectedDuplicates);
        }

        if (volume is not null)
        {
            measures.Add(Measure(volume));
        }

        measures.AddRange(Judge(rises, options));
        return new QualityReport
        {
            Model = window.Model,
            Version = window.Version,
            From = window.From,
            To = window.To,
            Rows = window.Rows,
            Measures = [.. measures.OrderByDescending(m => m.Severity).ThenBy(m => m.Kind is QualityKind.OutOfRange or QualityKind.Volume or QualityKind.Age or QualityKind.EventLag ? 1 : 0).ThenByDescending(m => m.Value - (m.Reference ?? 0)).ThenBy(m => m.Name, StringComparer.Ordinal)],
        };
    }

    /// <summary>Turns a judgement about volume into a measure.</summary>
    internal static QualityMeasure Measure(VolumeJudgement volume)
    {
        string message = volume.Severity == QualitySeverity.Fine
            ? Text($"{volume.Rows:0} rows in the hour from {volume.Hour:yyyy-MM-dd HH:mm} UTC, {volume.Low:0} to {volume.High:0} are usual.")
            : Text($"{volume.Rows:0} rows in the hour from {volume.Hour:yyyy-MM-dd HH:mm} UTC; {volume.Low:0} to {volume.High:0} are usual by {volume.Hours} of the same hours of the {(volume.Weekly ? "week" : "day")}.");
        return new QualityMeasure(QualityKind.Volume, volume.Severity, null, (long)volume.Rows, (long)volume.Rows, volume.Rows, volume.Expected, message);
    }

    private static void AddRaw(List<Rise> rises, List<QualityMeasure> measures, ReferenceProfile profile, RawQuality raw, QualityOptions options, DateTimeOffset now, double? expectedDuplicates)
    {
        foreach (RawColumnQuality column in raw.Columns)
        {
            if (profile.Features.FirstOrDefault(f => f.Role == FeatureRole.Input && f.Name == column.Name) is { } reference && column.Values > 0)
            {
                AddType(rises, reference, column, profile.Rows, raw.Rows >= options.MinimumRows && !options.Ignored.Contains(column.Name));
            }
        }

        foreach ((string rule, long broken) in raw.Violations)
        {
            double share = raw.ContractRows == 0 ? 0 : broken / (double)raw.ContractRows;
            QualitySeverity severity = broken == 0 ? QualitySeverity.Fine : share >= options.ViolationFail ? QualitySeverity.Failed : QualitySeverity.Watch;
            measures.Add(new QualityMeasure(QualityKind.ContractViolated, severity, rule, raw.ContractRows, broken, share, 0, Text($"{broken} of {raw.ContractRows} rows ({share * 100:0.##} %) break the rule {rule}.")));
        }

        if (raw.Rows > 0)
        {
            double share = raw.DuplicateShare;
            double rise = share - (expectedDuplicates ?? share);
            QualitySeverity severity = raw.Rows < options.MinimumRows || rise < options.Watch ? QualitySeverity.Fine : rise < options.Fail ? QualitySeverity.Watch : QualitySeverity.Failed;
            long repeated = (long)Math.Round(share * raw.Rows);
            measures.Add(new QualityMeasure(QualityKind.Duplicates, severity, null, raw.Rows, repeated, share, expectedDuplicates,
                Text($"{(raw.DistinctIsExact ? string.Empty : "about ")}{repeated} of {raw.Rows} rows ({share * 100:0.#} %) repeat an earlier row") + (expectedDuplicates is { } expected ? Text($"; {expected * 100:0.#} % are expected.") : ".")));
        }

        AddAge(measures, QualityKind.Age, raw.NewestRow, options.MaximumAge, now, "The newest row came", raw.Rows);
        AddAge(measures, QualityKind.EventLag, raw.NewestEvent, options.MaximumEventLag, now, "The newest event happened", raw.Rows);
    }

    internal static void AddAge(List<QualityMeasure> measures, QualityKind kind, DateTimeOffset? newest, TimeSpan? most, DateTimeOffset now, string what, long rows)
    {
        if (newest is not { } at)
        {
            return;
        }

        TimeSpan age = now > at ? now - at : TimeSpan.Zero;
        QualitySeverity severity = most is not { } limit || age <= limit ? QualitySeverity.Fine : age <= 2 * limit ? QualitySeverity.Watch : QualitySeverity.Failed;
        string allowed = most is null ? "." : Text($"; {most} is allowed.");
        measures.Add(new QualityMeasure(kind, severity, null, rows, 0, age.TotalSeconds, most?.TotalSeconds, Text($"{what} {new TimeSpan(age.Days, age.Hours, age.Minutes, age.Seconds)} ago") + allowed));
    }

    private static void AddType(List<Rise> rises, ReferenceFeature reference, RawColumnQuality column, long referenceRows, bool judged)
    {
        long values = column.Values;
        if (reference.Kind == InputKind.Number)
        {
            // a date is a number to a model that takes days
            string how = column.NumericTexts == column.Texts ? "all of them read as numbers: the type changed, the values need not have" : Text($"{column.NumericTexts} of them read as numbers");
            AddRise(rises, QualityKind.TypeChanged, reference.Name, 0, referenceRows, column.Texts, values, judged, Text($"'{reference.Name}' should be a number; {column.Texts} of {values} values came as texts, {how}."));
            return;
        }

        // a text that reads as a number is usual where the reference's categories do, such as postal codes
        long total = reference.CategoryCounts.Sum();
        long usual = reference.Categories.Zip(reference.CategoryCounts).Where(c => QualityRecorder.ReadsAsNumber(c.First)).Sum(c => c.Second);
        long wrong = column.Numbers + column.Times + column.NumericTexts;
        AddRise(rises, QualityKind.TypeChanged, reference.Name, usual, Math.Max(total, usual), wrong, values, judged,
            Text($"'{reference.Name}' should be a text; {column.Numbers} of {values} values came as numbers, {column.Times} as times, {column.NumericTexts} as texts that read as numbers."));
    }

    private static string? WhyConstant(ReferenceFeature reference, WindowFeature current)
    {
        long values = current.Values;
        if (values == 0 || current.Unseen > 0)
        {
            return null;
        }

        long[] before = reference.Kind == InputKind.Number ? reference.Counts : reference.CategoryCounts;
        double total = before.Sum() + (double)reference.Other;
        int only = Array.FindIndex(current.Counts, c => c == values);
        if (only < 0 || total == 0 || (reference.Kind == InputKind.Number && current.Minimum != current.Maximum))
        {
            return null;
        }

        // the chance that so many rows of the reference's world have one value, at most
        double share = before[only] / total;
        if (share >= 1 || values * Math.Log(Math.Max(share, double.Epsilon)) > Math.Log(ChanceOfConstant))
        {
            return null;
        }

        string value = reference.Kind == InputKind.Number ? Text($"{current.Minimum:G6}") : $"'{Shorten(reference.Categories[only])}'";
        return Text($"'{reference.Name}' is {value} in all {values} rows that have a value; it varies in the reference.");
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

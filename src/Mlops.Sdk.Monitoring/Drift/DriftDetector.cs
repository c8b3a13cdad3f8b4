using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Compares a window with the reference of its version, or a table with a table. Pure: the same input and options give the same report.</summary>
/// <remarks>
/// For each feature the distribution of its values is tested by chi-square over the reference's bins or categories, and each share of
/// missing, infinite and unseen values by a test of two shares. All these p-values are adjusted together by Benjamini and Hochberg. A
/// change counts when it is significant after that and large: by population stability index, or by the difference of the shares.
/// Categories stand alone when at least 5 rows of the window are expected in them, or at least 5 rows and 5 % are; the others and the
/// unseen ones are compared together as <see cref="DriftBin.Rare"/>, since which of many rare ones the reference happened to see is chance.
/// For the same reason some unseen values are to be expected: as many as the reference has categories with one row (I. J. Good, The
/// population frequencies of species, Biometrika 40, 1953). Where a reference has more categories than it lists, unseen is not judged.
/// </remarks>
public static class DriftDetector
{
    /// <summary>Compares a window with its reference.</summary>
    /// <param name="profile">The reference of the window's version.</param>
    /// <param name="window">The window.</param>
    /// <param name="drift">When a feature counts as drifted; null for the defaults.</param>
    /// <param name="alerts">When the whole does; null for the defaults.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsDataException">The window was counted by another reference; code <c>monitoring.profile_mismatch</c>.</exception>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static DriftReport Compare(ReferenceProfile profile, MonitorWindow window, DriftOptions? drift = null, AlertOptions? alerts = null)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(window);
        drift ??= new DriftOptions();
        alerts ??= new AlertOptions();
        drift.Check();
        DriftReport report = Judge(Pair(profile, window, drift), window.Rows, drift, alerts) with
        {
            Model = window.Model,
            Version = window.Version,
            WindowId = window.Id,
            From = window.From,
            To = window.To,
            ReferenceRows = profile.Rows,
            NotRecorded = window.NotRecorded,
        };
        return window.NotRecorded > 0
            ? report with { Summary = Text($"{report.Summary} {window.NotRecorded} predictions were not recorded: the version has no usable reference.") }
            : report;
    }

    /// <summary>Compares two tables exactly, row for row as they are: what a gate before training and a notebook need.</summary>
    /// <param name="reference">The table that is the measure.</param>
    /// <param name="current">The table to judge.</param>
    /// <param name="drift">When a feature counts as drifted; null for the defaults.</param>
    /// <param name="alerts">When the whole does; null for the defaults.</param>
    /// <param name="roles">Which columns are predictions or the truth, by name; the others are inputs.</param>
    /// <returns>The report; its model is <c>table</c>, its version 0 and its times are not set: change them by <c>with</c>.</returns>
    /// <exception cref="MlopsDataException">A column of the reference is missing or holds something else; code <c>monitoring.columns_differ</c>.</exception>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static DriftReport Compare(Table reference, Table current, DriftOptions? drift = null, AlertOptions? alerts = null, IReadOnlyDictionary<string, FeatureRole>? roles = null) =>
        Compare(DriftReference.Of(reference, roles), current, drift, alerts);

    /// <summary>Compares a table with a reference that was sorted and counted once.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The table to judge. Columns that the reference does not have are passed over; a column without any value counts as missing throughout, whatever its kind.</param>
    /// <param name="drift">When a feature counts as drifted; null for the defaults.</param>
    /// <param name="alerts">When the whole does; null for the defaults.</param>
    /// <returns>The report; its model is <c>table</c>, its version 0 and its times are not set: change them by <c>with</c>.</returns>
    /// <exception cref="MlopsDataException">A column of the reference is missing or holds something else; code <c>monitoring.columns_differ</c>.</exception>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static DriftReport Compare(DriftReference reference, Table current, DriftOptions? drift = null, AlertOptions? alerts = null)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        drift ??= new DriftOptions();
        drift.Check();
        return Judge(TablePairs.Of(reference, current, drift), current.Rows, drift, alerts ?? new AlertOptions()) with { ReferenceRows = reference.Rows };
    }

    private static DriftReport Judge(List<FeatureComparison> comparisons, long rows, DriftOptions drift, AlertOptions alerts)
    {
        bool judged = rows >= drift.MinimumRows;
        Adjust(comparisons, judged);
        FeatureDrift[] features =
        [
            .. comparisons.Select(c => c.Judge(drift, judged))
                .OrderBy(f => f.Status switch { DriftStatus.Drifted => 0, DriftStatus.Watch => 1, DriftStatus.Stable or DriftStatus.TooFew => 2, _ => 3 })
                .ThenByDescending(f => Math.Max(f.Psi, f.Shares.Select(s => Math.Abs(s.Current - s.Reference)).DefaultIfEmpty(0).Max())),
        ];
        DriftStatus status = judged ? Verdict(features, drift, alerts) : DriftStatus.TooFew;
        return new DriftReport
        {
            Model = "table",
            Version = 0,
            WindowId = "table",
            From = default,
            To = default,
            ReferenceRows = 0,
            Rows = rows,
            Status = status,
            Features = features,
            Summary = Summarise(rows, features, status, drift),
        };
    }

    private static List<FeatureComparison> Pair(ReferenceProfile profile, MonitorWindow window, DriftOptions drift)
    {
        var comparisons = new List<FeatureComparison>();
        Dictionary<(string, FeatureRole), ReferenceFeature> known = profile.Features.ToDictionary(f => (f.Name, f.Role));
        foreach (WindowFeature current in window.Features)
        {
            int bins = known.TryGetValue((current.Name, current.Role), out ReferenceFeature? reference) && reference.Kind == current.Kind
                ? (current.Kind == InputKind.Number ? reference.Counts.Length : reference.Categories.Length)
                : -1;
            if (bins != current.Counts.Length)
            {
                throw new MlopsDataException("monitoring.profile_mismatch", $"Window '{window.Id}' of {window.Model} v{window.Version} counts '{current.Name}' in {current.Counts.Length} bins; the reference has {(bins < 0 ? "no such feature" : $"{bins}")}. Compare it with the reference that it was counted by.");
            }

            comparisons.Add(new FeatureComparison(new WindowPair(reference!, current, profile.Rows, window.Rows, drift.EmptyShare), drift));
        }

        return comparisons;
    }

    private static void Adjust(List<FeatureComparison> comparisons, bool judged)
    {
        if (!judged)
        {
            return;
        }

        DriftTest[] tests = [.. comparisons.Where(c => !c.Ignored).SelectMany(c => c.Tests)];
        double[] adjusted = DriftStatistics.BenjaminiHochberg([.. tests.Select(t => t.PValue)]);
        for (int i = 0; i < tests.Length; i++)
        {
            tests[i].Adjusted = adjusted[i];
        }
    }

    private static DriftStatus Verdict(FeatureDrift[] features, DriftOptions drift, AlertOptions alerts)
    {
        FeatureDrift[] counting = [.. features.Where(f => f.Status != DriftStatus.Ignored && (alerts.Outputs || f.Role == FeatureRole.Input))];
        int drifted = counting.Count(f => f.Status == DriftStatus.Drifted);
        double share = drift.Selection == DriftSelection.BySize ? Math.Max(alerts.Share, 0.5) : alerts.Share;
        if (drifted >= alerts.Features && drifted >= share * counting.Length)
        {
            return DriftStatus.Drifted;
        }

        return features.Any(f => f.Status is DriftStatus.Watch or DriftStatus.Drifted) ? DriftStatus.Watch : DriftStatus.Stable;
    }

    private static string Summarise(long rows, FeatureDrift[] features, DriftStatus status, DriftOptions drift)
    {
        if (status == DriftStatus.TooFew)
        {
            return Text($"Too few rows to judge: {rows} of at least {drift.MinimumRows}.");
        }

        FeatureDrift[] moved = [.. features.Where(f => f.Status == DriftStatus.Drifted)];
        FeatureDrift[] watched = [.. features.Where(f => f.Status == DriftStatus.Watch)];
        if (moved.Length + watched.Length == 0)
        {
            return Text($"No drift: {features.Length} features, {rows} rows.");
        }

        const int Shown = 3;
        string named = string.Join("; ", moved.Concat(watched).Take(Shown).Select(f => $"{f.Name}: {f.Change}"));
        string rest = moved.Length + watched.Length > Shown ? Text($"; and {moved.Length + watched.Length - Shown} more") : string.Empty;
        return Text($"{moved.Length} of {features.Length} features drifted, {watched.Length} to watch, in {rows} rows. {named}{rest}.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Compares a window with the reference of its version. Pure: the same window and options give the same report.</summary>
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
    private const double SmallestExpected = 5;
    private const double NewsShare = 0.05;

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
        List<Comparison> comparisons = Pair(profile, window, drift);
        bool judged = window.Rows >= drift.MinimumRows;
        Adjust(comparisons, judged);
        FeatureDrift[] features =
        [
            .. comparisons.Select(c => c.Judge(drift, judged))
                .OrderBy(f => f.Status switch { DriftStatus.Drifted => 0, DriftStatus.Watch => 1, DriftStatus.Stable or DriftStatus.TooFew => 2, _ => 3 })
                .ThenByDescending(f => Math.Max(f.Psi, f.Shares.Select(s => Math.Abs(s.Current - s.Reference)).DefaultIfEmpty(0).Max())),
        ];
        DriftStatus status = judged ? Verdict(features, alerts) : DriftStatus.TooFew;
        return new DriftReport
        {
            Model = window.Model,
            Version = window.Version,
            WindowId = window.Id,
            From = window.From,
            To = window.To,
            ReferenceRows = profile.Rows,
            Rows = window.Rows,
            NotRecorded = window.NotRecorded,
            Status = status,
            Features = features,
            Summary = Summarise(window, features, status, drift),
        };
    }

    private static List<Comparison> Pair(ReferenceProfile profile, MonitorWindow window, DriftOptions drift)
    {
        var comparisons = new List<Comparison>();
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

            comparisons.Add(new Comparison(reference!, current, profile.Rows, window.Rows, drift));
        }

        return comparisons;
    }

    private static void Adjust(List<Comparison> comparisons, bool judged)
    {
        if (!judged)
        {
            return;
        }

        Test[] tests = [.. comparisons.Where(c => !c.Ignored).SelectMany(c => c.Tests)];
        double[] adjusted = DriftStatistics.BenjaminiHochberg([.. tests.Select(t => t.PValue)]);
        for (int i = 0; i < tests.Length; i++)
        {
            tests[i].Adjusted = adjusted[i];
        }
    }

    private static DriftStatus Verdict(FeatureDrift[] features, AlertOptions alerts)
    {
        FeatureDrift[] counting = [.. features.Where(f => f.Status != DriftStatus.Ignored && (alerts.Outputs || f.Role == FeatureRole.Input))];
        int drifted = counting.Count(f => f.Status == DriftStatus.Drifted);
        if (drifted >= alerts.Features && drifted >= alerts.Share * counting.Length)
        {
            return DriftStatus.Drifted;
        }

        return features.Any(f => f.Status is DriftStatus.Watch or DriftStatus.Drifted) ? DriftStatus.Watch : DriftStatus.Stable;
    }

    private static string Summarise(MonitorWindow window, FeatureDrift[] features, DriftStatus status, DriftOptions drift)
    {
        string lost = window.NotRecorded > 0 ? Text($" {window.NotRecorded} predictions were not recorded: the version has no usable reference.") : string.Empty;
        if (status == DriftStatus.TooFew)
        {
            return Text($"Too few rows to judge: {window.Rows} of at least {drift.MinimumRows}.") + lost;
        }

        FeatureDrift[] moved = [.. features.Where(f => f.Status == DriftStatus.Drifted)];
        FeatureDrift[] watched = [.. features.Where(f => f.Status == DriftStatus.Watch)];
        if (moved.Length + watched.Length == 0)
        {
            return Text($"No drift: {features.Length} features, {window.Rows} rows.") + lost;
        }

        const int Shown = 3;
        string named = string.Join("; ", moved.Concat(watched).Take(Shown).Select(f => $"{f.Name}: {f.Change}"));
        string rest = moved.Length + watched.Length > Shown ? Text($"; and {moved.Length + watched.Length - Shown} more") : string.Empty;
        return Text($"{moved.Length} of {features.Length} features drifted, {watched.Length} to watch, in {window.Rows} rows. {named}{rest}.") + lost;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>One p-value, and what it is after all of them are known.</summary>
    private sealed class Test(double pValue)
    {
        internal double PValue => pValue;

        internal double? Adjusted { get; set; }
    }

    /// <summary>One feature: numbers first, judgement when all features' numbers are there.</summary>
    private sealed class Comparison
    {
        private readonly ReferenceFeature _reference;
        private readonly WindowFeature _current;
        private readonly DriftBin[] _bins;
        private readonly long[] _before;
        private readonly long[] _now;
        private readonly double _psi;
        private readonly ChiSquareResult _chiSquare;
        private readonly Test _distribution;
        private readonly List<(ShareKind Kind, double Reference, double Current, Test Test)> _shares = [];

        internal Comparison(ReferenceFeature reference, WindowFeature current, long referenceRows, long rows, DriftOptions drift)
        {
            _reference = reference;
            _current = current;
            Ignored = drift.Ignored.Contains(reference.Name);
            _bins = reference.Kind == InputKind.Number ? NumberBins(reference, current) : CategoryBins(reference, current);
            _before = Array.ConvertAll(_bins, b => b.Reference);
            _now = Array.ConvertAll(_bins, b => b.Current);
            _psi = DriftStatistics.PopulationStability(_before, _now, drift.EmptyShare);
            _chiSquare = DriftStatistics.ChiSquare(_before, _now, SmallestExpected);
            _distribution = new Test(_chiSquare.PValue);
            Share(ShareKind.Missing, reference.Missing, current.Missing, referenceRows, rows);
            Share(ShareKind.Infinite, reference.Infinite, current.Infinite, referenceRows, rows);
            Share(ShareKind.Unseen, reference.CategoryCounts.LongCount(c => c == 1), current.Unseen, referenceRows, rows);
        }

        internal bool Ignored { get; }

        internal IEnumerable<Test> Tests => _shares.Where(s => IsJudged(s.Kind)).Select(s => s.Test).Append(_distribution);

        internal FeatureDrift Judge(DriftOptions drift, bool judged)
        {
            ShareChange[] shares =
            [
                .. _shares.Select(s => new ShareChange(s.Kind, s.Reference, s.Current, s.Test.PValue, s.Test.Adjusted,
                    IsJudged(s.Kind) ? StatusOf(judged, s.Test, Math.Abs(s.Current - s.Reference), drift.ShareWatch, drift.ShareAlert, drift) : DriftStatus.Ignored)),
            ];
            // values may be few where rows are many: then only the shares are judged
            bool enough = judged && _now.Sum() >= drift.MinimumRows;
            DriftStatus distribution = StatusOf(enough, _distribution, _psi, drift.Watch, drift.Alert, drift);
            DriftStatus status = Ignored ? DriftStatus.Ignored : Worst(shares.Select(s => s.Status).Append(distribution));
            double values = _current.Values;
            bool number = _reference.Kind == InputKind.Number;
            return new FeatureDrift
            {
                Name = _reference.Name,
                Kind = _reference.Kind,
                Role = _reference.Role,
                Status = status,
                ReferenceValues = _before.Sum(),
                Values = _now.Sum(),
                Psi = _psi,
                JensenShannon = DriftStatistics.JensenShannon(_before, _now),
                Hellinger = DriftStatistics.Hellinger(_before, _now),
                TotalVariation = DriftStatistics.TotalVariation(_before, _now),
                ChiSquare = _chiSquare,
                KolmogorovSmirnov = number ? DriftStatistics.KolmogorovSmirnov(_before, _now) : null,
                AdjustedPValue = _distribution.Adjusted,
                Shares = shares,
                ReferenceMean = number ? _reference.Mean : null,
                ReferenceStandardDeviation = number ? _reference.StandardDeviation : null,
                Mean = number && values > 0 ? _current.Mean : null,
                StandardDeviation = number && values > 0 ? Math.Sqrt(_current.SquaredDeviations / values) : null,
                Bins = _bins,
                Change = status is DriftStatus.Watch or DriftStatus.Drifted ? Describe(shares, distribution) : string.Empty,
            };
        }

        private bool IsJudged(ShareKind kind) => kind != ShareKind.Unseen || _reference.Other == 0;

        private DriftStatus StatusOf(bool judged, Test test, double effect, double watch, double alert, DriftOptions drift)
        {
            if (Ignored)
            {
                return DriftStatus.Ignored;
            }

            if (!judged)
            {
                return DriftStatus.TooFew;
            }

            bool significant = test.Adjusted <= drift.FalseDiscoveryRate;
            return !significant || effect < watch ? DriftStatus.Stable : effect < alert ? DriftStatus.Watch : DriftStatus.Drifted;
        }

        private static DriftStatus Worst(IEnumerable<DriftStatus> all)
        {
            DriftStatus[] found = [.. all];
            foreach (DriftStatus status in (ReadOnlySpan<DriftStatus>)[DriftStatus.Drifted, DriftStatus.Watch, DriftStatus.Stable])
            {
                if (Array.IndexOf(found, status) >= 0)
                {
                    return status;
                }
            }

            return DriftStatus.TooFew;
        }

        private string Describe(ShareChange[] shares, DriftStatus distribution)
        {
            List<string> parts =
            [
                .. shares.Where(s => s.Status is DriftStatus.Watch or DriftStatus.Drifted)
                    .Select(s => Text($"{s.Kind.ToString().ToLowerInvariant()} {Percent(s.Reference)} -> {Percent(s.Current)}")),
            ];
            if (distribution is DriftStatus.Watch or DriftStatus.Drifted)
            {
                DriftBin most = _bins.MaxBy(b => Math.Abs(Of(b.Current, _now) - Of(b.Reference, _before)))!;
                string mean = _reference.Kind == InputKind.Number ? Text($"mean {_reference.Mean:G4} -> {_current.Mean:G4}, ") : string.Empty;
                string label = _reference.Kind == InputKind.Number ? $"rows {most.Label}:" : most.Label;
                parts.Add(Text($"{mean}{label} {Percent(Of(most.Reference, _before))} -> {Percent(Of(most.Current, _now))}"));
            }

            return string.Join(", ", parts);
        }

        private static double Of(long count, long[] counts) => counts.Sum() is > 0 and var sum ? count / (double)sum : 0;

        private static string Percent(double share) => Text($"{share * 100:0.#} %");

        private void Share(ShareKind kind, long before, long now, long referenceRows, long rows)
        {
            if (before + now > 0)
            {
                _shares.Add((kind, referenceRows == 0 ? 0 : before / (double)referenceRows, rows == 0 ? 0 : now / (double)rows,
                    new Test(DriftStatistics.ShareTest(Math.Min(before, referenceRows), referenceRows, now, rows))));
            }
        }

        private static DriftBin[] NumberBins(ReferenceFeature reference, WindowFeature current)
        {
            float[] edges = reference.Edges;
            return [.. reference.Counts.Select((count, i) => new DriftBin(LabelOf(edges, i), count, current.Counts[i]))];
        }

        private static string LabelOf(float[] edges, int bin)
        {
            if (edges.Length == 0)
            {
                return "any";
            }

            if (edges.Length == 2 && edges[0] == MathF.BitDecrement(edges[1]))
            {
                return bin == 0 ? Text($"< {edges[1]:G5}") : bin == 1 ? Text($"= {edges[1]:G5}") : Text($"> {edges[1]:G5}");
            }

            return bin == 0 ? Text($"<= {edges[0]:G5}")
                : bin == edges.Length ? Text($"> {edges[^1]:G5}")
                : Text($"({edges[bin - 1]:G5}, {edges[bin]:G5}]");
        }

        private static DriftBin[] CategoryBins(ReferenceFeature reference, WindowFeature current)
        {
            double before = reference.CategoryCounts.Sum() + (double)reference.Other;
            long now = current.Values + current.Unseen;
            var bins = new List<DriftBin>();
            long rareBefore = 0;
            long rareNow = 0;
            for (int i = 0; i < reference.Categories.Length; i++)
            {
                long r = reference.CategoryCounts[i];
                long c = current.Counts[i];
                if (r / before * now >= SmallestExpected || c >= Math.Max(SmallestExpected, NewsShare * now))
                {
                    bins.Add(new DriftBin(reference.Categories[i], r, c));
                }
                else
                {
                    rareBefore += r;
                    rareNow += c;
                }
            }

            if (rareBefore + rareNow + reference.Other > 0)
            {
                bins.Add(new DriftBin(DriftBin.Rare, rareBefore + reference.Other, rareNow + current.Unseen));
            }
            else if (current.Unseen > 0)
            {
                bins.Add(new DriftBin(DriftBin.Unseen, 0, current.Unseen));
            }

            return [.. bins];
        }
    }
}

using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>One p-value, and what it is after all of them are known.</summary>
internal sealed class DriftTest(double pValue)
{
    internal double PValue => pValue;

    internal double? Adjusted { get; set; }
}

/// <summary>One feature: numbers first, judgement when all features' numbers are there.</summary>
internal sealed class FeatureComparison
{
    private readonly FeaturePair _pair;
    private readonly double _psi;
    private readonly ChiSquareResult _chiSquare;
    private readonly DriftStatistic? _chosen;
    private readonly double _threshold;
    private readonly bool _bySize;
    private readonly DriftTest? _distribution;
    private readonly List<(ShareKind Kind, double Reference, double Current, DriftTest Test)> _shares = [];
    private readonly List<DriftStatistic> _measures = [];

    internal FeatureComparison(FeaturePair pair, DriftOptions drift)
    {
        _pair = pair;
        Ignored = pair.IsTime || drift.Ignored.Contains(pair.Name);
        _psi = DriftStatistics.PopulationStability(pair.Before, pair.Now, drift.EmptyShare);
        _chiSquare = DriftStatistics.ChiSquare(pair.Before, pair.Now, 5);
        DriftMethod? method = null;
        if (drift.Choices.TryGetValue(pair.Name, out DriftChoice? choice))
        {
            method = choice.Method;
            _threshold = choice.Threshold ?? choice.Method.DefaultThreshold()!.Value;
        }
        else if (drift.Selection == DriftSelection.BySize && pair.BySize() is { } bySize)
        {
            (method, _threshold, _bySize) = (bySize, bySize.DefaultThreshold()!.Value, true);
        }

        _chosen = method is { } wanted ? pair.Measure(wanted) : null;
        _distribution = _chosen is null ? new DriftTest(_chiSquare.PValue) : _chosen.PValue is { } p ? new DriftTest(p) : null;
        foreach ((ShareKind kind, long before, long now) in pair.Outside)
        {
            if (before + now > 0)
            {
                _shares.Add((kind, pair.ReferenceRows == 0 ? 0 : before / (double)pair.ReferenceRows, pair.Rows == 0 ? 0 : now / (double)pair.Rows,
                    new DriftTest(DriftStatistics.ShareTest(Math.Min(before, pair.ReferenceRows), pair.ReferenceRows, now, pair.Rows))));
            }
        }

        foreach (DriftMethod measure in drift.Measures.Where(m => m != _chosen?.Method).Order())
        {
            if (pair.Measure(measure) is { } measured)
            {
                _measures.Add(measured);
            }
        }
    }

    internal bool Ignored { get; }

    internal IEnumerable<DriftTest> Tests =>
        _distribution is null ? _shares.Where(s => IsJudged(s.Kind)).Select(s => s.Test) : _shares.Where(s => IsJudged(s.Kind)).Select(s => s.Test).Append(_distribution);

    internal FeatureDrift Judge(DriftOptions drift, bool judged)
    {
        ShareChange[] shares =
        [
            .. _shares.Select(s => new ShareChange(s.Kind, s.Reference, s.Current, s.Test.PValue, s.Test.Adjusted,
                IsJudged(s.Kind) ? StatusOf(judged, s.Test, Math.Abs(s.Current - s.Reference), drift.ShareWatch, drift.ShareAlert, drift) : DriftStatus.Ignored)),
        ];
        // values may be few where rows are many: then only the shares are judged
        bool enough = judged && _pair.Now.Sum() >= drift.MinimumRows;
        DriftStatus distribution = _chosen is null ? StatusOf(enough, _distribution!, _psi, drift.Watch, drift.Alert, drift) : OfChosen(enough);
        DriftStatus status = Ignored ? DriftStatus.Ignored : Worst(shares.Select(s => s.Status).Append(distribution));
        bool number = _pair.Kind == InputKind.Number;
        return new FeatureDrift
        {
            Name = _pair.Name,
            Kind = _pair.Kind,
            Role = _pair.Role,
            Status = status,
            ReferenceValues = _pair.Before.Sum(),
            Values = _pair.Now.Sum(),
            Psi = _psi,
            JensenShannon = DriftStatistics.JensenShannon(_pair.Before, _pair.Now),
            Hellinger = DriftStatistics.Hellinger(_pair.Before, _pair.Now),
            TotalVariation = DriftStatistics.TotalVariation(_pair.Before, _pair.Now),
            ChiSquare = _chiSquare,
            KolmogorovSmirnov = number ? DriftStatistics.KolmogorovSmirnov(_pair.Before, _pair.Now) : null,
            AdjustedPValue = _distribution?.Adjusted,
            Statistics = [.. Deciding(drift, distribution), .. _measures],
            Shares = shares,
            ReferenceMean = number ? _pair.Reference!.Value.Mean : null,
            ReferenceStandardDeviation = number ? Deviation(_pair.Reference!.Value) : null,
            Mean = number && _pair.Current!.Value.Count > 0 ? _pair.Current!.Value.Mean : null,
            StandardDeviation = number && _pair.Current!.Value.Count > 0 ? Deviation(_pair.Current!.Value) : null,
            Bins = _pair.Bins,
            Change = status is DriftStatus.Watch or DriftStatus.Drifted ? Describe(shares, distribution) : string.Empty,
        };
    }

    private static double Deviation(SampleMoments moments) => moments.Count > 0 ? Math.Sqrt(moments.SquaredDeviations / moments.Count) : 0;

    private IEnumerable<DriftStatistic> Deciding(DriftOptions drift, DriftStatus distribution)
    {
        bool? drifted = distribution is DriftStatus.TooFew or DriftStatus.Ignored ? null : distribution == DriftStatus.Drifted;
        if (_chosen is not null)
        {
            return [_chosen with { Threshold = _threshold, Drifted = drifted }];
        }

        return
        [
            new DriftStatistic(DriftMethod.PopulationStability, _psi) { Basis = DriftBasis.Bins, Threshold = drift.Alert, Drifted = drifted },
            new DriftStatistic(DriftMethod.ChiSquare, _chiSquare.Statistic)
            {
                PValue = _chiSquare.PValue,
                PValueKind = _chiSquare.DegreesOfFreedom == 0 ? PValueKind.None : PValueKind.Asymptotic,
                Basis = DriftBasis.Bins,
                Threshold = drift.FalseDiscoveryRate,
                Drifted = drifted,
            },
        ];
    }

    private bool IsJudged(ShareKind kind) => !_bySize && (kind != ShareKind.Unseen || _pair.JudgesUnseen);

    private DriftStatus OfChosen(bool judged)
    {
        if (Ignored || !judged)
        {
            return Ignored ? DriftStatus.Ignored : DriftStatus.TooFew;
        }

        bool drifted = _chosen!.Method.IsTest() ? (_bySize ? _chosen.PValue : _distribution!.Adjusted) < _threshold : _chosen.Value >= _threshold;
        return drifted ? DriftStatus.Drifted : DriftStatus.Stable;
    }

    private DriftStatus StatusOf(bool judged, DriftTest test, double effect, double watch, double alert, DriftOptions drift)
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
            DriftBin most = _pair.Bins.MaxBy(b => Math.Abs(Of(b.Current, _pair.Now) - Of(b.Reference, _pair.Before)))!;
            string mean = _pair.Kind == InputKind.Number ? Text($"mean {_pair.Reference!.Value.Mean:G4} -> {_pair.Current!.Value.Mean:G4}, ") : string.Empty;
            string label = _pair.Kind == InputKind.Number ? $"rows {most.Label}:" : most.Label;
            parts.Add(Text($"{mean}{label} {Percent(Of(most.Reference, _pair.Before))} -> {Percent(Of(most.Current, _pair.Now))}"));
        }

        return string.Join(", ", parts);
    }

    private static double Of(long count, long[] counts) => counts.Sum() is > 0 and var sum ? count / (double)sum : 0;

    private static string Percent(double share) => Text($"{share * 100:0.#} %");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

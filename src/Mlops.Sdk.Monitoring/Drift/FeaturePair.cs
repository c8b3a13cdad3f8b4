using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>One feature before and now: what it is, both distributions over the same bins, and what can be measured of them.</summary>
internal abstract class FeaturePair
{
    protected const double SmallestExpected = 5;
    private const double NewsShare = 0.05;

    internal required string Name { get; init; }

    internal required InputKind Kind { get; init; }

    internal required FeatureRole Role { get; init; }

    internal required DriftBin[] Bins { get; init; }

    internal required long ReferenceRows { get; init; }

    internal required long Rows { get; init; }

    internal required double EmptyShare { get; init; }

    /// <summary>Gets the missing, infinite and unseen values of both; unseen before: how many are to be expected.</summary>
    internal required (ShareKind Kind, long Reference, long Current)[] Outside { get; init; }

    /// <summary>Gets whether the share of unseen values can be judged.</summary>
    internal bool JudgesUnseen { get; init; } = true;

    internal bool IsTime { get; init; }

    internal SampleMoments? Reference { get; init; }

    internal SampleMoments? Current { get; init; }

    internal long[] Before => field ??= Array.ConvertAll(Bins, b => b.Reference);

    internal long[] Now => field ??= Array.ConvertAll(Bins, b => b.Current);

    /// <summary>Finds the method that Evidently's rule takes, or null where it cannot be computed.</summary>
    internal abstract DriftMethod? BySize();

    /// <summary>Measures, or gives null where the method does not apply or needs what is not there.</summary>
    internal DriftStatistic? Measure(DriftMethod method) => MeasureSamples(method) ?? MeasureBins(method, Before, Now);

    protected abstract DriftStatistic? MeasureSamples(DriftMethod method);

    protected DriftStatistic? MeasureBins(DriftMethod method, long[] before, long[] now, DriftBasis basis = DriftBasis.Bins)
    {
        return method switch
        {
            DriftMethod.PopulationStability => Distance(DriftStatistics.PopulationStability(before, now, EmptyShare)),
            DriftMethod.KullbackLeibler => Distance(DriftStatistics.KullbackLeibler(before, now, EmptyShare)),
            DriftMethod.JensenShannon => Distance(DriftStatistics.JensenShannon(before, now)),
            DriftMethod.NaturalJensenShannon => Distance(DriftStatistics.JensenShannon(before, now, Math.E)),
            DriftMethod.Hellinger => Distance(DriftStatistics.Hellinger(before, now)),
            DriftMethod.TotalVariation => Distance(DriftStatistics.TotalVariation(before, now)),
            DriftMethod.LargestDifference => Distance(DriftStatistics.LargestDifference(before, now)),
            DriftMethod.ChiSquare => Table(DriftStatistics.ChiSquare(before, now, SmallestExpected)),
            DriftMethod.GTest => Table(DriftStatistics.GTest(before, now, SmallestExpected)),
            DriftMethod.ShareZ when before.Length == 2 => Of(method, DriftStatistics.ShareZ(before[0], before.Sum(), now[0], now.Sum()), basis),
            DriftMethod.FisherExact when before.Length == 2 && before.Sum() > 0 && now.Sum() > 0 => new DriftStatistic(method, (now[0] / (double)now.Sum()) - (before[0] / (double)before.Sum()))
            {
                PValue = DriftStatistics.FisherExactTest(before[0], before.Sum(), now[0], now.Sum()),
                PValueKind = PValueKind.Exact,
                Basis = basis,
            },
            DriftMethod.KolmogorovSmirnov when Kind == InputKind.Number => OnBins(DriftStatistics.KolmogorovSmirnov(before, now)),
            DriftMethod.WelchT or DriftMethod.StudentT when Reference is { } r && Current is { } c => Of(method, StudentTest.Run(r, c, method == DriftMethod.StudentT, Alternative.TwoSided), DriftBasis.Moments),
            _ => null,
        };

        DriftStatistic Distance(double value) => new(method, value) { Basis = basis };

        DriftStatistic Table(ChiSquareResult result) => new(method, result.Statistic) { PValue = result.PValue, PValueKind = result.DegreesOfFreedom == 0 ? PValueKind.None : PValueKind.Asymptotic, Basis = basis };

        DriftStatistic OnBins(KolmogorovSmirnovResult result) => new(method, result.Distance) { PValue = result.PValue, PValueKind = PValueKind.Asymptotic, Basis = basis, Error = result.AtMost - result.Distance };
    }

    /// <summary>Puts categories into bins: those that can stand alone, and the others and unseen ones together.</summary>
    protected static DriftBin[] CategoryBins(ReferenceFeature reference, ReadOnlySpan<long> counts, long values, long unseen)
    {
        double before = reference.CategoryCounts.Sum() + (double)reference.Other;
        long now = values + unseen;
        var bins = new List<DriftBin>();
        long rareBefore = 0;
        long rareNow = 0;
        for (int i = 0; i < reference.Categories.Length; i++)
        {
            long r = reference.CategoryCounts[i];
            long c = counts[i];
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
            bins.Add(new DriftBin(DriftBin.Rare, rareBefore + reference.Other, rareNow + unseen));
        }
        else if (unseen > 0)
        {
            bins.Add(new DriftBin(DriftBin.Unseen, 0, unseen));
        }

        return [.. bins];
    }

    /// <summary>Names a bin of numbers.</summary>
    /// <param name="edges">The upper edges.</param>
    /// <param name="bin">The bin, from 0.</param>
    /// <param name="constant">Whether the edges are those around a constant.</param>
    protected static string LabelOf(ReadOnlySpan<double> edges, int bin, bool constant) =>
        edges.Length == 0 ? "any"
        : constant ? (bin == 0 ? Text($"< {edges[1]:G5}") : bin == 1 ? Text($"= {edges[1]:G5}") : Text($"> {edges[1]:G5}"))
        : bin == 0 ? Text($"<= {edges[0]:G5}")
        : bin == edges.Length ? Text($"> {edges[^1]:G5}")
        : Text($"({edges[bin - 1]:G5}, {edges[bin]:G5}]");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    protected static DriftStatistic Of(DriftMethod method, TwoSampleResult result, DriftBasis basis) =>
        new(method, result.Statistic) { PValue = result.PValue, PValueKind = result.Kind, Basis = basis };
}

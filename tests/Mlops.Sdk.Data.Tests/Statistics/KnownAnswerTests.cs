namespace Mlops.Sdk.Data.Tests;

/// <summary>Numbers computed from the definitions with mpmath 1.3 at 40 digits; what stands in the comments is the formula used there.</summary>
public sealed class KnownAnswerTests
{
    private static readonly (long[] R, long[] C)[] Pairs =
    [
        ([40, 60], [50, 50]),
        ([120, 180, 300, 250, 150], [90, 60, 50, 60, 140]),
        ([1000, 0, 500], [10, 20, 70]),
        ([700_000, 300_000], [701_000, 299_000]), // a million rows
        ([3, 1, 1], [1, 2, 2]), // five rows
    ];

    [Theory] // sum (c - r) ln(c / r), shares floored at 1e-4
    [InlineData(0, 0.040546510810816438)]
    [InlineData(1, 0.4452227194341402)]
    [InlineData(2, 2.8664987528319)]
    [InlineData(3, 4.7664532567000499e-6)]
    [InlineData(4, 0.716703787691222)]
    public void Population_stability(int pair, double expected) => Close(expected, DriftStatistics.PopulationStability(Pairs[pair].R, Pairs[pair].C));

    [Theory] // sqrt of half the sum of r log2(r / m) + c log2(c / m), m = (r + c) / 2
    [InlineData(0, 0.085435102624588531)]
    [InlineData(1, 0.27975931007331302)]
    [InlineData(2, 0.56316642915799289)]
    [InlineData(3, 0.00092712836649215606, 1e-7)] // the sum is 1.7e-6 and cancels to nine digits
    [InlineData(4, 0.35286151643903185)]
    public void Jensen_Shannon(int pair, double expected, double tolerance = 1e-12) => Close(expected, DriftStatistics.JensenShannon(Pairs[pair].R, Pairs[pair].C), tolerance);

    [Theory]
    [InlineData(0, 0.0711607124393506)]
    [InlineData(1, 0.23439143783075064)]
    [InlineData(2, 0.50867987842374001)]
    [InlineData(3, 0.0007718850643565405)]
    [InlineData(4, 0.29648678475943329)]
    public void Hellinger(int pair, double expected) => Close(expected, DriftStatistics.Hellinger(Pairs[pair].R, Pairs[pair].C), 1e-11);

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(1, 0.305)]
    [InlineData(2, 0.56666666666666667)]
    [InlineData(3, 0.001)]
    [InlineData(4, 0.4)]
    public void Total_variation(int pair, double expected) => Close(expected, DriftStatistics.TotalVariation(Pairs[pair].R, Pairs[pair].C), 1e-11);

    [Theory] // sum over both rows of (observed - expected)^2 / expected; p = Q((bins - 1) / 2, statistic / 2)
    [InlineData(0, 2.0202020202020202, 1, 0.15521848968468403)]
    [InlineData(1, 125.57563959955506, 4, 3.4382233775630217e-26)]
    [InlineData(2, 383.06988593596202, 2, 6.5679702560169828e-84)]
    [InlineData(3, 2.3832249561784511, 1, 0.12264412869030828)]
    [InlineData(4, 1.6666666666666667, 2, 0.43459820850707822)]
    public void Chi_square_of_the_contingency_table(int pair, double statistic, int degrees, double p)
    {
        ChiSquareResult found = DriftStatistics.ChiSquare(Pairs[pair].R, Pairs[pair].C, smallestExpected: 0);
        Close(statistic, found.Statistic, 1e-11);
        Assert.Equal(degrees, found.DegreesOfFreedom);
        Close(p, found.PValue, 1e-10);
    }

    [Theory] // p = 2 sum (-1)^(k-1) exp(-2 k^2 m n / (m + n) D^2)
    [InlineData(0, 0.1, 0.69937419913101563)]
    [InlineData(1, 0.2, 2.3675490249916803e-10)]
    [InlineData(2, 0.56666666666666667, 1.4219458707385045e-26)]
    [InlineData(3, 0.001, 0.69937419913101563)]
    [InlineData(4, 0.4, 0.81862117447100593)]
    public void Kolmogorov_Smirnov_on_bins(int pair, double distance, double p)
    {
        KolmogorovSmirnovResult found = DriftStatistics.KolmogorovSmirnov(Pairs[pair].R, Pairs[pair].C);
        Close(distance, found.Distance, 1e-11);
        Close(p, found.PValue, 1e-9);
    }

    [Theory] // z = (c - r) / sqrt(p (1 - p) (1/m + 1/n)), p pooled; erfc(|z| / sqrt 2)
    [InlineData(120, 1000, 340, 1000, 1.4412050315964848e-31)]
    [InlineData(0, 1000, 30, 1000, 3.4137528580320549e-8)]
    [InlineData(500_000, 1_000_000, 501_000, 1_000_000, 0.15729899949648453)]
    [InlineData(0, 1000, 3, 200, 0.0045718399166807064)] // from here on Fisher's exact test
    [InlineData(1, 10, 9, 11, 0.0019052155275065492)]
    [InlineData(1, 1_000_000, 8, 1_000_000, 0.039062078125527346)]
    [InlineData(999, 1000, 195, 200, 0.00063923623957501851)]
    [InlineData(3, 50, 1, 40, 0.62605520528806077)]
    public void Test_of_two_shares(long hits, long rows, long hitsNow, long rowsNow, double p)
    {
        Close(p, DriftStatistics.ShareTest(hits, rows, hitsNow, rowsNow), 1e-6);
        Close(p, DriftStatistics.ShareTest(hitsNow, rowsNow, hits, rows), 1e-6);
    }

    [Theory]
    [InlineData(0.5, 0.1, 0.65472084601857702)]
    [InlineData(0.5, 50, 1.5239706048321052e-23)]
    [InlineData(0.5, 1e-12, 0.9999988716208329)]
    [InlineData(4.5, 2, 0.91141252683167917)]
    [InlineData(4.5, 30, 1.3406780483959613e-9)]
    [InlineData(5, 400, 2.0634300270773009e-165)]
    [InlineData(50, 40, 0.92966493334060505)]
    [InlineData(500, 520, 0.1846911490987436)]
    [InlineData(500, 700, 7.0321456418285895e-16)]
    [InlineData(3, 0, 1)]
    [InlineData(3, double.PositiveInfinity, 0)]
    public void Upper_regularised_gamma(double a, double x, double expected) => Close(expected, SpecialFunctions.UpperGamma(a, x), 1e-11);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.03, 1)]
    [InlineData(0.3, 0.99999069419866543)]
    [InlineData(0.5, 0.96394524366487509)]
    [InlineData(0.8276, 0.49995841656354728)]
    [InlineData(1.17, 0.12939004218561883)]
    [InlineData(1.19, 0.11774229287977168)]
    [InlineData(2.5, 7.4533063441573416e-6)]
    [InlineData(5, 3.8574996959278356e-22)]
    public void Kolmogorov_tail(double x, double expected) => Close(expected, SpecialFunctions.KolmogorovTail(x), 1e-11);

    [Fact] // p_(k) K / k and the smallest from the right: 0.01*5/1, 0.02*5/2, 0.03*5/3, 0.5*5/4, 0.9*5/5
    public void Benjamini_Hochberg() =>
        Assert.Equal([0.9, 0.05, 0.625, 0.05, 0.05], DriftStatistics.BenjaminiHochberg([0.9, 0.01, 0.5, 0.02, 0.03]).Select(p => Math.Round(p, 12)));

    private static void Close(double expected, double found, double relative = 1e-12) =>
        Assert.True(Math.Abs(found - expected) <= relative * Math.Abs(expected), $"Expected {expected:R}, found {found:R}.");
}

namespace Mlops.Sdk.Data.Tests;

public sealed class DriftStatisticsTests
{
    private static readonly Gen<(long[] R, long[] C)> Histograms =
        Gen.Int[1, 40].SelectMany(bins => Gen.Select(Gen.Long[0, 5000].Array[bins], Gen.Long[0, 5000].Array[bins]));

    [Fact]
    public void Distances_are_finite_within_their_range_and_symmetric() => Histograms.Sample(h =>
    {
        double psi = DriftStatistics.PopulationStability(h.R, h.C);
        double[] bounded = [DriftStatistics.JensenShannon(h.R, h.C), DriftStatistics.Hellinger(h.R, h.C), DriftStatistics.TotalVariation(h.R, h.C)];
        return psi >= 0 && double.IsFinite(psi) && bounded.All(d => d is >= 0 and <= 1)
            && Math.Abs(psi - DriftStatistics.PopulationStability(h.C, h.R)) < 1e-9
            && Math.Abs(bounded[0] - DriftStatistics.JensenShannon(h.C, h.R)) < 1e-9
            && Math.Abs(bounded[1] - DriftStatistics.Hellinger(h.C, h.R)) < 1e-9;
    });

    [Fact]
    public void Distances_of_a_histogram_from_its_multiple_are_zero() => Gen.Long[0, 5000].Array[1, 30].Where(h => h.Sum() > 0).Sample(h =>
    {
        long[] seven = Array.ConvertAll(h, v => 7 * v);
        ChiSquareResult chi = DriftStatistics.ChiSquare(h, seven);
        return DriftStatistics.PopulationStability(h, seven) < 1e-12 && DriftStatistics.JensenShannon(h, seven) < 1e-6
            && DriftStatistics.Hellinger(h, seven) < 1e-7 && DriftStatistics.TotalVariation(h, seven) < 1e-12
            && chi.Statistic < 1e-9 && chi.PValue > 0.9999 && DriftStatistics.KolmogorovSmirnov(h, seven).Distance < 1e-12;
    });

    [Fact]
    public void P_values_are_probabilities() => Histograms.Sample(h =>
    {
        double chi = DriftStatistics.ChiSquare(h.R, h.C).PValue;
        double ks = DriftStatistics.KolmogorovSmirnov(h.R, h.C).PValue;
        double share = DriftStatistics.ShareTest(Math.Min(h.R[0], 100), 100, Math.Min(h.C[0], 70), 70);
        return chi is >= 0 and <= 1 && ks is >= 0 and <= 1 && share is >= 0 and <= 1;
    });

    [Fact]
    public void The_exact_Kolmogorov_Smirnov_distance_lies_within_the_stated_bounds() =>
        Gen.Select(Gen.Int[0, 60].Array[5, 80], Gen.Int[0, 60].Array[5, 80], Gen.Int[0, 60].Array[1, 9]).Sample((r, c, cut) =>
        {
            int[] edges = [.. cut.Distinct().Order()];
            long[] Bin(int[] values) => [.. Enumerable.Range(0, edges.Length + 1).Select(b => values.LongCount(v => edges.Count(e => v > e) == b))];
            double exact = Enumerable.Range(0, 61).Max(x => Math.Abs((r.Count(v => v <= x) / (double)r.Length) - (c.Count(v => v <= x) / (double)c.Length)));
            KolmogorovSmirnovResult found = DriftStatistics.KolmogorovSmirnov(Bin(r), Bin(c));
            return found.Distance <= exact + 1e-12 && exact <= found.AtMost + 1e-12;
        });

    [Fact]
    public void Nothing_on_one_side_tells_nothing()
    {
        Assert.Equal(0, DriftStatistics.PopulationStability([0, 0], [5, 5]));
        Assert.Equal(0, DriftStatistics.JensenShannon([5, 5], [0, 0]));
        Assert.Equal(new ChiSquareResult(0, 0, 1), DriftStatistics.ChiSquare([0, 0], [5, 5]));
        Assert.Equal(new KolmogorovSmirnovResult(0, 0, 1), DriftStatistics.KolmogorovSmirnov([0, 0], [5, 5]));
        Assert.Equal(1, DriftStatistics.ShareTest(0, 0, 3, 5));
        Assert.Equal(1, DriftStatistics.ShareTest(5, 5, 7, 7));
    }

    [Fact]
    public void One_bin_cannot_change() => Assert.Equal(new ChiSquareResult(0, 0, 1), DriftStatistics.ChiSquare([100], [7]));

    [Fact]
    public void Bins_too_thin_for_the_chi_square_test_are_pooled()
    {
        // pooled by hand: the last three have 4, 6 and 8 rows, of which half are expected in each sample: 18 together are enough
        ChiSquareResult found = DriftStatistics.ChiSquare([500, 490, 1, 2, 7], [500, 492, 3, 4, 1]);
        ChiSquareResult byHand = DriftStatistics.ChiSquare([500, 490, 10], [500, 492, 8], smallestExpected: 0);
        Assert.Equal(byHand.DegreesOfFreedom, found.DegreesOfFreedom);
        Assert.Equal(byHand.Statistic, found.Statistic, 1e-12);
    }

    [Fact]
    public void A_pool_that_stays_too_thin_joins_the_smallest_bin()
    {
        ChiSquareResult found = DriftStatistics.ChiSquare([500, 20, 300, 1], [490, 30, 299, 2]);
        ChiSquareResult byHand = DriftStatistics.ChiSquare([500, 21, 300], [490, 32, 299], smallestExpected: 0);
        Assert.Equal((byHand.DegreesOfFreedom, Math.Round(byHand.Statistic, 12)), (found.DegreesOfFreedom, Math.Round(found.Statistic, 12)));
    }

    [Fact]
    public void Adjusted_p_values_keep_their_order_and_are_never_smaller() => Gen.Double[0, 1].Array[1, 60].Sample(p =>
    {
        double[] adjusted = DriftStatistics.BenjaminiHochberg(p);
        int[] order = [.. Enumerable.Range(0, p.Length).OrderBy(i => p[i])];
        return p.Zip(adjusted).All(x => x.Second >= x.First - 1e-15 && x.Second <= 1) && order.Zip(order.Skip(1)).All(x => adjusted[x.First] <= adjusted[x.Second]);
    });

    [Fact]
    public void Wrong_histograms_are_refused()
    {
        Assert.Throws<ArgumentException>(() => DriftStatistics.PopulationStability([1, 2], [1]));
        Assert.Throws<ArgumentException>(() => DriftStatistics.ChiSquare([1, -2], [1, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DriftStatistics.PopulationStability([1], [1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => DriftStatistics.ShareTest(3, 2, 1, 1));
    }
}

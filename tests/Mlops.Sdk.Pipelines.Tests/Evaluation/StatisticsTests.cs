using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class StatisticsTests
{
    // Forty rows, two models, scores with ties. The expected numbers were computed apart from this code, in Python, straight from the
    // definition in DeLong et al. 1988: psi(x, y) = 1, 1/2 or 0 over all pairs, sample covariances of the placement values.
    private static readonly float[] First = [4, 9, 8, 11, 6, 5, 8, 3, 2, 5, 4, 9, 8, 11, 6, 5, 8, 3, 2, 5, 4, 10, 9, 11, 7, 6, 8, 4, 3, 5, 4, 10, 9, 11, 7, 6, 8, 4, 3, 5];
    private static readonly float[] Second = [2, 7, 4, 3, 8, 5, 4, 9, 6, 6, 3, 8, 5, 4, 9, 6, 5, 0, 7, 6, 3, 8, 5, 4, 9, 6, 6, 1, 8, 7, 4, 9, 6, 5, 0, 7, 6, 1, 8, 7];
    private static readonly bool[] Labels = [.. Enumerable.Range(0, 40).Select(i => i % 10 is 0 or 3 or 6 or 9)];

    private static readonly Gen<(float[] Scores, bool[] Labels)> Scored =
        Gen.Select(Gen.Int[0, 9].Select(i => (float)i), Gen.Bool).Array[4, 40].Select(rows => (rows.Select(r => r.Item1).ToArray(), rows.Select(r => r.Item2).ToArray()))
            .Where(r => r.Item2.Count(l => l) > 1 && r.Item2.Count(l => !l) > 1);

    [Fact]
    public void The_area_under_the_curve_and_its_variance_are_those_of_the_example_worked_by_hand()
    {
        // positives 4 and 2, negatives 3 and 1: 4 is above both, 2 above one, so placements 1 and 1/2, mean 3/4;
        // of the positives one of two is above 3 and both above 1: placements 1/2 and 1; both variances are 1/8
        (double auc, double[] positive, double[] negative) = RocArea.Placements([4, 3, 2, 1], [true, false, true, false]);
        Assert.Equal(0.75, auc);
        Assert.Equal([1, 0.5], positive);
        Assert.Equal([0.5, 1], negative);
        Assert.Equal(0.125, RocArea.DeLongVariance(positive, negative), 1e-15);
    }

    [Fact]
    public void A_tie_between_a_positive_and_a_negative_counts_half()
    {
        (double auc, double[] positive, double[] negative) = RocArea.Placements([2, 1, 1, 0], [true, true, false, false]);
        Assert.Equal(0.875, auc);
        Assert.Equal([1, 0.75], positive);
        Assert.Equal([0.75, 1], negative);
    }

    [Fact]
    public void Two_models_on_the_same_rows_have_the_variances_that_the_definition_gives()
    {
        (double first, double[] positive, double[] negative) = RocArea.Placements(First, Labels);
        (double second, double[] otherPositive, double[] otherNegative) = RocArea.Placements(Second, Labels);
        Assert.Equal(0.59375, first, 1e-12);
        Assert.Equal(0.296875, second, 1e-12);
        Assert.Equal(0.008925246578099838, RocArea.DeLongVariance(positive, negative), 1e-12);
        Assert.Equal(0.006951206471417069, RocArea.DeLongVariance(otherPositive, otherNegative), 1e-12);
        double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];
        Assert.Equal(0.015367256692834137, RocArea.DeLongVariance(Minus(positive, otherPositive), Minus(negative, otherNegative)), 1e-12);
    }

    [Fact]
    public void The_gate_against_the_champion_decides_by_that_variance()
    {
        GateResult better = Gates.AgainstChampion(Input(First, Second), "beats-champion", 0);
        Assert.True(better.Passed);
        Assert.Equal(0.296875, better.Numbers["difference"], 1e-12);
        Assert.Equal(0.09297114826418487, better.Numbers["lower"], 1e-9);
        Assert.Equal(0.008313940856327862, better.Numbers["p"], 2e-7);
        GateResult worse = Gates.AgainstChampion(Input(Second, First), "not-worse-than-champion", 0.1);
        Assert.False(worse.Passed);
        Assert.Equal(-0.5007788517358154, worse.Numbers["lower"], 1e-9);
        Assert.Equal(0.9438741513381272, worse.Numbers["p"], 2e-7);
    }

    [Fact]
    public void Mid_ranks_give_the_placements_that_comparing_all_pairs_gives() => Scored.Sample(rows =>
    {
        (double auc, double[] positive, double[] negative) = RocArea.Placements(rows.Scores, rows.Labels);
        (double expected, double[] byPairs, double[] byPairsNegative) = ByDefinition(rows.Scores, rows.Labels);
        Assert.Equal(expected, auc, 1e-12);
        Assert.All(positive.Zip(byPairs), p => Assert.Equal(p.Second, p.First, 1e-12));
        Assert.All(negative.Zip(byPairsNegative), p => Assert.Equal(p.Second, p.First, 1e-12));
        Assert.Equal(auc, negative.Average(), 1e-12);
    });

    [Fact]
    public void Scores_that_are_no_numbers_do_not_hang_the_ranking() =>
        Assert.InRange(RocArea.Placements([float.NaN, 1, float.NaN, 0], [true, false, false, true]).Auc, 0, 1);

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1.959963984540054, 0.975)]
    [InlineData(-1.6448536269514722, 0.05)]
    [InlineData(3, 0.9986501019683699)]
    public void The_normal_distribution_is_that_of_the_tables(double z, double p) => Assert.Equal(p, SpecialFunctions.NormalCdf(z), 2e-7);

    [Theory]
    [InlineData(8, 10, 0.4901625, 0.9433178)]
    [InlineData(10, 10, 0.7224672, 1)]
    [InlineData(0, 10, 0, 0.2775328)]
    public void The_interval_of_a_share_is_the_one_Wilson_gives(int hits, int count, double lower, double upper)
    {
        (double low, double high) = Intervals.Wilson(hits, count);
        Assert.Equal(lower, low, 1e-6);
        Assert.Equal(upper, high, 1e-6);
    }

    [Fact]
    public void The_interval_of_a_mean_is_the_mean_with_z_standard_errors_to_each_side()
    {
        (double mean, double half, double error) = Intervals.MeanInterval([1, 2, 3, 4]); // sample variance 5/3
        Assert.Equal((2.5, Math.Sqrt(5.0 / 12)), (mean, error));
        Assert.Equal(1.959963984540054 * Math.Sqrt(5.0 / 12), half, 1e-12);
    }

    [Fact]
    public void The_intervals_of_the_area_under_the_curve_hold_the_truth_about_as_often_as_they_say()
    {
        // positives N(1, 1), negatives N(0, 1): the area is Phi(1 / sqrt 2)
        double truth = SpecialFunctions.NormalCdf(1 / Math.Sqrt(2));
        var random = new Random(20);
        int hits = 0;
        for (int round = 0; round < 400; round++)
        {
            bool[] labels = [.. Enumerable.Range(0, 200).Select(i => i % 4 == 0)];
            float[] scores = Array.ConvertAll(labels, l => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) + (l ? 1 : 0)));
            (double auc, double[] positive, double[] negative) = RocArea.Placements(scores, labels);
            hits += Math.Abs(auc - truth) <= Intervals.Z95 * Math.Sqrt(RocArea.DeLongVariance(positive, negative)) ? 1 : 0;
        }

        Assert.InRange(hits / 400.0, 0.91, 0.98); // seeded, so it is the same every time
    }

    internal static (double Auc, double[] Positive, double[] Negative) ByDefinition(float[] scores, bool[] labels)
    {
        float[] positives = [.. scores.Where((_, i) => labels[i])];
        float[] negatives = [.. scores.Where((_, i) => !labels[i])];
        static double Psi(float x, float y) => x > y ? 1 : x == y ? 0.5 : 0;
        return (
            positives.Average(x => negatives.Average(y => Psi(x, y))),
            Array.ConvertAll(positives, x => negatives.Average(y => Psi(x, y))),
            Array.ConvertAll(negatives, y => positives.Average(x => Psi(x, y))));
    }

    private static GateInput Input(float[] scores, float[] champion)
    {
        Evaluation evaluation = Evaluator.Binary(scores, new bool[40], Labels);
        return new GateInput(ModelTask.Binary, evaluation, evaluation, scores, scores, champion, "m v1", Labels, null);
    }
}

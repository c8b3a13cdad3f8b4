using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class PredictionShiftTests
{
    private static readonly EncodedTable Before = TestData.Sample(1, 3000, missing: 0);

    /// <summary>For a sum of functions of one feature each, the Shapley value of a feature is the shift of its own term: constructed so that it is known.</summary>
    [Fact]
    public void A_sum_is_taken_apart_into_its_terms()
    {
        EncodedTable now = TestData.Sample(2, 3000, mean: 110, missing: 0, operators: ["CROW"]);
        PredictionShift shift = PredictionShift.Explain(Before, now, row => (0.5 * row.Numbers[0]) + (row.Texts[0] == "CROW" ? 3 : 0) + (0.001 * row.Numbers[1]), seed: 1, pairs: 4000);
        Assert.Equal("Speed", shift.Features[0].Feature);
        Assert.Equal(5, shift.Features[0].Contribution, 4 * shift.Features[0].StandardError + 1e-9);
        FeatureContribution text = shift.Features.Single(f => f.Feature == "Operator");
        Assert.Equal(3 * 5 / 6.0, text.Contribution, 4 * text.StandardError);
        Assert.InRange(Math.Abs(shift.Features.Single(f => f.Feature == "Height").Contribution), 0, 0.1);
    }

    [Fact]
    public void Contributions_add_up_to_the_shift_whatever_the_model() => Gen.Select(Gen.Int[0, 10_000], Gen.Double[-2, 2], Gen.Double[-2, 2]).Sample((seed, a, b) =>
    {
        EncodedTable now = TestData.Sample(seed, 300, mean: 120, missing: 0, operators: ["BIRD", "CROW"]);
        PredictionShift shift = PredictionShift.Explain(Before, now, row => Math.Tanh((a * row.Numbers[0] / 100) * (row.Texts[0] == "CROW" ? b : 1)) + (row.Numbers[0] > row.Numbers[1] / 10 ? 1 : 0), seed, pairs: 100);
        Assert.Equal(shift.Shift, shift.Features.Sum(f => f.Contribution), 1e-9);
        Assert.Equal(shift, PredictionShift.Explain(Before, now, row => Math.Tanh((a * row.Numbers[0] / 100) * (row.Texts[0] == "CROW" ? b : 1)) + (row.Numbers[0] > row.Numbers[1] / 10 ? 1 : 0), seed, pairs: 100) with { Features = shift.Features });
    }, iter: 30);

    [Fact]
    public void A_feature_that_the_model_does_not_use_contributes_exactly_nothing()
    {
        EncodedTable now = TestData.Sample(2, 3000, mean: 200, missing: 0);
        PredictionShift shift = PredictionShift.Explain(Before, now, row => row.Numbers[1], seed: 3);
        Assert.Equal(0, shift.Features.Single(f => f.Feature == "Speed").Contribution);
    }

    [Fact]
    public void Samples_that_do_not_fit_and_answers_that_are_none_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PredictionShift.Explain(Before, TestData.Rows([], []), _ => 0, 1));
        Assert.Throws<ArgumentException>(() => PredictionShift.Explain(Before, Before, _ => double.NaN, 1));
    }

    [Fact]
    public void Causes_rank_features_by_how_far_they_moved_and_how_much_the_model_listens()
    {
        ReferenceProfile profile = ReferenceProfile.Of(Before);
        DriftReport report = TestData.Compare(profile, TestData.Sample(2, 3000, mean: 140, missing: 0, operators: ["CROW", "ACME"]));
        RootCauses alike = RootCauses.Rank(report);
        Assert.Equal(["Speed", "Operator"], alike.Causes.Select(c => c.Name));
        Assert.Equal(1, alike.Causes.Sum(c => c.Share), 1e-12);
        RootCauses listened = RootCauses.Rank(report, new Dictionary<string, double> { ["Operator"] = 3, ["Speed"] = 0.1 });
        Assert.Equal("Operator", listened.Causes[0].Name);
        Assert.Contains("Operator moved in", listened.Summary, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RootCauses.Rank(report, new Dictionary<string, double> { ["Speed"] = -1 }));
    }

    [Fact]
    public void Causes_of_a_change_carry_their_share_and_sign()
    {
        RootCauses causes = RootCauses.Of(MetricChange.Explain("accuracy", [new SegmentMetric("A", 50, 80, 0.6, 0.6), new SegmentMetric("B", 50, 20, 0.9, 0.8)]));
        Assert.Equal(["B", "A"], causes.Causes.Select(c => c.Name));
        Assert.Equal(-0.11, causes.Causes.Sum(c => c.Contribution!.Value), 1e-12);
        Assert.Equal(1, causes.Causes.Sum(c => c.Share), 1e-12);
        RootCauses shift = RootCauses.Of(PredictionShift.Explain(Before, TestData.Sample(2, 500, mean: 140, missing: 0), row => row.Numbers[0], 1));
        Assert.Equal("Speed", Assert.Single(shift.Causes).Name);
    }
}

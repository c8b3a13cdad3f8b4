using System.Text.Json;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class CalibrationTests
{
    [Fact]
    public void The_map_is_the_isotonic_regression_of_scikit_learn()
    {
        PerformanceRows rows = GoldenPerformance.Binary();
        CalibrationMap map = CalibrationMap.Fit(rows.Scores[0], [.. rows.Actuals.Select(a => a != 0)]);
        JsonElement golden = GoldenPerformance.Root.GetProperty("isotonic");
        foreach ((float at, double value) in golden.Floats("at").Zip(golden.Doubles("value")))
        {
            GoldenPerformance.Near(value, map.Map(at), 1e-9, $"at {at}");
        }
    }

    [Fact]
    public void Error_slope_and_tests_are_those_of_the_definitions()
    {
        PerformanceRows rows = GoldenPerformance.Binary();
        CalibrationCheck check = CalibrationCheck.Of([.. rows.Scores[0].Select(s => (double)s)], [.. rows.Actuals.Select(a => a != 0)])!;
        JsonElement golden = GoldenPerformance.Root.GetProperty("binary").GetProperty("calibration");
        double Golden(string name) => golden.GetProperty(name).GetDouble();
        GoldenPerformance.Near(Golden("error"), check.Error, 1e-9, "error");
        Assert.Equal(golden.GetProperty("bins").GetInt32(), check.Curve.Count);
        GoldenPerformance.Near(Golden("hosmerLemeshow"), check.HosmerLemeshow, 1e-9, "Hosmer-Lemeshow");
        GoldenPerformance.Near(Golden("hosmerLemeshowP"), check.HosmerLemeshowPValue, 1e-6, "its p-value");
        GoldenPerformance.Near(Golden("z"), check.SpiegelhalterZ, 1e-9, "Spiegelhalter's z");
        GoldenPerformance.Near(Golden("zP"), check.SpiegelhalterPValue, 1e-6, "its p-value");
        GoldenPerformance.Near(Golden("slope"), check.Slope, 1e-8, "slope");
        GoldenPerformance.Near(Golden("intercept"), check.Intercept, 1e-8, "intercept");
    }

    [Fact]
    public void Classes_that_are_told_apart_without_fault_have_no_slope()
    {
        CalibrationCheck check = CalibrationCheck.Of([0.1, 0.2, 0.8, 0.9], [false, false, true, true])!;
        Assert.Null(check.Slope);
        Assert.Null(CalibrationCheck.Of([0.5, 0.5], [true, false])!.Slope);
        Assert.Null(CalibrationCheck.Of([], []));
        Assert.Throws<ArgumentException>(() => CalibrationCheck.Of([1.5], [true]));
    }

    [Fact]
    public void A_map_never_falls_and_stays_between_0_and_1() => Gen.Select(Gen.Single[0, 1], Gen.Bool).Array[1, 60].Sample(rows =>
    {
        CalibrationMap map = CalibrationMap.Fit([.. rows.Select(r => r.Item1)], [.. rows.Select(r => r.Item2)]);
        Assert.True(map.IsSane());
        double before = -1;
        for (int i = -5; i <= 105; i++)
        {
            double value = map.Map(i / 100.0);
            Assert.InRange(value, Math.Max(0, before), 1);
            before = value;
        }
    });

    [Fact]
    public void Scores_that_are_calibrated_already_are_taken_as_they_are()
    {
        var random = new Random(3);
        float[] scores = [.. Enumerable.Range(0, 20_000).Select(_ => random.NextSingle())];
        bool[] actual = [.. scores.Select(s => random.NextDouble() < s)];
        bool[] squashed = [.. scores.Select(s => random.NextDouble() < s * s)];
        PerformanceReference good = PerformanceReference.Of(PerformanceRows.Binary(scores, [.. scores.Select(s => s >= 0.5f)], actual));
        PerformanceReference bad = PerformanceReference.Of(PerformanceRows.Binary(scores, [.. scores.Select(s => s >= 0.5f)], squashed));
        Assert.True(good.Classes[0].Error < 0.02);
        Assert.True(bad.Classes[0].Error > 0.1);
        Assert.NotNull(bad.Classes[0].Map);
        Assert.True(bad.Classes[0].CalibratedError < 0.02);
        Assert.Equal(0.25, bad.Classes[0].Probability(0.5), 0.05);
    }
}

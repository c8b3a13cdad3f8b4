using System.Text.Json;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class PerformanceMetricsTests
{
    [Fact]
    public void Binary_metrics_are_those_of_scikit_learn_to_1e_9()
    {
        PerformanceValues values = PerformanceMetrics.Of(GoldenPerformance.Binary());
        JsonElement golden = GoldenPerformance.Root.GetProperty("binary");
        GoldenPerformance.AllNear(golden.GetProperty("metrics"), values.Metrics, 1e-9);
        Assert.Equal(golden.GetProperty("confusion").EnumerateArray().Select(r => r.EnumerateArray().Select(c => c.GetInt64()).ToArray()), values.Confusion);
    }

    [Fact]
    public void Multiclass_metrics_are_those_of_scikit_learn_to_1e_9() =>
        GoldenPerformance.AllNear(GoldenPerformance.Root.GetProperty("multiclass").GetProperty("metrics"), PerformanceMetrics.Of(GoldenPerformance.Multiclass()).Metrics, 1e-9);

    [Fact]
    public void Regression_metrics_are_those_of_scikit_learn_to_1e_9() =>
        GoldenPerformance.AllNear(GoldenPerformance.Root.GetProperty("regression").GetProperty("metrics"), PerformanceMetrics.Of(GoldenPerformance.Regression()).Metrics, 1e-9);

    [Fact]
    public void Shares_have_the_Wilson_interval_of_scipy()
    {
        PerformanceValues values = PerformanceMetrics.Of(GoldenPerformance.Binary());
        foreach (JsonProperty interval in GoldenPerformance.Root.GetProperty("binary").GetProperty("intervals").EnumerateObject())
        {
            GoldenPerformance.Near(interval.Value[0].GetDouble(), values.Find(interval.Name)!.Lower, 1e-9, interval.Name);
            GoldenPerformance.Near(interval.Value[1].GetDouble(), values.Find(interval.Name)!.Upper, 1e-9, interval.Name);
        }
    }

    [Fact]
    public void The_area_under_the_curve_has_DeLongs_interval()
    {
        MetricValue area = PerformanceMetrics.Of(GoldenPerformance.Binary()).Find(PerformanceNames.RocAuc)!;
        GoldenPerformance.Near(area.Value + (1.959963984540054 * GoldenPerformance.Root.GetProperty("binary").GetProperty("delong").GetDouble()), area.Upper, 1e-9, "upper end");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Intervals_are_as_wide_as_the_spread_over_resamples(int task)
    {
        PerformanceRows rows = task switch { 0 => GoldenPerformance.Binary(), 1 => GoldenPerformance.Multiclass(), _ => GoldenPerformance.Regression() };
        PerformanceValues values = PerformanceMetrics.Of(rows);
        var random = new Random(7);
        var drawn = values.Metrics.Keys.ToDictionary(k => k, _ => new List<double>());
        int[] picked = new int[rows.Count];
        for (int i = 0; i < 300; i++)
        {
            for (int r = 0; r < picked.Length; r++)
            {
                picked[r] = random.Next(picked.Length);
            }

            foreach ((string name, MetricValue value) in PerformanceMetrics.Of(rows.Take(picked)).Metrics)
            {
                drawn[name].Add(value.Value);
            }
        }

        foreach ((string name, MetricValue value) in values.Metrics.Where(m => m.Value.Lower is not null))
        {
            double mean = drawn[name].Average();
            double spread = Math.Sqrt(drawn[name].Sum(v => (v - mean) * (v - mean)) / (drawn[name].Count - 1));
            double ratio = (value.Upper!.Value - value.Lower!.Value) / (2 * 1.96 * spread);

            // the macro area adds its classes' errors as if they went together: wide on purpose
            Assert.True(ratio > 0.75 && ratio < (task == 1 && name == PerformanceNames.RocAuc ? 2.2 : 1.45), $"{name}: {ratio:F2}");
        }
    }

    [Fact]
    public void What_is_undefined_is_left_out()
    {
        PerformanceValues values = PerformanceMetrics.Of(PerformanceRows.Binary([0.2f, 0.3f], [false, false], [false, false]));
        Assert.Equal(1, values.Find(PerformanceNames.Accuracy)!.Value);
        Assert.Null(values.Find(PerformanceNames.RocAuc));
        Assert.Null(values.Find(PerformanceNames.Precision));
        Assert.Null(values.Find(PerformanceNames.Recall));
        Assert.Null(values.Find(PerformanceNames.Mcc));
        Assert.Empty(PerformanceMetrics.Of(PerformanceRows.Regression([], [])).Metrics);
        Assert.Null(PerformanceMetrics.Of(PerformanceRows.Regression([1, 2], [3, 3])).Find(PerformanceNames.R2));
    }

    [Fact]
    public void A_metric_of_ones_own_gets_the_same_interval_for_the_same_rows()
    {
        PerformanceRows rows = GoldenPerformance.Regression();
        PerformanceValues first = PerformanceMetrics.Of(rows, [new LargestError()]);
        PerformanceValues second = PerformanceMetrics.Of(rows, [new LargestError()]);
        MetricValue largest = first.Find("largest_error")!;
        Assert.Equal(rows.Predictions.Zip(rows.Actuals, (p, a) => Math.Abs(p - a)).Max(), largest.Value);
        Assert.Equal(largest, second.Find("largest_error"));
        Assert.True(largest.Lower < largest.Value);
    }

    [Fact]
    public void Rows_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PerformanceRows.Binary([float.NaN], [true], [true]));
        Assert.Throws<ArgumentException>(() => PerformanceRows.Binary([0.5f], [true, false], [true]));
        Assert.Throws<ArgumentException>(() => PerformanceRows.Multiclass([[0.5f], [0.5f]], [2], [0]));
        Assert.Throws<ArgumentException>(() => PerformanceRows.Regression([1], [double.PositiveInfinity]));
    }

    [Fact]
    public void The_area_is_the_share_of_pairs_in_order() => Gen.Select(Gen.Int[0, 5], Gen.Bool).Array[2, 40].Where(r => r.Any(x => x.Item2) && r.Any(x => !x.Item2)).Sample(rows =>
    {
        double pairs = 0;
        double order = 0;
        foreach ((int score, _) in rows.Where(r => r.Item2))
        {
            foreach ((int other, _) in rows.Where(r => !r.Item2))
            {
                pairs++;
                order += score > other ? 1 : score == other ? 0.5 : 0;
            }
        }

        float[] scores = [.. rows.Select(r => r.Item1 / 5f)];
        double area = PerformanceMetrics.Of(PerformanceRows.Binary(scores, [.. scores.Select(s => s >= 0.5f)], [.. rows.Select(r => r.Item2)])).Find(PerformanceNames.RocAuc)!.Value;
        Assert.Equal(order / pairs, area, 1e-12);
    });

    private sealed class LargestError : IPerformanceMetric
    {
        public string Name => "largest_error";

        public double Compute(PerformanceRows rows) => rows.Predictions.Zip(rows.Actuals, (p, a) => Math.Abs(p - a)).Max();
    }
}

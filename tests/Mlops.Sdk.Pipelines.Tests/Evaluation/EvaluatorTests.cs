using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class EvaluatorTests
{
    [Fact]
    public void A_binary_evaluation_is_the_one_worked_by_hand()
    {
        Evaluation found = Evaluator.Binary([0.9f, 0.6f, 0.4f, 0.2f, 0.7f], [true, true, false, false, true], [true, true, true, false, false]);
        Assert.Equal([1, 1, 1, 2], found.Confusion!); // true negatives, false positives, false negatives, true positives
        Assert.Equal(3.0 / 5, found.Metrics["accuracy"].Value, 1e-12);
        Assert.Equal(2.0 / 3, found.Metrics["precision"].Value, 1e-12);
        Assert.Equal(2.0 / 3, found.Metrics["recall"].Value, 1e-12);
        Assert.Equal(2.0 / 3, found.Metrics["f1"].Value, 1e-12);
        Assert.Equal((0.01 + 0.16 + 0.36 + 0.04 + 0.49) / 5, found.Metrics["brier"].Value, 1e-7);
        Assert.Equal(-(Math.Log(0.9) + Math.Log(0.6) + Math.Log(0.4) + Math.Log(0.8) + Math.Log(0.3)) / 5, found.Metrics["logLoss"].Value, 1e-6);
        Assert.Equal(4.0 / 6, found.Metrics["auc"].Value, 1e-12); // of six pairs, 0.6 and 0.4 lose to 0.7
        Assert.All(found.Metrics.Values.Where(m => m.Lower is not null), m => Assert.InRange(m.Value, m.Lower!.Value, m.Upper!.Value));
    }

    [Fact]
    public void What_is_undefined_is_left_out_and_no_error()
    {
        Evaluation found = Evaluator.Binary([0.3f, 0.4f], [false, false], [false, false]);
        Assert.Equal(["accuracy", "brier", "logLoss"], found.Metrics.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(found.Roc);
        Assert.DoesNotContain("r2", Evaluator.Regression([1, 2], [3, 3]).Metrics.Keys);
    }

    [Fact]
    public void Certain_and_wrong_is_a_large_loss_and_not_an_infinite_one() =>
        Assert.InRange(Evaluator.Binary([0f, 1f], [false, true], [true, false]).Metrics["logLoss"].Value, 30, 40);

    [Fact]
    public void A_regression_is_the_one_worked_by_hand()
    {
        Evaluation found = Evaluator.Regression([2, 4, 9], [1, 4, 7]); // errors 1, 0, 2; squares around the mean 4 are 9, 0, 9
        Assert.Equal(1, found.Metrics["mae"].Value, 1e-12);
        Assert.Equal(Math.Sqrt(5.0 / 3), found.Metrics["rmse"].Value, 1e-12);
        Assert.Equal(1 - (5.0 / 18), found.Metrics["r2"].Value, 1e-12);
    }

    [Fact]
    public void The_curve_rises_from_corner_to_corner_in_at_most_101_points_and_encloses_the_area() =>
        Gen.Select(Gen.Int[0, 500].Select(i => i / 500f), Gen.Bool).Array[2, 400].Where(r => r.Any(x => x.Item2) && r.Any(x => !x.Item2)).Sample(rows =>
        {
            float[] scores = Array.ConvertAll(rows, r => r.Item1);
            bool[] labels = Array.ConvertAll(rows, r => r.Item2);
            IReadOnlyList<double[]> curve = Evaluator.Binary(scores, labels, labels).Roc;
            Assert.InRange(curve.Count, 2, 101);
            Assert.Equal([0, 0], curve[0]);
            Assert.Equal([1, 1], curve[^1]);
            double area = 0;
            for (int i = 1; i < curve.Count; i++)
            {
                Assert.True(curve[i][0] >= curve[i - 1][0] && curve[i][1] >= curve[i - 1][1]);
                area += (curve[i][0] - curve[i - 1][0]) * (curve[i][1] + curve[i - 1][1]) / 2;
            }

            Assert.Equal(RocArea.Placements(scores, labels).Auc, area, 0.05); // thinning costs a little
        });

    [Fact]
    public void The_calibration_table_holds_every_row_once_in_ten_bins_of_rising_probability()
    {
        float[] probabilities = [.. Enumerable.Range(0, 105).Select(i => (i * 37 % 105) / 105f)];
        bool[] labels = Array.ConvertAll(probabilities, p => p > 0.6f);
        IReadOnlyList<double[]> table = Evaluator.Binary(probabilities, labels, labels).Calibration;
        Assert.Equal(10, table.Count);
        Assert.Equal(105, table.Sum(t => t[2]));
        Assert.Equal(table.OrderBy(t => t[0]), table);
        Assert.Equal((0.0, 1.0), (table[0][1], table[^1][1]));
    }

    [Fact]
    public void A_slice_of_too_few_rows_has_no_metric_and_a_missing_value_is_a_slice_of_its_own()
    {
        bool[] labels = [.. Enumerable.Range(0, 300).Select(i => i % 3 == 0)];
        float[] scores = [.. Enumerable.Range(0, 300).Select(i => (i * 7 % 300) / 300f)];
        SliceEvaluation[] slices =
        [
            .. Evaluator.Slices("Size", i => i < 150 ? "large" : i < 290 ? null : "small", 300, rows => Evaluator.Binary(Array.ConvertAll(rows, r => scores[r]), new bool[rows.Length], Array.ConvertAll(rows, r => labels[r])), "auc"),
        ];
        Assert.Equal([("large", 150), ("(missing)", 140), ("small", 10)], slices.Select(s => (s.Value, s.Rows)));
        Assert.Equal([true, true, false], slices.Select(s => s.Value95 is not null));
    }
}

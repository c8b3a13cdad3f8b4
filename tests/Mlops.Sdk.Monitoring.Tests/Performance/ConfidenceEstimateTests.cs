using System.Text.Json;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class ConfidenceEstimateTests
{
    [Fact]
    public void The_estimate_of_yes_and_no_is_that_of_weighted_scikit_learn_metrics()
    {
        PerformanceReference reference = Reference(GoldenPerformance.Binary());
        JsonElement golden = GoldenPerformance.Root.GetProperty("estimate");
        IReadOnlyDictionary<string, MetricValue> metrics = ConfidenceEstimate.Of(reference, [golden.Floats("scores")], [.. golden.Ints("predicted").Select(p => (double)p)]);
        GoldenPerformance.AllNear(golden.GetProperty("metrics"), metrics, 1e-9);
    }

    [Fact]
    public void The_estimate_of_classes_is_the_mean_of_each_against_the_rest()
    {
        PerformanceReference reference = Reference(GoldenPerformance.Multiclass());
        JsonElement golden = GoldenPerformance.Root.GetProperty("estimateMulticlass");
        IReadOnlyDictionary<string, MetricValue> metrics = ConfidenceEstimate.Of(reference, golden.Columns("scores"), [.. golden.Ints("predicted").Select(p => (double)p)]);
        GoldenPerformance.AllNear(golden.GetProperty("metrics"), metrics, 1e-9);
    }

    [Theory]
    [InlineData("estimate", 1)]
    [InlineData("estimateMulticlass", 4)]
    public void A_histogram_loses_less_than_a_thousandth(string name, int classes)
    {
        PerformanceReference reference = PerformanceReference.Of(classes == 1 ? GoldenPerformance.Binary() : GoldenPerformance.Multiclass());
        JsonElement golden = GoldenPerformance.Root.GetProperty(name);
        float[][] scores = classes == 1 ? [golden.Floats("scores")] : golden.Columns("scores");
        double[] predicted = [.. golden.Ints("predicted").Select(p => (double)p)];
        var counts = new ScoreCounts(classes);
        for (int i = 0; i < predicted.Length; i++)
        {
            for (int c = 0; c < classes; c++)
            {
                counts.Add(c, classes == 1 ? predicted[i] != 0 : (int)predicted[i] == c, scores[c][i]);
            }
        }

        IReadOnlyDictionary<string, MetricValue> exact = ConfidenceEstimate.Of(reference, scores, predicted);
        IReadOnlyDictionary<string, MetricValue> binned = ConfidenceEstimate.Of(reference, counts);
        Assert.Equal(predicted.Length, counts.Rows);
        Assert.Equal(exact.Keys, binned.Keys);
        Assert.All(exact, m => Assert.Equal(m.Value.Value, binned[m.Key].Value, 1e-3));
    }

    [Fact]
    public void Nothing_is_estimated_of_nothing()
    {
        PerformanceReference reference = Reference(GoldenPerformance.Binary());
        Assert.Empty(ConfidenceEstimate.Of(reference, [[]], []));
        Assert.Empty(ConfidenceEstimate.Of(reference, new ScoreCounts(1)));
        Assert.Throws<ArgumentException>(() => ConfidenceEstimate.Of(reference, [[0.5f], [0.5f]], [1]));
        Assert.Throws<ArgumentException>(() => ConfidenceEstimate.Of(reference, [[0.5f]], [1, 0]));
    }

    /// <summary>A reference whose scores are always calibrated, as in the script.</summary>
    private static PerformanceReference Reference(PerformanceRows rows)
    {
        PerformanceReference reference = PerformanceReference.Of(rows);
        return reference with
        {
            Classes = [.. reference.Classes.Select((c, i) => c with { Map = CalibrationMap.Fit(rows.Scores[i], PerformanceReference.ClassOf(rows, i)) })],
        };
    }
}

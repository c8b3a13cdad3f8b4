namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Worlds whose truth is known: labels are drawn from P(y | x), so realised values are those that labels would have shown.</summary>
/// <remarks>MLOPS_TEST_WINDOWS sets how many windows are drawn; the default is small.</remarks>
public sealed class ConfidenceSimulationTests(ITestOutputHelper output)
{
    private const int Rows = 1_000;
    private static readonly int Windows = int.TryParse(Environment.GetEnvironmentVariable("MLOPS_TEST_WINDOWS"), out int n) ? n : 200;

    [Fact]
    public void Under_covariate_shift_the_realised_value_lies_in_the_band_of_the_estimate()
    {
        var random = new Random(11);
        PerformanceReference reference = PerformanceReference.Of(Draw(random, 40_000, 0, 1));
        Dictionary<string, int> within = Compare(reference, w => Draw(random, Rows, 1.2 * w / Windows, 1));
        foreach ((string metric, int count) in within)
        {
            output.WriteLine($"{metric}: {count} of {Windows} within the band");
            Assert.True(count >= 0.93 * Windows, $"{metric}: {count} of {Windows}"); // 95 % less what 200 draws vary by
        }
    }

    [Fact]
    public void Concept_drift_is_not_seen_by_the_estimate()
    {
        var random = new Random(12);
        PerformanceReference reference = PerformanceReference.Of(Draw(random, 40_000, 0, 1));
        Dictionary<string, int> within = Compare(reference, _ => Draw(random, Rows, 0, 0.3)); // the inputs stay, the truth hangs less on them
        foreach (string metric in new[] { PerformanceNames.Accuracy, PerformanceNames.RocAuc })
        {
            output.WriteLine($"{metric}: {within[metric]} of {Windows} within the band");
            Assert.True(within[metric] < 0.05 * Windows, $"{metric}: {within[metric]} of {Windows}");
        }
    }

    [Fact]
    public void Labels_show_the_concept_drift_outside_the_thresholds()
    {
        var random = new Random(13);
        PerformanceReference reference = PerformanceReference.Of(Draw(random, 20_000, 0, 1));
        (double Low, double High) bounds = reference.ThresholdsOf(PerformanceNames.RocAuc, Rows)!.Value;
        Assert.InRange(PerformanceMetrics.Of(Draw(random, Rows, 0, 1)).Find(PerformanceNames.RocAuc)!.Value, bounds.Low, bounds.High);
        Assert.True(PerformanceMetrics.Of(Draw(random, Rows, 0, 0.3)).Find(PerformanceNames.RocAuc)!.Value < bounds.Low);
    }

    [Fact]
    public void Classes_are_estimated_as_they_come_true_under_covariate_shift()
    {
        var random = new Random(14);
        PerformanceReference reference = PerformanceReference.Of(DrawClasses(random, 30_000, 0));
        Dictionary<string, int> within = Compare(reference, w => DrawClasses(random, Rows, 0.8 * w / Windows));
        foreach (string metric in new[] { PerformanceNames.Accuracy, PerformanceNames.F1, PerformanceNames.RocAuc })
        {
            output.WriteLine($"{metric}: {within[metric]} of {Windows} within the band");
            Assert.True(within[metric] >= 0.92 * Windows, $"{metric}: {within[metric]} of {Windows}");
        }
    }

    private static Dictionary<string, int> Compare(PerformanceReference reference, Func<int, PerformanceRows> draw)
    {
        var within = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int w = 0; w < Windows; w++)
        {
            PerformanceRows rows = draw(w);
            PerformanceValues realised = PerformanceMetrics.Of(rows);
            foreach ((string name, MetricValue estimate) in ConfidenceEstimate.Of(reference, rows.Scores, rows.Predictions))
            {
                double value = realised.Find(name)!.Value;
                within[name] = within.GetValueOrDefault(name) + (value >= estimate.Lower && value <= estimate.Upper ? 1 : 0);
            }
        }

        return within;
    }

    /// <summary>Two inputs; the model is over-confident; the truth is drawn from the logistic of the inputs times a strength.</summary>
    private static PerformanceRows Draw(Random random, int rows, double shift, double strength)
    {
        float[] scores = new float[rows];
        bool[] actual = new bool[rows];
        for (int i = 0; i < rows; i++)
        {
            double logit = (1.5 * (Normal(random) + shift)) - 0.8 + (0.7 * Normal(random));
            scores[i] = (float)(1 / (1 + Math.Exp(-1.8 * logit)));
            actual[i] = random.NextDouble() < 1 / (1 + Math.Exp(-strength * logit));
        }

        return PerformanceRows.Binary(scores, [.. scores.Select(s => s >= 0.5f)], actual);
    }

    private static PerformanceRows DrawClasses(Random random, int rows, double shift)
    {
        float[][] scores = [new float[rows], new float[rows], new float[rows]];
        int[] predicted = new int[rows];
        int[] actual = new int[rows];
        double[] logits = new double[3];
        for (int i = 0; i < rows; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                logits[c] = (1.4 * Normal(random)) + (c == 0 ? shift : 0);
            }

            double sum = logits.Sum(Math.Exp);
            double draw = random.NextDouble() * sum;
            actual[i] = draw < Math.Exp(logits[0]) ? 0 : draw < Math.Exp(logits[0]) + Math.Exp(logits[1]) ? 1 : 2;
            double sharp = logits.Sum(l => Math.Exp(1.5 * l));
            for (int c = 0; c < 3; c++)
            {
                scores[c][i] = (float)(Math.Exp(1.5 * logits[c]) / sharp);
            }

            predicted[i] = Array.IndexOf(logits, logits.Max());
        }

        return PerformanceRows.Multiclass(scores, predicted, actual);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

using System.Globalization;

namespace Mlops.Sdk.Data.Tests;

public sealed class SketchDistancesTests
{
    [Fact]
    public void Sketches_that_threw_nothing_away_give_the_exact_distances() =>
        Gen.Select(Gen.Double[-5, 5].Array[1, 150], Gen.Double[-4, 6].Array[1, 150]).Sample((r, c) =>
        {
            SketchDistances found = SketchDistances.Of(Sketch(r, 1), Sketch(c, 2));
            (SortedSample a, SortedSample b) = (SortedSample.Of(r), SortedSample.Of(c));
            return found.KolmogorovSmirnovError == 0
                && Math.Abs(found.KolmogorovSmirnov - TwoSample.KolmogorovSmirnov(a, b).Statistic) < 1e-12
                && Math.Abs(found.Wasserstein - TwoSample.Wasserstein(a, b)) < 1e-10
                && Math.Abs(found.Energy - TwoSample.Energy(a, b)) < 1e-10;
        });

    [Fact]
    public void An_empty_sketch_tells_nothing() =>
        Assert.Equal(new SketchDistances(0, 0, 1, 0, 0, 0, 0), SketchDistances.Of(Sketch([], 1), Sketch([1, 2], 2)));

    [Fact] // MLOPS_TEST_SKETCH_TRIALS=10000 runs the whole of it
    public void Distances_of_sketches_are_within_the_stated_error_of_the_exact_ones()
    {
        int trials = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_SKETCH_TRIALS") ?? "200", CultureInfo.InvariantCulture);
        int outside = 0;
        double closest = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            var random = new Random(trial);
            double[] r = Draw(random, random.Next(300, 4_000), 0, 1);
            double[] c = Draw(random, random.Next(300, 4_000), random.NextDouble(), 0.5 + random.NextDouble());
            SketchDistances found = SketchDistances.Of(Sketch(r, (ulong)trial), Sketch(c, (ulong)trial + 1_000_000));
            (SortedSample a, SortedSample b) = (SortedSample.Of(r), SortedSample.Of(c));
            double off = Math.Abs(found.KolmogorovSmirnov - TwoSample.KolmogorovSmirnov(a, b).Statistic) / found.KolmogorovSmirnovError;
            closest = Math.Max(closest, off);
            outside += off > 1
                || Math.Abs(found.Wasserstein - TwoSample.Wasserstein(a, b)) > found.WassersteinError
                || Math.Abs(found.Energy - TwoSample.Energy(a, b)) > found.EnergyError ? 1 : 0;
        }

        string line = string.Create(CultureInfo.InvariantCulture, $"sketches: {trials} trials, {outside} outside the bound, the largest error of D was {closest:0.00} of it");
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Environment.GetEnvironmentVariable("MLOPS_TEST_DRIFT_LOG") is { } file)
        {
            File.AppendAllText(file, line + "\n");
        }

        Assert.True(outside <= trials * 0.02, $"{outside} of {trials} trials are outside the bound that holds for 99 % of each sketch; largest {closest:0.00}.");
    }

    private static QuantileSketch Sketch(double[] values, ulong seed)
    {
        var sketch = new QuantileSketch(seed: seed);
        sketch.Update(values);
        return sketch;
    }

    private static double[] Draw(Random random, int count, double shift, double scale) =>
        [.. Enumerable.Range(0, count).Select(_ => shift + (scale * (random.NextDouble() + random.NextDouble() + random.NextDouble())))];
}

namespace Mlops.Sdk.Data.Tests;

public sealed class QuantileSketchTests
{
    [Fact]
    public void The_rank_of_a_number_is_off_by_more_than_stated_in_at_most_one_trial_of_a_hundred()
    {
        int wrong = 0;
        int curves = 0;
        for (int trial = 0; trial < SketchTrials.Count; trial++)
        {
            var random = new Random(trial);
            double[] stream = SketchTrials.Stream(trial, random.Next(1, 20_000));
            QuantileSketch sketch = Sketch(stream, (ulong)trial);
            double[] sorted = [.. stream.Order()];
            double probe = sorted[random.Next(sorted.Length)];
            wrong += Math.Abs(sketch.Rank(probe) - RankOf(sorted, probe)) > sketch.RankError ? 1 : 0;
            curves += Enumerable.Range(1, 99).Select(p => sorted[(sorted.Length - 1) * p / 100]).Any(v => Math.Abs(sketch.Rank(v) - RankOf(sorted, v)) > sketch.CurveError) ? 1 : 0;
        }

        Assert.True(wrong <= SketchTrials.MostOfOnePercent, $"{wrong} of {SketchTrials.Count} trials beyond the bound of one rank");
        Assert.True(curves <= SketchTrials.MostOfOnePercent, $"{curves} of {SketchTrials.Count} trials beyond the bound of the whole curve");
    }

    [Fact]
    public void Merging_keeps_the_bound_however_the_stream_is_cut_and_in_whatever_order_parts_merge()
    {
        int wrong = 0;
        for (int trial = 0; trial < SketchTrials.Count; trial++)
        {
            var random = new Random(trial);
            double[] stream = SketchTrials.Stream(trial, random.Next(1, 20_000));
            List<QuantileSketch> parts = [.. SketchTrials.Cut(stream, random.Next(1, 40), random).Select(p => Sketch(p, 0))]; // one seed for all: the worst case
            while (parts.Count > 1)
            {
                QuantileSketch into = parts[random.Next(parts.Count)];
                QuantileSketch from = parts.Where(p => p != into).ElementAt(random.Next(parts.Count - 1));
                into.Merge(from);
                parts.Remove(from);
            }

            double[] sorted = [.. stream.Order()];
            double probe = sorted[random.Next(sorted.Length)];
            Assert.Equal((stream.Length, sorted[0], sorted[^1]), (parts[0].Count, parts[0].Minimum, parts[0].Maximum));
            Assert.Equal(stream.Length, parts[0].Points.Sum(p => p.Weight));
            wrong += Math.Abs(parts[0].Rank(probe) - RankOf(sorted, probe)) > parts[0].RankError ? 1 : 0;
        }

        Assert.True(wrong <= SketchTrials.MostOfOnePercent, $"{wrong} of {SketchTrials.Count} trials beyond the bound");
    }

    [Fact]
    public void Few_numbers_are_all_kept_and_answers_are_exact() => Gen.Select(Gen.Double[-1e9, 1e9].Array[1, 150], Gen.Double[0, 1], Gen.Int[0, 149]).Sample((values, share, cut) =>
    {
        QuantileSketch sketch = Sketch(values.AsSpan(Math.Min(cut, values.Length)), 1);
        sketch.Merge(Sketch(values.AsSpan(0, Math.Min(cut, values.Length)), 2));
        double[] sorted = [.. values.Order()];
        double expected = sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
        return sketch.IsExact && sketch.Quantile(share) == expected && sketch.QuantileBounds(share) == (expected, expected)
            && values.All(v => sketch.Rank(v) == RankOf(sorted, v) && sketch.RankBounds(v).Low == sketch.Rank(v))
            && sketch.Points.Select(p => p.Value).SequenceEqual(sorted);
    });

    [Fact]
    public void Quantiles_lie_between_their_bounds_and_the_distribution_function_never_falls()
    {
        double[] stream = SketchTrials.Stream(1, 50_000);
        QuantileSketch sketch = Sketch(stream, 3);
        double[] sorted = [.. stream.Order()];
        foreach (double share in (double[])[0, 0.01, 0.25, 0.5, 0.9, 0.999, 1])
        {
            (double low, double high) = sketch.QuantileBounds(share);
            Assert.InRange(sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)], low, high);
            Assert.InRange(sketch.Quantile(share), low, high);
        }

        double[] cdf = sketch.Cdf([.. Enumerable.Range(-1, 300).Select(i => i / 25.0)]);
        Assert.Equal(cdf.Order(), cdf);
        Assert.Equal((0.0, 1.0), (cdf[0], sketch.Rank(double.MaxValue)));
    }

    [Fact]
    public void Memory_stays_bounded_however_long_the_stream_is()
    {
        var sketch = new QuantileSketch();
        for (int i = 0; i < 2_000_000; i++)
        {
            sketch.Update(i * 0.1);
        }

        Assert.InRange(sketch.Points.Count, 200, 700);
        Assert.InRange(sketch.Serialize().Length, 1_000, 6_000);
    }

    [Fact]
    public void The_same_calls_with_the_same_seed_give_the_same_bytes_and_a_read_sketch_goes_on_as_the_written_one_would() => Gen.Select(Gen.Int[0, 5_000], Gen.Int[0, 5_000], Gen.ULong).Sample((first, then, seed) =>
    {
        QuantileSketch one = Sketch(SketchTrials.Stream(3, first), seed);
        QuantileSketch read = QuantileSketch.Deserialize(one.Serialize());
        one.Update(SketchTrials.Stream(4, then));
        read.Update(SketchTrials.Stream(4, then));
        return one.Serialize().AsSpan().SequenceEqual(read.Serialize());
    }, iter: 30);

    [Fact]
    public void What_is_not_finite_is_not_taken_in()
    {
        var sketch = new QuantileSketch();
        Assert.False(sketch.Update(double.NaN) || sketch.Update(double.PositiveInfinity) || sketch.Update(double.NegativeInfinity));
        sketch.Update([float.NaN, 1]);
        Assert.Equal((1, 1.0, 1.0), (sketch.Count, sketch.Minimum, sketch.Quantile(0.5)));
        Assert.True(double.IsNaN(new QuantileSketch().Quantile(0.5)) && double.IsNaN(new QuantileSketch().Rank(1)));
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        var sketch = new QuantileSketch();
        Assert.Throws<ArgumentException>(() => sketch.Merge(sketch));
        Assert.Throws<ArgumentException>(() => sketch.Merge(new QuantileSketch(100)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new QuantileSketch(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => sketch.Quantile(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => sketch.Quantile(double.NaN));
    }

    internal static QuantileSketch Sketch(ReadOnlySpan<double> values, ulong seed)
    {
        var sketch = new QuantileSketch(seed: seed);
        sketch.Update(values);
        return sketch;
    }

    private static double RankOf(double[] sorted, double value)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = sorted[middle] <= value ? (middle + 1, high) : (low, middle);
        }

        return low / (double)sorted.Length;
    }
}

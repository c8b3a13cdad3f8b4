namespace Mlops.Sdk.Data.Tests;

public sealed class DistinctSketchTests
{
    [Fact]
    public void The_count_is_within_its_bounds_in_ninety_nine_trials_of_a_hundred_and_its_error_is_as_stated()
    {
        int wrong = 0;
        double squares = 0;
        int dense = 0;
        for (int trial = 0; trial < SketchTrials.Count; trial++)
        {
            var random = new Random(trial);
            int distinct = (int)Math.Exp(random.NextDouble() * Math.Log(60_000));
            var sketch = new DistinctSketch();
            for (int i = 0; i < distinct; i++)
            {
                sketch.Update(random.NextDouble()); // two equal ones in 60,000 are as good as impossible
            }

            (double low, double high) = sketch.Bounds();
            wrong += distinct >= low - 0.5 && distinct <= high + 0.5 ? 0 : 1;
            if (!sketch.IsSparse)
            {
                double error = (sketch.Estimate() - distinct) / distinct;
                squares += error * error;
                dense++;
            }
        }

        Assert.True(wrong <= SketchTrials.MostOfOnePercent, $"{wrong} of {SketchTrials.Count} trials out of bounds");
        Assert.True(Math.Sqrt(squares / dense) <= DistinctSketch.StandardError * (1 + (3 / Math.Sqrt(dense))), $"the standard error was {Math.Sqrt(squares / dense):P2} in {dense} trials");
    }

    [Fact]
    public void Parts_merge_to_the_very_bytes_of_one_pass_whatever_the_order_and_the_repetitions() => Gen.Select(Gen.Int[0, 8_000], Gen.Int[1, 9], Gen.Int[0, 999]).Sample((length, count, seed) =>
    {
        var random = new Random(seed);
        string[] stream = [.. Enumerable.Range(0, length).Select(_ => $"value {random.Next(length)}")];
        DistinctSketch whole = Of(stream);
        random.Shuffle(stream);
        DistinctSketch[] parts = [.. SketchTrials.Cut(stream, count, random).Select(p => Of([.. p, .. p]))];
        DistinctSketch merged = parts.Aggregate(new DistinctSketch(), (into, part) =>
        {
            into.Merge(part);
            return into;
        });
        return merged.Serialize().AsSpan().SequenceEqual(whole.Serialize());
    }, iter: 60);

    [Fact]
    public void Few_values_are_counted_exactly_but_for_collisions()
    {
        Assert.Equal(0, new DistinctSketch().Estimate());
        DistinctSketch sketch = Of([.. Enumerable.Range(0, 3_000).Select(i => $"{i}"), .. Enumerable.Range(0, 3_000).Select(i => $"{i}")]);
        Assert.True(sketch.IsSparse);
        Assert.Equal(3_000, sketch.Estimate(), 2.0);
    }

    [Fact]
    public void Both_zeros_are_one_number_and_so_are_all_that_are_none()
    {
        var sketch = new DistinctSketch();
        Array.ForEach([0.0, -0.0, double.NaN, -double.NaN, BitConverter.Int64BitsToDouble(0x7ff8000000000123)], sketch.Update);
        Assert.Equal(2, sketch.Estimate(), 1e-3);
    }

    [Fact]
    public void A_sketch_reads_back_sparse_and_dense() => Gen.Int[0, 10_000].Sample(values =>
    {
        DistinctSketch sketch = Of([.. Enumerable.Range(0, values).Select(i => $"{i}")]);
        byte[] bytes = sketch.Serialize();
        DistinctSketch read = DistinctSketch.Deserialize(bytes);
        return bytes.Length <= 12_300 && read.Serialize().AsSpan().SequenceEqual(bytes) && read.Estimate() == sketch.Estimate() && read.IsSparse == sketch.IsSparse;
    }, iter: 30);

    internal static DistinctSketch Of(IEnumerable<string> values)
    {
        var sketch = new DistinctSketch();
        foreach (string value in values)
        {
            sketch.Update(value);
        }

        return sketch;
    }
}

namespace Mlops.Sdk.Data.Tests;

public sealed class ReservoirSampleTests
{
    [Fact]
    public void Every_item_has_the_same_chance_whatever_part_it_came_in()
    {
        int trials = SketchTrials.Count * 10;
        int[] kept = new int[50];
        for (int trial = 0; trial < trials; trial++)
        {
            ReservoirSample<int> one = Of(0, 10, (ulong)(3 * trial));
            one.Merge(Of(10, 45, (ulong)(3 * trial) + 1));
            one.Merge(Of(45, 50, (ulong)(3 * trial) + 2));
            Assert.Equal((5, 50L), (one.Items.Count, one.Count));
            foreach (int item in one.Items)
            {
                kept[item]++;
            }
        }

        // chi-square with 49 degrees of freedom is beyond 99 once in 40,000 runs; tables give 85.35 at 0.1 %
        double expected = trials / 10.0;
        Assert.InRange(kept.Sum(k => (k - expected) * (k - expected) / expected / 0.9), 0, 99);
    }

    [Fact]
    public void Merging_is_associative_and_commutative() => Gen.Select(Gen.Int[0, 40], Gen.Int[0, 40], Gen.Int[0, 40]).Sample((a, b, c) =>
    {
        ReservoirSample<int> left = Of(0, a, 1);
        left.Merge(Of(100, 100 + b, 2));
        left.Merge(Of(200, 200 + c, 3));
        ReservoirSample<int> right = Of(200, 200 + c, 3);
        right.Merge(Of(100, 100 + b, 2));
        ReservoirSample<int> all = Of(0, 0, 9);
        all.Merge(right);
        all.Merge(Of(0, a, 1));
        return left.Items.SequenceEqual(all.Items) && left.Count == all.Count && left.Items.Count == Math.Min(5, a + b + c);
    });

    [Fact]
    public void A_sample_reads_back_and_goes_on_as_before() => Gen.Int[0, 30].Sample(length =>
    {
        ReservoirSample<int> sample = Of(0, length, 7);
        ReservoirSample<int> read = ReservoirSample.Deserialize(sample.Serialize(BitConverter.GetBytes), b => BitConverter.ToInt32(b));
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(sample.Update(1_000 + i), read.Update(1_000 + i));
        }

        return read.Items.SequenceEqual(sample.Items) && read.Count == sample.Count;
    });

    private static ReservoirSample<int> Of(int from, int to, ulong seed)
    {
        var sample = new ReservoirSample<int>(5, seed);
        for (int i = from; i < to; i++)
        {
            sample.Update(i);
        }

        return sample;
    }
}

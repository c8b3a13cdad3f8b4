namespace Mlops.Sdk.Monitoring.Tests.Usage;

public sealed class LatencyHistogramTests
{
    private static readonly Gen<long> Ticks = Gen.OneOf(Gen.Long[0, 100], Gen.Long[0, 1_000_000], Gen.Long[0, (1L << 40) - 1]);

    [Fact]
    public void A_time_lies_in_its_bucket_and_the_middle_is_within_1_6_percent() =>
        Ticks.Sample(ticks =>
        {
            (long low, long width) = LatencyHistogram.RangeOf(LatencyHistogram.BucketOf(ticks));
            double middle = low + ((width - 1) / 2.0);
            return low <= ticks && ticks < low + width && Math.Abs(middle - ticks) <= ticks / 64.0;
        });

    [Fact]
    public void The_buckets_leave_no_gap()
    {
        long next = 0;
        for (int bucket = 0; bucket < LatencyHistogram.Buckets; bucket++)
        {
            (long low, long width) = LatencyHistogram.RangeOf(bucket);
            Assert.Equal(next, low);
            Assert.Equal(bucket, LatencyHistogram.BucketOf(low));
            Assert.Equal(bucket, LatencyHistogram.BucketOf(low + width - 1));
            next = low + width;
        }

        Assert.Equal(1L << 40, next);
        Assert.Equal(LatencyHistogram.Buckets - 1, LatencyHistogram.BucketOf(long.MaxValue));
        Assert.Equal(0, LatencyHistogram.BucketOf(-5));
    }

    [Fact]
    public void A_share_is_within_1_6_percent_of_the_sorted_times() =>
        Gen.Select(Ticks.Array[1, 200], Gen.Double[0.001, 1]).Sample((times, share) =>
        {
            var histogram = new LatencyHistogram();
            foreach (long time in times)
            {
                histogram.Add(time);
            }

            long exact = times.Order().ElementAt((int)Math.Ceiling(share * times.Length) - 1); // nearest rank
            return Math.Abs(histogram.AtShare(share) - exact) <= exact / 64.0;
        });

    [Fact]
    public void Merged_histograms_are_the_one_of_all_times_and_a_cleared_one_is_empty() =>
        Gen.Select(Ticks.Array[0, 50], Ticks.Array[0, 50]).Sample((left, right) =>
        {
            LatencyHistogram merged = Of(left);
            merged.Add(Of(right));
            bool equal = merged.Counts().SequenceEqual(Of([.. left, .. right]).Counts()) && merged.Count == left.Length + right.Length;
            merged.Clear();
            return equal && merged.Count == 0 && !merged.Counts().Any();
        });

    private static LatencyHistogram Of(long[] times)
    {
        var histogram = new LatencyHistogram();
        foreach (long time in times)
        {
            histogram.Add(time);
        }

        return histogram;
    }
}

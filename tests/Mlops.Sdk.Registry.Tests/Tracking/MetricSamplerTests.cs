namespace Mlops.Sdk.Registry.Tests.Tracking;

public sealed class MetricSamplerTests
{
    private static readonly Gen<List<MetricPoint>> Series = Gen.OneOf(Gen.Double[-1e6, 1e6], Any.Of(double.NaN, double.PositiveInfinity, double.MaxValue, -double.MaxValue, 0)).Array[0, 400]
        .Select(values => values.Select((v, i) => new MetricPoint(i, DateTimeOffset.UnixEpoch.AddSeconds(i), v)).ToList());

    [Fact]
    public void A_sample_is_a_part_of_the_series_in_order_with_both_ends_and_no_more_points_than_asked() => Gen.Select(Series, Gen.Int[4, 60], Gen.Enum<MetricSampling>()).Sample((series, most, how) =>
    {
        List<MetricPoint> sample = MetricSampler.Sample(series, most, how);
        Assert.InRange(sample.Count, 0, most);
        Assert.Equal(sample.OrderBy(p => p.Step), sample);
        Assert.Equal(sample.Count, sample.Select(p => p.Step).Distinct().Count());
        Assert.All(sample, p => Assert.Equal(series[(int)p.Step], p));
        if (series.Count > most)
        {
            MetricPoint[] finite = [.. series.Where(p => double.IsFinite(p.Value))];
            Assert.Equal(Math.Min(finite.Length, 1), Math.Min(sample.Count, 1));
            Assert.Equal(finite.Select(p => p.Step).Take(1).Concat(finite.Select(p => p.Step).TakeLast(1)), sample.Select(p => p.Step).Take(1).Concat(sample.Select(p => p.Step).TakeLast(1)));
        }
        else
        {
            Assert.Equal(series, sample);
        }
    });

    [Fact]
    public void The_extremes_are_kept() => Gen.Select(Series.Where(s => s.Exists(p => double.IsFinite(p.Value))), Gen.Int[4, 60]).Sample((series, most) =>
    {
        List<MetricPoint> sample = MetricSampler.Sample(series, most, MetricSampling.MinMax);
        double[] finite = [.. series.Select(p => p.Value).Where(double.IsFinite)];
        Assert.Contains(sample, p => p.Value.Equals(finite.Min()));
        Assert.Contains(sample, p => p.Value.Equals(finite.Max()));
    });

    [Fact]
    public void A_single_spike_survives_both_ways()
    {
        List<MetricPoint> series = [.. Enumerable.Range(0, 100_000).Select(i => new MetricPoint(i, DateTimeOffset.UnixEpoch, i == 54_321 ? 100 : Math.Sin(i / 10_000.0)))];
        foreach (MetricSampling how in Enum.GetValues<MetricSampling>())
        {
            List<MetricPoint> sample = MetricSampler.Sample(series, 500, how);
            Assert.InRange(sample.Count, 200, 500);
            Assert.Contains(sample, p => p.Step == 54_321);
        }
    }
}

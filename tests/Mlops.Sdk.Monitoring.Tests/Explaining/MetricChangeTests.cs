namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MetricChangeTests
{
    private static readonly Gen<SegmentMetric[]> Segments = Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Double[0, 1], Gen.Double[0, 1], (a, b, x, y) => (a, b, x, y)).Array[1, 12]
        .Where(s => s.Sum(v => v.a) > 0 && s.Sum(v => v.b) > 0)
        .Select(s => s.Select((v, i) => new SegmentMetric($"s{i}", v.a, v.b, v.x, v.y)).ToArray());

    /// <summary>Worked by hand from the definition: A goes from 50 % to 80 % of the rows and stays at 0.6; B goes from 0.9 to 0.8.</summary>
    /// <remarks>
    /// Before 0.5 * 0.6 + 0.5 * 0.9 = 0.75, now 0.8 * 0.6 + 0.2 * 0.8 = 0.64, middle 0.695. Mix: A 0.3 * (0.6 - 0.695) = -0.0285,
    /// B -0.3 * (0.85 - 0.695) = -0.0465. Rate: A 0, B -0.1 * 0.35 = -0.035. Sum -0.11.
    /// </remarks>
    [Fact]
    public void Mix_and_rate_are_told_apart_as_worked_out_by_hand()
    {
        MetricChange change = MetricChange.Explain("accuracy", [new SegmentMetric("A", 50, 80, 0.6, 0.6), new SegmentMetric("B", 50, 20, 0.9, 0.8)]);
        Assert.Equal((0.75, 0.64), (Math.Round(change.Before, 12), Math.Round(change.Now, 12)));
        SegmentContribution b = change.Segments[0];
        Assert.Equal("B", b.Segment);
        Assert.Equal(-0.0465, b.Mix, 1e-12);
        Assert.Equal(-0.035, b.Rate, 1e-12);
        SegmentContribution a = change.Segments[1];
        Assert.Equal(-0.0285, a.Mix, 1e-12);
        Assert.Equal(0, a.Rate, 1e-12);
        Assert.Equal(0, change.Rest, 1e-12);
        Assert.Contains("accuracy went from 0.75 to 0.64 (-0.11)", change.Summary, StringComparison.Ordinal);
        Assert.Contains("its share of the rows went from 50 % to 20 %", b.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Contributions_add_up_to_the_change_whatever_the_segments() => Segments.Sample(segments =>
    {
        MetricChange change = MetricChange.Explain("m", segments);
        Assert.Equal(change.Change, change.Segments.Sum(s => s.Total), 1e-12);
        Assert.Equal(0, change.Rest, 1e-12);
        Assert.Equal(0, change.Segments.Where(s => s.Before == s.Now).Sum(s => Math.Abs(s.Rate)), 1e-12);
    });

    [Fact]
    public void What_did_not_change_contributes_nothing() => Segments.Sample(segments =>
    {
        MetricChange same = MetricChange.Explain("m", [.. segments.Select(s => s with { RowsBefore = s.RowsNow, Before = s.Now })]);
        Assert.Equal(0, same.Segments.Sum(s => Math.Abs(s.Total)), 1e-12);
    });

    [Fact]
    public void A_segment_that_is_new_or_gone_contributes_by_its_share_alone()
    {
        MetricChange change = MetricChange.Explain("m", [new SegmentMetric("old", 100, 50, 0.9, 0.9), new SegmentMetric("new", 0, 50, double.NaN, 0.5)]);
        Assert.Equal(-0.2, change.Change, 1e-12);
        Assert.All(change.Segments, s => Assert.Equal(0, s.Rate));
        Assert.Equal(-0.2, change.Mix, 1e-12);
    }

    [Fact]
    public void A_metric_that_is_no_mean_keeps_the_rest_in_sight()
    {
        MetricChange change = MetricChange.Explain("auc", [new SegmentMetric("A", 10, 10, 0.8, 0.7)], before: 0.82, now: 0.7);
        Assert.Equal(-0.12, change.Change, 1e-12);
        Assert.Equal(-0.02, change.Rest, 1e-12);
        Assert.Throws<ArgumentException>(() => MetricChange.Explain("m", [new SegmentMetric("A", 0, 10, 0, 1)]));
        Assert.Throws<ArgumentException>(() => MetricChange.Explain("m", [new SegmentMetric("A", 1, 10, double.NaN, 1)]));
    }

    [Fact]
    public void Signals_by_segment_are_explained_as_the_rows_behind_them()
    {
        static MonitorSignal Signal(string? segment, long rows, double value, string name = "performance.accuracy") =>
            new() { Model = "m", Version = 1, Segment = segment, Name = name, From = default, To = default, Rows = rows, Value = value };
        MonitorSignal[] before = [Signal("country=SE", 30, 0.6), Signal("country=SE", 20, 0.6), Signal("country=NO", 50, 0.9), Signal("version=1", 100, 0.1), Signal("country=SE", 50, 9, "performance.mae")];
        MonitorSignal[] now = [Signal("country=SE", 80, 0.6), Signal("country=NO", 20, 0.8), Signal(null, 100, 0.63)];
        MetricChange change = MetricChange.Explain("performance.accuracy", "country", before, now);
        Assert.Equal(["country=NO", "country=SE"], change.Segments.Select(s => s.Segment));
        Assert.Equal(-0.0465, change.Segments[0].Mix, 1e-12);
        Assert.Equal(-0.035, change.Segments[0].Rate, 1e-12);
        Assert.Equal((0.75, 0.63), (Math.Round(change.Before, 12), change.Now));
        Assert.Equal(-0.01, change.Rest, 1e-12);
        Assert.Throws<ArgumentException>(() => MetricChange.Explain("performance.accuracy", "region", before, now));
    }
}

using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Known answers come from Golden/changes.py, written independently from the papers; it makes the same values.</summary>
public sealed class ChangePointTests
{
    private static readonly double[] Uniforms = [.. Enumerable.Repeat(new SeededRandom(7), 12_000).Select(r => r.NextDouble())];
    private static readonly double[] Bits = [.. Uniforms.Select((x, t) => x < (t < 5000 ? 0.1 : t < 9000 ? 0.25 : 0.05) ? 1.0 : 0)];
    private static readonly double[] Steps = [.. Uniforms.Take(3000).Select((x, t) => x + (t is >= 1000 and < 2000 ? 0.3 : 0))];

    [Fact]
    public void Adwin_answers_as_an_independent_program_does()
    {
        var bits = new Adwin();
        Assert.Equal([5216, 5248, 5312, 9184, 9216, 9248, 9280, 9312, 9568], Changes(Bits, bits.Add));
        Assert.Equal(3040, bits.Window);
        Assert.Equal(0.05789473684210526, bits.Mean, 12);
        var uniforms = new Adwin(0.01);
        Assert.Equal([3136, 3168, 3200, 3264, 3488], Changes([.. Uniforms.Take(6000).Select((x, t) => (0.5 * x) + (t >= 3000 ? 0.1 : 0))], uniforms.Add));
        Assert.Equal(3056, uniforms.Window);
        Assert.Equal(0.34626838430742257, uniforms.Mean, 12);
        Assert.Equal(6000, uniforms.Seen);
        Assert.InRange(uniforms.Variance, 0.018, 0.024); // of half a uniform: 1 / 48
    }

    [Fact]
    public void Page_Hinkley_answers_as_an_independent_program_does() =>
        Assert.Equal([1027, 2019], Changes(Steps, new PageHinkley(new PageHinkleyOptions { Delta = 0.01, Threshold = 10 }).Add));

    [Fact]
    public void The_cumulative_sum_answers_as_an_independent_program_does()
    {
        List<int> changes = Changes(Steps, new Cusum(0.5, Math.Sqrt(1 / 12.0)).Add);
        Assert.Equal(72, changes.Count);
        Assert.Equal([1015, 1035, 1053, 1068], changes.Take(4));
        Assert.Equal([1970, 1981, 1992], changes.TakeLast(3)); // it goes on calling while the stream is off, and not after
    }

    [Fact]
    public void Levels_are_cut_as_an_independent_program_does() =>
        Assert.Equal([40, 91], ChangePoints.Cuts([.. Uniforms.Take(150).Select((x, t) => x + (t < 40 ? 0 : t < 90 ? 1.5 : 0.7))], new ChangePointOptions()));

    [Fact]
    public void Robust_scores_are_as_an_independent_program_says()
    {
        var outliers = new RobustOutliers(25);
        double[] scores = [.. Uniforms.Take(60).Select(outliers.Add)];
        Assert.Equal(-0.89398254209306, scores[20], 12);
        Assert.Equal(-0.647242721925029, scores[45], 12);
        Assert.Equal(1.4275256079481062, scores[59], 12);
        Assert.True(outliers.Add(50) > 100);
        Assert.True(outliers.Add(-50) < -100);
    }

    [Fact]
    public void Outliers_in_a_stream_of_one_value_are_infinitely_far()
    {
        var outliers = new RobustOutliers(50);
        Assert.All(Enumerable.Repeat(3.0, 100), v => Assert.Equal(0, outliers.Add(v)));
        Assert.Equal(double.PositiveInfinity, outliers.Add(4));
        Assert.Equal(double.NegativeInfinity, outliers.Add(2));
        Assert.Equal(0, outliers.Add(3));
    }

    [Fact]
    public void A_watcher_goes_on_where_its_state_was_written()
    {
        var whole = new Adwin();
        var first = new Adwin();
        List<int> expected = Changes(Bits, whole.Add);
        List<int> found = Changes(Bits[..7000], first.Add);
        Adwin second = Adwin.Deserialize(first.Serialize());
        Assert.Equal((first.Window, first.Seen, first.Delta), (second.Window, second.Seen, second.Delta));
        Assert.Equal(first.Mean, second.Mean, 12);
        Assert.Equal(first.Variance, second.Variance, 12);
        found.AddRange(Changes(Bits[7000..], second.Add).Select(t => t + 7000));
        Assert.Equal(expected, found);

        var options = new PageHinkleyOptions { Delta = 0.01, Threshold = 10, Direction = ChangeDirection.Up };
        var watcher = new PageHinkley(options);
        Assert.Equal([1027], Changes(Steps[..1500], watcher.Add));
        PageHinkley read = PageHinkley.Deserialize(watcher.Serialize());
        Assert.Equal((watcher.Mean, watcher.Count, watcher.Seen, watcher.Excess), (read.Mean, read.Count, read.Seen, read.Excess));
        Assert.Empty(Changes(Steps[1500..], read.Add)); // downwards is not watched
    }

    [Theory]
    [InlineData("""{"format":1,"kind":"adwin","delta":0.002,"sizes":[[1]]}""", "monitoring.unreadable_state")]
    [InlineData("""{"format":1,"kind":"page-hinkley"}""", "monitoring.unreadable_state")]
    [InlineData("[]", "monitoring.unreadable_state")]
    [InlineData("""{"format":2,"kind":"adwin"}""", "monitoring.newer_format")]
    public void States_that_do_not_read_are_refused(string json, string code) =>
        Assert.Equal(code, Assert.Throws<MlopsIntegrityException>(() => Adwin.Deserialize(Encoding.UTF8.GetBytes(json))).Code);

    [Fact]
    public void Values_and_options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Adwin().Add(1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PageHinkley().Add(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Cusum(0, 1).Add(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RobustOutliers().Add(double.NaN));
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => new Adwin(0)).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => new PageHinkley(new PageHinkleyOptions { Threshold = 0 })).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => new Cusum(0, 0)).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => new RobustOutliers(3)).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => ChangePoints.Find([], new ChangePointOptions { ShortestPart = 1 })).Code);
    }

    [Fact]
    public void The_day_on_which_a_signal_changed_its_level_is_found_for_each_series_on_its_own()
    {
        DateTimeOffset start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        MonitorSignal Signal(string name, int day, double value) => new()
        {
            Model = "loans", Version = 1, Name = name, From = start.AddDays(day), To = start.AddDays(day + 1), Rows = 1000, Value = value,
        };
        var random = new SeededRandom(3);
        MonitorSignal[] signals =
        [
            .. Enumerable.Range(0, 60).Select(day => Signal("performance.roc_auc", day, (day < 33 ? 0.85 : 0.78) + (0.01 * random.NextNormal()))),
            .. Enumerable.Range(0, 60).Select(day => Signal("drift.psi:age", day, 0.02 + (0.004 * random.NextNormal()))),
        ];
        ChangePoint found = Assert.Single(ChangePoints.Find(signals.Reverse()));
        Assert.Equal(("loans", 1, "performance.roc_auc", start.AddDays(33), 27), (found.Model, found.Version, found.Name, found.At, found.Spans));
        Assert.Equal(0.85, found.Before, 0.01);
        Assert.Equal(0.78, found.After, 0.01);
        Assert.Null(found.Segment);
    }

    [Fact]
    public void A_constant_or_short_series_has_no_change_and_a_step_between_constants_has_one()
    {
        Assert.Empty(ChangePoints.Cuts([.. Enumerable.Repeat(0.3, 50)], new ChangePointOptions()));
        Assert.Empty(ChangePoints.Cuts([0, 0, 9, 9, 9], new ChangePointOptions()));
        Assert.Equal([20], ChangePoints.Cuts([.. Enumerable.Repeat(0.3, 20), .. Enumerable.Repeat(0.4, 20)], new ChangePointOptions()));
    }

    /// <summary>MLOPS_TEST_STREAM_TRIALS scales it; 2,000 trials are written down in docs/guides/multivariate-drift.md.</summary>
    [Fact]
    public void False_alarms_on_stable_streams_stay_within_delta_and_shifts_are_found_soon()
    {
        int trials = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_STREAM_TRIALS") ?? "60", CultureInfo.InvariantCulture);
        const int Length = 10_000;
        const double Delta = 0.05;
        int adwin = 0;
        int hinkley = 0;
        int series = 0;
        var delays = new List<(int Adwin, int Hinkley)>();
        for (int trial = 0; trial < trials; trial++)
        {
            var random = new SeededRandom(trial, 77);
            double rate = 0.05 + (0.4 * random.NextDouble());
            adwin += Changes([.. Enumerable.Range(0, Length).Select(_ => random.NextDouble() < rate ? 1.0 : 0)], new Adwin(Delta).Add).Count > 0 ? 1 : 0;
            hinkley += Changes([.. Enumerable.Range(0, Length).Select(_ => random.NextDouble() < rate ? 1.0 : 0)], ForErrors().Add).Count > 0 ? 1 : 0;
            series += ChangePoints.Cuts([.. Enumerable.Range(0, 100).Select(_ => random.NextNormal())], new ChangePointOptions()).Length > 0 ? 1 : 0;
            double[] worse = [.. Enumerable.Range(0, 8000).Select(t => random.NextDouble() < (t < 5000 ? 0.2 : 0.3) ? 1.0 : 0)];
            delays.Add((Delay(worse, new Adwin().Add), Delay(worse, ForErrors().Add)));
        }

        int[] late = [.. delays.Select(d => d.Adwin).Order()];
        int[] lateHinkley = [.. delays.Select(d => d.Hinkley).Order()];
        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(
            $"{trials} trials: streams of {Length} with a false alarm: ADWIN(0.05) {adwin}, Page-Hinkley(0.02, 40) {hinkley}; series of 100 with a false change {series}; rows until 20 % -> 30 % errors is seen, median and 95 %: ADWIN(0.002) {late[trials / 2]}, {late[trials * 95 / 100]}; Page-Hinkley {lateHinkley[trials / 2]}, {lateHinkley[trials * 95 / 100]}"));
        Assert.True(adwin <= Delta * trials, "More stable streams were called than delta allows.");
        Assert.True(hinkley <= 2 + (0.05 * trials));
        Assert.True(series <= 2 + (0.05 * trials));
        Assert.True(late[trials * 95 / 100] < 1000 && lateHinkley[trials * 95 / 100] < 1500);
    }

    internal static PageHinkley ForErrors() => new(new PageHinkleyOptions { Delta = 0.02, Threshold = 40 });

    private static int Delay(double[] values, Func<double, bool> add)
    {
        List<int> changes = Changes(values, add);
        return changes.Find(t => t > 5000) is > 0 and var seen ? seen - 5000 : int.MaxValue;
    }

    private static List<int> Changes(double[] values, Func<double, bool> add) => [.. values.Index().Where(v => add(v.Item)).Select(v => v.Index + 1)];
}

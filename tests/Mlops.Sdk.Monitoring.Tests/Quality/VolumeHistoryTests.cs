namespace Mlops.Sdk.Monitoring.Tests;

public sealed class VolumeHistoryTests
{
    private static readonly DateTimeOffset Monday = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void An_hour_like_the_same_hours_before_is_fine_and_one_unlike_them_is_not()
    {
        VolumeHistory history = Weeks(6, hour => 100 + (hour % 24 * 10)); // a busy evening every day
        DateTimeOffset end = Monday.AddDays(42);
        VolumeJudgement usual = history.Judge(end)!;
        Assert.Equal((QualitySeverity.Fine, 330d, 330d, true), (usual.Severity, usual.Rows, usual.Expected, usual.Weekly));
        Assert.Equal(QualitySeverity.Failed, history.Judge(end.AddHours(1))!.Severity); // nothing came in this hour
        history.Add(end, end.AddHours(1), 100);
        Assert.Equal(QualitySeverity.Fine, history.Judge(end.AddHours(1))!.Severity);
        history.Add(end.AddHours(1), end.AddHours(2), 180);
        Assert.Equal(QualitySeverity.Watch, history.Judge(end.AddHours(2))!.Severity); // 110 are usual, and 110 + 5 sqrt(110) is 162
    }

    [Fact]
    public void A_single_wild_day_before_does_not_widen_the_band()
    {
        VolumeHistory history = Weeks(6, hour => hour / 24 == 14 ? 50_000 : 200);
        VolumeJudgement judged = history.Judge(Monday.AddDays(42).AddHours(12))!;
        Assert.Equal(200, judged.Expected);
        Assert.InRange(judged.High, 200, 300);
    }

    [Fact]
    public void Days_stand_in_while_weeks_are_few_and_little_is_not_judged()
    {
        VolumeHistory history = new();
        Assert.Null(history.Judge(Monday));
        for (int hour = 0; hour < 24 * 7; hour++)
        {
            history.Add(Monday.AddHours(hour), Monday.AddHours(hour + 1), 60);
            VolumeJudgement? judged = history.Judge(Monday.AddHours(hour + 1));
            Assert.Equal(hour >= 1 + (24 * 5), judged is not null);
            Assert.True(judged is null || (!judged.Weekly && judged.Severity == QualitySeverity.Fine));
        }
    }

    [Fact]
    public void Windows_spread_their_rows_over_the_hours_that_they_touch() => Gen.Select(Gen.Int[0, 600], Gen.Int[1, 600], Gen.Int[0, 100_000]).Sample((start, minutes, rows) =>
    {
        var history = new VolumeHistory();
        DateTimeOffset from = Monday.AddMinutes(start);
        history.Add(from, from.AddMinutes(minutes), rows);
        Assert.Equal(rows, history.Hours.Values.Sum(), 1e-6 * Math.Max(1, rows));
        Assert.All(history.Hours, h => Assert.InRange(h.Value, 0, rows));
        Assert.Equal(rows > 0 ? from.AddMinutes(minutes) : null, history.Newest);
    });

    [Fact]
    public void Memory_is_bounded_and_time_that_goes_back_is_taken()
    {
        var history = new VolumeHistory();
        for (int day = 0; day < 400; day++)
        {
            history.Add(Monday.AddDays(day), Monday.AddDays(day + 1), 24);
        }

        Assert.InRange(history.Hours.Count, 24, VolumeHistory.KeptHours + 25);
        history.Add(Monday.AddDays(395), Monday.AddDays(396), 24);
        Assert.Equal(2, history.Hours[Monday.AddDays(395).UtcTicks / TimeSpan.TicksPerHour], 1e-9);
        Assert.Throws<ArgumentException>(() => history.Add(Monday, Monday.AddTicks(-1), 1));
    }

    private static VolumeHistory Weeks(int weeks, Func<int, long> rows)
    {
        var history = new VolumeHistory();
        for (int hour = 0; hour < weeks * 7 * 24; hour++)
        {
            history.Add(Monday.AddHours(hour), Monday.AddHours(hour + 1), rows(hour));
        }

        return history;
    }
}

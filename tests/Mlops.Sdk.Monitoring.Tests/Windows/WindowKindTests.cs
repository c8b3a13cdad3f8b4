namespace Mlops.Sdk.Monitoring.Tests;

public sealed class WindowKindTests
{
    /// <summary>Europe: an hour forward on the last Sunday of March at 02:00, back on the last Sunday of October at 03:00.</summary>
    internal static readonly TimeZoneInfo Europe = Zone("Europe", TimeSpan.FromHours(1), TimeSpan.FromHours(1), Last(3, 2), Last(10, 3));

    /// <summary>A zone whose clock goes forward at midnight, so that a day begins at one o'clock.</summary>
    private static readonly TimeZoneInfo MidnightGap = Zone("MidnightGap", TimeSpan.FromHours(-4), TimeSpan.FromHours(1), Last(9, 0), Last(4, 0));

    /// <summary>A zone that changes by half an hour, as Lord Howe Island does.</summary>
    private static readonly TimeZoneInfo HalfHour = Zone("HalfHour", TimeSpan.FromHours(10.5), TimeSpan.FromMinutes(30), Last(10, 2), Last(4, 2));

    public static TheoryData<string> Kinds => [.. All.Keys];

    private static Dictionary<string, WindowKind> All { get; } = Enum.GetValues<CalendarUnit>()
        .SelectMany(u => ((TimeZoneInfo[])[Europe, MidnightGap, HalfHour, TimeZoneInfo.Utc]).Select(z => WindowKind.Calendar(u, z)))
        .Append(WindowKind.Tumbling(TimeSpan.FromMinutes(7)))
        .Append(WindowKind.Tumbling(TimeSpan.FromDays(3), new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.FromHours(2))))
        .Append(WindowKind.Sliding(TimeSpan.FromHours(6), TimeSpan.FromHours(1)))
        .ToDictionary(k => k.Name);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Spans_follow_each_other_without_gap_and_hold_the_moments_that_fall_into_them(string name) => Gen.Int[0, 3 * 366 * 24 * 12].Sample(fives =>
    {
        WindowKind kind = All[name];
        DateTimeOffset time = new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(5 * fives);
        (DateTimeOffset from, DateTimeOffset to) = kind.SpanOf(time);
        return from <= time && time < to && kind.SpanOf(from) == (from, to) && kind.SpanOf(to).From == to && kind.SpanOf(to.AddTicks(-1)) == (from, to);
    }, iter: 3_000);

    // Expected values: CET is UTC+1, CEST UTC+2; the clock was changed on 29 March and 25 October 2026, a Sunday each.
    [Theory]
    [InlineData(CalendarUnit.Day, "2026-03-29T10:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z")]
    [InlineData(CalendarUnit.Day, "2026-10-25T00:30Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z")]
    [InlineData(CalendarUnit.Hour, "2026-10-25T00:30Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z")]
    [InlineData(CalendarUnit.Hour, "2026-10-25T01:30Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z")]
    [InlineData(CalendarUnit.Week, "2026-03-29T10:00Z", "2026-03-22T23:00Z", "2026-03-29T22:00Z")]
    [InlineData(CalendarUnit.Month, "2026-10-31T23:30Z", "2026-10-31T23:00Z", "2026-11-30T23:00Z")]
    public void Days_on_which_the_clock_is_changed_are_23_and_25_hours_long(CalendarUnit unit, string time, string from, string to) =>
        Assert.Equal((Utc(from), Utc(to)), WindowKind.Calendar(unit, Europe).SpanOf(Utc(time)));

    [Fact]
    public void A_day_whose_midnight_does_not_exist_begins_after_the_gap() =>
        Assert.Equal(Utc("2026-09-27T04:00Z"), WindowKind.Calendar(CalendarUnit.Day, MidnightGap).SpanOf(Utc("2026-09-27T15:00Z")).From);

    [Fact]
    public void Wrong_kinds_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WindowKind.Tumbling(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => WindowKind.OfRows(0));
        Assert.Throws<ArgumentException>(() => WindowKind.Sliding(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(3)));
        Assert.Throws<InvalidOperationException>(() => WindowKind.OfRows(5).SpanOf(default));
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static TimeZoneInfo.TransitionTime Last(int month, int hour) =>
        TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, hour, 0, 0), month, 5, DayOfWeek.Sunday);

    private static TimeZoneInfo Zone(string id, TimeSpan offset, TimeSpan delta, TimeZoneInfo.TransitionTime forward, TimeZoneInfo.TransitionTime back) =>
        TimeZoneInfo.CreateCustomTimeZone(id, offset, id, id, id, [TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, delta, forward, back)]);
}

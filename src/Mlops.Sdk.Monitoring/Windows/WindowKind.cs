namespace Mlops.Sdk.Monitoring;

/// <summary>A unit of the calendar.</summary>
public enum CalendarUnit
{
    /// <summary>An hour of the clock; the hour that comes twice when the clock goes back is two.</summary>
    Hour,

    /// <summary>A day from midnight to midnight: 23 or 25 hours long when the clock is changed.</summary>
    Day,

    /// <summary>A week from Monday on.</summary>
    Week,

    /// <summary>A month.</summary>
    Month,
}

/// <summary>How a stream of rows is cut into windows. Immutable.</summary>
public sealed class WindowKind
{
    private readonly Func<DateTimeOffset, (DateTimeOffset From, DateTimeOffset To)>? _span;

    private WindowKind(string name, Func<DateTimeOffset, (DateTimeOffset From, DateTimeOffset To)>? span, TimeSpan length = default, TimeSpan step = default, long rows = 0)
    {
        Name = name;
        _span = span;
        Length = length;
        Step = step;
        Rows = rows;
    }

    /// <summary>Gets what kind it is, for people, such as <c>tumbling 01:00:00</c>.</summary>
    public string Name { get; }

    internal TimeSpan Length { get; }

    /// <summary>Gets the step of a sliding window; zero for any other.</summary>
    internal TimeSpan Step { get; }

    /// <summary>Gets the rows of a window by count; zero for any other.</summary>
    internal long Rows { get; }

    /// <summary>Windows of one length, one after the other.</summary>
    /// <param name="length">The length, from 1 second to 366 days.</param>
    /// <param name="origin">When one of them begins; null for Monday, 1 January 2024, 00:00 UTC.</param>
    /// <returns>The kind.</returns>
    public static WindowKind Tumbling(TimeSpan length, DateTimeOffset? origin = null)
    {
        CheckLength(length);
        DateTimeOffset start = origin ?? Monday;
        return new WindowKind($"tumbling {length}", time => Grid(time, start, length), length);
    }

    /// <summary>Windows of one length that begin at every step, so that they overlap.</summary>
    /// <param name="length">The length, from 1 second to 366 days: a whole number of steps, at most 10,000.</param>
    /// <param name="step">The step, at least 1 second.</param>
    /// <returns>The kind.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of steps.</exception>
    public static WindowKind Sliding(TimeSpan length, TimeSpan step)
    {
        CheckLength(length);
        CheckLength(step);
        if (length.Ticks % step.Ticks != 0 || length.Ticks / step.Ticks > 10_000)
        {
            throw new ArgumentException($"The length of a sliding window is 1 to 10,000 whole steps; {length} is not, with steps of {step}.", nameof(length));
        }

        return new WindowKind($"sliding {length} by {step}", time => Grid(time, Monday, step), length, step);
    }

    /// <summary>Windows of so many rows each, in the order they come.</summary>
    /// <param name="rows">How many rows, at least 1.</param>
    /// <returns>The kind.</returns>
    public static WindowKind OfRows(long rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        return new WindowKind($"{rows} rows", null, rows: rows);
    }

    /// <summary>Windows of the calendar of a time zone.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="zone">The time zone, by whose rules the clock is changed.</param>
    /// <returns>The kind.</returns>
    public static WindowKind Calendar(CalendarUnit unit, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        return new WindowKind($"{unit.ToString().ToLowerInvariant()} in {zone.Id}", time => CalendarSpan.Of(time, unit, zone));
    }

    /// <summary>Tells which span a moment falls into; of a sliding window, which step.</summary>
    /// <param name="time">The moment.</param>
    /// <returns>When the span begins, and when it ends: the end is not in it.</returns>
    /// <exception cref="InvalidOperationException">Windows by count have no spans of time.</exception>
    public (DateTimeOffset From, DateTimeOffset To) SpanOf(DateTimeOffset time) =>
        _span?.Invoke(time) ?? throw new InvalidOperationException($"Windows of {Name} have no spans of time.");

    private static DateTimeOffset Monday => new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static (DateTimeOffset From, DateTimeOffset To) Grid(DateTimeOffset time, DateTimeOffset origin, TimeSpan length)
    {
        long since = (time - origin).Ticks % length.Ticks;
        DateTimeOffset from = (time - TimeSpan.FromTicks(since < 0 ? since + length.Ticks : since)).ToUniversalTime();
        return (from, from + length);
    }

    private static void CheckLength(TimeSpan length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, TimeSpan.FromDays(366));
    }
}

/// <summary>Spans of the calendar, with the days on which the clock is changed.</summary>
internal static class CalendarSpan
{
    internal static (DateTimeOffset From, DateTimeOffset To) Of(DateTimeOffset time, CalendarUnit unit, TimeZoneInfo zone)
    {
        DateTimeOffset local = TimeZoneInfo.ConvertTime(time, zone);
        if (unit == CalendarUnit.Hour)
        {
            // by the offset in force, so that an hour that comes twice is two; where it changes within the hour, the hour is cut there
            DateTimeOffset from = local.AddTicks(-(local.Ticks % TimeSpan.TicksPerHour)).ToUniversalTime();
            DateTimeOffset to = from.AddHours(1);
            from = zone.GetUtcOffset(from) == local.Offset ? from : FirstWhere(from, local, t => zone.GetUtcOffset(t) == local.Offset);
            to = zone.GetUtcOffset(to.AddTicks(-1)) == local.Offset ? to : FirstWhere(local, to, t => zone.GetUtcOffset(t) != local.Offset);
            return (from, to);
        }

        DateTime day = local.Date;
        (DateTime first, DateTime next) = unit switch
        {
            CalendarUnit.Day => (day, day.AddDays(1)),
            CalendarUnit.Week => (day.AddDays(-(((int)day.DayOfWeek + 6) % 7)), day.AddDays(7 - (((int)day.DayOfWeek + 6) % 7))),
            CalendarUnit.Month => (day.AddDays(1 - day.Day), day.AddDays(1 - day.Day).AddMonths(1)),
            _ => throw new ArgumentOutOfRangeException(nameof(unit), unit, "An hour, a day, a week or a month is expected."),
        };
        return (Midnight(first, zone), Midnight(next, zone));
    }

    /// <summary>Finds when a day begins: at its first midnight, or right after the gap that swallowed it.</summary>
    private static DateTimeOffset Midnight(DateTime day, TimeZoneInfo zone)
    {
        day = DateTime.SpecifyKind(day, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(day))
        {
            var middle = new DateTimeOffset(day, TimeSpan.Zero);
            return FirstWhere(middle.AddHours(-26), middle.AddHours(26), t => TimeZoneInfo.ConvertTime(t, zone).DateTime >= day);
        }

        TimeSpan offset = zone.IsAmbiguousTime(day) ? zone.GetAmbiguousTimeOffsets(day).Max() : zone.GetUtcOffset(day);
        return new DateTimeOffset(day, offset).ToUniversalTime();
    }

    /// <summary>Finds the first moment at which something holds that holds at the end and not at the beginning, and changes once.</summary>
    private static DateTimeOffset FirstWhere(DateTimeOffset from, DateTimeOffset to, Func<DateTimeOffset, bool> holds)
    {
        long low = from.UtcTicks;
        long high = to.UtcTicks;
        while (high - low > 1)
        {
            long middle = low + ((high - low) / 2);
            (low, high) = holds(new DateTimeOffset(middle, TimeSpan.Zero)) ? (low, middle) : (middle, high);
        }

        return new DateTimeOffset(high, TimeSpan.Zero);
    }
}

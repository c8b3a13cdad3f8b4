namespace Mlops.Sdk.Monitoring;

/// <summary>Rows per hour of a model, and whether an hour is unlike the same hours before. Not thread-safe.</summary>
/// <remarks>
/// Hours are those of UTC. An hour is compared with the same hour of the week where at least four of those were seen since the first row,
/// else with the same hour of the day where at least five were; otherwise it is not judged. The band is the median of these hours plus and
/// minus a number of robust standard deviations: 1.4826 times the median absolute deviation (P. Rousseeuw, C. Croux, Alternatives to the
/// median absolute deviation, Journal of the American Statistical Association 88, 1993), at least the square root of the median, which is
/// what counts vary by chance, and at least 1. A model that follows local time moves by an hour twice a year; the days before make the
/// band wider then.
/// </remarks>
public sealed class VolumeHistory
{
    internal const int KeptHours = 24 * 7 * 9; // nine weeks
    private const int MostWindowHours = 24 * 31;
    private readonly SortedDictionary<long, double> _rows = [];

    /// <summary>Gets when the last row came at the latest, or null without rows.</summary>
    public DateTimeOffset? Newest { get; private set; }

    internal long? First { get; private set; }

    internal IReadOnlyDictionary<long, double> Hours => _rows;

    /// <summary>Adds the rows of a window, spread evenly over the hours that it touches.</summary>
    /// <param name="from">When the window began.</param>
    /// <param name="to">When it ended, not before it began. A span over 31 days counts from its end.</param>
    /// <param name="rows">How many rows it has, at least 0.</param>
    /// <exception cref="ArgumentException">The span ends before it begins, or the rows are negative.</exception>
    public void Add(DateTimeOffset from, DateTimeOffset to, long rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        if (to < from)
        {
            throw new ArgumentException($"A window ends at {to:O} and begins at {from:O}: the end comes first.", nameof(to));
        }

        long begin = Math.Max(from.UtcTicks, to.UtcTicks - (MostWindowHours * TimeSpan.TicksPerHour));
        long end = to.UtcTicks;
        long first = begin / TimeSpan.TicksPerHour;
        long last = end > begin ? (end - 1) / TimeSpan.TicksPerHour : first;
        for (long hour = first; hour <= last; hour++)
        {
            double share = end == begin ? 1 : (Math.Min(end, (hour + 1) * TimeSpan.TicksPerHour) - Math.Max(begin, hour * TimeSpan.TicksPerHour)) / (double)(end - begin);
            _rows[hour] = _rows.GetValueOrDefault(hour) + (rows * share);
        }

        First = First is null ? first : Math.Min(First.Value, first);
        if (rows > 0)
        {
            Newest = Newest is null || to > Newest ? to : Newest;
        }

        while (_rows.Count > 0 && _rows.First().Key is var oldest && oldest < _rows.Last().Key - KeptHours)
        {
            _rows.Remove(oldest);
        }
    }

    /// <summary>Judges the last whole hour. An hour without any row counts as 0.</summary>
    /// <param name="now">The time.</param>
    /// <param name="band">How wide the band is, in robust standard deviations, at least 1.</param>
    /// <returns>The judgement, or null when there are too few hours to compare with.</returns>
    public VolumeJudgement? Judge(DateTimeOffset now, double band = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(band, 1);
        long hour = (now.UtcTicks / TimeSpan.TicksPerHour) - 1;
        if (First is not { } first || hour <= first)
        {
            return null;
        }

        // the first hour is seen in part only
        long oldest = Math.Max(first + 1, hour - KeptHours);
        double[] before = [.. Same(hour, 24 * 7, oldest)];
        bool weekly = before.Length >= 4;
        before = weekly ? before : [.. Same(hour, 24, oldest)];
        if (!weekly && before.Length < 5)
        {
            return null;
        }

        double median = Median(before);
        double spread = Math.Max(1.4826 * Median([.. before.Select(b => Math.Abs(b - median))]), Math.Max(1, Math.Sqrt(median)));
        double rows = _rows.GetValueOrDefault(hour);
        double distance = Math.Abs(rows - median) / spread;
        return new VolumeJudgement(
            new DateTimeOffset(hour * TimeSpan.TicksPerHour, TimeSpan.Zero),
            rows,
            median,
            Math.Max(0, median - (band * spread)),
            median + (band * spread),
            before.Length,
            weekly,
            distance <= band ? QualitySeverity.Fine : distance <= 2 * band && rows > 0 ? QualitySeverity.Watch : QualitySeverity.Failed);
    }

    internal void Restore(long? first, DateTimeOffset? newest, IEnumerable<KeyValuePair<long, double>> hours)
    {
        (First, Newest) = (first, newest);
        foreach ((long hour, double rows) in hours)
        {
            _rows[hour] = rows;
        }
    }

    private IEnumerable<double> Same(long hour, int period, long oldest)
    {
        for (long before = hour - period; before >= oldest; before -= period)
        {
            yield return _rows.GetValueOrDefault(before);
        }
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}

/// <summary>Whether an hour had as many rows as the same hours before.</summary>
/// <param name="Hour">The start of the hour, UTC.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Expected">The median of the same hours before.</param>
/// <param name="Low">The lower end of the band.</param>
/// <param name="High">The upper end of the band.</param>
/// <param name="Hours">How many hours it was compared with.</param>
/// <param name="Weekly">Whether these are the same hours of the week; else of the day.</param>
/// <param name="Severity">How bad it is: outside the band is worth watching; twice as far out, or no row at all, is a failure.</param>
public sealed record VolumeJudgement(DateTimeOffset Hour, double Rows, double Expected, double Low, double High, int Hours, bool Weekly, QualitySeverity Severity);

using System.Buffers;

namespace Mlops.Sdk.Registry;

/// <summary>A point on its way into a segment.</summary>
internal readonly record struct LoggedPoint(int Series, long Step, long Ticks, double Value);

/// <summary>Points of a run's series as one record of its log: the names, then for each point its series, the steps since that series' last point, the time since the last point, and the value.</summary>
internal static class MetricBlock
{
    internal const int MaxPoints = 1 << 18; // at most 38 bytes a point: below the limit of a record
    private const byte Format = 1;

    internal static void Write(ArrayBufferWriter<byte> writer, ReadOnlySpan<LoggedPoint> points, List<string> names)
    {
        var local = new Dictionary<int, int>();
        var used = new List<int>();
        foreach (ref readonly LoggedPoint point in points)
        {
            if (local.TryAdd(point.Series, used.Count))
            {
                used.Add(point.Series);
            }
        }

        writer.Varint(Format);
        writer.Count(used.Count);
        used.ForEach(series => writer.Text(names[series]));
        writer.Count(points.Length);
        Span<long> steps = used.Count <= 256 ? stackalloc long[used.Count] : new long[used.Count];
        steps.Clear();
        long ticks = 0;
        int lastSeries = -1, lastLocal = -1;
        foreach (ref readonly LoggedPoint point in points)
        {
            int at = point.Series == lastSeries ? lastLocal : local[point.Series];
            (lastSeries, lastLocal) = (point.Series, at);
            Span<byte> free = writer.GetSpan((3 * CompactBinary.MaxVarint) + 8);
            int length = CompactBinary.WriteVarint(free, (ulong)at);
            length += CompactBinary.WriteVarint(free[length..], CompactBinary.ZigZag(unchecked(point.Step - steps[at])));
            length += CompactBinary.WriteVarint(free[length..], CompactBinary.ZigZag(unchecked(point.Ticks - ticks)));
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(free[length..], BitConverter.DoubleToUInt64Bits(point.Value));
            writer.Advance(length + 8);
            steps[at] = point.Step;
            ticks = point.Ticks;
        }
    }

    /// <summary>Reads a block.</summary>
    /// <param name="record">The record.</param>
    /// <param name="series">Gives the caller's number of a series by name, or -1 for one that is not wanted.</param>
    /// <param name="take">Takes each wanted point with the caller's number.</param>
    /// <exception cref="FormatException">It is no block of this format.</exception>
    internal static void Read(ReadOnlySpan<byte> record, Func<string, int> series, Action<LoggedPoint> take)
    {
        var reader = new CompactReader(record);
        if (reader.Varint() != Format)
        {
            throw new FormatException("it is of another format");
        }

        int[] numbers = new int[reader.Count(1)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = series(reader.Text());
        }

        long[] steps = new long[numbers.Length];
        long ticks = 0;
        for (int count = reader.Count(11); count > 0; count--)
        {
            int at = reader.Int32();
            if (at >= numbers.Length)
            {
                throw new FormatException("a point names no series");
            }

            steps[at] = unchecked(steps[at] + reader.Signed());
            ticks = unchecked(ticks + reader.Signed());
            double value = reader.Real();
            if (ticks < 0 || ticks > DateTimeOffset.MaxValue.UtcTicks)
            {
                throw new FormatException("a point has no time");
            }

            if (numbers[at] >= 0)
            {
                take(new LoggedPoint(numbers[at], steps[at], ticks, value));
            }
        }

        if (reader.Left != 0)
        {
            throw new FormatException("it goes on after its end");
        }
    }
}

/// <summary>Sums a series up.</summary>
internal sealed class SeriesSum
{
    private double _last;
    private long _step = long.MinValue;
    private long _ticks = long.MinValue;

    internal long Count { get; private set; }

    private double Minimum { get; set; } = double.NaN;

    private double Maximum { get; set; } = double.NaN;

    internal void Add(long step, long ticks, double value)
    {
        Count++;
        if (Count == 1 || step > _step || (step == _step && ticks >= _ticks))
        {
            (_step, _ticks, _last) = (step, ticks, value);
        }

        Minimum = double.IsNaN(Minimum) || value < Minimum ? value : Minimum;
        Maximum = double.IsNaN(Maximum) || value > Maximum ? value : Maximum;
    }

    internal SeriesNote ToNote(string name) => new(name, Count, _last, _step, new DateTimeOffset(_ticks, TimeSpan.Zero), Minimum, Maximum);
}

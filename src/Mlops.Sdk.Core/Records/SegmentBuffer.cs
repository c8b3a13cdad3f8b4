using System.Buffers;

namespace Mlops.Sdk;

/// <summary>Records on their way into a segment: for each a length, the time as a difference to the one before, and the bytes.</summary>
internal sealed class SegmentBuffer : IDisposable
{
    internal const int MaxOverhead = 2 * CompactBinary.MaxVarint;
    private byte[] _bytes = [];
    private long _lastTicks;

    internal int Length { get; private set; }

    internal int Records { get; private set; }

    internal long FromTicks { get; private set; } = long.MaxValue;

    internal long ToTicks { get; private set; } = long.MinValue;

    internal ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    internal void Add(ReadOnlySpan<byte> record, long ticks)
    {
        int needed = Length + record.Length + MaxOverhead;
        if (needed > _bytes.Length)
        {
            Grow(needed);
        }

        Span<byte> free = _bytes.AsSpan(Length);
        int at = CompactBinary.WriteVarint(free, (ulong)record.Length);
        at += CompactBinary.WriteVarint(free[at..], CompactBinary.ZigZag(ticks - _lastTicks));
        record.CopyTo(free[at..]);
        Length += at + record.Length;
        Records++;
        _lastTicks = ticks;
        FromTicks = Math.Min(FromTicks, ticks);
        ToTicks = Math.Max(ToTicks, ticks);
    }

    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void Grow(int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(4096L, 2L * _bytes.Length))));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}

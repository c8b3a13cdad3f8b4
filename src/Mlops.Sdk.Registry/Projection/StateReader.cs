using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Reads what <see cref="StateWriter"/> wrote. Every length and place is checked before it is used; what does not fit is a <see cref="FormatException"/>.</summary>
internal sealed class StateReader(ReadOnlyMemory<byte> bytes)
{
    private readonly List<string> _texts = [];
    private readonly List<Actor> _actors = [];
    private int _at;
    private long _time;

    private int Left => bytes.Length - _at;

    internal long Number()
    {
        ReadOnlySpan<byte> span = bytes.Span[_at..];
        ulong value = 0;
        for (int i = 0; i < span.Length && i < 10; i++)
        {
            value |= (ulong)(span[i] & 0x7F) << (7 * i);
            if (span[i] < 0x80)
            {
                _at += i + 1;
                return (long)(value >> 1) ^ -(long)(value & 1);
            }
        }

        throw Broken();
    }

    internal int Int(int least = int.MinValue)
    {
        long value = Number();
        return value >= least && value <= int.MaxValue ? (int)value : throw Broken();
    }

    internal bool Flag() => Number() switch { 0 => false, 1 => true, _ => throw Broken() };

    /// <summary>A count of things of at least one byte each, so that no more is allocated than the bytes can hold.</summary>
    internal int Count()
    {
        long value = Number();
        return value >= 0 && value <= Left ? (int)value : throw Broken();
    }

    internal string? Shared()
    {
        long place = Number();
        if (place == 0)
        {
            return null;
        }

        if (place == 1)
        {
            string text = Text();
            _texts.Add(text);
            return text;
        }

        return place > 1 && place - 2 < _texts.Count ? _texts[(int)(place - 2)] : throw Broken();
    }

    internal string SharedText() => Shared() ?? throw Broken();

    internal string Text()
    {
        int length = Count();
        string text = Encoding.UTF8.GetString(bytes.Span.Slice(_at, length));
        _at += length;
        return text;
    }

    internal Actor Actor()
    {
        long place = Number();
        if (place == 0)
        {
            string id = SharedText();
            int kind = Int(least: 0);
            Actor actor = new(id, (ActorKind)kind, Shared(), Shared());
            _actors.Add(actor);
            return actor;
        }

        return place > 0 && place <= _actors.Count ? _actors[(int)(place - 1)] : throw Broken();
    }

    internal DateTimeOffset Time()
    {
        long time = unchecked(_time + Number());
        _time = time >= DateTime.MinValue.Ticks && time <= DateTime.MaxValue.Ticks ? time : throw Broken();
        return new DateTimeOffset(time, TimeSpan.Zero);
    }

    internal double Real()
    {
        if (Left < sizeof(long))
        {
            throw Broken();
        }

        double value = BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[_at..]));
        _at += sizeof(long);
        return value;
    }

    internal Digest Digest()
    {
        if (Left < 32)
        {
            throw Broken();
        }

        Digest digest = Sdk.Digest.FromHash(bytes.Span.Slice(_at, 32));
        _at += 32;
        return digest;
    }

    internal double? OptionalReal() => Flag() ? Real() : null;

    internal DateTimeOffset? OptionalTime() => Flag() ? Time() : null;

    internal void End()
    {
        if (Left != 0)
        {
            throw Broken();
        }
    }

    internal static FormatException Broken() => new("The bytes are no saved state of the registry.");
}

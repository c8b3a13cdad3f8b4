using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk;

/// <summary>Reads what <see cref="SnapshotWriter"/> wrote. Every length and place is checked before it is used; what does not fit is a <see cref="FormatException"/>.</summary>
/// <remarks>Not thread-safe.</remarks>
/// <param name="bytes">The bytes.</param>
public sealed class SnapshotReader(ReadOnlyMemory<byte> bytes)
{
    private readonly List<string> _texts = [];
    private readonly List<Actor> _actors = [];
    private int _at;
    private long _time;

    private int Left => bytes.Length - _at;

    /// <summary>Reads a whole number.</summary>
    /// <returns>The number.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public long Number()
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

    /// <summary>Reads a whole number of 32 bits.</summary>
    /// <param name="least">The least number that may be.</param>
    /// <returns>The number.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public int Int(int least = int.MinValue)
    {
        long value = Number();
        return value >= least && value <= int.MaxValue ? (int)value : throw Broken();
    }

    /// <summary>Reads yes or no.</summary>
    /// <returns>Which.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public bool Flag() => Number() switch { 0 => false, 1 => true, _ => throw Broken() };

    /// <summary>Reads a count of things of at least one byte each, so that no more is allocated than the bytes can hold.</summary>
    /// <returns>The count, at least 0 and at most the bytes that are left.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public int Count()
    {
        long value = Number();
        return value >= 0 && value <= Left ? (int)value : throw Broken();
    }

    /// <summary>Reads a text that many things share, or null.</summary>
    /// <returns>The text, one string for all of them.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public string? Shared()
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

    /// <summary>Reads a text that many things share.</summary>
    /// <returns>The text.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public string SharedText() => Shared() ?? throw Broken();

    /// <summary>Reads a text that only one thing has.</summary>
    /// <returns>The text.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public string Text()
    {
        int length = Count();
        string text = Encoding.UTF8.GetString(bytes.Span.Slice(_at, length));
        _at += length;
        return text;
    }

    /// <summary>Reads an actor.</summary>
    /// <returns>The actor, one for all things it did.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public Actor Actor()
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

    /// <summary>Reads a time.</summary>
    /// <returns>The time, in UTC.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public DateTimeOffset Time()
    {
        long time = unchecked(_time + Number());
        _time = time >= DateTime.MinValue.Ticks && time <= DateTime.MaxValue.Ticks ? time : throw Broken();
        return new DateTimeOffset(time, TimeSpan.Zero);
    }

    /// <summary>Reads a double-precision number.</summary>
    /// <returns>The number.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public double Real()
    {
        if (Left < sizeof(long))
        {
            throw Broken();
        }

        double value = BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[_at..]));
        _at += sizeof(long);
        return value;
    }

    /// <summary>Reads a digest.</summary>
    /// <returns>The digest.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public Digest Digest()
    {
        if (Left < 32)
        {
            throw Broken();
        }

        Digest digest = Sdk.Digest.FromHash(bytes.Span.Slice(_at, 32));
        _at += 32;
        return digest;
    }

    /// <summary>Reads a number, or that there is none.</summary>
    /// <returns>The number, or null.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public double? OptionalReal() => Flag() ? Real() : null;

    /// <summary>Reads a time, or that there is none.</summary>
    /// <returns>The time, or null.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public DateTimeOffset? OptionalTime() => Flag() ? Time() : null;

    /// <summary>Checks that everything was read.</summary>
    /// <exception cref="FormatException">There is more.</exception>
    public void End()
    {
        if (Left != 0)
        {
            throw Broken();
        }
    }

    /// <summary>Makes the error of bytes that are no state, for rules of a projection's own.</summary>
    /// <returns>The error, to be thrown.</returns>
    public static FormatException Broken() => new("the bytes are no saved state of this view");
}

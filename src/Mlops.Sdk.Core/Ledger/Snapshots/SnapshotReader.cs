using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mlops.Sdk;

/// <summary>Reads what <see cref="SnapshotWriter"/> wrote. Every length and place is checked before it is used; what does not fit is a <see cref="FormatException"/>.</summary>
/// <remarks>Not thread-safe.</remarks>
/// <param name="bytes">The bytes.</param>
public sealed class SnapshotReader(ReadOnlyMemory<byte> bytes)
{
    private readonly ArraySegment<byte> _bytes = MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> array) ? array : bytes.ToArray(); // its span costs less than that of any memory
    private readonly List<string> _texts = [];
    private readonly List<Actor> _actors = [];
    private int _at;
    private long _time;

    private int Left => _bytes.Count - _at;

    /// <summary>Reads a whole number.</summary>
    /// <returns>The number.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public long Number()
    {
        ReadOnlySpan<byte> rest = _bytes.AsSpan(_at);
        if (!rest.IsEmpty && rest[0] < 0x80)
        {
            _at++;
            return CompactBinary.UnZigZag(rest[0]); // most are small
        }

        int length = CompactBinary.ReadVarint(rest, out ulong value);
        if (length == 0)
        {
            throw Broken();
        }

        _at += length;
        return CompactBinary.UnZigZag(value);
    }

    /// <summary>Reads a whole number of 32 bits.</summary>
    /// <param name="least">The least number that may be.</param>
    /// <param name="most">The greatest number that may be; none if it is below <paramref name="least"/>.</param>
    /// <returns>The number.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public int Int(int least = int.MinValue, int most = int.MaxValue)
    {
        long value = Number();
        return value >= least && value <= most ? (int)value : throw Broken();
    }

    /// <summary>Reads yes or no.</summary>
    /// <returns>Which.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public bool Flag() => Number() switch { 0 => false, 1 => true, _ => throw Broken() };

    /// <summary>Reads a count of things, held against the bytes that are left, so that room may be made for so many at once.</summary>
    /// <param name="bytesEach">The bytes that each thing takes at least, from 1.</param>
    /// <returns>The count, at least 0 and at most as many as the bytes that are left can hold.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public int Count(int bytesEach = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesEach, 1);
        long value = Number();
        return value >= 0 && value <= Left / bytesEach ? (int)value : throw Broken();
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
    public string Text() => Take(Count());

    /// <summary>Reads a text that only one thing has, or that there is none.</summary>
    /// <returns>The text, or null.</returns>
    /// <exception cref="FormatException">The bytes hold none.</exception>
    public string? OptionalText()
    {
        long length = Number() - 1;
        return length == -1 ? null
            : length >= 0 && length <= Left ? Take((int)length)
            : throw Broken();
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
            var kind = (ActorKind)Int(least: 0);
            Actor actor = new(id, Enum.IsDefined(kind) ? kind : throw Broken(), Shared(), Shared());
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

        double value = BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(_at)));
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

        Digest digest = Sdk.Digest.FromHash(_bytes.AsSpan(_at, 32));
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

    private string Take(int length)
    {
        string text = CompactBinary.Decode(_bytes.AsSpan(_at, length));
        _at += length;
        return text;
    }
}

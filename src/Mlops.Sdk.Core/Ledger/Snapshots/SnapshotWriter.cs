using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk;

/// <summary>Writes the state of an <see cref="ISnapshotProjection"/> compactly: numbers in 7 bits a byte, each shared text and actor once and from then on by its place.</summary>
/// <remarks>Equal calls give equal bytes. Not thread-safe. Read with <see cref="SnapshotReader"/>, call by call in the same order.</remarks>
/// <param name="output">Takes the bytes.</param>
public sealed class SnapshotWriter(IBufferWriter<byte> output)
{
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<Actor, int> _actors = [];
    private long _time;

    /// <summary>Writes a whole number; small ones of either sign are short.</summary>
    /// <param name="value">The number.</param>
    public void Number(long value) => output.Varint(CompactBinary.ZigZag(value));

    /// <summary>Writes yes or no.</summary>
    /// <param name="value">Which.</param>
    public void Flag(bool value) => Number(value ? 1 : 0);

    /// <summary>Writes a text that many things share, or null.</summary>
    /// <param name="text">The text; null is one of its own.</param>
    public void Shared(string? text)
    {
        if (text is null)
        {
            Number(0);
        }
        else if (_texts.TryGetValue(text, out int place))
        {
            Number(place + 2);
        }
        else
        {
            Number(1);
            _texts.Add(text, _texts.Count);
            Text(text);
        }
    }

    /// <summary>Writes a text that only one thing has, such as an id.</summary>
    /// <param name="text">The text.</param>
    public void Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int length = Encoding.UTF8.GetByteCount(text);
        Number(length);
        Write(text, length);
    }

    /// <summary>Writes a text that only one thing has, or that there is none.</summary>
    /// <param name="text">The text, or null.</param>
    public void Optional(string? text)
    {
        if (text is null)
        {
            Number(0);
            return;
        }

        int length = Encoding.UTF8.GetByteCount(text);
        Number(length + 1L);
        Write(text, length);
    }

    /// <summary>Writes an actor.</summary>
    /// <param name="actor">The actor.</param>
    public void Actor(Actor actor)
    {
        ArgumentNullException.ThrowIfNull(actor);
        if (_actors.TryGetValue(actor, out int place))
        {
            Number(place + 1);
            return;
        }

        Number(0);
        _actors.Add(actor, _actors.Count);
        Shared(actor.Id);
        Number((int)actor.Kind);
        Shared(actor.Scheme);
        Shared(actor.OnBehalfOf);
    }

    /// <summary>Writes a time, as the step from the last one written.</summary>
    /// <param name="time">The time; read back in UTC.</param>
    public void Time(DateTimeOffset time)
    {
        Number(time.UtcTicks - _time);
        _time = time.UtcTicks;
    }

    /// <summary>Writes a double-precision number with all its bits.</summary>
    /// <param name="value">The number.</param>
    public void Real(double value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), BitConverter.DoubleToInt64Bits(value));
        output.Advance(sizeof(long));
    }

    /// <summary>Writes a digest.</summary>
    /// <param name="digest">The digest; not the default value.</param>
    public void Digest(Digest digest)
    {
        Convert.FromHexString(digest.Hex, output.GetSpan(32), out _, out int written);
        output.Advance(written);
    }

    /// <summary>Writes a number, or that there is none.</summary>
    /// <param name="value">The number, or null.</param>
    public void Optional(double? value)
    {
        Flag(value is not null);
        if (value is { } there)
        {
            Real(there);
        }
    }

    /// <summary>Writes a time, or that there is none.</summary>
    /// <param name="value">The time, or null.</param>
    public void Optional(DateTimeOffset? value)
    {
        Flag(value is not null);
        if (value is { } there)
        {
            Time(there);
        }
    }

    private void Write(string text, int length) => output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(Math.Max(length, 1))));
}

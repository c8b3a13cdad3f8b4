using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Writes a saved state: numbers of variable length, each text and actor once and from then on by its place. Equal calls give equal bytes.</summary>
internal sealed class StateWriter(IBufferWriter<byte> output)
{
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<Actor, int> _actors = [];
    private long _time;

    internal void Number(long value)
    {
        ulong rest = (ulong)((value << 1) ^ (value >> 63)); // small numbers of either sign are short
        Span<byte> span = output.GetSpan(10);
        int length = 0;
        while (rest >= 0x80)
        {
            span[length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        span[length++] = (byte)rest;
        output.Advance(length);
    }

    /// <summary>A text that many things share; null is a text of its own.</summary>
    internal void Shared(string? text)
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

    /// <summary>A text that only one thing has, such as an id.</summary>
    internal void Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Number(length);
        Span<byte> span = output.GetSpan(Math.Max(length, 1));
        output.Advance(Encoding.UTF8.GetBytes(text, span));
    }

    internal void Actor(Actor actor)
    {
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

    /// <summary>A time, as the step from the last one written.</summary>
    internal void Time(DateTimeOffset time)
    {
        Number(time.UtcTicks - _time);
        _time = time.UtcTicks;
    }

    internal void Real(double value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), BitConverter.DoubleToInt64Bits(value));
        output.Advance(sizeof(long));
    }

    internal void Digest(Digest digest)
    {
        Convert.FromHexString(digest.Hex, output.GetSpan(32), out _, out int written);
        output.Advance(written);
    }

    internal void Optional(double? value)
    {
        Number(value is null ? 0 : 1);
        if (value is { } there)
        {
            Real(there);
        }
    }

    internal void Optional(DateTimeOffset? value)
    {
        Number(value is null ? 0 : 1);
        if (value is { } there)
        {
            Time(there);
        }
    }
}

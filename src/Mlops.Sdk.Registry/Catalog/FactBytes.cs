using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Writes facts of a projection as bytes: numbers as 7 bits a byte, texts as their length and UTF-8, doubles as 8 bytes.</summary>
internal readonly struct FactWriter(IBufferWriter<byte> writer)
{
    internal void Number(long value)
    {
        ulong rest = (ulong)((value << 1) ^ (value >> 63)); // zigzag: small negative numbers stay short
        Span<byte> span = writer.GetSpan(10);
        int length = 0;
        while (rest >= 0x80)
        {
            span[length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        span[length++] = (byte)rest;
        writer.Advance(length);
    }

    internal void Flag(bool value) => Number(value ? 1 : 0);

    internal void Real(double value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(8), BitConverter.DoubleToInt64Bits(value));
        writer.Advance(8);
    }

    /// <summary>Writes a text. Half surrogate pairs become U+FFFD, as everywhere in UTF-8.</summary>
    internal void Text(string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Number(bytes);
        writer.Advance(Encoding.UTF8.GetBytes(value, writer.GetSpan(Math.Max(1, bytes))));
    }

    internal void Optional(string? value)
    {
        Flag(value is not null);
        if (value is not null)
        {
            Text(value);
        }
    }

    internal void Optional(double? value)
    {
        Flag(value is not null);
        if (value is not null)
        {
            Real(value.Value);
        }
    }
}

/// <summary>Reads what <see cref="FactWriter"/> wrote. Every count is checked against the bytes that are left before anything is allocated for it.</summary>
internal ref struct FactReader(ReadOnlySpan<byte> bytes, TextTable? texts = null)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    internal readonly bool AtEnd => _at == _bytes.Length;

    internal long Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_at == _bytes.Length)
            {
                throw Broken();
            }

            byte b = _bytes[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return (long)(value >> 1) ^ -(long)(value & 1);
            }
        }

        throw Broken();
    }

    internal int Number(int least, int most)
    {
        long value = Number();
        return value >= least && value <= most ? (int)value : throw Broken();
    }

    /// <summary>Reads how many items follow; each takes at least a byte.</summary>
    internal int Count()
    {
        long count = Number();
        return count >= 0 && count <= _bytes.Length - _at ? (int)count : throw Broken();
    }

    internal bool Flag() => Number(0, 1) == 1;

    internal double Real()
    {
        if (_bytes.Length - _at < 8)
        {
            throw Broken();
        }

        double value = BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(_bytes[_at..]));
        _at += 8;
        return value;
    }

    internal string Text()
    {
        int length = Count();
        ReadOnlySpan<byte> utf8 = _bytes.Slice(_at, length);
        _at += length;
        return texts is null ? Encoding.UTF8.GetString(utf8) : texts.Get(utf8);
    }

    internal string? OptionalText() => Flag() ? Text() : null;

    internal double? OptionalReal() => Flag() ? Real() : null;

    internal static FormatException Broken() => new("The bytes are no state of this projection.");
}

/// <summary>Keeps one copy of each short text of a projection: owners, algorithms and metric names repeat in every version.</summary>
internal sealed class TextTable
{
    private const int MaxLength = 128;
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    internal string Get(string text)
    {
        if (text.Length > MaxLength)
        {
            return text;
        }

        if (_texts.TryGetValue(text, out string? there))
        {
            return there;
        }

        _texts.Add(text);
        return text;
    }

    internal string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        Span<char> characters = stackalloc char[MaxLength];
        ReadOnlySpan<char> text = characters[..Encoding.UTF8.GetChars(utf8, characters)];
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(text, out string? there))
        {
            return there;
        }

        string made = new(text);
        _texts.Add(made);
        return made;
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk;

/// <summary>Writes small binary documents: unsigned LEB128 integers, zigzag for signed ones, little-endian fixed ones, texts as length and UTF-8. Equal values give equal bytes.</summary>
internal static class CompactBinary
{
    internal const int MaxVarint = 10;

    internal static int WriteVarint(Span<byte> to, ulong value)
    {
        int at = 0;
        while (value >= 0x80)
        {
            to[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[at++] = (byte)value;
        return at;
    }

    internal static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    internal static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    internal static void Varint(this IBufferWriter<byte> writer, ulong value)
    {
        int count = WriteVarint(writer.GetSpan(MaxVarint), value);
        writer.Advance(count);
    }

    internal static void Count(this IBufferWriter<byte> writer, int value) => Varint(writer, (ulong)value);

    internal static void Signed(this IBufferWriter<byte> writer, long value) => Varint(writer, ZigZag(value));

    internal static void Fixed64(this IBufferWriter<byte> writer, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(writer.GetSpan(8), value);
        writer.Advance(8);
    }

    internal static void Real(this IBufferWriter<byte> writer, double value) => Fixed64(writer, BitConverter.DoubleToUInt64Bits(value));

    internal static void Flag(this IBufferWriter<byte> writer, bool value) => Varint(writer, value ? 1UL : 0UL);

    internal static void Text(this IBufferWriter<byte> writer, string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Count(writer, bytes);
        writer.Advance(Encoding.UTF8.GetBytes(value, writer.GetSpan(Math.Max(1, bytes))));
    }

    /// <summary>Writes a text that may be null: 0 for null, otherwise its length in bytes plus one and the bytes.</summary>
    internal static void OptionalText(this IBufferWriter<byte> writer, string? value)
    {
        if (value is null)
        {
            Count(writer, 0);
            return;
        }

        int bytes = Encoding.UTF8.GetByteCount(value);
        Count(writer, bytes + 1);
        writer.Advance(Encoding.UTF8.GetBytes(value, writer.GetSpan(Math.Max(1, bytes))));
    }
}

/// <summary>Reads what <see cref="CompactBinary"/> wrote. Every count is held against the bytes that are left before anything is allocated.</summary>
internal ref struct CompactReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _rest = bytes;

    internal readonly int Left => _rest.Length;

    internal ulong Varint()
    {
        ulong value = 0;
        for (int i = 0, shift = 0; i < _rest.Length && shift < 64; i++, shift += 7)
        {
            byte part = _rest[i];
            if ((shift == 63 && part > 1) || (part == 0 && i > 0))
            {
                break; // too large, or longer than need be: a number has one form
            }

            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }

        throw new FormatException("a number does not end, is too large or has a surplus byte");
    }

    internal long Signed() => CompactBinary.UnZigZag(Varint());

    internal int Int32() => Varint() is var value && value <= int.MaxValue ? (int)value : throw new FormatException("a number is larger than allowed");

    internal bool Flag() => Varint() switch { 0 => false, 1 => true, _ => throw new FormatException("a flag is neither 0 nor 1") };

    /// <summary>Reads how many things follow, each of which takes so many bytes at least.</summary>
    internal int Count(int leastBytesEach) =>
        Varint() is var count && count <= (ulong)(_rest.Length / Math.Max(1, leastBytesEach)) ? (int)count : throw new FormatException("a count is larger than what follows");

    internal ulong Fixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    internal double Real() => BitConverter.UInt64BitsToDouble(Fixed64());

    internal string Text() => Decode(Take(Count(1)));

    internal string? OptionalText() => Int32() is var count && count == 0 ? null : Decode(Take(count - 1));

    internal ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _rest.Length)
        {
            throw new FormatException("it ends too early");
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (ArgumentException error)
        {
            throw new FormatException("a text is no UTF-8", error);
        }
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk;

/// <summary>
/// The numbers and texts of our binary formats: unsigned LEB128 integers in their shortest form, zigzag for signed ones, texts as length and strict UTF-8.
/// Record segments and the blocks of metric points are written by it as they stand in the store; saved views by <see cref="SnapshotWriter"/>, which stands on it.
/// </summary>
internal static class CompactBinary
{
    internal const int MaxVarint = 10;
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

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

    /// <summary>Reads a number and tells its length; 0 for one that does not end, is too large or has a surplus byte: a number has one form.</summary>
    internal static int ReadVarint(ReadOnlySpan<byte> from, out ulong value)
    {
        value = 0;
        for (int i = 0, shift = 0; i < from.Length && shift < 64; i++, shift += 7)
        {
            byte part = from[i];
            if ((shift == 63 && part > 1) || (part == 0 && i > 0))
            {
                return 0;
            }

            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return i + 1;
            }
        }

        return 0;
    }

    internal static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    internal static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    /// <exception cref="FormatException">The bytes are no UTF-8.</exception>
    internal static string Decode(ReadOnlySpan<byte> bytes)
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

    internal static void Varint(this IBufferWriter<byte> writer, ulong value)
    {
        int count = WriteVarint(writer.GetSpan(MaxVarint), value);
        writer.Advance(count);
    }

    internal static void Count(this IBufferWriter<byte> writer, int value) => Varint(writer, (ulong)value);

    /// <summary>Writes a text. Halves of surrogate pairs become U+FFFD, as everywhere in UTF-8.</summary>
    internal static void Text(this IBufferWriter<byte> writer, string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Count(writer, bytes);
        writer.Advance(Encoding.UTF8.GetBytes(value, writer.GetSpan(Math.Max(1, bytes))));
    }
}

/// <summary>Reads what <see cref="CompactBinary"/> wrote. Every count is held against the bytes that are left before anything is allocated.</summary>
internal ref struct CompactReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    internal readonly int Left => _rest.Length;

    internal ulong Varint()
    {
        int length = CompactBinary.ReadVarint(_rest, out ulong value);
        if (length == 0)
        {
            throw new FormatException("a number does not end, is too large or has a surplus byte");
        }

        _rest = _rest[length..];
        return value;
    }

    internal long Signed() => CompactBinary.UnZigZag(Varint());

    internal int Int32() => Varint() is var value && value <= int.MaxValue ? (int)value : throw new FormatException("a number is larger than allowed");

    /// <summary>Reads how many things follow, each of which takes so many bytes at least.</summary>
    internal int Count(int leastBytesEach) =>
        Varint() is var count && count <= (ulong)(_rest.Length / Math.Max(1, leastBytesEach)) ? (int)count : throw new FormatException("a count is larger than what follows");

    internal double Real() => BitConverter.UInt64BitsToDouble(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)));

    internal string Text() => CompactBinary.Decode(Take(Count(1)));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new FormatException("it ends too early");
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}

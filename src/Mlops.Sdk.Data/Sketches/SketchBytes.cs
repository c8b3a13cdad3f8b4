using System.Buffers;
using System.Buffers.Binary;

namespace Mlops.Sdk.Data;

/// <summary>What the binary forms of all sketches begin with: a byte for the kind and one for the format.</summary>
internal static class SketchBytes
{
    internal const byte Quantiles = 0xA1;
    internal const byte Distinct = 0xA2;
    internal const byte Frequent = 0xA3;
    internal const byte Reservoir = 0xA4;

    /// <summary>No sketch is larger, whatever it is made of.</summary>
    internal const int MaxBytes = 64 << 20;

    internal static void Begin(IBufferWriter<byte> writer, byte kind, byte format)
    {
        Span<byte> head = writer.GetSpan(2);
        (head[0], head[1]) = (kind, format);
        writer.Advance(2);
    }

    internal static void Fixed(this IBufferWriter<byte> writer, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(writer.GetSpan(8), value);
        writer.Advance(8);
    }

    internal static void Fixed(this IBufferWriter<byte> writer, double value) => writer.Fixed(BitConverter.DoubleToUInt64Bits(value));

    internal static void Fixed(this IBufferWriter<byte> writer, float value)
    {
        BinaryPrimitives.WriteSingleLittleEndian(writer.GetSpan(4), value);
        writer.Advance(4);
    }

    /// <summary>Reads a sketch: every way in which bytes can be wrong becomes one error.</summary>
    internal static T Read<T>(ReadOnlySpan<byte> bytes, byte kind, byte format, string what, ReadSketch<T> read)
    {
        if (bytes.Length >= 2 && bytes.Length <= MaxBytes && bytes[0] == kind)
        {
            if (bytes[1] > format)
            {
                throw new MlopsIntegrityException("data.newer_format", $"The {what} has format {bytes[1]}; this version of the library reads up to {format}. Update Mlops.Sdk in this process.");
            }

            try
            {
                return bytes[1] == 0 ? throw new FormatException("there is no format 0") : read(bytes[2..]);
            }
            catch (FormatException error)
            {
                throw new MlopsIntegrityException("data.unreadable_sketch", $"A {what} is expected; the {bytes.Length} bytes found do not read as one: {error.Message}. Restore them from a copy, or make the sketch again from the data.", error);
            }
        }

        throw new MlopsIntegrityException("data.unreadable_sketch", $"A {what} of 2 to {MaxBytes} bytes that begins with 0x{kind:X2} is expected; {bytes.Length} bytes of something else were found. Restore them from a copy, or make the sketch again from the data.");
    }

    /// <summary>Scatters a number so that all bits of the answer depend on all bits of it.</summary>
    /// <remarks>Source: the finaliser of SplitMix64; G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, 2014.</remarks>
    internal static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    internal delegate T ReadSketch<out T>(ReadOnlySpan<byte> bytes);
}

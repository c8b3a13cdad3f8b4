using System.Buffers;
using System.Buffers.Binary;

namespace Mlops.Sdk.Data;

/// <content>The binary form.</content>
public sealed partial class QuantileSketch
{
    private const byte Format = 1;
    private const int MaxK = 4_096;

    /// <summary>Reads a sketch.</summary>
    /// <param name="bytes">What <see cref="Serialize"/> wrote.</param>
    /// <returns>The sketch: it goes on exactly as the one that was written would have.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such sketch (<c>data.unreadable_sketch</c>) or one of a newer format (<c>data.newer_format</c>).</exception>
    public static QuantileSketch Deserialize(ReadOnlySpan<byte> bytes) => SketchBytes.Read(bytes, SketchBytes.Quantiles, Format, "quantile sketch", Read);

    /// <summary>Writes the sketch: numbers in 4 bytes where all of them are single-precision numbers, otherwise in 8; about 2.5 or 5 KiB at the default size.</summary>
    /// <returns>The bytes; a format version stands in the second one.</returns>
    public byte[] Serialize()
    {
        var writer = new ArrayBufferWriter<byte>(64 + (_items * 8));
        bool single = FitSingle();
        SketchBytes.Begin(writer, SketchBytes.Quantiles, Format);
        writer.Count(K);
        writer.Fixed(_seed);
        writer.Varint((ulong)Count);
        writer.Varint((ulong)_compactions);
        writer.Count(single ? 1 : 0);
        writer.Count(_levels.Length);
        foreach (int size in _sizes)
        {
            writer.Count(size);
        }

        if (Count > 0)
        {
            writer.Fixed(Minimum);
            writer.Fixed(Maximum);
        }

        for (int level = 0; level < _levels.Length; level++)
        {
            foreach (double item in _levels[level].AsSpan(0, _sizes[level]))
            {
                if (single)
                {
                    writer.Fixed((float)item);
                }
                else
                {
                    writer.Fixed(item);
                }
            }
        }

        return writer.WrittenSpan.ToArray();
    }

    private static QuantileSketch Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        int k = reader.Int32();
        if (k is < SmallestLevel or > MaxK)
        {
            throw new FormatException($"the size {k} is not from {SmallestLevel} to {MaxK}");
        }

        var sketch = new QuantileSketch(k, BitConverter.DoubleToUInt64Bits(reader.Real()));
        sketch.Count = reader.Varint() is var count && count <= long.MaxValue ? (long)count : throw new FormatException("the count is too large");
        sketch._compactions = reader.Varint() is var compactions && compactions <= long.MaxValue / 2 ? (long)compactions : throw new FormatException("the count of compactions is too large");
        int width = reader.Int32() switch { 0 => 8, 1 => 4, _ => throw new FormatException("numbers have 4 or 8 bytes") };
        int levels = reader.Int32();
        if (levels is < 1 or > MaxLevels)
        {
            throw new FormatException($"there are 1 to {MaxLevels} levels, not {levels}");
        }

        int capacity = CapacityOf(k, levels);
        var sizes = new int[levels];
        decimal weight = 0;
        int items = 0;
        for (int level = 0; level < levels; level++)
        {
            sizes[level] = reader.Int32();
            items = sizes[level] <= capacity - items ? items + sizes[level] : throw new FormatException("there are more numbers than the size allows");
            weight += (decimal)sizes[level] * (1L << level);
        }

        if (weight != sketch.Count)
        {
            throw new FormatException("the weights do not add up to the count");
        }

        double minimum = sketch.Count > 0 ? reader.Real() : double.NaN;
        double maximum = sketch.Count > 0 ? reader.Real() : double.NaN;
        if (reader.Left != items * width || (items > 0 && !(double.IsFinite(minimum) && double.IsFinite(maximum) && minimum <= maximum)))
        {
            throw new FormatException("the numbers are not all there, or out of order");
        }

        sketch.Fill(bytes[^(items * width)..], sizes, width, minimum, maximum);
        sketch._capacity = capacity;
        sketch._items = items;
        return sketch;
    }

    private void Fill(ReadOnlySpan<byte> bytes, int[] sizes, int width, double minimum, double maximum)
    {
        _sizes = sizes;
        _levels = new double[sizes.Length][];
        for (int level = 0; level < sizes.Length; level++)
        {
            double[] items = _levels[level] = new double[Math.Max(SmallestLevel, sizes[level])];
            for (int i = 0; i < sizes[level]; i++, bytes = bytes[width..])
            {
                items[i] = width == 4 ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes);
                if (!(items[i] >= minimum && items[i] <= maximum) || (level > 0 && i > 0 && items[i] < items[i - 1]))
                {
                    throw new FormatException("a number is out of range or out of order");
                }
            }
        }

        (Minimum, Maximum) = (minimum, maximum);
    }

    private bool FitSingle()
    {
        for (int level = 0; level < _levels.Length; level++)
        {
            foreach (double item in _levels[level].AsSpan(0, _sizes[level]))
            {
                if ((float)item != item || (item == 0 && double.IsNegative(item)))
                {
                    return false;
                }
            }
        }

        return true;
    }
}

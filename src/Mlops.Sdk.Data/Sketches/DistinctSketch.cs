using System.Buffers;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Data;

/// <summary>Counts distinct values in bounded memory: HyperLogLog with 16,384 registers and a sparse form for few values. Not thread-safe.</summary>
/// <remarks>
/// Up to some 3,000 distinct values it keeps 31 bits of each one's hash, and the count is exact but for collisions (1 in 10,000 values or
/// so); after that it takes 16 KiB, and the count has a standard error of 0.81 %. The same values give the same sketch, byte for byte,
/// whatever the order, the repetitions and the parts that were merged. No value is kept; whoever has the sketch can test whether a value
/// that they guess may have been there.
/// <para>
/// Sources: S. Heule, M. Nunkesser, A. Hall, HyperLogLog in practice, EDBT 2013, for the sparse form at precision 25;
/// O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches, 2017, for the estimate, which needs no table of corrections.
/// </para>
/// </remarks>
public sealed class DistinctSketch
{
    /// <summary>The standard error of the count, as a share of it, once values are many.</summary>
    public const double StandardError = 0.0081;

    private const byte Format = 1;
    private const int Precision = 14;
    private const int Registers = 1 << Precision;
    private const int SparsePrecision = 25;
    private const int SparseBits = SparsePrecision - Precision;
    private const int MaxRank = 64 - Precision + 1;
    private const int MaxSparseRank = 64 - SparsePrecision + 1;
    private const int MaxSparse = 3_072;
    private const int Waiting = 256;

    private uint[] _sparse = [];            // sorted, one for each place: place << 6 | rank
    private uint[]? _waiting;               // not sorted in yet
    private int _waits;
    private byte[]? _registers;             // null while sparse

    /// <summary>Gets whether the count is exact but for collisions of hashes.</summary>
    public bool IsSparse
    {
        get
        {
            Sort();
            return _registers is null;
        }
    }

    /// <summary>Takes a text in.</summary>
    /// <param name="value">The text; compared by its characters.</param>
    public void Update(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Update(value.AsSpan());
    }

    /// <summary>Takes a text in.</summary>
    /// <param name="value">The text; compared by its characters.</param>
    public void Update(ReadOnlySpan<char> value) => UpdateHash(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(value)));

    /// <summary>Takes a number in. Both zeros are one number, and so are all NaNs.</summary>
    /// <param name="value">The number.</param>
    public void Update(double value) => UpdateHash(SketchBytes.Mix(BitConverter.DoubleToUInt64Bits(value == 0 ? 0 : double.IsNaN(value) ? double.NaN : value)));

    /// <summary>Takes in what another sketch has. The other one is not changed.</summary>
    /// <param name="other">A sketch.</param>
    public void Merge(DistinctSketch other)
    {
        ArgumentNullException.ThrowIfNull(other);
        other.Sort();
        if (other._registers is { } theirs)
        {
            byte[] own = Dense();
            for (int i = 0; i < own.Length; i++)
            {
                own[i] = Math.Max(own[i], theirs[i]);
            }

            return;
        }

        foreach (uint entry in other._sparse)
        {
            Take(entry);
        }

        Sort();
    }

    /// <summary>Estimates how many distinct values there were.</summary>
    /// <returns>The estimate, 0 for none.</returns>
    public double Estimate()
    {
        Sort();
        if (_registers is null)
        {
            const double places = 1 << SparsePrecision;
            return places * Math.Log(places / (places - _sparse.Length)); // linear counting: collisions of places made good
        }

        Span<int> histogram = stackalloc int[MaxRank + 1];
        foreach (byte rank in _registers)
        {
            histogram[rank]++;
        }

        double sum = Registers * Tau(1 - (histogram[MaxRank] / (double)Registers));
        for (int rank = MaxRank - 1; rank >= 1; rank--)
        {
            sum = 0.5 * (sum + histogram[rank]);
        }

        sum += Registers * Sigma(histogram[0] / (double)Registers);
        return Registers / (2 * Math.Log(2)) * Registers / sum;
    }

    /// <summary>Tells between which counts the true one lies, with 99 % confidence.</summary>
    /// <returns>The bounds.</returns>
    public (double Low, double High) Bounds()
    {
        double estimate = Estimate();
        double error = IsSparse ? 2.58 * Math.Sqrt(estimate * estimate / (1 << SparsePrecision)) : 2.58 * StandardError * estimate;
        return (Math.Max(0, estimate - error), estimate + error);
    }

    /// <summary>Writes the sketch: about 3 bytes a value while sparse, 12 KiB after that.</summary>
    /// <returns>The bytes; a format version stands in the second one.</returns>
    public byte[] Serialize()
    {
        Sort();
        var writer = new ArrayBufferWriter<byte>();
        SketchBytes.Begin(writer, SketchBytes.Distinct, Format);
        if (_registers is null)
        {
            writer.Count(0);
            writer.Count(_sparse.Length);
            uint before = 0;
            foreach (uint entry in _sparse)
            {
                writer.Varint(entry - before);
                before = entry;
            }

            return writer.WrittenSpan.ToArray();
        }

        writer.Count(1);
        Span<byte> packed = writer.GetSpan(Registers / 4 * 3);
        for (int i = 0, at = 0; i < Registers; i += 4, at += 3)
        {
            int four = _registers[i] | (_registers[i + 1] << 6) | (_registers[i + 2] << 12) | (_registers[i + 3] << 18);
            (packed[at], packed[at + 1], packed[at + 2]) = ((byte)four, (byte)(four >> 8), (byte)(four >> 16));
        }

        writer.Advance(Registers / 4 * 3);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a sketch.</summary>
    /// <param name="bytes">What <see cref="Serialize"/> wrote.</param>
    /// <returns>The sketch.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such sketch (<c>data.unreadable_sketch</c>) or one of a newer format (<c>data.newer_format</c>).</exception>
    public static DistinctSketch Deserialize(ReadOnlySpan<byte> bytes) => SketchBytes.Read(bytes, SketchBytes.Distinct, Format, "distinct sketch", Read);

    internal void UpdateHash(ulong hash)
    {
        if (_registers is { } registers)
        {
            int place = (int)(hash >> (64 - Precision));
            byte rank = (byte)(BitOperations.LeadingZeroCount((hash << Precision) | (1UL << (Precision - 1))) + 1);
            registers[place] = Math.Max(registers[place], rank);
            return;
        }

        uint sparseRank = (uint)BitOperations.LeadingZeroCount((hash << SparsePrecision) | (1UL << (SparsePrecision - 1))) + 1;
        Take((uint)(hash >> (64 - SparsePrecision) << 6) | sparseRank);
    }

    private static DistinctSketch Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        var sketch = new DistinctSketch();
        if (reader.Int32() is var form && form > 1)
        {
            throw new FormatException("it is neither sparse nor dense");
        }

        if (form == 0)
        {
            int count = reader.Count(1);
            sketch._sparse = count <= MaxSparse ? new uint[count] : throw new FormatException($"a sparse sketch has at most {MaxSparse} values");
            ulong before = 0;
            for (int i = 0; i < count; i++)
            {
                ulong step = reader.Varint();
                ulong entry = step <= uint.MaxValue ? before + step : ulong.MaxValue;
                if (entry >= 1UL << (SparsePrecision + 6) || (entry & 63) is 0 or > MaxSparseRank || (i > 0 && entry >> 6 <= before >> 6))
                {
                    throw new FormatException("a value is out of range or out of order");
                }

                sketch._sparse[i] = (uint)entry;
                before = entry;
            }

            return reader.Left == 0 ? sketch : throw new FormatException("something follows its end");
        }

        if (reader.Left != Registers / 4 * 3)
        {
            throw new FormatException("a dense sketch has 12 KiB of registers");
        }

        ReadOnlySpan<byte> packed = bytes[^(Registers / 4 * 3)..];
        byte[] registers = sketch._registers = new byte[Registers];
        for (int i = 0; i < Registers; i++)
        {
            int at = i / 4 * 3;
            int four = packed[at] | (packed[at + 1] << 8) | (packed[at + 2] << 16);
            registers[i] = (byte)((four >> (6 * (i & 3))) & 63) is var rank && rank <= MaxRank ? rank : throw new FormatException("a register is larger than can be");
        }

        return sketch;
    }

    private static double Sigma(double x)
    {
        if (x == 1)
        {
            return double.PositiveInfinity;
        }

        double y = 1;
        double sum = x;
        double before;
        do
        {
            x *= x;
            before = sum;
            sum += x * y;
            y += y;
        }
        while (sum != before);
        return sum;
    }

    private static double Tau(double x)
    {
        if (x is 0 or 1)
        {
            return 0;
        }

        double y = 1;
        double sum = 1 - x;
        double before;
        do
        {
            x = Math.Sqrt(x);
            before = sum;
            y *= 0.5;
            sum -= (1 - x) * (1 - x) * y;
        }
        while (sum != before);
        return sum / 3;
    }

    private void Take(uint entry)
    {
        if (_registers is { } registers)
        {
            Put(registers, entry);
            return;
        }

        _waiting ??= new uint[Waiting];
        _waiting[_waits++] = entry;
        if (_waits == _waiting.Length)
        {
            Sort();
        }
    }

    private static void Put(byte[] registers, uint entry)
    {
        uint place = entry >> 6;
        uint below = place & ((1 << SparseBits) - 1);
        int rank = below != 0 ? BitOperations.LeadingZeroCount(below) - (32 - SparseBits) + 1 : SparseBits + (int)(entry & 63);
        ref byte register = ref registers[place >> SparseBits];
        register = Math.Max(register, (byte)rank);
    }

    /// <summary>Sorts in what waits; of one place the largest rank stays.</summary>
    private void Sort()
    {
        if (_waits == 0)
        {
            return;
        }

        Span<uint> waiting = _waiting.AsSpan(0, _waits);
        waiting.Sort();
        uint[] all = new uint[_sparse.Length + _waits];
        int kept = 0;
        int known = 0;
        foreach (uint entry in waiting)
        {
            while (known < _sparse.Length && _sparse[known] < entry)
            {
                kept = Append(all, kept, _sparse[known++]);
            }

            kept = Append(all, kept, entry);
        }

        while (known < _sparse.Length)
        {
            kept = Append(all, kept, _sparse[known++]);
        }

        _waits = 0;
        if (kept > _sparse.Length || !all.AsSpan(0, kept).SequenceEqual(_sparse))
        {
            _sparse = all[..kept];
        }

        if (kept > MaxSparse)
        {
            Dense();
        }
    }

    /// <summary>Puts an entry behind those before it, or in the place of the last one when it is of the same place and so of a larger rank.</summary>
    private static int Append(uint[] entries, int count, uint entry)
    {
        int at = count > 0 && entries[count - 1] >> 6 == entry >> 6 ? count - 1 : count;
        entries[at] = entry;
        return at + 1;
    }

    private byte[] Dense()
    {
        if (_registers is { } known)
        {
            return known;
        }

        byte[] registers = new byte[Registers];
        foreach (uint entry in (ReadOnlySpan<uint>)[.. _sparse, .. (_waiting ?? []).AsSpan(0, _waits)])
        {
            Put(registers, entry);
        }

        (_registers, _sparse, _waiting, _waits) = (registers, [], null, 0);
        return registers;
    }
}

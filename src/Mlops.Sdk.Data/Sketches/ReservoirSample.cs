using System.Buffers;

namespace Mlops.Sdk.Data;

/// <summary>Keeps a uniform sample of a stream: every item has the same chance to be in it. Not thread-safe.</summary>
/// <typeparam name="T">What is sampled.</typeparam>
/// <remarks>
/// Every item draws a random tag, and the items with the smallest tags stay. So merging is associative and commutative, exactly: the
/// sample of a whole is the union of its parts' samples cut to size. Parts of one whole need different seeds. It keeps items as they came:
/// do not feed it what must not be kept.
/// <para>Source: the bottom-k sample; E. Cohen, H. Kaplan, Summarizing data using bottom-k sketches, PODC 2007.</para>
/// </remarks>
public sealed class ReservoirSample<T>
{
    internal const byte Format = 1;
    private const int MaxCapacity = 1_000_000;

    private readonly PriorityQueue<T, ulong> _kept; // the largest tag comes out first
    private readonly ulong _seed;
    private ulong _limit = ulong.MaxValue;          // a tag that is not below it does not stay
    private ulong _drawn;

    /// <summary>Creates an empty sample.</summary>
    /// <param name="capacity">How many items it keeps at most, 1 to 1,000,000.</param>
    /// <param name="seed">Decides which ones stay; another one for each part that will be merged.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is out of range.</exception>
    public ReservoirSample(int capacity, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, MaxCapacity);
        Capacity = capacity;
        _seed = seed;
        _kept = new PriorityQueue<T, ulong>(Comparer<ulong>.Create((a, b) => b.CompareTo(a)));
    }

    /// <summary>Gets how many items it keeps at most.</summary>
    public int Capacity { get; }

    /// <summary>Gets how many items the stream had.</summary>
    public long Count { get; private set; }

    /// <summary>Gets the sample, in an order of chance that is the same for the same tags.</summary>
    public IReadOnlyList<T> Items => [.. Ordered().Select(i => i.Item)];

    /// <summary>Offers an item.</summary>
    /// <param name="item">The item.</param>
    /// <returns>Whether it is in the sample now.</returns>
    public bool Update(T item)
    {
        if (!Draw(out ulong tag))
        {
            return false;
        }

        Keep(item, tag);
        return true;
    }

    /// <summary>Takes in what another sample has. The other one is not changed.</summary>
    /// <param name="other">A sample of another part, of the same capacity and another seed.</param>
    /// <exception cref="ArgumentException">It has another capacity, or is this very sample.</exception>
    public void Merge(ReservoirSample<T> other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Capacity != Capacity || ReferenceEquals(other, this))
        {
            throw new ArgumentException(ReferenceEquals(other, this) ? "A sample does not merge with itself." : $"Samples of one capacity merge; this one has {Capacity}, the other {other.Capacity}.", nameof(other));
        }

        Count += other.Count;
        foreach ((T item, ulong tag) in other._kept.UnorderedItems)
        {
            if (tag < _limit || _kept.Count < Capacity)
            {
                Keep(item, tag);
            }
        }
    }

    /// <summary>Writes the sample.</summary>
    /// <param name="write">Turns an item into bytes.</param>
    /// <returns>The bytes; a format version stands in the second one.</returns>
    public byte[] Serialize(Func<T, byte[]> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var writer = new ArrayBufferWriter<byte>();
        SketchBytes.Begin(writer, SketchBytes.Reservoir, Format);
        writer.Count(Capacity);
        writer.Fixed(_seed);
        writer.Varint((ulong)Count);
        writer.Varint(_drawn);
        writer.Count(_kept.Count);
        foreach ((T item, ulong tag) in Ordered())
        {
            byte[] bytes = write(item);
            writer.Fixed(tag);
            writer.Count(bytes.Length);
            writer.Write(bytes);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Draws the next item's tag.</summary>
    /// <returns>Whether the item stays: only then it need be made.</returns>
    internal bool Draw(out ulong tag)
    {
        tag = SketchBytes.Mix(_seed + (_drawn++ * 0xD1342543DE82EF95)); // an odd factor: no tag comes twice
        Count++;
        return tag < _limit || _kept.Count < Capacity;
    }

    /// <summary>Keeps an item that was drawn to stay.</summary>
    internal void Keep(T item, ulong tag)
    {
        if (_kept.Count < Capacity)
        {
            _kept.Enqueue(item, tag);
        }
        else
        {
            _kept.EnqueueDequeue(item, tag);
        }

        if (_kept.Count == Capacity)
        {
            _kept.TryPeek(out _, out _limit);
        }
    }

    internal static ReservoirSample<T> Read(ReadOnlySpan<byte> bytes, Func<byte[], T> read)
    {
        var reader = new CompactReader(bytes);
        int capacity = reader.Int32();
        if (capacity is < 1 or > MaxCapacity)
        {
            throw new FormatException($"the capacity is from 1 to {MaxCapacity}, not {capacity}");
        }

        var sample = new ReservoirSample<T>(capacity, BitConverter.DoubleToUInt64Bits(reader.Real()));
        ulong count = reader.Varint();
        sample._drawn = reader.Varint();
        int kept = reader.Count(9);
        if (count > long.MaxValue || kept > capacity || (ulong)kept != Math.Min(count, (ulong)capacity))
        {
            throw new FormatException("there are not as many items as there must be");
        }

        ulong before = 0;
        for (int i = 0; i < kept; i++)
        {
            ulong tag = BitConverter.DoubleToUInt64Bits(reader.Real());
            int length = reader.Count(1);
            if (i > 0 && tag < before)
            {
                throw new FormatException("the items are out of order");
            }

            before = tag;
            int at = bytes.Length - reader.Left;
            sample.Keep(read(bytes.Slice(at, length).ToArray()), tag);
            reader = new CompactReader(bytes[(at + length)..]);
            bytes = bytes[(at + length)..];
        }

        sample.Count = (long)count;
        return reader.Left == 0 ? sample : throw new FormatException("something follows its end");
    }

    private IEnumerable<(T Item, ulong Tag)> Ordered() => _kept.UnorderedItems.Select(i => (i.Element, i.Priority)).OrderBy(i => i.Item2);
}

/// <summary>Reads samples.</summary>
public static class ReservoirSample
{
    /// <summary>Reads a sample.</summary>
    /// <typeparam name="T">What is sampled.</typeparam>
    /// <param name="bytes">What <see cref="ReservoirSample{T}.Serialize"/> wrote.</param>
    /// <param name="read">Turns bytes into an item; a <see cref="FormatException"/> of it becomes <c>data.unreadable_sketch</c>.</param>
    /// <returns>The sample.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such sample (<c>data.unreadable_sketch</c>) or one of a newer format (<c>data.newer_format</c>).</exception>
    public static ReservoirSample<T> Deserialize<T>(ReadOnlySpan<byte> bytes, Func<byte[], T> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return SketchBytes.Read(bytes, SketchBytes.Reservoir, ReservoirSample<T>.Format, "reservoir sample", rest => ReservoirSample<T>.Read(rest, read));
    }
}

using System.Buffers;

namespace Mlops.Sdk.Data;

/// <summary>Finds the texts that come most often in a stream, in bounded memory: a Misra–Gries summary. Not thread-safe.</summary>
/// <remarks>
/// It keeps at most twice as many texts as asked for. Each kept count is too low by at most <see cref="MaximumError"/>, which is at most
/// N / (k + 1) of a stream of N; a text that came more often than that is never missing. Merging keeps the bound, whatever the parts and
/// the order; while nothing was dropped (<see cref="MaximumError"/> is 0) counts are exact and merging gives what one pass would.
/// It keeps texts as they came: do not feed it what must not be kept. Texts are told apart by their first 256 characters.
/// <para>Sources: J. Misra, D. Gries, Finding repeated elements, 1982; P. Agarwal and others, Mergeable summaries, PODS 2012.</para>
/// </remarks>
public sealed class FrequentItems
{
    /// <summary>How many characters of a text count.</summary>
    public const int MaxTextLength = 256;

    private const byte Format = 1;
    private const int MaxK = 65_536;

    private readonly Dictionary<string, long> _counts;
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <summary>Creates an empty summary.</summary>
    /// <param name="k">How exact it is: counts are off by at most N / (k + 1). 1 to 65,536.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public FrequentItems(int k = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, MaxK);
        K = k;
        _counts = new Dictionary<string, long>(StringComparer.Ordinal);
        _lookup = _counts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Gets how exact it is.</summary>
    public int K { get; }

    /// <summary>Gets how many texts were taken in.</summary>
    public long Count { get; private set; }

    /// <summary>Gets by how much a count may be too low; the true count is never below it. At most <see cref="Count"/> / (<see cref="K"/> + 1).</summary>
    public long MaximumError { get; private set; }

    /// <summary>Takes a text in.</summary>
    /// <param name="text">The text.</param>
    /// <param name="times">How often it came, at least 1.</param>
    public void Update(ReadOnlySpan<char> text, long times = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        Count = checked(Count + times);
        Add(text.Length <= MaxTextLength ? text : text[..MaxTextLength], times);
    }

    /// <summary>Takes in what another summary has. The other one is not changed.</summary>
    /// <param name="other">A summary of the same k.</param>
    /// <exception cref="ArgumentException">It has another k, or is this very summary.</exception>
    public void Merge(FrequentItems other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.K != K || ReferenceEquals(other, this))
        {
            throw new ArgumentException(ReferenceEquals(other, this) ? "A summary does not merge with itself." : $"Summaries of one k merge; this one has {K}, the other {other.K}.", nameof(other));
        }

        Count = checked(Count + other.Count);
        MaximumError += other.MaximumError;

        // first all sums, then the cut: what both have is not cut between
        foreach ((string text, long count) in other._counts)
        {
            _counts[text] = _counts.GetValueOrDefault(text) + count;
        }

        if (_counts.Count > 2 * K)
        {
            Cut();
        }
    }

    /// <summary>Lists what came most often.</summary>
    /// <param name="most">How many at most.</param>
    /// <returns>The texts with the most certain counts, most frequent first, equal ones in ordinal order.</returns>
    public IReadOnlyList<FrequentItem> Top(int most = int.MaxValue) =>
        [.. _counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Take(most).Select(c => new FrequentItem(c.Key, c.Value, c.Value + MaximumError))];

    /// <summary>Tells between which counts the true count of a text lies.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The bounds: certain ones, not of a confidence.</returns>
    public (long Low, long High) Bounds(ReadOnlySpan<char> text)
    {
        _lookup.TryGetValue(text.Length <= MaxTextLength ? text : text[..MaxTextLength], out long count);
        return (count, Math.Min(Count, count + MaximumError));
    }

    /// <summary>Writes the summary.</summary>
    /// <returns>The bytes, the same for the same counts; a format version stands in the second one.</returns>
    public byte[] Serialize()
    {
        var writer = new ArrayBufferWriter<byte>();
        SketchBytes.Begin(writer, SketchBytes.Frequent, Format);
        writer.Count(K);
        writer.Varint((ulong)Count);
        writer.Varint((ulong)MaximumError);
        writer.Count(_counts.Count);
        foreach ((string text, long count) in _counts.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            writer.Text(text);
            writer.Varint((ulong)count);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a summary.</summary>
    /// <param name="bytes">What <see cref="Serialize"/> wrote.</param>
    /// <returns>The summary.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such summary (<c>data.unreadable_sketch</c>) or one of a newer format (<c>data.newer_format</c>).</exception>
    public static FrequentItems Deserialize(ReadOnlySpan<byte> bytes) => SketchBytes.Read(bytes, SketchBytes.Frequent, Format, "summary of frequent items", Read);

    private static FrequentItems Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        int k = reader.Int32();
        if (k is < 1 or > MaxK)
        {
            throw new FormatException($"k is from 1 to {MaxK}, not {k}");
        }

        ulong all = reader.Varint();
        ulong error = reader.Varint();
        if (all > long.MaxValue || error > all / ((ulong)k + 1))
        {
            throw new FormatException("the error is larger than can be");
        }

        var summary = new FrequentItems(k) { Count = (long)all, MaximumError = (long)error };
        int texts = reader.Count(2);
        if (texts > 2 * k)
        {
            throw new FormatException("there are more texts than it may have");
        }

        ulong sum = 0;
        string? before = null;
        for (int i = 0; i < texts; i++)
        {
            string text = reader.Text();
            ulong count = reader.Varint();
            if (text.Length > MaxTextLength || count == 0 || count > all - sum || string.CompareOrdinal(before, text) >= 0)
            {
                throw new FormatException("a count is out of range, or a text too long or out of order");
            }

            sum += count;
            before = text;
            summary._counts.Add(text, (long)count);
        }

        return reader.Left == 0 && (error > 0 || sum == all) ? summary : throw new FormatException("the counts do not add up, or something follows the end");
    }

    private void Add(ReadOnlySpan<char> text, long times)
    {
        if (_lookup.TryGetValue(text, out long count))
        {
            _lookup[text] = count + times;
            return;
        }

        _lookup[text] = times;
        if (_counts.Count > 2 * K)
        {
            Cut();
        }
    }

    /// <summary>Takes the (k+1)th largest count off all counts: that many counts of k+1 texts at least go, which bounds the error.</summary>
    private void Cut()
    {
        long[] counts = [.. _counts.Values];
        Array.Sort(counts);
        long cut = counts[^(K + 1)];
        foreach ((string text, long count) in _counts.ToArray())
        {
            if (count > cut)
            {
                _counts[text] = count - cut;
            }
            else
            {
                _counts.Remove(text);
            }
        }

        MaximumError += cut;
    }
}

/// <summary>A text that came often.</summary>
/// <param name="Text">The text.</param>
/// <param name="AtLeast">How often it came at least.</param>
/// <param name="AtMost">How often it came at most.</param>
public readonly record struct FrequentItem(string Text, long AtLeast, long AtMost);

using System.Numerics;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts times of 100 ns each in buckets that grow with the time: exact below 32, then 32 buckets for each doubling. Merging adds counts, so it is exact.</summary>
/// <remarks>
/// A bucket's middle is within 1/64 (1.6 %) of every time in it. Times of 2^40 (30 hours) and more count as the largest. The buckets of
/// a doubling come into being with the first time in it; a cleared histogram keeps them, so counting soon allocates nothing.
/// </remarks>
internal sealed class LatencyHistogram
{
    internal const int Parts = 32;
    private const int PartBits = 5;
    private const int MaxBits = 40;

    /// <summary>The number of buckets.</summary>
    internal const int Buckets = (MaxBits - PartBits + 1) * Parts;

    private readonly long[]?[] _octaves = new long[]?[MaxBits - PartBits + 1];

    /// <summary>Gets how many times were counted.</summary>
    internal long Count { get; private set; }

    internal static int BucketOf(long ticks)
    {
        if (ticks < Parts)
        {
            return (int)Math.Max(0, ticks);
        }

        int bits = 64 - BitOperations.LeadingZeroCount((ulong)ticks); // at least 6
        return bits > MaxBits ? Buckets - 1 : ((bits - PartBits) * Parts) + (int)((ticks >> (bits - PartBits - 1)) & (Parts - 1));
    }

    /// <summary>Gets the smallest time of a bucket and how many there are in it.</summary>
    internal static (long Low, long Width) RangeOf(int bucket)
    {
        int octave = bucket / Parts;
        int part = bucket % Parts;
        return octave == 0 ? (part, 1) : ((long)(Parts + part) << (octave - 1), 1L << (octave - 1));
    }

    internal void Add(long ticks) => Add(BucketOf(ticks), 1);

    internal void Add(int bucket, long count)
    {
        (_octaves[bucket / Parts] ??= new long[Parts])[bucket % Parts] += count;
        Count += count;
    }

    internal void Add(LatencyHistogram other)
    {
        foreach ((int bucket, long count) in other.Counts())
        {
            Add(bucket, count);
        }
    }

    /// <summary>Gives the buckets that hold something, by time.</summary>
    internal IEnumerable<(int Bucket, long Count)> Counts()
    {
        for (int octave = 0; octave < _octaves.Length; octave++)
        {
            if (_octaves[octave] is not { } parts)
            {
                continue;
            }

            for (int part = 0; part < Parts; part++)
            {
                if (parts[part] != 0)
                {
                    yield return ((octave * Parts) + part, parts[part]);
                }
            }
        }
    }

    internal void Clear()
    {
        if (Count == 0)
        {
            return;
        }

        foreach (long[]? parts in _octaves)
        {
            parts?.AsSpan().Clear();
        }

        Count = 0;
    }

    /// <summary>Gets the time that a share of all times does not exceed (the nearest rank): the middle of its bucket, in 100 ns; 0 when nothing was counted.</summary>
    internal double AtShare(double share)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        foreach ((int bucket, long count) in Counts())
        {
            rank -= count;
            if (rank <= 0)
            {
                (long low, long width) = RangeOf(bucket);
                return low + ((width - 1) / 2.0);
            }
        }

        return 0;
    }
}

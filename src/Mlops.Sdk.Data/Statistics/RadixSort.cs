using System.Runtime.InteropServices;

namespace Mlops.Sdk.Data;

/// <summary>Sorts finite numbers: by digits of 11 bits where there are many, by comparing where there are few.</summary>
/// <remarks>Source: D. Knuth, The Art of Computer Programming 3, section 5.2.5. Six passes at most; a digit that all numbers share costs none, so numbers that were single precision or whole take four.</remarks>
internal static class RadixSort
{
    private const int DigitBits = 11;
    private const int Buckets = 1 << DigitBits;
    private const int Digits = 6;
    private const int FewestByDigits = 4_096;

    /// <summary>Sorts in place, increasing.</summary>
    /// <param name="values">The numbers, none NaN.</param>
    internal static void Sort(double[] values)
    {
        if (values.Length < FewestByDigits)
        {
            Array.Sort(values);
            return;
        }

        Span<ulong> keys = MemoryMarshal.Cast<double, ulong>(values.AsSpan());
        int[] counts = new int[Digits * Buckets];
        for (int i = 0; i < keys.Length; i++)
        {
            // ordered as unsigned numbers: flip all bits of the negative ones and the sign of the others
            ulong bits = keys[i];
            ulong key = bits ^ ((ulong)((long)bits >> 63) | 0x8000_0000_0000_0000);
            keys[i] = key;
            counts[key & (Buckets - 1)]++;
            counts[Buckets + (int)((key >> 11) & (Buckets - 1))]++;
            counts[(2 * Buckets) + (int)((key >> 22) & (Buckets - 1))]++;
            counts[(3 * Buckets) + (int)((key >> 33) & (Buckets - 1))]++;
            counts[(4 * Buckets) + (int)((key >> 44) & (Buckets - 1))]++;
            counts[(5 * Buckets) + (int)(key >> 55)]++;
        }

        Span<ulong> from = keys;
        Span<ulong> to = GC.AllocateUninitializedArray<ulong>(values.Length);
        for (int digit = 0; digit < Digits; digit++)
        {
            Span<int> places = counts.AsSpan(digit * Buckets, Buckets);
            int shift = digit * DigitBits;
            if (places[(int)((from[0] >> shift) & (Buckets - 1))] == values.Length)
            {
                continue; // all share it
            }

            int place = 0;
            for (int b = 0; b < Buckets; b++)
            {
                (places[b], place) = (place, place + places[b]);
            }

            foreach (ulong key in from)
            {
                to[places[(int)((key >> shift) & (Buckets - 1))]++] = key;
            }

            Span<ulong> sorted = to;
            to = from;
            from = sorted;
        }

        for (int i = 0; i < keys.Length; i++)
        {
            ulong key = from[i];
            keys[i] = key ^ (((ulong)((long)~key >> 63)) | 0x8000_0000_0000_0000);
        }
    }
}

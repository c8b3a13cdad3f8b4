namespace Mlops.Sdk.Data;

/// <summary>Random numbers that are the same on every machine and every version of .NET for one seed. Not thread-safe, and no secret.</summary>
/// <remarks>Source: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).</remarks>
/// <param name="seed">The seed.</param>
/// <param name="stream">Different streams of one seed have nothing to do with each other.</param>
internal sealed class SeededRandom(long seed, long stream = 0)
{
    private ulong _state = Mix((ulong)seed ^ Mix((ulong)stream + 0x9E3779B97F4A7C15));
    private double _spare = double.NaN;

    /// <summary>Scrambles 64 bits: each bit of the input changes half of the bits of the output.</summary>
    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>64 random bits.</summary>
    internal ulong NextBits() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>A number in [0, 1).</summary>
    internal double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A whole number in [0, <paramref name="end"/>), without bias beyond 2^-32.</summary>
    internal int Next(int end) => (int)Math.BigMul(NextBits(), (ulong)end, out _);

    /// <summary>A standard normal number, by the polar method.</summary>
    internal double NextNormal()
    {
        if (!double.IsNaN(_spare))
        {
            double kept = _spare;
            _spare = double.NaN;
            return kept;
        }

        while (true)
        {
            double u = (2 * NextDouble()) - 1;
            double v = (2 * NextDouble()) - 1;
            double s = (u * u) + (v * v);
            if (s is > 0 and < 1)
            {
                double scale = Math.Sqrt(-2 * Math.Log(s) / s);
                _spare = v * scale;
                return u * scale;
            }
        }
    }

    /// <summary>Puts the items in a random order.</summary>
    internal void Shuffle(Span<int> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Draws rows without replacement.</summary>
    /// <param name="rows">How many there are.</param>
    /// <param name="wanted">How many to draw.</param>
    /// <returns>Ascending; all rows when no more than wanted are there.</returns>
    internal int[] Sample(int rows, int wanted)
    {
        if (rows <= wanted)
        {
            return [.. Enumerable.Range(0, rows)];
        }

        // sequential sampling: each row is kept with the probability that exactly fills what is still wanted
        int[] kept = new int[wanted];
        for (int row = 0, count = 0; count < wanted; row++)
        {
            if (NextDouble() * (rows - row) < wanted - count)
            {
                kept[count++] = row;
            }
        }

        return kept;
    }
}

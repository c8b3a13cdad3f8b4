namespace Mlops.Sdk.Data;

/// <summary>Fisher's exact test of a 2 x 2 table.</summary>
internal static class FisherExact
{
    /// <summary>The two-sided p-value: the sum of the probabilities of all tables with the same margins that are not more probable than this one.</summary>
    /// <remarks>Used where few hits or few misses are expected; the number of tables is then bounded by the smaller margin.</remarks>
    internal static double TwoSided(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        long hits = referenceHits + currentHits;
        long rows = referenceRows + currentRows;
        if (hits > rows - hits)
        {
            return TwoSided(referenceRows - referenceHits, referenceRows, currentRows - currentHits, currentRows);
        }

        // weights relative to the most probable table, each from its neighbour: no large logarithms that cancel
        long first = Math.Max(0, hits - referenceRows);
        long last = Math.Min(hits, currentRows);
        long mode = Math.Clamp((long)((hits + 1.0) * (currentRows + 1.0) / (rows + 2.0)), first, last);
        double[] weights = new double[last - first + 1];
        weights[mode - first] = 1;
        for (long k = mode; k < last; k++)
        {
            weights[k + 1 - first] = weights[k - first] * ((double)(hits - k) / (k + 1)) * ((double)(currentRows - k) / (referenceRows - hits + k + 1));
        }

        for (long k = mode; k > first; k--)
        {
            weights[k - 1 - first] = weights[k - first] * ((double)k / (hits - k + 1)) * ((double)(referenceRows - hits + k) / (currentRows - k + 1));
        }

        double most = weights[currentHits - first] * (1 + 1e-9);
        return Math.Min(1, weights.Where(w => w <= most).Sum() / weights.Sum());
    }
}

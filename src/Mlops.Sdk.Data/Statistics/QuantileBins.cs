namespace Mlops.Sdk.Data;

/// <summary>Bins of equal share over a reference.</summary>
internal static class QuantileBins
{
    /// <summary>Finds the upper edges, as <see cref="ReferenceProfile"/> does for single precision: nearest ranks, equal ones merged, the largest value apart where many rows share it, and three bins around a constant.</summary>
    internal static double[] EdgesOf(SortedSample reference, int bins)
    {
        ReadOnlySpan<double> sorted = reference.Values;
        if (sorted.Length == 0)
        {
            return [];
        }

        double largest = sorted[^1];
        if (sorted[0] == largest)
        {
            return largest > double.MinValue ? [Math.BitDecrement(largest), largest] : [largest];
        }

        int below = reference.AtMost(Math.BitDecrement(largest)) - 1;
        var edges = new List<double>(bins);
        for (int b = 1; b < bins; b++)
        {
            double edge = Math.Min(sorted[Math.Max(0, (int)Math.Ceiling((double)sorted.Length * b / bins) - 1)], sorted[below]);
            if (edges.Count == 0 || edge > edges[^1])
            {
                edges.Add(edge);
            }
        }

        return [.. edges];
    }
}

namespace Mlops.Sdk.Data;

/// <summary>Numbers of two samples counted over bins of both together, as Evidently has it: the bins move with the current sample, so that values can be compared with that tool's; for watching, bins of the reference alone are the better choice.</summary>
internal static class JointBins
{
    private const int MostValues = 20;

    /// <summary>Counts: a bin per value where the reference has at most 20 different ones, else bins of equal width by Sturges' rule over the joint range, closed on the left, the last one on both sides.</summary>
    /// <returns>Rows per bin of both samples, shape [bins] each; empty when a sample is.</returns>
    internal static (long[] Reference, long[] Current) Of(SortedSample reference, SortedSample current)
    {
        if (reference.Count == 0 || current.Count == 0)
        {
            return ([], []);
        }

        return reference.Distinct <= MostValues ? ByValue(reference, current) : ByWidth(reference, current);
    }

    /// <summary>The population stability index with empty bins filled as Evidently does: by 0.0001, or by a millionth of the smallest share above 0 where that is at most 0.0001.</summary>
    internal static double PopulationStability(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        (double[] r, double[] c) = (Filled(reference), Filled(current));
        double sum = 0;
        for (int i = 0; i < r.Length && c.Length > 0; i++)
        {
            sum += (r[i] - c[i]) * Math.Log(r[i] / c[i]);
        }

        return sum;
    }

    private static double[] Filled(ReadOnlySpan<long> counts)
    {
        double[] shares = new double[counts.Length];
        double rows = 0;
        foreach (long count in counts)
        {
            rows += count;
        }

        if (rows == 0)
        {
            return [];
        }

        double smallest = 1;
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = counts[i] / rows;
            smallest = shares[i] > 0 ? Math.Min(smallest, shares[i]) : smallest;
        }

        double fill = smallest <= 0.0001 ? smallest / 1e6 : 0.0001;
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = shares[i] > 0 ? shares[i] : fill;
        }

        return shares;
    }

    private static (long[] Reference, long[] Current) ByValue(SortedSample reference, SortedSample current)
    {
        var r = new List<long>();
        var c = new List<long>();
        var runs = new PooledRuns(reference.Values, current.Values);
        while (runs.Next())
        {
            r.Add(runs.Reference);
            c.Add(runs.Current);
        }

        return ([.. r], [.. c]);
    }

    private static (long[] Reference, long[] Current) ByWidth(SortedSample reference, SortedSample current)
    {
        double first = Math.Min(reference.Values[0], current.Values[0]);
        double last = Math.Max(reference.Values[^1], current.Values[^1]);
        double rows = (double)reference.Count + current.Count;
        int bins = (int)Math.Ceiling((last - first) / ((last - first) / (Math.Log2(rows) + 1)));
        double step = (last - first) / bins;
        double[] below = new double[bins - 1]; // the largest number below each inner edge
        for (int i = 0; i < below.Length; i++)
        {
            below[i] = Math.BitDecrement(first + ((i + 1) * step));
        }

        return (reference.CountIn(below), current.CountIn(below));
    }
}

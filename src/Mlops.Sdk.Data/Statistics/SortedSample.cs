using System.Numerics;

namespace Mlops.Sdk.Data;

/// <summary>Numbers sorted once, to be compared with many others: what the tests of <see cref="TwoSample"/> take. Immutable; any thread may read it.</summary>
/// <remarks>Missing (NaN) and infinite numbers are counted and left out. Takes 8 bytes a number, and as much again while it is made.</remarks>
public sealed class SortedSample
{
    private readonly double[] _sorted;

    private SortedSample(double[] finite, long missing, long infinite)
    {
        RadixSort.Sort(finite);
        _sorted = finite;
        Missing = missing;
        Infinite = infinite;
        Mean = finite.Length == 0 ? 0 : Sums.Of(finite) / finite.Length;
        SquaredDeviations = Sums.OfSquares(finite, Mean);
        int distinct = finite.Length == 0 ? 0 : 1;
        for (int i = 1; i < finite.Length; i++)
        {
            distinct += finite[i] > finite[i - 1] ? 1 : 0;
        }

        Distinct = distinct;
    }

    /// <summary>Gets the finite numbers in increasing order, shape [count].</summary>
    public ReadOnlySpan<double> Values => _sorted;

    /// <summary>Gets how many finite numbers there are.</summary>
    public int Count => _sorted.Length;

    /// <summary>Gets how many numbers were missing (NaN).</summary>
    public long Missing { get; }

    /// <summary>Gets how many numbers were infinite.</summary>
    public long Infinite { get; }

    /// <summary>Gets how many different finite numbers there are.</summary>
    public int Distinct { get; }

    /// <summary>Gets the mean of the finite numbers; 0 without any.</summary>
    public double Mean { get; }

    /// <summary>Gets the population standard deviation of the finite numbers; 0 without any.</summary>
    public double StandardDeviation => Count == 0 ? 0 : Math.Sqrt(SquaredDeviations / Count);

    /// <summary>Gets the sum of the squared deviations from the mean.</summary>
    internal double SquaredDeviations { get; }

    /// <summary>Sorts numbers.</summary>
    /// <param name="values">The numbers in any order; they are copied.</param>
    /// <returns>The sample.</returns>
    public static SortedSample Of(ReadOnlySpan<double> values) => OfFinite(values);

    /// <summary>Sorts numbers.</summary>
    /// <param name="values">The numbers in any order; they are copied.</param>
    /// <returns>The sample.</returns>
    public static SortedSample Of(ReadOnlySpan<float> values) => OfFinite(values);

    /// <summary>Counts the numbers in bins.</summary>
    /// <param name="upperEdges">The upper edges, strictly increasing, right-closed, shape [bins - 1]; the outer bins are open.</param>
    /// <returns>Numbers per bin, shape [bins].</returns>
    public long[] CountIn(ReadOnlySpan<double> upperEdges)
    {
        long[] counts = new long[upperEdges.Length + 1];
        int from = 0;
        for (int b = 0; b < upperEdges.Length; b++)
        {
            int to = AtMost(upperEdges[b], from);
            counts[b] = to - from;
            from = to;
        }

        counts[^1] = _sorted.Length - from;
        return counts;
    }

    /// <summary>Counts the numbers at or below a value, knowing that the first ones are.</summary>
    internal int AtMost(double value, int from = 0)
    {
        int low = from;
        int high = _sorted.Length;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            if (_sorted[middle] <= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static SortedSample OfFinite<T>(ReadOnlySpan<T> values)
        where T : struct, IBinaryFloatingPointIeee754<T>
    {
        double[] finite = GC.AllocateUninitializedArray<double>(values.Length);
        int count = 0;
        long missing = 0;
        foreach (T value in values)
        {
            if (T.IsFinite(value))
            {
                finite[count++] = double.CreateTruncating(value);
            }
            else
            {
                missing += T.IsNaN(value) ? 1 : 0;
            }
        }

        return Finish(finite, count, missing);
    }

    private static SortedSample Finish(double[] finite, int count, long missing)
    {
        int rows = finite.Length;
        Array.Resize(ref finite, count);
        return new SortedSample(finite, missing, rows - count - missing);
    }
}

/// <summary>Sums whose error does not grow with their length: blocks, and compensation between them (A. Neumaier, ZAMM 54, 1974).</summary>
internal static class Sums
{
    private const int Block = 512;

    internal static double Of(ReadOnlySpan<double> values) => OfBlocks(values, 0, squares: false);

    internal static double OfSquares(ReadOnlySpan<double> values, double mean) => OfBlocks(values, mean, squares: true);

    private static double OfBlocks(ReadOnlySpan<double> values, double mean, bool squares)
    {
        double sum = 0;
        double lost = 0;
        while (values.Length > 0)
        {
            ReadOnlySpan<double> block = values[..Math.Min(Block, values.Length)];
            values = values[block.Length..];
            double part = squares ? Squares(block, mean) : Plain(block);
            double next = sum + part;
            lost += Math.Abs(sum) >= Math.Abs(part) ? sum - next + part : part - next + sum;
            sum = next;
        }

        return sum + lost;
    }

    private static double Plain(ReadOnlySpan<double> block)
    {
        double a = 0;
        double b = 0;
        int i = 0;
        for (; i < block.Length - 1; i += 2)
        {
            a += block[i];
            b += block[i + 1];
        }

        return a + b + (i < block.Length ? block[i] : 0);
    }

    private static double Squares(ReadOnlySpan<double> block, double mean)
    {
        double a = 0;
        double b = 0;
        int i = 0;
        for (; i < block.Length - 1; i += 2)
        {
            double first = block[i] - mean;
            double second = block[i + 1] - mean;
            a += first * first;
            b += second * second;
        }

        double last = i < block.Length ? block[i] - mean : 0;
        return a + b + (last * last);
    }
}

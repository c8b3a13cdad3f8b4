namespace Mlops.Sdk.Data;

/// <content>Questions to the sketch.</content>
public sealed partial class QuantileSketch
{
    /// <summary>Gets the kept numbers in ascending order, each with how many numbers of the stream it stands for; the weights add up to <see cref="Count"/>.</summary>
    public IReadOnlyList<WeightedValue> Points
    {
        get
        {
            (double[] values, long[] ranks) = View();
            var points = new WeightedValue[values.Length];
            for (int i = 0; i < points.Length; i++)
            {
                points[i] = new WeightedValue(values[i], ranks[i] - (i == 0 ? 0 : ranks[i - 1]));
            }

            return points;
        }
    }

    /// <summary>Tells which share of the stream is at most a number.</summary>
    /// <param name="value">The number.</param>
    /// <returns>The share, 0 to 1; NaN when the sketch is empty.</returns>
    public double Rank(double value)
    {
        if (Count == 0 || double.IsNaN(value))
        {
            return double.NaN;
        }

        if (value < Minimum)
        {
            return 0;
        }

        return value >= Maximum ? 1 : RankIn(View(), value);
    }

    /// <summary>Tells between which shares the true rank of a number lies, with 99 % confidence.</summary>
    /// <param name="value">The number.</param>
    /// <returns>The bounds, 0 to 1.</returns>
    public (double Low, double High) RankBounds(double value)
    {
        double rank = Rank(value);
        return value < Minimum || value >= Maximum ? (rank, rank) : (Math.Max(0, rank - RankError), Math.Min(1, rank + RankError));
    }

    /// <summary>Finds the number below or at which a share of the stream lies.</summary>
    /// <param name="share">The share, 0 to 1: 0 gives the smallest number, 1 the largest.</param>
    /// <returns>The smallest kept number whose rank is at least the share; NaN when the sketch is empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The share is not from 0 to 1.</exception>
    public double Quantile(double share)
    {
        if (!(share is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share from 0 to 1 is expected.");
        }

        if (Count == 0 || share == 0)
        {
            return Minimum;
        }

        if (share == 1)
        {
            return Maximum;
        }

        (double[] values, long[] ranks) = View();
        double wanted = share * Count;
        int low = 0;
        int high = values.Length - 1;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (ranks[middle] >= wanted)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return values[low];
    }

    /// <summary>Finds the numbers between which the true quantile lies, with 99 % confidence.</summary>
    /// <param name="share">The share, 0 to 1.</param>
    /// <returns>The bounds.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The share is not from 0 to 1.</exception>
    public (double Low, double High) QuantileBounds(double share)
    {
        double found = Quantile(share);
        return share is 0 or 1 ? (found, found) : (Quantile(Math.Max(0, share - RankError)), Quantile(Math.Min(1, share + RankError)));
    }

    /// <summary>Tells the distribution function at several numbers.</summary>
    /// <param name="values">The numbers, in any order.</param>
    /// <returns>The share of the stream that is at most each of them, shape [values].</returns>
    public double[] Cdf(ReadOnlySpan<double> values)
    {
        var shares = new double[values.Length];
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = Rank(values[i]);
        }

        return shares;
    }

    private static double RankIn((double[] Values, long[] Ranks) view, double value)
    {
        int low = 0;
        int high = view.Values.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (view.Values[middle] <= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low == 0 ? 0 : view.Ranks[low - 1] / (double)view.Ranks[^1];
    }

    private (double[] Values, long[] Ranks) View()
    {
        if (_view is { } known)
        {
            return known;
        }

        var values = new double[_items];
        var weights = new long[_items];
        int at = 0;
        for (int level = 0; level < _levels.Length; level++)
        {
            _levels[level].AsSpan(0, _sizes[level]).CopyTo(values.AsSpan(at));
            weights.AsSpan(at, _sizes[level]).Fill(1L << level);
            at += _sizes[level];
        }

        Array.Sort(values, weights);
        for (int i = 1; i < weights.Length; i++)
        {
            weights[i] += weights[i - 1];
        }

        _view = (values, weights);
        return (values, weights);
    }
}

/// <summary>A number that stands for several.</summary>
/// <param name="Value">The number.</param>
/// <param name="Weight">How many it stands for.</param>
public readonly record struct WeightedValue(double Value, long Weight);

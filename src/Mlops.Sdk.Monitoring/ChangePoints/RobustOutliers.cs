namespace Mlops.Sdk.Monitoring;

/// <summary>Tells which values of a stream lie far from the newest ones before them, by median and median absolute deviation (MAD). Not thread-safe.</summary>
/// <remarks>
/// Score = 0.6745 (x - median) / MAD over the window of the values before x; 3.5 in size is an outlier by custom. Half of the window may be
/// outliers before they hide each other. Where more than half of the window is one value, the MAD is 0: then the score is 0 for that value
/// and infinite for others.
/// <para>Source: B. Iglewicz, D. Hoaglin, How to detect and handle outliers, ASQC, 1993.</para>
/// </remarks>
/// <param name="window">How many values are looked back at, 10 to 100,000.</param>
public sealed class RobustOutliers(int window = 200)
{
    private const int Fewest = 10;
    private readonly double[] _ring = new double[window is >= Fewest and <= 100_000 ? window : throw new MlopsException("monitoring.invalid_option", $"Outliers: the window ({window}) must be from {Fewest} to 100,000.")];
    private readonly List<double> _sorted = new(window);
    private int _next;

    /// <summary>Takes a value.</summary>
    /// <param name="value">The value, finite.</param>
    /// <returns>Its score against the values before it, with its sign; 0 while there are fewer than ten.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not finite.</exception>
    public double Add(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Values are finite. Leave missing ones out.");
        }

        double score = _sorted.Count < Fewest ? 0 : Score(value);
        if (_sorted.Count == _ring.Length)
        {
            _sorted.RemoveAt(_sorted.BinarySearch(_ring[_next]));
        }

        int at = _sorted.BinarySearch(value);
        _sorted.Insert(at < 0 ? ~at : at, value);
        _ring[_next] = value;
        _next = (_next + 1) % _ring.Length;
        return score;
    }

    private double Score(double value)
    {
        int count = _sorted.Count;
        double median = (_sorted[(count - 1) / 2] + _sorted[count / 2]) / 2;
        double deviation = (Nearest(median, (count - 1) / 2) + Nearest(median, count / 2)) / 2;
        double distance = value - median;
        return distance == 0 ? 0 : deviation == 0 ? Math.CopySign(double.PositiveInfinity, distance) : 0.6745 * distance / deviation;
    }

    /// <summary>The distance of the k-th nearest value to the median, from 0: the window of the k + 1 nearest is found by bisection, since the values are sorted.</summary>
    private double Nearest(double median, int k)
    {
        int low = 0;
        int high = _sorted.Count - 1 - k;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (median - _sorted[middle] > _sorted[middle + k + 1] - median)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return Math.Max(median - _sorted[low], _sorted[low + k] - median);
    }
}

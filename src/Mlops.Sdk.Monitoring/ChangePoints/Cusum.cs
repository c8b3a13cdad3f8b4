namespace Mlops.Sdk.Monitoring;

/// <summary>Watches a stream against a mean and deviation that are known, such as those of the reference: the cumulative sum chart. Not thread-safe.</summary>
/// <remarks>
/// With z = (x - mean) / deviation: up = max(0, up + z - slack), down = max(0, down - z - slack); a change is called when one exceeds the
/// limit, and both start anew. With slack 0.5 and limit 5 a stable normal stream is called about once in 465 values, and a shift of one
/// deviation after about 10.4 values; with limit 8 about once in 12,000 and after 16.
/// <para>Sources: E. Page, Continuous inspection schemes, Biometrika 41, 1954; D. Montgomery, Introduction to Statistical Quality Control, 6th edition, section 9.1.</para>
/// </remarks>
public sealed class Cusum
{
    private readonly double _mean;
    private readonly double _deviation;
    private readonly double _slack;
    private readonly double _limit;

    /// <summary>Starts to watch.</summary>
    /// <param name="mean">The mean while nothing has changed.</param>
    /// <param name="deviation">The standard deviation, above 0.</param>
    /// <param name="slack">Half of the shift that matters, in deviations, at least 0.</param>
    /// <param name="limit">How much excess makes a change, in deviations, above 0.</param>
    /// <exception cref="MlopsException">A number is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public Cusum(double mean, double deviation, double slack = 0.5, double limit = 8)
    {
        if (!(double.IsFinite(mean) && deviation > 0 && double.IsFinite(deviation) && slack >= 0 && double.IsFinite(slack) && limit > 0 && double.IsFinite(limit)))
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"Cusum: the mean ({mean}) must be finite, the deviation ({deviation}) above 0, the slack ({slack}) at least 0, the limit ({limit}) above 0."));
        }

        (_mean, _deviation, _slack, _limit) = (mean, deviation, slack, limit);
    }

    /// <summary>Gets how much is collected upwards, in deviations.</summary>
    public double Up { get; private set; }

    /// <summary>Gets how much is collected downwards, in deviations.</summary>
    public double Down { get; private set; }

    /// <summary>Takes a value.</summary>
    /// <param name="value">The value, finite.</param>
    /// <returns>Whether the mean changed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not finite.</exception>
    public bool Add(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Values are finite. Leave missing ones out.");
        }

        double z = (value - _mean) / _deviation;
        Up = Math.Max(0, Up + z - _slack);
        Down = Math.Max(0, Down - z - _slack);
        if (Up <= _limit && Down <= _limit)
        {
            return false;
        }

        (Up, Down) = (0, 0);
        return true;
    }
}

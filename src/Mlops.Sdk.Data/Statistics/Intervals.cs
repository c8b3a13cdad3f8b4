namespace Mlops.Sdk.Data;

/// <summary>Confidence intervals of means and shares.</summary>
internal static class Intervals
{
    internal const double Z95 = 1.959963984540054;      // two-sided 95 %
    internal const double Z95OneSided = 1.6448536269514722;

    /// <summary>The mean of values and the half width of its normal 95 % interval.</summary>
    internal static (double Mean, double HalfWidth, double StandardError) MeanInterval(double[] values)
    {
        double error = values.Length < 2 ? double.PositiveInfinity : Math.Sqrt(Variance(values) / values.Length);
        return (values.Average(), Z95 * error, error);
    }

    /// <summary>The Wilson 95 % interval of a share. E. B. Wilson, JASA 22 (1927).</summary>
    internal static (double Lower, double Upper) Wilson(long hits, long count)
    {
        double p = (double)hits / count;
        double z2 = Z95 * Z95 / count;
        double half = Z95 * Math.Sqrt((p * (1 - p) / count) + (z2 / (4 * count)));
        return ((p + (z2 / 2) - half) / (1 + z2), (p + (z2 / 2) + half) / (1 + z2));
    }

    /// <summary>The sample variance, divided by n - 1.</summary>
    internal static double Variance(double[] values)
    {
        double mean = values.Average();
        double sum = 0;
        foreach (double value in values)
        {
            sum += (value - mean) * (value - mean);
        }

        return sum / (values.Length - 1);
    }
}

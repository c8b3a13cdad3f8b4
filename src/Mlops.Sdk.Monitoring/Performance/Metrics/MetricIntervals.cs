namespace Mlops.Sdk.Monitoring;

/// <summary>Confidence intervals at 95 %.</summary>
internal static class MetricIntervals
{
    internal const double Z95 = 1.959963984540054;

    /// <summary>The Wilson interval of a share. E. B. Wilson, JASA 22 (1927).</summary>
    internal static MetricValue Wilson(double hits, double count)
    {
        double p = hits / count;
        double z2 = Z95 * Z95 / count;
        double half = Z95 * Math.Sqrt((Math.Max(0, p * (1 - p)) / count) + (z2 / (4 * count)));
        return new MetricValue(p, Math.Max(0, (p + (z2 / 2) - half) / (1 + z2)), Math.Min(1, (p + (z2 / 2) + half) / (1 + z2)));
    }

    /// <summary>The normal interval of a value with a standard error, kept within bounds. One without a finite error has no interval.</summary>
    internal static MetricValue Normal(double value, double standardError, double least = double.NegativeInfinity, double most = double.PositiveInfinity) =>
        double.IsFinite(standardError)
            ? new MetricValue(value, Math.Max(least, value - (Z95 * standardError)), Math.Min(most, value + (Z95 * standardError)))
            : new MetricValue(value);

    /// <summary>The mean of values and its standard error; the error of a single value is infinite.</summary>
    internal static (double Mean, double Error) Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        double mean = sum / values.Length;
        double squares = 0;
        foreach (double value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        return (mean, values.Length < 2 ? double.PositiveInfinity : Math.Sqrt(squares / (values.Length - 1) / values.Length));
    }

    /// <summary>The harmonic mean of precision and recall: F1 = 2J / (1 + J) grows with J = TP / (TP + FP + FN), which is a share of independent rows; its Wilson interval carries over.</summary>
    internal static MetricValue F1(double truePositives, double wrong)
    {
        MetricValue jaccard = Wilson(truePositives, truePositives + wrong);
        static double Of(double j) => 2 * j / (1 + j);
        return new MetricValue(2 * truePositives / ((2 * truePositives) + wrong), Of(jaccard.Lower!.Value), Of(jaccard.Upper!.Value));
    }

    /// <summary>The logit interval of an average precision: the one K. Boyd, K. Eng and C. Page found to keep its level (ECML PKDD 2013), with the number of positives as sample size.</summary>
    internal static MetricValue AveragePrecision(double value, double positives)
    {
        if (value is <= 0 or >= 1)
        {
            return new MetricValue(value);
        }

        double logit = Math.Log(value / (1 - value));
        double half = Z95 / Math.Sqrt(positives * value * (1 - value));
        static double Back(double x) => 1 / (1 + Math.Exp(-x));
        return new MetricValue(value, Back(logit - half), Back(logit + half));
    }

    /// <summary>Resamples rows for a metric that has no interval of its own: percentiles of so many resamples, by a fixed seed. B. Efron, Annals of Statistics 7 (1979).</summary>
    internal static MetricValue? Bootstrap(PerformanceRows rows, Func<PerformanceRows, double> metric, int resamples, int seed)
    {
        double value = metric(rows);
        if (!double.IsFinite(value))
        {
            return null;
        }

        var random = new Random(seed);
        int[] picked = new int[rows.Count];
        var values = new List<double>(resamples);
        for (int i = 0; i < resamples; i++)
        {
            for (int r = 0; r < picked.Length; r++)
            {
                picked[r] = random.Next(picked.Length);
            }

            double one = metric(rows.Take(picked));
            if (double.IsFinite(one))
            {
                values.Add(one);
            }
        }

        if (values.Count < Math.Max(2, resamples / 2))
        {
            return new MetricValue(value);
        }

        values.Sort();
        double At(double share)
        {
            double place = share * (values.Count - 1);
            int low = (int)place;
            return low + 1 < values.Count ? values[low] + ((place - low) * (values[low + 1] - values[low])) : values[low];
        }

        return new MetricValue(value, At(0.025), At(0.975));
    }
}

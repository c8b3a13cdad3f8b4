namespace Mlops.Sdk.Data;

/// <summary>Measures how far two histograms over the same bins are apart. Pure: any thread may call it.</summary>
/// <remarks>
/// Write r for the shares of the reference and c for those of the current rows. Histograms hold rows with a value only; missing and
/// infinite values are compared by <see cref="ShareTest"/>. A histogram without rows is told nothing about: distances are 0, p-values 1.
/// </remarks>
public static partial class DriftStatistics
{
    /// <summary>The population stability index: sum of (c - r) ln(c / r).</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <param name="emptyShare">The share that a smaller one counts as, in (0, 0.01]; keeps the index finite.</param>
    /// <returns>In nats: at least 0 and finite. By custom 0.1 is worth watching and 0.25 worth acting on.</returns>
    /// <remarks>Source: N. Siddiqi, Credit Risk Scorecards, Wiley, 2006.</remarks>
    /// <exception cref="ArgumentException">The lengths differ, or the share is out of range.</exception>
    public static double PopulationStability(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double emptyShare = 1e-4)
    {
        CheckEmptyShare(emptyShare);
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double r = Math.Max(reference[i] / m, emptyShare);
            double c = Math.Max(current[i] / n, emptyShare);
            sum += (c - r) * Math.Log(c / r);
        }

        return sum;
    }

    /// <summary>The Kullback–Leibler divergence of the current rows from the reference: sum of c ln(c / r). Not symmetric: the other way is had by swapping the arguments.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <param name="emptyShare">The share that a smaller one counts as, in (0, 0.01]; keeps the divergence finite.</param>
    /// <returns>In nats: finite, and at least 0 but for what the floor of empty bins costs (at most bins times the floor).</returns>
    /// <remarks>Source: S. Kullback, R. Leibler, On information and sufficiency, Annals of Mathematical Statistics 22, 1951.</remarks>
    /// <exception cref="ArgumentException">The lengths differ, or the share is out of range.</exception>
    public static double KullbackLeibler(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double emptyShare = 1e-4)
    {
        CheckEmptyShare(emptyShare);
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double c = Math.Max(current[i] / n, emptyShare);
            sum += c * Math.Log(c / Math.Max(reference[i] / m, emptyShare));
        }

        return sum;
    }

    /// <summary>The Jensen–Shannon distance: the square root of the divergence, to base 2 unless said otherwise.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <param name="logarithmBase">The base of the logarithm, above 1: 2, or e as SciPy and Evidently have it, which makes the distance 0.8326 times that to base 2.</param>
    /// <returns>In [0, 1] to base 2, in [0, 0.8326] to base e.</returns>
    /// <remarks>Source: J. Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991.</remarks>
    /// <exception cref="ArgumentException">The lengths differ, or the base is out of range.</exception>
    public static double JensenShannon(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double logarithmBase = 2)
    {
        if (!(logarithmBase > 1))
        {
            throw new ArgumentOutOfRangeException(nameof(logarithmBase), logarithmBase, "The base of the logarithm is above 1.");
        }

        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double r = reference[i] / m;
            double c = current[i] / n;
            if (r + c > 0)
            {
                double half = (r - c) / (r + c); // r = middle (1 + half), c = middle (1 - half): no digits are lost when they are close
                sum += (r + c) / 2 * TwoLogs(half);
            }
        }

        return Math.Sqrt(Math.Clamp(sum / 2 / Math.Log(2), 0, 1) * (Math.Log(2) / Math.Log(logarithmBase)));
    }

    /// <summary>The Hellinger distance: sqrt(sum of (sqrt r - sqrt c)^2) / sqrt 2.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>In [0, 1].</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Hellinger(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double difference = Math.Sqrt(reference[i] / m) - Math.Sqrt(current[i] / n);
            sum += difference * difference;
        }

        return Math.Min(1, Math.Sqrt(sum / 2));
    }

    /// <summary>The total variation: half the sum of |r - c|, which is the largest share of rows that must change bins to turn one into the other.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>In [0, 1].</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double TotalVariation(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            sum += Math.Abs((reference[i] / m) - (current[i] / n));
        }

        return Math.Min(1, sum / 2);
    }

    /// <summary>The largest difference of two shares: max |r - c|.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>In [0, 1].</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double LargestDifference(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double largest = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((reference[i] / m) - (current[i] / n)));
        }

        return largest;
    }

    /// <summary>The two-sample Kolmogorov–Smirnov test on binned numbers.</summary>
    /// <param name="reference">Rows per bin in increasing order, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>
    /// The largest |F_r - F_c| over the bins' edges, the largest it can be between them given these counts, so that the value on the raw
    /// numbers lies in between, and the asymptotic p-value of the former, which is never too small for it.
    /// </returns>
    /// <remarks>Source: N. Smirnov, Table for estimating the goodness of fit of empirical distributions, 1948; p = Q_KS(sqrt(mn / (m + n)) D).</remarks>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static KolmogorovSmirnovResult KolmogorovSmirnov(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return new KolmogorovSmirnovResult(0, 0, 1);
        }

        double lower = 0;
        double upper = 0;
        double belowReference = 0;
        double belowCurrent = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double upToReference = belowReference + (reference[i] / m);
            double upToCurrent = belowCurrent + (current[i] / n);
            lower = Math.Max(lower, Math.Abs(upToReference - upToCurrent));
            upper = Math.Max(upper, Math.Max(upToReference - belowCurrent, upToCurrent - belowReference));
            (belowReference, belowCurrent) = (upToReference, upToCurrent);
        }

        lower = Math.Min(1, lower);
        return new KolmogorovSmirnovResult(lower, Math.Clamp(upper, lower, 1), SpecialFunctions.KolmogorovTail(Math.Sqrt(m / (m + n) * n) * lower));
    }

    /// <summary>Adjusts p-values so that calling those at most q significant keeps the expected share of false calls among them at most q.</summary>
    /// <param name="pValues">The p-values, shape [tests], each in [0, 1].</param>
    /// <returns>The adjusted p-values in the same order: the smallest over ranks k at or above a test's own of p_(k) K / k, at most 1.</returns>
    /// <remarks>Source: Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, Journal of the Royal Statistical Society B 57, 1995.</remarks>
    public static double[] BenjaminiHochberg(ReadOnlySpan<double> pValues)
    {
        double[] sorted = pValues.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        double[] adjusted = new double[sorted.Length];
        double smallest = 1;
        for (int k = sorted.Length; k >= 1; k--)
        {
            smallest = Math.Min(smallest, sorted[k - 1] * sorted.Length / k);
            adjusted[order[k - 1]] = smallest;
        }

        return adjusted;
    }

    /// <summary>(1 + x) ln(1 + x) + (1 - x) ln(1 - x), by its series where both logarithms nearly cancel.</summary>
    private static double TwoLogs(double x)
    {
        double square = x * x;
        if (square > 0.01)
        {
            return (x > -1 ? (1 + x) * Math.Log(1 + x) : 0) + (x < 1 ? (1 - x) * Math.Log(1 - x) : 0);
        }

        double sum = 0;
        double power = square;
        for (int k = 1; k <= 9; k++)
        {
            sum += power / (k * ((2 * k) - 1));
            power *= square;
        }

        return sum;
    }

    private static void CheckEmptyShare(double emptyShare)
    {
        if (!(emptyShare is > 0 and <= 0.01))
        {
            throw new ArgumentOutOfRangeException(nameof(emptyShare), emptyShare, "The share of an empty bin is above 0 and at most 0.01.");
        }
    }

    private static bool Totals(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, out double m, out double n)
    {
        if (reference.Length != current.Length)
        {
            throw new ArgumentException($"Both histograms have the same bins: the reference has {reference.Length}, the current one {current.Length}.", nameof(current));
        }

        m = 0;
        n = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            if (reference[i] < 0 || current[i] < 0)
            {
                throw new ArgumentException($"Rows per bin are at least 0; bin {i} has {reference[i]} and {current[i]}.", nameof(current));
            }

            m += reference[i];
            n += current[i];
        }

        return m > 0 && n > 0;
    }
}

/// <summary>The outcome of a chi-square test.</summary>
/// <param name="Statistic">The statistic, at least 0.</param>
/// <param name="DegreesOfFreedom">The degrees of freedom; 0 when there is one bin and nothing to test.</param>
/// <param name="PValue">The probability of a statistic at least this large when nothing has changed.</param>
public readonly record struct ChiSquareResult(double Statistic, int DegreesOfFreedom, double PValue);

/// <summary>The outcome of a Kolmogorov–Smirnov test on bins.</summary>
/// <param name="Distance">The largest difference of the distribution functions over the bins' edges, in [0, 1].</param>
/// <param name="AtMost">The largest it can be on the raw numbers.</param>
/// <param name="PValue">The asymptotic p-value of <paramref name="Distance"/>.</param>
public readonly record struct KolmogorovSmirnovResult(double Distance, double AtMost, double PValue);

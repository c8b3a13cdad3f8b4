namespace Mlops.Sdk.Data;

/// <summary>Measures how far two histograms over the same bins are apart. Pure: any thread may call it.</summary>
/// <remarks>
/// Write r for the shares of the reference and c for those of the current rows. Histograms hold rows with a value only; missing and
/// infinite values are compared by <see cref="ShareTest"/>. A histogram without rows is told nothing about: distances are 0, p-values 1.
/// </remarks>
public static class DriftStatistics
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
        if (!(emptyShare is > 0 and <= 0.01))
        {
            throw new ArgumentOutOfRangeException(nameof(emptyShare), emptyShare, "The share of an empty bin is above 0 and at most 0.01.");
        }

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

    /// <summary>The Jensen–Shannon distance: the square root of the divergence to base 2.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>In [0, 1].</returns>
    /// <remarks>Source: J. Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991.</remarks>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double JensenShannon(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return 0;
        }

        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double r = reference[i] / m;
            double c = current[i] / n;
            double middle = (r + c) / 2;
            sum += (r > 0 ? r * Math.Log2(r / middle) : 0) + (c > 0 ? c * Math.Log2(c / middle) : 0);
        }

        return Math.Sqrt(Math.Clamp(sum / 2, 0, 1));
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

    /// <summary>Pearson's chi-square test of the two-row contingency table, without Yates' correction.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <param name="smallestExpected">Bins in which fewer rows than this are expected in either sample are pooled into one, since the test does not hold for them (Cochran's rule: 5). 0 pools nothing.</param>
    /// <returns>The statistic, the degrees of freedom and the p-value. Bins that are empty in both do not count.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static ChiSquareResult ChiSquare(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double smallestExpected = 5)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return new ChiSquareResult(0, 0, 1);
        }

        double referenceShare = m / (m + n);
        double smallerShare = Math.Min(referenceShare, 1 - referenceShare);
        double statistic = 0;
        int bins = 0;
        double pooledReference = 0;
        double pooledCurrent = 0;
        double heldReference = 0; // the smallest bin that stands alone: takes the pool in when the pool stays too small
        double heldCurrent = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double both = (double)reference[i] + current[i];
            if (both == 0)
            {
                continue;
            }

            if (both * smallerShare < smallestExpected)
            {
                pooledReference += reference[i];
                pooledCurrent += current[i];
                continue;
            }

            bins++;
            if (bins == 1)
            {
                (heldReference, heldCurrent) = (reference[i], current[i]);
            }
            else if (both < heldReference + heldCurrent)
            {
                statistic += Deviation(heldReference, heldCurrent, referenceShare);
                (heldReference, heldCurrent) = (reference[i], current[i]);
            }
            else
            {
                statistic += Deviation(reference[i], current[i], referenceShare);
            }
        }

        double pooled = pooledReference + pooledCurrent;
        if (pooled > 0 && bins > 0 && pooled * smallerShare < smallestExpected)
        {
            heldReference += pooledReference;
            heldCurrent += pooledCurrent;
        }
        else if (pooled > 0)
        {
            statistic += Deviation(pooledReference, pooledCurrent, referenceShare);
            bins++;
        }

        if (heldReference + heldCurrent > 0)
        {
            statistic += Deviation(heldReference, heldCurrent, referenceShare);
        }

        int degrees = Math.Max(0, bins - 1);
        return degrees == 0 ? new ChiSquareResult(0, 0, 1) : new ChiSquareResult(statistic, degrees, SpecialFunctions.ChiSquareTail(statistic, degrees));
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

    /// <summary>The pooled Z-test of two shares, two-sided; Fisher's exact test where fewer than 5 rows are expected in a cell.</summary>
    /// <param name="referenceHits">Rows with the property in the reference.</param>
    /// <param name="referenceRows">Rows in the reference.</param>
    /// <param name="currentHits">Rows with the property now.</param>
    /// <param name="currentRows">Rows now.</param>
    /// <returns>The p-value; 1 when a sample is empty or both shares are equal.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative, or there are more hits than rows.</exception>
    public static double ShareTest(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(referenceHits);
        ArgumentOutOfRangeException.ThrowIfNegative(currentHits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(referenceHits, referenceRows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(currentHits, currentRows);
        double m = referenceRows;
        double n = currentRows;
        double pooled = (referenceHits + (double)currentHits) / (m + n);
        if (m == 0 || n == 0 || pooled is 0 or 1)
        {
            return 1;
        }

        double smallestExpected = Math.Min(m, n) * Math.Min(pooled, 1 - pooled);
        if (smallestExpected < 5)
        {
            return FisherExact.TwoSided(referenceHits, referenceRows, currentHits, currentRows);
        }

        double z = ((currentHits / n) - (referenceHits / m)) / Math.Sqrt(pooled * (1 - pooled) * ((1 / m) + (1 / n)));
        return SpecialFunctions.NormalTwoSided(z);
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

    private static double Deviation(double reference, double current, double referenceShare)
    {
        double expected = (reference + current) * referenceShare;
        double other = reference + current - expected;
        double difference = reference - expected;
        return (difference * difference / expected) + (difference * difference / other);
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

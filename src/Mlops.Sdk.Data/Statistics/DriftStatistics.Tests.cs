namespace Mlops.Sdk.Data;

public static partial class DriftStatistics
{
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

        double share = m / (m + n);
        List<(double Reference, double Current)> cells = Pool(reference, current, share, smallestExpected);
        int degrees = Math.Max(0, cells.Count - 1);
        if (degrees == 0)
        {
            return new ChiSquareResult(0, 0, 1);
        }

        double statistic = 0;
        foreach ((double r, double c) in cells)
        {
            double expected = (r + c) * share;
            double other = r + c - expected;
            double difference = r - expected;
            statistic += (difference * difference / expected) + (difference * difference / other);
        }

        return new ChiSquareResult(statistic, degrees, SpecialFunctions.ChiSquareTail(statistic, degrees));
    }

    /// <summary>The G-test (log-likelihood ratio) of the two-row contingency table: 2 sum of observed ln(observed / expected).</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <param name="smallestExpected">As for <see cref="ChiSquare"/>.</param>
    /// <returns>The statistic, the degrees of freedom and the p-value by chi-square.</returns>
    /// <remarks>Source: R. Sokal, F. Rohlf, Biometry, 3rd edition, 1995, chapter 17.</remarks>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static ChiSquareResult GTest(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double smallestExpected = 5)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return new ChiSquareResult(0, 0, 1);
        }

        double share = m / (m + n);
        List<(double Reference, double Current)> cells = Pool(reference, current, share, smallestExpected);
        int degrees = Math.Max(0, cells.Count - 1);
        double sum = 0;
        foreach ((double r, double c) in cells)
        {
            sum += Part(r, (r + c) * share) + Part(c, (r + c) * (1 - share));
        }

        double statistic = Math.Max(0, 2 * sum);
        return degrees == 0 ? new ChiSquareResult(0, 0, 1) : new ChiSquareResult(statistic, degrees, SpecialFunctions.ChiSquareTail(statistic, degrees));

        static double Part(double observed, double expected) => observed == 0 ? 0 : observed * Math.Log(observed / expected);
    }

    /// <summary>Pearson's chi-square test of fit: are the current rows distributed by the reference's shares, taken as known? The reference's own chance is left out, so use it where the reference is very much larger.</summary>
    /// <param name="reference">Rows per bin, shape [bins].</param>
    /// <param name="current">Rows per bin, shape [bins].</param>
    /// <returns>The statistic, degrees of freedom (bins with reference rows, less one) and p. A bin with current rows and none in the reference makes the statistic infinite and p 0: use <see cref="ChiSquare"/> where new categories may come.</returns>
    /// <remarks>Source: K. Pearson, Philosophical Magazine 50, 1900.</remarks>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static ChiSquareResult ChiSquareFit(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        if (!Totals(reference, current, out double m, out double n))
        {
            return new ChiSquareResult(0, 0, 1);
        }

        double statistic = 0;
        int bins = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            if (reference[i] == 0)
            {
                statistic += current[i] > 0 ? double.PositiveInfinity : 0;
                continue;
            }

            double expected = reference[i] / m * n;
            statistic += (current[i] - expected) * (current[i] - expected) / expected;
            bins++;
        }

        int degrees = Math.Max(0, bins - 1);
        return degrees == 0 && double.IsFinite(statistic) ? new ChiSquareResult(0, 0, 1)
            : new ChiSquareResult(statistic, degrees, double.IsFinite(statistic) ? SpecialFunctions.ChiSquareTail(statistic, degrees) : 0);
    }

    /// <summary>The chi-square test of a table of two by two with Yates' correction for continuity.</summary>
    /// <param name="referenceHits">Rows with the property in the reference.</param>
    /// <param name="referenceRows">Rows in the reference.</param>
    /// <param name="currentHits">Rows with the property now.</param>
    /// <param name="currentRows">Rows now.</param>
    /// <returns>The statistic, one degree of freedom and the p-value; degrees and statistic 0 when there is nothing to test.</returns>
    /// <remarks>Source: F. Yates, Contingency tables involving small numbers and the chi-square test, Supplement to the Journal of the Royal Statistical Society 1, 1934.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative, or there are more hits than rows.</exception>
    public static ChiSquareResult ChiSquareYates(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        Guard(referenceHits, referenceRows, currentHits, currentRows);
        double m = referenceRows;
        double n = currentRows;
        double pooled = (referenceHits + (double)currentHits) / (m + n);
        if (m == 0 || n == 0 || pooled is 0 or 1)
        {
            return new ChiSquareResult(0, 0, 1);
        }

        // all four cells are the same distance from what is expected
        double distance = Math.Abs(currentHits - (n * pooled));
        distance -= Math.Min(0.5, distance);
        double statistic = distance * distance * ((1 / m) + (1 / n)) / (pooled * (1 - pooled));
        return new ChiSquareResult(statistic, 1, SpecialFunctions.ChiSquareTail(statistic, 1));
    }

    /// <summary>The pooled Z-test of two shares, two-sided.</summary>
    /// <param name="referenceHits">Rows with the property in the reference.</param>
    /// <param name="referenceRows">Rows in the reference.</param>
    /// <param name="currentHits">Rows with the property now.</param>
    /// <param name="currentRows">Rows now.</param>
    /// <returns>z, positive when the share has grown, and its p-value; asymptotic: at least 5 rows should be expected in each cell. Untested when a sample is empty or nobody or everybody has the property.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative, or there are more hits than rows.</exception>
    public static TwoSampleResult ShareZ(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        Guard(referenceHits, referenceRows, currentHits, currentRows);
        double m = referenceRows;
        double n = currentRows;
        double pooled = (referenceHits + (double)currentHits) / (m + n);
        if (m == 0 || n == 0 || pooled is 0 or 1)
        {
            return TwoSampleResult.Untested;
        }

        double z = ((currentHits / n) - (referenceHits / m)) / Math.Sqrt(pooled * (1 - pooled) * ((1 / m) + (1 / n)));
        return new TwoSampleResult(z, SpecialFunctions.NormalTwoSided(z), PValueKind.Asymptotic);
    }

    /// <summary>Fisher's exact test of two shares, two-sided: the chance, with all margins as they are, of a table no more likely than this one.</summary>
    /// <param name="referenceHits">Rows with the property in the reference.</param>
    /// <param name="referenceRows">Rows in the reference.</param>
    /// <param name="currentHits">Rows with the property now.</param>
    /// <param name="currentRows">Rows now.</param>
    /// <returns>The p-value; takes time and memory in the smaller margin.</returns>
    /// <remarks>Source: R. Fisher, Statistical Methods for Research Workers, 5th edition, 1934, section 21.02.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative, or there are more hits than rows.</exception>
    public static double FisherExactTest(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        Guard(referenceHits, referenceRows, currentHits, currentRows);
        return referenceRows == 0 || currentRows == 0 ? 1 : FisherExact.TwoSided(referenceHits, referenceRows, currentHits, currentRows);
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
        Guard(referenceHits, referenceRows, currentHits, currentRows);
        double pooled = (referenceHits + (double)currentHits) / ((double)referenceRows + currentRows);
        double smallestExpected = Math.Min(referenceRows, currentRows) * Math.Min(pooled, 1 - pooled);
        return smallestExpected is > 0 and < 5
            ? FisherExact.TwoSided(referenceHits, referenceRows, currentHits, currentRows)
            : ShareZ(referenceHits, referenceRows, currentHits, currentRows).PValue;
    }

    /// <summary>The cells of the table: bins in which enough rows are expected in both samples, and the others pooled; a pool that stays too thin joins the smallest bin.</summary>
    private static List<(double Reference, double Current)> Pool(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, double referenceShare, double smallestExpected)
    {
        double smallerShare = Math.Min(referenceShare, 1 - referenceShare);
        var cells = new List<(double Reference, double Current)>(reference.Length);
        (double Reference, double Current) pool = default;
        int smallest = -1;
        for (int i = 0; i < reference.Length; i++)
        {
            double both = (double)reference[i] + current[i];
            if (both == 0)
            {
                continue;
            }

            if (both * smallerShare < smallestExpected)
            {
                pool = (pool.Reference + reference[i], pool.Current + current[i]);
                continue;
            }

            cells.Add((reference[i], current[i]));
            if (smallest < 0 || both < cells[smallest].Reference + cells[smallest].Current)
            {
                smallest = cells.Count - 1;
            }
        }

        double pooled = pool.Reference + pool.Current;
        if (pooled > 0 && smallest >= 0 && pooled * smallerShare < smallestExpected)
        {
            cells[smallest] = (cells[smallest].Reference + pool.Reference, cells[smallest].Current + pool.Current);
        }
        else if (pooled > 0)
        {
            cells.Add(pool);
        }

        return cells;
    }

    private static void Guard(long referenceHits, long referenceRows, long currentHits, long currentRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(referenceHits);
        ArgumentOutOfRangeException.ThrowIfNegative(currentHits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(referenceHits, referenceRows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(currentHits, currentRows);
    }
}

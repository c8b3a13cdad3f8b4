namespace Mlops.Sdk.Data;

/// <summary>Tests and distances of two samples of numbers: is what comes now distributed as it was? Pure: any thread may call it.</summary>
/// <remarks>
/// Write r for the reference (m finite numbers), c for the current sample (n), F for the share of numbers at or below x. Missing and
/// infinite numbers are in no sample: <see cref="SortedSample"/> counts them, and <see cref="DriftStatistics.ShareTest"/> compares such
/// counts. An empty sample tells nothing: distances are 0 and p-values 1. At a million rows every p-value is small: judge by a distance too.
/// </remarks>
public static class TwoSample
{
    /// <summary>The Kolmogorov–Smirnov test, two-sided: D = sup |F_r - F_c|.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>D in [0, 1]; p exact while both samples have at most 10,000 numbers (it takes up to m n D steps then), beyond that from Kolmogorov's distribution at sqrt(m n / (m + n)) D. With ties p is not too small.</returns>
    /// <remarks>Sources: N. Smirnov, Table for estimating the goodness of fit of empirical distributions, Annals of Mathematical Statistics 19, 1948; exact after J. Hodges 1958 and T. Viehmann 2021.</remarks>
    public static TwoSampleResult KolmogorovSmirnov(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return reference.Count == 0 || current.Count == 0
            ? TwoSampleResult.Untested
            : KolmogorovSmirnov(EdfDistances.Of(reference.Values, current.Values), reference.Count, current.Count);
    }

    /// <summary>The Cramér–von Mises test: T = m n / (m + n)² times the sum over the pooled numbers of (F_r - F_c)².</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>T, at least 0; p exact while both samples have at most 20 numbers (as if none were equal), beyond that from the limit after matching mean and variance. Equal numbers share their middle rank.</returns>
    /// <remarks>Source: T. Anderson, On the distribution of the two-sample Cramér–von Mises criterion, Annals of Mathematical Statistics 33, 1962.</remarks>
    public static TwoSampleResult CramerVonMises(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return CramerVonMisesTest.Run(reference.Values, current.Values);
    }

    /// <summary>The Anderson–Darling test for two samples, which looks harder at the tails than <see cref="CramerVonMises"/>; mid-rank version.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>A² less its mean, in standard deviations: above -1.5 or so; p interpolated in the source's table 2 and held in [0.001, 0.25]. Untested below 4 numbers in all and when all are equal.</returns>
    /// <remarks>Source: F. Scholz, M. Stephens, K-sample Anderson–Darling tests, Journal of the American Statistical Association 82, 1987, equation 7.</remarks>
    public static TwoSampleResult AndersonDarling(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return AndersonDarlingTest.Run(reference.Values, current.Values);
    }

    /// <summary>The Mann–Whitney U test: do current numbers tend to be larger, or smaller?</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <param name="alternative">Which change to look for.</param>
    /// <returns>U: the pairs in which the current number is the larger one, ties counted half, so that U / (m n) is the chance of that; p exact while one sample has at most 8 numbers, m n is at most 10,000 and no two are equal, else from the normal distribution with correction for ties and continuity.</returns>
    /// <remarks>Source: H. Mann, D. Whitney, Annals of Mathematical Statistics 18, 1947.</remarks>
    public static TwoSampleResult MannWhitney(SortedSample reference, SortedSample current, Alternative alternative = Alternative.TwoSided)
    {
        Guard(reference, current);
        return MannWhitneyTest.Run(reference.Values, current.Values, alternative);
    }

    /// <summary>Welch's t-test of two means, which does not ask for equal variances; or Student's, which does.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <param name="pooled">Whether to pool the variances: Student's test.</param>
    /// <param name="alternative">Which change to look for.</param>
    /// <returns>t, positive when the current mean is the larger one; p by Student's distribution, exact for normal numbers. Untested below 2 numbers in a sample and when both are constant.</returns>
    /// <remarks>Source: B. Welch, The generalization of "Student's" problem when several different population variances are involved, Biometrika 34, 1947.</remarks>
    public static TwoSampleResult TTest(SortedSample reference, SortedSample current, bool pooled = false, Alternative alternative = Alternative.TwoSided)
    {
        Guard(reference, current);
        return StudentTest.Run(SampleMoments.Of(reference), SampleMoments.Of(current), pooled, alternative);
    }

    /// <summary>The Epps–Singleton test of the empirical characteristic functions at 0.4 and 0.8 per semi-interquartile range of the pool; holds for whole numbers too.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>W, at least 0, corrected when both samples have fewer than 25 numbers; p by chi-square with the rank of the covariance (4 as a rule). Untested below 5 numbers in a sample and when the middle half of the pool is one value.</returns>
    /// <remarks>Source: T. Epps, K. Singleton, Journal of Statistical Computation and Simulation 26, 1986.</remarks>
    public static TwoSampleResult EppsSingleton(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return EppsSingletonTest.Run(reference.Values, current.Values);
    }

    /// <summary>The Wasserstein-1 distance (earth mover's): the integral of |F_r - F_c|, which is how far a number must move on average to turn one sample into the other.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>At least 0, in the numbers' own unit.</returns>
    public static double Wasserstein(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return EdfDistances.Of(reference.Values, current.Values).Wasserstein;
    }

    /// <summary>The Wasserstein-1 distance divided by the larger of the reference's population standard deviation and 0.001, so that features can be compared.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>At least 0, in standard deviations of the reference. By custom 0.1 is worth a look.</returns>
    public static double NormalizedWasserstein(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return Normalize(Wasserstein(reference, current), reference.StandardDeviation);
    }

    /// <summary>The energy distance: the square root of twice the integral of (F_r - F_c)².</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current sample.</param>
    /// <returns>At least 0, in the square root of the numbers' unit.</returns>
    /// <remarks>Source: M. Rizzo, G. Székely, Energy distance, WIREs Computational Statistics 8, 2016.</remarks>
    public static double Energy(SortedSample reference, SortedSample current)
    {
        Guard(reference, current);
        return EdfDistances.Of(reference.Values, current.Values).Energy;
    }

    internal static double Normalize(double wasserstein, double referenceDeviation) => wasserstein / Math.Max(referenceDeviation, 0.001);

    internal static TwoSampleResult KolmogorovSmirnov(EdfDistances distances, int m, int n)
    {
        if (Math.Max(m, n) <= KolmogorovExact.MostRows)
        {
            return new TwoSampleResult(distances.KolmogorovSmirnov, KolmogorovExact.TwoSided(m, n, distances.Largest), PValueKind.Exact);
        }

        double p = SpecialFunctions.KolmogorovTail(Math.Sqrt((double)m / ((double)m + n) * n) * distances.KolmogorovSmirnov);
        return new TwoSampleResult(distances.KolmogorovSmirnov, p, PValueKind.Asymptotic);
    }

    private static void Guard(SortedSample reference, SortedSample current)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
    }
}

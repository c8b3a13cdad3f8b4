namespace Mlops.Sdk.Monitoring;

/// <summary>A way to measure how far a feature has moved. Definitions and sources: <see cref="Data.DriftStatistics"/> and <see cref="Data.TwoSample"/>.</summary>
/// <remarks>A distance drifts at or above its threshold, a test when its p-value is below it.</remarks>
public enum DriftMethod
{
    /// <summary>The population stability index over the reference's bins, nats; threshold 0.25.</summary>
    PopulationStability,

    /// <summary>The population stability index over equal bins of the joint range, as Evidently bins; raw numbers only; threshold 0.1.</summary>
    JointPopulationStability,

    /// <summary>The Kullback–Leibler divergence of the current rows from the reference, nats; threshold 0.1.</summary>
    KullbackLeibler,

    /// <summary>The Jensen–Shannon distance to base 2; threshold 0.1.</summary>
    JensenShannon,

    /// <summary>The Jensen–Shannon distance to base e, as Evidently has it; threshold 0.1.</summary>
    NaturalJensenShannon,

    /// <summary>The Hellinger distance; threshold 0.1.</summary>
    Hellinger,

    /// <summary>The total variation; threshold 0.1.</summary>
    TotalVariation,

    /// <summary>The largest difference of two shares (L-infinity); threshold 0.1.</summary>
    LargestDifference,

    /// <summary>The Wasserstein-1 distance in the numbers' own unit; has no default threshold.</summary>
    Wasserstein,

    /// <summary>The Wasserstein-1 distance in standard deviations of the reference; threshold 0.1.</summary>
    NormalizedWasserstein,

    /// <summary>The energy distance; threshold 0.1.</summary>
    Energy,

    /// <summary>The Kolmogorov–Smirnov test; threshold 0.05.</summary>
    KolmogorovSmirnov,

    /// <summary>The Cramér–von Mises test; raw numbers only; threshold 0.05.</summary>
    CramerVonMises,

    /// <summary>The Anderson–Darling test; raw numbers only; threshold 0.05.</summary>
    AndersonDarling,

    /// <summary>The Epps–Singleton test; raw numbers only; threshold 0.05.</summary>
    EppsSingleton,

    /// <summary>The Mann–Whitney test, two-sided; raw numbers only; threshold 0.05.</summary>
    MannWhitney,

    /// <summary>Welch's t-test, two-sided; threshold 0.05.</summary>
    WelchT,

    /// <summary>Student's t-test with pooled variance, two-sided; threshold 0.05.</summary>
    StudentT,

    /// <summary>The chi-square test of the contingency table; threshold 0.05.</summary>
    ChiSquare,

    /// <summary>The G-test; threshold 0.05.</summary>
    GTest,

    /// <summary>The Z-test of two shares; two values or bins only; threshold 0.05.</summary>
    ShareZ,

    /// <summary>Fisher's exact test; two values or bins only; threshold 0.05.</summary>
    FisherExact,
}

/// <summary>By which rule features are judged that have no method of their own.</summary>
public enum DriftSelection
{
    /// <summary>A change must be large (population stability index) and significant (chi-square, adjusted over all tests of the report); shares of missing, infinite and unseen values are judged too.</summary>
    EffectAndSignificance,

    /// <summary>
    /// One method by type and size, as Evidently selects: up to 1,000 rows of reference a test at 0.05 (Kolmogorov–Smirnov for numbers with
    /// more than 5 values, Z for two values, else chi-square), above that a distance at 0.1 (normalised Wasserstein, or Jensen–Shannon to
    /// base e), p-values as they are, and the whole drifts when half of the features do. Where a method needs raw numbers and there is a
    /// window's bins only, the feature is judged by the first rule.
    /// </summary>
    BySize,
}

/// <summary>What a statistic was computed from.</summary>
public enum DriftBasis
{
    /// <summary>All numbers or categories themselves: exact.</summary>
    Samples,

    /// <summary>Counts per bin of the reference.</summary>
    Bins,

    /// <summary>Counts, means and variances: exact for the tests that need no more.</summary>
    Moments,

    /// <summary>Sketches: the value is within <see cref="DriftStatistic.Error"/> of the exact one with 99 % confidence for each of the two.</summary>
    Sketches,
}

/// <summary>A method of a feature's own.</summary>
public sealed class DriftChoice
{
    /// <summary>Gets or sets the method.</summary>
    /// <value>The default is the population stability index.</value>
    public DriftMethod Method { get; set; }

    /// <summary>Gets or sets from where on it is drift: at or above for a distance, below for the p-value of a test.</summary>
    /// <value>Above 0. Null, the default, takes the one that <see cref="DriftMethod"/> names.</value>
    public double? Threshold { get; set; }
}

/// <summary>One measure of how far a feature has moved.</summary>
/// <param name="Method">The method.</param>
/// <param name="Value">The statistic or distance, finite.</param>
public sealed record DriftStatistic(DriftMethod Method, double Value)
{
    /// <summary>Gets the p-value, or null for a distance.</summary>
    public double? PValue { get; init; }

    /// <summary>Gets how the p-value was come by.</summary>
    public Data.PValueKind PValueKind { get; init; }

    /// <summary>Gets what it was computed from.</summary>
    public DriftBasis Basis { get; init; }

    /// <summary>Gets by how much the exact value can differ: for bins by how much it can be larger, for sketches either way; null when it is exact or has no such bound.</summary>
    public double? Error { get; init; }

    /// <summary>Gets the threshold it was judged by, or null when it decided nothing.</summary>
    public double? Threshold { get; init; }

    /// <summary>Gets whether it passed its threshold, or null when it decided nothing.</summary>
    public bool? Drifted { get; init; }
}

/// <summary>What is fixed about the methods.</summary>
internal static class DriftMethods
{
    internal static bool IsTest(this DriftMethod method) => method >= DriftMethod.KolmogorovSmirnov;

    internal static double? DefaultThreshold(this DriftMethod method) => method switch
    {
        DriftMethod.PopulationStability => 0.25,
        DriftMethod.Wasserstein => null,
        _ => method.IsTest() ? 0.05 : 0.1,
    };

    /// <summary>The measure's name in a signal.</summary>
    internal static string SignalName(this DriftMethod method) => method switch
    {
        DriftMethod.PopulationStability => "psi",
        DriftMethod.JointPopulationStability => "psi_joint",
        DriftMethod.KullbackLeibler => "kullback_leibler",
        DriftMethod.JensenShannon => "jensen_shannon",
        DriftMethod.NaturalJensenShannon => "jensen_shannon_natural",
        DriftMethod.Hellinger => "hellinger",
        DriftMethod.TotalVariation => "total_variation",
        DriftMethod.LargestDifference => "largest_difference",
        DriftMethod.Wasserstein => "wasserstein",
        DriftMethod.NormalizedWasserstein => "wasserstein_normalized",
        DriftMethod.Energy => "energy",
        DriftMethod.KolmogorovSmirnov => "kolmogorov_smirnov",
        DriftMethod.CramerVonMises => "cramer_von_mises",
        DriftMethod.AndersonDarling => "anderson_darling",
        DriftMethod.EppsSingleton => "epps_singleton",
        DriftMethod.MannWhitney => "mann_whitney",
        DriftMethod.WelchT => "welch_t",
        DriftMethod.StudentT => "student_t",
        DriftMethod.ChiSquare => "chi_square",
        DriftMethod.GTest => "g_test",
        DriftMethod.ShareZ => "share_z",
        _ => "fisher_exact",
    };
}

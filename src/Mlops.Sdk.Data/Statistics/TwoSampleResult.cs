namespace Mlops.Sdk.Data;

/// <summary>How a p-value was come by.</summary>
public enum PValueKind
{
    /// <summary>There was nothing to test: a sample is empty or too small, or nothing varies. The p-value is 1.</summary>
    None,

    /// <summary>From the exact distribution of the statistic.</summary>
    Exact,

    /// <summary>From the distribution that the statistic tends to as samples grow.</summary>
    Asymptotic,

    /// <summary>Interpolated in a published table and held within its range.</summary>
    Interpolated,
}

/// <summary>Which change a test looks for.</summary>
public enum Alternative
{
    /// <summary>Any.</summary>
    TwoSided,

    /// <summary>The current numbers are larger.</summary>
    Greater,

    /// <summary>The current numbers are smaller.</summary>
    Less,
}

/// <summary>The outcome of a test of two samples.</summary>
/// <param name="Statistic">The statistic, finite; 0 when there was nothing to test.</param>
/// <param name="PValue">The probability of a statistic at least this extreme when nothing has changed, in [0, 1].</param>
/// <param name="Kind">How the p-value was come by.</param>
public readonly record struct TwoSampleResult(double Statistic, double PValue, PValueKind Kind)
{
    /// <summary>Gets the degrees of freedom, or 0 where the test has none. Those of Welch's test need not be whole.</summary>
    public double DegreesOfFreedom { get; init; }

    /// <summary>Gets the outcome when there was nothing to test.</summary>
    internal static TwoSampleResult Untested => new(0, 1, PValueKind.None);
}

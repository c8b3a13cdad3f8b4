namespace Mlops.Sdk.Data;

/// <summary>The t-tests of two means, from counts, means and squared deviations alone: they hold for windows as exactly as for samples.</summary>
internal static class StudentTest
{
    /// <summary>Tests; the statistic is positive when the current mean is the larger one.</summary>
    internal static TwoSampleResult Run(SampleMoments reference, SampleMoments current, bool pooled, Alternative alternative)
    {
        (double m, double n) = (reference.Count, current.Count);
        if (m < 2 || n < 2)
        {
            return TwoSampleResult.Untested;
        }

        double ofReference = reference.SquaredDeviations / (m - 1) / m; // squared standard errors
        double ofCurrent = current.SquaredDeviations / (n - 1) / n;
        double degrees;
        double error;
        if (pooled)
        {
            degrees = m + n - 2;
            error = Math.Sqrt((reference.SquaredDeviations + current.SquaredDeviations) / degrees * ((1 / m) + (1 / n)));
        }
        else
        {
            double sum = ofReference + ofCurrent;
            error = Math.Sqrt(sum);
            degrees = sum * sum / ((ofReference * ofReference / (m - 1)) + (ofCurrent * ofCurrent / (n - 1)));
        }

        double difference = current.Mean - reference.Mean;
        if (!(error > 0))
        {
            return TwoSampleResult.Untested; // two constants: there is no error to measure their difference by
        }

        double t = difference / error;
        double beyond = SpecialFunctions.StudentTwoSided(t, degrees);
        double p = alternative switch
        {
            Alternative.Greater => t > 0 ? beyond / 2 : 1 - (beyond / 2),
            Alternative.Less => t < 0 ? beyond / 2 : 1 - (beyond / 2),
            _ => beyond,
        };
        return new TwoSampleResult(t, p, PValueKind.Exact) { DegreesOfFreedom = degrees };
    }
}

/// <summary>What the t-tests need of a sample.</summary>
/// <param name="Count">How many numbers.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="SquaredDeviations">The sum of their squared deviations from the mean.</param>
internal readonly record struct SampleMoments(double Count, double Mean, double SquaredDeviations)
{
    internal static SampleMoments Of(SortedSample sample) => new(sample.Count, sample.Mean, sample.SquaredDeviations);
}

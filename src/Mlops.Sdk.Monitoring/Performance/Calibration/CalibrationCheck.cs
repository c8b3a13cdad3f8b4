using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>How far probabilities are from the shares that came true.</summary>
public sealed record CalibrationCheck
{
    /// <summary>Gets how many rows.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the expected calibration error: over ten bins of equally many rows (equal probabilities stay in one bin), the mean distance between mean probability and share of positives, weighted by rows.</summary>
    public required double Error { get; init; }

    /// <summary>Gets the reliability curve: [mean probability, share of positives, rows] for each bin, lowest first.</summary>
    public required IReadOnlyList<double[]> Curve { get; init; }

    /// <summary>Gets the slope of the logistic regression of the truth on the log-odds: 1 when calibrated, below 1 when probabilities are too far out; null when it does not converge.</summary>
    public double? Slope { get; init; }

    /// <summary>Gets the intercept of that regression: 0 when calibrated, above 0 when probabilities are too low; null when it does not converge.</summary>
    public double? Intercept { get; init; }

    /// <summary>Gets Spiegelhalter's z: 0 on average when calibrated. D. Spiegelhalter, Statistics in Medicine 5 (1986).</summary>
    public double SpiegelhalterZ { get; init; }

    /// <summary>Gets the two-sided p-value of <see cref="SpiegelhalterZ"/>.</summary>
    public double SpiegelhalterPValue { get; init; }

    /// <summary>Gets the statistic of D. Hosmer and S. Lemeshow (1980) over the bins of the curve.</summary>
    public double HosmerLemeshow { get; init; }

    /// <summary>Gets its p-value by the chi-square distribution with as many degrees of freedom as bins: the probabilities were not fitted to these rows.</summary>
    public double HosmerLemeshowPValue { get; init; }

    /// <summary>Checks probabilities against the truth.</summary>
    /// <param name="probabilities">The probabilities of yes, in [0, 1].</param>
    /// <param name="actual">The truth, as many.</param>
    /// <returns>The check, or null when there is no row.</returns>
    /// <exception cref="ArgumentException">The lengths differ, or a probability is outside [0, 1].</exception>
    public static CalibrationCheck? Of(IReadOnlyList<double> probabilities, IReadOnlyList<bool> actual)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(actual);
        if (probabilities.Count != actual.Count || !probabilities.All(p => p is >= 0 and <= 1))
        {
            throw new ArgumentException($"{probabilities.Count} probabilities in [0, 1] and as many truths are needed; {actual.Count} truths were given, or a probability is outside.", nameof(probabilities));
        }

        if (actual.Count == 0)
        {
            return null;
        }

        double[] p = [.. probabilities];
        double[] y = [.. actual.Select(a => a ? 1.0 : 0.0)];
        Array.Sort(p, y);
        List<double[]> curve = Bins(p, y, 10);
        double hosmer = 0;
        double error = 0;
        foreach (double[] bin in curve)
        {
            double spread = bin[2] * bin[0] * (1 - bin[0]);
            double difference = bin[2] * (bin[1] - bin[0]);
            hosmer += spread > 0 ? difference * difference / spread : 0;
            error += Math.Abs(difference) / p.Length;
        }

        double z = SpiegelhalterOf(p, y);
        (double Intercept, double Slope)? line = Recalibration.Fit(p, y);
        return new CalibrationCheck
        {
            Rows = p.Length,
            Error = error,
            Curve = curve,
            Slope = line?.Slope,
            Intercept = line?.Intercept,
            SpiegelhalterZ = z,
            SpiegelhalterPValue = SpecialFunctions.NormalTwoSided(z),
            HosmerLemeshow = hosmer,
            HosmerLemeshowPValue = SpecialFunctions.ChiSquareTail(hosmer, curve.Count),
        };
    }

    /// <summary>The expected calibration error of scores taken as probabilities.</summary>
    internal static double ErrorOf(double[] probabilities, bool[] actual)
    {
        double[] p = [.. probabilities];
        double[] y = Array.ConvertAll(actual, a => a ? 1.0 : 0.0);
        Array.Sort(p, y);
        return Bins(p, y, 10).Sum(b => b[2] * Math.Abs(b[1] - b[0])) / p.Length;
    }

    private static double SpiegelhalterOf(double[] p, double[] y)
    {
        double sum = 0;
        double variance = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double lean = 1 - (2 * p[i]);
            sum += (y[i] - p[i]) * lean;
            variance += lean * lean * p[i] * (1 - p[i]);
        }

        return variance > 0 ? sum / Math.Sqrt(variance) : 0;
    }

    /// <summary>Bins of equally many rows, as far as equal probabilities allow: a bin ends at the first change of probability at or after its share of the rows.</summary>
    private static List<double[]> Bins(double[] p, double[] y, int bins)
    {
        var curve = new List<double[]>(bins);
        int start = 0;
        double probability = 0;
        double positives = 0;
        for (int i = 0; i < p.Length; i++)
        {
            probability += p[i];
            positives += y[i];
            bool last = i + 1 == p.Length;
            if (last || (p[i + 1] != p[i] && i + 1 >= (double)p.Length * (curve.Count + 1) / bins))
            {
                double rows = i + 1 - start;
                curve.Add([probability / rows, positives / rows, rows]);
                (start, probability, positives) = (i + 1, 0, 0);
            }
        }

        return curve;
    }
}

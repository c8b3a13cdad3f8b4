namespace Mlops.Sdk.Monitoring;

/// <summary>The logistic regression of the truth on the log-odds of a probability, by Newton's method. D. Cox, Biometrika 45 (1958).</summary>
internal static class Recalibration
{
    private const double Clip = 1e-9;
    private const int MaxSteps = 60;

    /// <returns>Intercept and slope, or null when one class is absent, all probabilities are equal, or the two classes are told apart without fault.</returns>
    internal static (double Intercept, double Slope)? Fit(double[] probabilities, double[] actual)
    {
        double[] odds = Array.ConvertAll(probabilities, p => Math.Log(Math.Clamp(p, Clip, 1 - Clip) / (1 - Math.Clamp(p, Clip, 1 - Clip))));
        double intercept = 0;
        double slope = 1;
        for (int step = 0; step < MaxSteps; step++)
        {
            (double g0, double g1, double h00, double h01, double h11) = (0, 0, 0, 0, 0);
            for (int i = 0; i < odds.Length; i++)
            {
                double p = 1 / (1 + Math.Exp(-(intercept + (slope * odds[i]))));
                double w = p * (1 - p);
                g0 += actual[i] - p;
                g1 += (actual[i] - p) * odds[i];
                h00 += w;
                h01 += w * odds[i];
                h11 += w * odds[i] * odds[i];
            }

            double determinant = (h00 * h11) - (h01 * h01);
            if (!(determinant > 1e-12 * Math.Max(1e-300, h00 * h11)))
            {
                return null;
            }

            double d0 = ((h11 * g0) - (h01 * g1)) / determinant;
            double d1 = ((h00 * g1) - (h01 * g0)) / determinant;

            // a long step is cut, so that far starts do not run away
            double cut = Math.Min(1, 5 / Math.Max(1e-300, Math.Max(Math.Abs(d0), Math.Abs(d1))));
            intercept += cut * d0;
            slope += cut * d1;
            if (!double.IsFinite(intercept) || !double.IsFinite(slope) || Math.Abs(intercept) > 1e3 || Math.Abs(slope) > 1e3)
            {
                return null;
            }

            if (Math.Abs(d0) < 1e-12 && Math.Abs(d1) < 1e-12)
            {
                return (intercept, slope);
            }
        }

        return null;
    }
}

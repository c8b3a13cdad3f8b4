namespace Mlops.Sdk.Data;

/// <summary>The functions behind p-values. Relative error below 1e-12 over the ranges used here.</summary>
internal static class SpecialFunctions
{
    private const int MaxTerms = 100_000;
    private const double Tiny = 1e-300;

    // Lanczos approximation, g = 7, nine terms: P. Godfrey, A note on the computation of the convergent Lanczos complex Gamma approximation, 2001.
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
        12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The logarithm of the gamma function.</summary>
    /// <param name="x">At least 0.5.</param>
    internal static double LogGamma(double x)
    {
        double z = x - 1;
        double sum = Lanczos[0];
        for (int i = 1; i < Lanczos.Length; i++)
        {
            sum += Lanczos[i] / (z + i);
        }

        double t = z + 7.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((z + 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }

    /// <summary>The upper regularised incomplete gamma function Q(a, x): the series below a + 1, Lentz's continued fraction above.</summary>
    /// <param name="a">At least 0.5.</param>
    /// <param name="x">At least 0.</param>
    /// <returns>In [0, 1].</returns>
    /// <remarks>Source: Press et al., Numerical Recipes, 3rd edition, section 6.2.</remarks>
    internal static double UpperGamma(double a, double x)
    {
        if (!(x > 0))
        {
            return 1;
        }

        if (double.IsPositiveInfinity(x))
        {
            return 0;
        }

        double scale = Math.Exp(-x + (a * Math.Log(x)) - LogGamma(a));
        return x < a + 1 ? 1 - Math.Min(1, scale * Series(a, x)) : scale * Fraction(a, x);
    }

    /// <summary>The probability of a chi-square value at least this large.</summary>
    internal static double ChiSquareTail(double value, int degreesOfFreedom) =>
        degreesOfFreedom <= 0 ? 1 : UpperGamma(degreesOfFreedom / 2.0, value / 2);

    /// <summary>The probability of a standard normal value at least this far from 0, on either side.</summary>
    internal static double NormalTwoSided(double z) => UpperGamma(0.5, z * z / 2);

    /// <summary>The standard normal distribution function.</summary>
    internal static double NormalCdf(double z) => z >= 0 ? 1 - (NormalTwoSided(z) / 2) : NormalTwoSided(z) / 2;

    /// <summary>The tail of the Kolmogorov distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2), below 1.18 by its theta transform, where the sum converges slowly.</summary>
    internal static double KolmogorovTail(double x)
    {
        if (!(x > 0.04))
        {
            return 1; // the distribution function is below 1e-300 here
        }

        double sum = 0;
        if (x < 1.18)
        {
            double step = -Math.PI * Math.PI / (8 * x * x);
            for (int k = 1; k <= 9; k += 2)
            {
                sum += Math.Exp(step * k * k);
            }

            return 1 - (Math.Sqrt(2 * Math.PI) / x * sum);
        }

        for (int k = 1; k <= 10; k++)
        {
            sum += (k % 2 == 1 ? 2 : -2) * Math.Exp(-2.0 * k * k * x * x);
        }

        return sum;
    }

    private static double Series(double a, double x)
    {
        double term = 1 / a;
        double sum = term;
        for (int n = 1; n < MaxTerms && term > sum * 1e-17; n++)
        {
            term *= x / (a + n);
            sum += term;
        }

        return sum;
    }

    private static double Fraction(double a, double x)
    {
        double b = x + 1 - a;
        double c = 1 / Tiny;
        double d = 1 / b;
        double h = d;
        for (int i = 1; i < MaxTerms; i++)
        {
            double an = -i * (i - a);
            b += 2;
            d = (an * d) + b;
            d = 1 / (Math.Abs(d) < Tiny ? Tiny : d);
            c = b + (an / c);
            c = Math.Abs(c) < Tiny ? Tiny : c;
            double change = d * c;
            h *= change;
            if (Math.Abs(change - 1) < 1e-16)
            {
                break;
            }
        }

        return h;
    }
}

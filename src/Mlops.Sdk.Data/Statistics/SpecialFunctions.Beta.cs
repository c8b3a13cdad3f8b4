namespace Mlops.Sdk.Data;

internal static partial class SpecialFunctions
{
    /// <summary>The probability of a Student value at least this far from 0, on either side.</summary>
    /// <param name="t">The value.</param>
    /// <param name="degrees">The degrees of freedom, above 0; need not be whole.</param>
    internal static double StudentTwoSided(double t, double degrees)
    {
        double square = t * t;
        if (!double.IsFinite(square))
        {
            return 0;
        }

        return Beta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square));
    }

    /// <summary>The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction.</summary>
    /// <param name="a">Above 0.</param>
    /// <param name="b">Above 0.</param>
    /// <param name="x">In [0, 1].</param>
    /// <param name="y">1 - x, given apart because it may be tiny.</param>
    /// <remarks>Source: Press et al., Numerical Recipes, 3rd edition, section 6.4.</remarks>
    internal static double Beta(double a, double b, double x, double y)
    {
        if (x <= 0 || y <= 0)
        {
            return x <= 0 ? 0 : 1;
        }

        double front = Math.Exp((a * LogOf(x, y)) + (b * LogOf(y, x)) - LogBeta(a, b));
        return x < (a + 1) / (a + b + 2)
            ? front * BetaFraction(a, b, x) / a
            : 1 - (front * BetaFraction(b, a, y) / b);
    }

    /// <summary>ln x where 1 - x is known better than x.</summary>
    private static double LogOf(double x, double oneMinus) => oneMinus < 0.1 ? LogOnePlus(-oneMinus) : Math.Log(x);

    private static double LogOnePlus(double x)
    {
        double y = 1 + x;
        return y == 1 ? x : Math.Log(y) * x / (y - 1); // the error of y cancels in the quotient
    }

    private static double LogBeta(double a, double b)
    {
        (double small, double large) = a < b ? (a, b) : (b, a);
        if (small == 0.5 && large > 60)
        {
            // ln(gamma(a + 1/2) / gamma(a)): both are too large to subtract
            double inverse = 1 / large;
            double ratio = (0.5 * Math.Log(large)) - (inverse * (0.125 - (inverse * inverse * ((1.0 / 192) - (inverse * inverse * (1.0 / 640))))));
            return (0.5 * Math.Log(Math.PI)) - ratio;
        }

        return LogGammaAll(a) + LogGammaAll(b) - LogGammaAll(a + b);
    }

    private static double LogGammaAll(double x) => x < 0.5 ? LogGamma(x + 1) - Math.Log(x) : LogGamma(x);

    private static double BetaFraction(double a, double b, double x)
    {
        double c = 1;
        double d = 1 / Away(1 - ((a + b) * x / (a + 1)));
        double h = d;
        for (int i = 1; i < MaxTerms; i++)
        {
            double even = i * (b - i) * x / ((a + (2 * i) - 1) * (a + (2 * i)));
            d = 1 / Away(1 + (even * d));
            c = Away(1 + (even / c));
            h *= d * c;
            double odd = -(a + i) * (a + b + i) * x / ((a + (2 * i)) * (a + (2 * i) + 1));
            d = 1 / Away(1 + (odd * d));
            c = Away(1 + (odd / c));
            double change = d * c;
            h *= change;
            if (Math.Abs(change - 1) < 1e-16)
            {
                break;
            }
        }

        return h;

        static double Away(double value) => Math.Abs(value) < Tiny ? Tiny : value;
    }
}

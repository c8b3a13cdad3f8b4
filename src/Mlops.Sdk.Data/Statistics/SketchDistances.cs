namespace Mlops.Sdk.Data;

/// <summary>The distances of the step functions F_r and F_c of two samples of which sketches are left, each with how far it can be from the exact one, with 99 % confidence for each sketch.</summary>
/// <param name="KolmogorovSmirnov">sup |F_r - F_c|, in [0, 1].</param>
/// <param name="KolmogorovSmirnovError">The sum of both sketches' <see cref="QuantileSketch.CurveError"/>.</param>
/// <param name="PValue">The asymptotic p-value of <paramref name="KolmogorovSmirnov"/> as it stands; 1 where a sketch is empty.</param>
/// <param name="Wasserstein">The integral of |F_r - F_c|, in the numbers' own unit.</param>
/// <param name="WassersteinError">The same sum times the joint range of the numbers, of which the sketches know the ends exactly.</param>
/// <param name="Energy">sqrt(2 times the integral of (F_r - F_c)²).</param>
/// <param name="EnergyError">The same sum times sqrt(2 times the joint range).</param>
public readonly record struct SketchDistances(double KolmogorovSmirnov, double KolmogorovSmirnovError, double PValue, double Wasserstein, double WassersteinError, double Energy, double EnergyError)
{
    /// <summary>Compares two sketches. Both are exact, and so is the result, while they have thrown nothing away.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="current">The current numbers.</param>
    /// <returns>The distances; all 0 when a sketch is empty.</returns>
    public static SketchDistances Of(QuantileSketch reference, QuantileSketch current)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        if (reference.Count == 0 || current.Count == 0)
        {
            return new SketchDistances(0, 0, 1, 0, 0, 0, 0);
        }

        IReadOnlyList<WeightedValue> r = reference.Points;
        IReadOnlyList<WeightedValue> c = current.Points;
        double m = reference.Count;
        double n = current.Count;
        double largest = 0;
        double area = 0;
        double square = 0;
        double upToReference = 0;
        double upToCurrent = 0;
        double last = Math.Min(r[0].Value, c[0].Value);
        int i = 0;
        int j = 0;
        while (i < r.Count || j < c.Count)
        {
            double value = Math.Min(i < r.Count ? r[i].Value : double.PositiveInfinity, j < c.Count ? c[j].Value : double.PositiveInfinity);
            double height = Math.Abs((upToReference / m) - (upToCurrent / n));
            area += height * (value - last);
            square += height * height * (value - last);
            for (; i < r.Count && r[i].Value == value; i++)
            {
                upToReference += r[i].Weight;
            }

            for (; j < c.Count && c[j].Value == value; j++)
            {
                upToCurrent += c[j].Weight;
            }

            largest = Math.Max(largest, Math.Abs((upToReference / m) - (upToCurrent / n)));
            last = value;
        }

        double error = reference.CurveError + current.CurveError;
        double range = Math.Max(reference.Maximum, current.Maximum) - Math.Min(reference.Minimum, current.Minimum);
        double p = SpecialFunctions.KolmogorovTail(Math.Sqrt(m / (m + n) * n) * largest);
        return new SketchDistances(largest, error, p, area, error * range, Math.Sqrt(2 * square), error * Math.Sqrt(2 * range));
    }
}

using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>A change of unit or scale that explains how numbers moved.</summary>
/// <param name="Name">What it is, such as <c>x 1000</c> or <c>°C to °F</c>.</param>
/// <param name="Factor">The factor, or NaN where it is none.</param>
/// <param name="Sureness">How much better it explains the numbers than the next best explanation, in [0, 1].</param>
internal sealed record UnitGuess(string Name, double Factor, double Sureness)
{
    private const double WorstResidual = 0.12;
    private const double LeastSureness = 0.75;
    private const double SmallestFreeFactor = 2.5;

    private static readonly (string Name, double Factor)[] Factors =
    [
        ("x 1000", 1000), ("x 0.001", 0.001), ("x 1000000", 1e6), ("x 0.000001", 1e-6), ("x 100", 100), ("x 0.01", 0.01), ("x 10", 10), ("x 0.1", 0.1),
        ("x 60", 60), ("x 1/60", 1 / 60.0), ("x 3600", 3600), ("x 1/3600", 1 / 3600.0), ("x 24", 24), ("x 1/24", 1 / 24.0), ("x 86400", 86400), ("x 1/86400", 1 / 86400.0), ("x 7", 7), ("x 12", 12), ("x 1/12", 1 / 12.0),
        ("miles to kilometres (x 1.609)", 1.609344), ("kilometres to miles (x 0.621)", 1 / 1.609344), ("feet to metres (x 0.3048)", 0.3048), ("metres to feet (x 3.281)", 1 / 0.3048),
        ("inches to centimetres (x 2.54)", 2.54), ("centimetres to inches (x 0.394)", 1 / 2.54), ("kilograms to pounds (x 2.205)", 1 / 0.45359237), ("pounds to kilograms (x 0.454)", 0.45359237),
        ("knots to km/h (x 1.852)", 1.852), ("km/h to knots (x 0.540)", 1 / 1.852), ("m/s to km/h (x 3.6)", 3.6), ("km/h to m/s (x 0.278)", 1 / 3.6), ("knots to m/s (x 0.514)", 1.852 / 3.6), ("m/s to knots (x 1.944)", 3.6 / 1.852),
        ("kcal to kJ (x 4.184)", 4.184), ("kJ to kcal (x 0.239)", 1 / 4.184), ("radians to degrees (x 57.3)", 180 / Math.PI), ("degrees to radians (x 0.01745)", Math.PI / 180), ("sign changed (x -1)", -1),
    ];

    private static readonly (string Name, Func<double, double> Change)[] Scales =
    [
        ("°C to °F", x => (x * 1.8) + 32), ("°F to °C", x => (x - 32) / 1.8), ("°C to K", x => x + 273.15), ("K to °C", x => x - 273.15), ("°F to K", x => ((x - 32) / 1.8) + 273.15), ("K to °F", x => ((x - 273.15) * 1.8) + 32),
        ("natural logarithm", Math.Log), ("logarithm to base 10", Math.Log10), ("logarithm to base 2", Math.Log2), ("log(1 + x)", x => Math.Log(1 + x)),
        ("exponential", Math.Exp), ("10 to the power of x", x => Math.Pow(10, x)), ("exp(x) - 1", x => Math.Exp(x) - 1), ("square", x => x * x), ("square root", Math.Sqrt),
    ];

    /// <summary>Looks for the change that turns one set of quantiles into another.</summary>
    /// <param name="training">Quantiles before, not decreasing, shape [ranks].</param>
    /// <param name="serving">Quantiles now at the same ranks, shape [ranks].</param>
    /// <returns>The change, or null when none explains the numbers well and much better than no change or a mere shift.</returns>
    /// <remarks>
    /// A change's residual is the mean distance between the changed training quantiles and the serving ones, over the wider of both
    /// interquartile ranges. It is accepted when the residual is at most 0.12 and at most a quarter of that of no change and of the best
    /// shift by a constant. How sure it is: 1 minus the residual over that of the next best explanation of another kind.
    /// </remarks>
    internal static UnitGuess? Of(ReadOnlySpan<double> training, ReadOnlySpan<double> serving)
    {
        int n = training.Length;
        double[] from = training.ToArray();
        double[] to = serving.ToArray();
        if (n < 5 || n != to.Length || from[0] == from[^1] || to[0] == to[^1] || !Array.TrueForAll(from, double.IsFinite) || !Array.TrueForAll(to, double.IsFinite))
        {
            return null;
        }

        return Choose(change => Residual([.. from.Select(change)], to), from[n / 2], to[n / 2], [.. from.Zip(to).Where(p => p.First != 0).Select(p => p.Second / p.First).Where(double.IsFinite).Order()]);
    }

    /// <summary>Looks for a factor or a change of temperature scale by means and standard deviations alone, where quantiles are not known.</summary>
    internal static UnitGuess? OfMoments(double trainingMean, double trainingDeviation, double servingMean, double servingDeviation)
    {
        if (!(trainingDeviation > 0 && servingDeviation > 0) || !double.IsFinite(servingMean + servingDeviation + trainingMean + trainingDeviation))
        {
            return null;
        }

        // two points one standard deviation either side of the mean stand for the distribution: right for changes that are straight lines
        double[] from = [trainingMean - trainingDeviation, trainingMean, trainingMean + trainingDeviation];
        double[] to = [servingMean - servingDeviation, servingMean, servingMean + servingDeviation];
        return Choose(
            change => from.Select(change).ToArray() is [var low, var middle, var high] && Math.Abs(low + high - (2 * middle)) <= 1e-9 * (Math.Abs(low) + Math.Abs(high))
                ? Residual([low, middle, high], to)
                : double.PositiveInfinity,
            trainingMean,
            servingMean,
            trainingMean == 0 ? [] : [servingMean / trainingMean]);
    }

    private static UnitGuess? Choose(Func<Func<double, double>, double> residual, double middle, double middleNow, double[] ratios)
    {
        double none = residual(x => x);
        double shift = residual(x => x + middleNow - middle);
        Tried[] tried =
        [
            .. Factors.Select(f => new Tried(f.Name, f.Factor, residual(x => x * f.Factor), f.Name)),
            .. Scales.Select(s => new Tried(s.Name, double.NaN, residual(s.Change), FamilyOf(s.Name))),
        ];
        Array.Sort(tried, (a, b) => a.Residual.CompareTo(b.Residual));
        Tried best = tried[0];
        double plain = best.Name is "°C to K" or "K to °C" ? none : Math.Min(none, shift); // these two are shifts themselves
        if (best.Residual <= WorstResidual && best.Residual <= plain * (1 - LeastSureness))
        {
            Tried next = tried.First(t => t.Family != best.Family);

            // of changes that hardly differ the plain one is told
            best = tried.Where(t => t.Family == best.Family && t.Residual <= (2 * best.Residual) + 0.01).MinBy(t => Array.FindIndex(Scales, s => s.Name == t.Name))!;
            return new UnitGuess(best.Name, best.Factor, Sure(best.Residual, Math.Min(plain, next.Residual)));
        }

        // a factor that nobody has a name for: only where it is far from 1
        double factor = ratios.Length == 0 ? 1 : ratios[ratios.Length / 2];
        if (Math.Abs(factor) is > 0 and var size && (size >= SmallestFreeFactor || size <= 1 / SmallestFreeFactor)
            && residual(x => x * factor) is var free && free <= WorstResidual && free <= Math.Min(none, shift) * (1 - LeastSureness))
        {
            return new UnitGuess(string.Create(CultureInfo.InvariantCulture, $"x {factor:G3}"), factor, Sure(free, Math.Min(Math.Min(none, shift), best.Residual)));
        }

        return null;
    }

    /// <summary>Changes that differ by so little that they do not compete.</summary>
    private static string FamilyOf(string name) => name is "natural logarithm" or "log(1 + x)" ? "logarithm" : name is "exponential" or "exp(x) - 1" ? "exponential" : name;

    private static double Sure(double residual, double other) => other > 0 ? Math.Clamp(1 - (residual / other), 0, 1) : 0;

    private static double Residual(double[] changed, double[] to)
    {
        if (!Array.TrueForAll(changed, double.IsFinite))
        {
            return double.PositiveInfinity;
        }

        if (changed[0] > changed[^1])
        {
            changed = [.. changed.Reverse()]; // a change that turns the order round
        }

        double spread = Math.Max(Math.Abs(changed[changed.Length * 3 / 4] - changed[changed.Length / 4]), Math.Abs(to[to.Length * 3 / 4] - to[to.Length / 4]));
        spread = spread > 0 ? spread : Math.Max(changed[^1] - changed[0], to[^1] - to[0]);
        double sum = 0;
        for (int i = 0; i < to.Length; i++)
        {
            sum += Math.Abs(changed[i] - to[i]);
        }

        return sum / to.Length / spread;
    }

    private sealed record Tried(string Name, double Factor, double Residual, string Family);
}

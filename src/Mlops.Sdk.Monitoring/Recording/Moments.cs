using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Sums of differences from the first value, so that squares do not cancel wherever the values lie.</summary>
internal struct Moments
{
    internal static readonly Moments None = new() { Minimum = float.PositiveInfinity, Maximum = float.NegativeInfinity };

    internal long Values;
    internal double Shift;
    internal double Sum;
    internal double Squares;
    internal float Minimum;
    internal float Maximum;

    internal readonly double Mean => Values == 0 ? 0 : Shift + (Sum / Values);

    internal readonly double SquaredDeviations => Values == 0 ? 0 : Math.Max(0, Squares - (Sum / Values * Sum));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Add(float value)
    {
        if (Values++ == 0)
        {
            Shift = value;
        }

        double difference = value - Shift;
        Sum += difference;
        Squares += difference * difference;
        if (value < Minimum)
        {
            Minimum = value;
        }

        if (value > Maximum)
        {
            Maximum = value;
        }
    }

    internal void Add(Moments other)
    {
        if (other.Values == 0)
        {
            return;
        }

        // T. Chan, G. Golub, R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979
        double all = (double)Values + other.Values;
        double difference = other.Mean - Mean;
        this = new Moments
        {
            Values = Values + other.Values,
            Shift = Mean + (difference * other.Values / all),
            Squares = SquaredDeviations + other.SquaredDeviations + (difference * difference * Values * other.Values / all),
            Minimum = Math.Min(Minimum, other.Minimum),
            Maximum = Math.Max(Maximum, other.Maximum),
        };
    }
}

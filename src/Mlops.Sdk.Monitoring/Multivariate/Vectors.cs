using System.Numerics;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Sums over spans, several elements at once. The order of adding depends on the processor's width, so results agree to rounding.</summary>
internal static class Vectors
{
    internal static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> a = MemoryMarshal.Cast<double, Vector<double>>(x);
        ReadOnlySpan<Vector<double>> b = MemoryMarshal.Cast<double, Vector<double>>(y);
        Vector<double> sums = Vector<double>.Zero;
        for (int i = 0; i < a.Length; i++)
        {
            sums += a[i] * b[i];
        }

        double sum = Vector.Sum(sums);
        for (int i = a.Length * Vector<double>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    internal static double SquaredDistance(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> a = MemoryMarshal.Cast<double, Vector<double>>(x);
        ReadOnlySpan<Vector<double>> b = MemoryMarshal.Cast<double, Vector<double>>(y);
        Vector<double> sums = Vector<double>.Zero;
        for (int i = 0; i < a.Length; i++)
        {
            Vector<double> difference = a[i] - b[i];
            sums += difference * difference;
        }

        double sum = Vector.Sum(sums);
        for (int i = a.Length * Vector<double>.Count; i < x.Length; i++)
        {
            sum += (x[i] - y[i]) * (x[i] - y[i]);
        }

        return sum;
    }

    internal static void AddScaled(Span<double> to, ReadOnlySpan<double> what, double factor)
    {
        Span<Vector<double>> a = MemoryMarshal.Cast<double, Vector<double>>(to);
        ReadOnlySpan<Vector<double>> b = MemoryMarshal.Cast<double, Vector<double>>(what);
        var factors = new Vector<double>(factor);
        for (int i = 0; i < a.Length; i++)
        {
            a[i] += b[i] * factors;
        }

        for (int i = a.Length * Vector<double>.Count; i < to.Length; i++)
        {
            to[i] += what[i] * factor;
        }
    }
}

using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Data;

/// <summary>Three distances of the step functions F_r and F_c, from one walk over both sorted samples.</summary>
/// <param name="Largest">sup |F_r - F_c| times m n: a whole number, exact.</param>
/// <param name="KolmogorovSmirnov">sup |F_r - F_c|, in [0, 1].</param>
/// <param name="Wasserstein">The integral of |F_r - F_c|, in the numbers' own unit.</param>
/// <param name="Energy">sqrt(2 times the integral of (F_r - F_c)²), in the root of the numbers' unit.</param>
internal readonly record struct EdfDistances(long Largest, double KolmogorovSmirnov, double Wasserstein, double Energy)
{
    /// <summary>Walks.</summary>
    /// <remarks>Without samples on one side all distances are 0. No branch depends on the data until one sample ends, since half of them would be guessed wrong.</remarks>
    internal static EdfDistances Of(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        int m = reference.Length;
        int n = current.Length;
        if (m == 0 || n == 0)
        {
            return default;
        }

        long difference = 0; // (F_r - F_c) m n at the value walked over last
        long largest = 0;
        double area = 0;
        double square = 0;
        double last = Math.Min(reference[0], current[0]);
        double scale = 1 / ((double)m * n);
        int i = 0;
        int j = 0;
        while (i < m && j < n)
        {
            double r = reference[i];
            double c = current[j];
            bool takesReference = r <= c;
            double value = Math.Min(r, c);
            double step = value - last;
            long size = Math.Abs(difference);
            double height = size * scale;
            area += height * step;
            square += height * height * step;
            // inside a run of equal values the step functions have not both jumped yet
            largest = Math.Max(largest, size & -(long)ToByte(value > last));
            last = value;
            int taken = ToByte(takesReference);
            i += taken;
            j += 1 - taken;
            difference += taken == 1 ? n : -(long)m;
        }

        // one sample is used up: the other's function climbs (or falls) to 0 step by step
        ReadOnlySpan<double> rest = i < m ? reference[i..] : current[j..];
        long jump = i < m ? n : -(long)m;
        foreach (double value in rest)
        {
            double step = value - last;
            long size = Math.Abs(difference);
            double height = size * scale;
            area += height * step;
            square += height * height * step;
            largest = value > last ? Math.Max(largest, size) : largest;
            last = value;
            difference += jump;
        }

        return new EdfDistances(largest, largest * scale, area, Math.Sqrt(2 * square));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte ToByte(bool value) => Unsafe.BitCast<bool, byte>(value);
}

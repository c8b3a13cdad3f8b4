namespace Mlops.Sdk.Data;

/// <summary>The exact p-value of the two-sample Kolmogorov–Smirnov test: the share of all orders of m + n different numbers that reach the distance.</summary>
/// <remarks>
/// An order is a path of m steps right and n steps up. For equal sizes the paths that leave the strip are counted by reflection
/// (J. Hodges, The significance probability of the Smirnov two-sample test, Arkiv för Matematik 3, 1958); otherwise their share is carried
/// from point to point, which never subtracts (T. Viehmann, Numerically more stable computation of the p-values for the two-sample
/// Kolmogorov–Smirnov test, arXiv 2102.08037, 2021).
/// </remarks>
internal static class KolmogorovExact
{
    /// <summary>The largest sample for which the p-value is exact.</summary>
    internal const int MostRows = 10_000;

    /// <summary>Computes the p-value.</summary>
    /// <param name="m">Rows of the one sample, 1 to <see cref="MostRows"/>.</param>
    /// <param name="n">Rows of the other.</param>
    /// <param name="largest">The distance times m n, a whole number.</param>
    internal static double TwoSided(int m, int n, long largest)
    {
        if (largest == 0)
        {
            return 1;
        }

        return Math.Clamp(m == n ? EqualSizes(n, (int)(largest / n)) : Outside(Math.Max(m, n), Math.Min(m, n), largest), 0, 1);
    }

    private static double EqualSizes(int n, int h)
    {
        // 2 sum (-1)^(k-1) C(2n, n - kh) / C(2n, n), each ratio from the one before
        double sum = 0;
        double ratio = 1;
        double sign = 2;
        for (int from = 0; from + h <= n && ratio > 0; from += h)
        {
            for (int j = from; j < from + h; j++)
            {
                ratio *= (double)(n - j) / (n + j + 1);
            }

            sum += sign * ratio;
            sign = -sign;
        }

        return sum;
    }

    private static double Outside(int m, int n, long largest)
    {
        // p(i, j): the share of paths to (i, j) that have been at a point with |i n - j m| >= largest
        double[] inverse = new double[m + n + 1];
        for (int i = 1; i < inverse.Length; i++)
        {
            inverse[i] = 1.0 / i;
        }

        double[] shares = new double[n + 1];
        Array.Fill(shares, 1);
        for (int j = 0; j <= n && (long)j * m < largest; j++)
        {
            shares[j] = 0;
        }

        for (int i = 1; i <= m; i++)
        {
            // inside: (i n - largest) / m < j < (i n + largest) / m; all else is 1 already, and the strip moves up only
            long below = ((long)i * n) - largest;
            int first = below < 0 ? 0 : (int)Math.Min(n + 1, (below / m) + 1);
            int last = (int)Math.Min(n, ((((long)i * n) + largest - 1) / m));
            if (first > 0)
            {
                shares[first - 1] = 1;
            }

            double left = first == 0 ? 0 : 1;
            for (int j = first; j <= last; j++)
            {
                left = ((shares[j] * i) + (left * j)) * inverse[i + j];
                shares[j] = left;
            }
        }

        return shares[n];
    }
}

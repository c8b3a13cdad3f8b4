namespace Mlops.Sdk.Data;

/// <summary>The Epps–Singleton test of empirical characteristic functions: T. Epps, K. Singleton, An omnibus test for the two-sample problem using the empirical characteristic function, Journal of Statistical Computation and Simulation 26, 1986.</summary>
internal static class EppsSingletonTest
{
    internal const int FewestRows = 5;
    private const int Size = 4;

    internal static TwoSampleResult Run(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        double m = reference.Length;
        double n = current.Length;
        if (m < FewestRows || n < FewestRows)
        {
            return TwoSampleResult.Untested;
        }

        double all = m + n;
        double scale = (Quantile(reference, current, 0.75) - Quantile(reference, current, 0.25)) / 2; // the semi-interquartile range of the pool
        if (!(scale > 0))
        {
            return TwoSampleResult.Untested;
        }

        double[][] covariance = Square();
        double[] difference = new double[Size];
        Add(reference, scale, all / m, 1, covariance, difference);
        Add(current, scale, all / n, -1, covariance, difference);
        (double[] values, double[][] vectors) = Eigen(covariance);
        double largest = values.Max();
        double statistic = 0;
        int rank = 0;
        for (int k = 0; k < Size; k++)
        {
            if (values[k] <= 1e-14 * largest)
            {
                continue; // the direction in which nothing varies: left out, as the pseudo-inverse does
            }

            double along = 0;
            for (int i = 0; i < Size; i++)
            {
                along += vectors[i][k] * difference[i];
            }

            statistic += along * along / values[k];
            rank++;
        }

        statistic *= all;
        if (Math.Max(m, n) < 25)
        {
            statistic /= 1 + Math.Pow(all, -0.45) + (10.1 * (Math.Pow(m, -1.7) + Math.Pow(n, -1.7)));
        }

        return rank == 0 ? TwoSampleResult.Untested : new TwoSampleResult(statistic, SpecialFunctions.ChiSquareTail(statistic, rank), PValueKind.Asymptotic) { DegreesOfFreedom = rank };
    }

    /// <summary>Adds a sample's covariance (divided by its size) of cos and sin at 0.4 and 0.8, and its means.</summary>
    private static void Add(ReadOnlySpan<double> values, double scale, double weight, double sign, double[][] covariance, double[] difference)
    {
        Span<double> mean = stackalloc double[Size];
        Span<double> products = stackalloc double[Size * Size];
        Span<double> point = stackalloc double[Size];
        Span<double> shift = stackalloc double[Size];
        Features(values[values.Length / 2], scale, shift); // about the median's point, so that the products cancel little
        foreach (double value in values)
        {
            Features(value, scale, point);
            for (int i = 0; i < Size; i++)
            {
                point[i] -= shift[i];
                mean[i] += point[i];
                for (int j = 0; j <= i; j++)
                {
                    products[(i * Size) + j] += point[i] * point[j];
                }
            }
        }

        for (int i = 0; i < Size; i++)
        {
            mean[i] /= values.Length;
        }

        for (int i = 0; i < Size; i++)
        {
            difference[i] += sign * (mean[i] + shift[i]);
            for (int j = 0; j <= i; j++)
            {
                double part = weight * ((products[(i * Size) + j] / values.Length) - (mean[i] * mean[j]));
                covariance[i][j] += part;
                covariance[j][i] = covariance[i][j];
            }
        }
    }

    private static void Features(double value, double scale, Span<double> point)
    {
        (point[2], point[0]) = Math.SinCos(0.4 / scale * value);
        (point[3], point[1]) = Math.SinCos(0.8 / scale * value);
    }

    /// <summary>The quantile of the pool, interpolated between the two ranks beside it.</summary>
    private static double Quantile(ReadOnlySpan<double> reference, ReadOnlySpan<double> current, double share)
    {
        double place = share * (reference.Length + current.Length - 1);
        long rank = (long)place;
        double low = double.NaN;
        var runs = new PooledRuns(reference, current);
        while (runs.Next())
        {
            double value = runs.Reference > 0 ? reference[runs.ReferenceUpTo - 1] : current[runs.CurrentUpTo - 1];
            long upTo = (long)runs.ReferenceUpTo + runs.CurrentUpTo;
            if (double.IsNaN(low) && upTo > rank)
            {
                low = value;
            }

            if (upTo > rank + 1 || upTo == reference.Length + (long)current.Length)
            {
                return low + ((value - low) * (place - rank));
            }
        }

        return low;
    }

    private static double[][] Square() => [new double[Size], new double[Size], new double[Size], new double[Size]];

    /// <summary>Eigenvalues and vectors (columns) of a symmetric matrix, which is used up, by Jacobi's rotations.</summary>
    private static (double[] Values, double[][] Vectors) Eigen(double[][] a)
    {
        double[][] v = Square();
        for (int i = 0; i < Size; i++)
        {
            v[i][i] = 1;
        }

        for (int sweep = 0; sweep < 60; sweep++)
        {
            double off = 0;
            for (int p = 0; p < Size; p++)
            {
                for (int q = p + 1; q < Size; q++)
                {
                    off += Math.Abs(a[p][q]);
                    if (Math.Abs(a[p][q]) < 1e-300)
                    {
                        continue;
                    }

                    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
                    double t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
                    double c = 1 / Math.Sqrt((t * t) + 1);
                    double s = t * c;
                    for (int k = 0; k < Size; k++)
                    {
                        (a[k][p], a[k][q]) = ((c * a[k][p]) - (s * a[k][q]), (s * a[k][p]) + (c * a[k][q]));
                    }

                    for (int k = 0; k < Size; k++)
                    {
                        (a[p][k], a[q][k]) = ((c * a[p][k]) - (s * a[q][k]), (s * a[p][k]) + (c * a[q][k]));
                        (v[k][p], v[k][q]) = ((c * v[k][p]) - (s * v[k][q]), (s * v[k][p]) + (c * v[k][q]));
                    }
                }
            }

            if (off < 1e-300)
            {
                break;
            }
        }

        return ([a[0][0], a[1][1], a[2][2], a[3][3]], v);
    }
}

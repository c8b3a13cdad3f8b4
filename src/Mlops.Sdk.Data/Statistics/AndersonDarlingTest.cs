namespace Mlops.Sdk.Data;

/// <summary>The two-sample Anderson–Darling test, mid-rank version: F. Scholz, M. Stephens, K-sample Anderson–Darling tests, Journal of the American Statistical Association 82, 1987.</summary>
internal static class AndersonDarlingTest
{
    internal const double SmallestP = 0.001;
    internal const double LargestP = 0.25;

    // table 2 of the source for two samples: b0 + b1 + b2, and the levels they stand for
    private static readonly double[] Critical = [0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546];
    private static readonly double[] Levels = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
    private static readonly (double Constant, double Linear, double Square) Curve = Fit();

    internal static TwoSampleResult Run(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        double m = reference.Length;
        double n = current.Length;
        double all = m + n;
        if (m == 0 || n == 0 || all < 4 || Math.Min(reference[0], current[0]) == Math.Max(reference[^1], current[^1]))
        {
            return TwoSampleResult.Untested;
        }

        double ofReference = 0;
        double ofCurrent = 0;
        var runs = new PooledRuns(reference, current);
        while (runs.Next())
        {
            double ties = runs.Reference + runs.Current;
            double below = runs.ReferenceUpTo + runs.CurrentUpTo - (ties / 2);
            double weight = ties / all / ((below * (all - below)) - (all * ties / 4));
            double r = (all * (runs.ReferenceUpTo - (runs.Reference / 2.0))) - (below * m);
            double c = (all * (runs.CurrentUpTo - (runs.Current / 2.0))) - (below * n);
            ofReference += weight * r * r;
            ofCurrent += weight * c * c;
        }

        double squared = ((ofReference / m) + (ofCurrent / n)) * (all - 1) / all;
        double statistic = (squared - 1) / Math.Sqrt(Variance(m, n));
        return new TwoSampleResult(statistic, PValue(statistic), PValueKind.Interpolated);
    }

    /// <summary>The variance of A² when nothing has changed, equation 4 of the source for k = 2.</summary>
    private static double Variance(double m, double n)
    {
        const double K = 2;
        double all = m + n;
        double tail = 0; // 1/(N - 1) + ... + 1/i
        double g = 0;
        for (double i = all - 1; i >= 2; i--)
        {
            tail += 1 / i;
            g += tail / (all + 1 - i);
        }

        double h = tail + 1;
        double inverse = (1 / m) + (1 / n);
        double a = (((4 * g) - 6) * (K - 1)) + ((10 - (6 * g)) * inverse);
        double b = (((2 * g) - 4) * K * K) + (8 * h * K) + (((2 * g) - (14 * h) - 4) * inverse) - (8 * h) + (4 * g) - 6;
        double c = (((6 * h) + (2 * g) - 2) * K * K) + (((4 * h) - (4 * g) + 6) * K) + (((2 * h) - 6) * inverse) + (4 * h);
        double d = (((2 * h) + 6) * K * K) - (4 * h * K);
        return ((((((a * all) + b) * all) + c) * all) + d) / ((all - 1) * (all - 2) * (all - 3));
    }

    private static double PValue(double statistic) =>
        statistic < Critical[0] ? LargestP
        : statistic > Critical[^1] ? SmallestP
        : Math.Clamp(Math.Exp(Curve.Constant + (statistic * (Curve.Linear + (statistic * Curve.Square)))), 0, 1);

    /// <summary>The parabola through the logarithms of the levels by least squares.</summary>
    private static (double Constant, double Linear, double Square) Fit()
    {
        double[][] normal = [new double[4], new double[4], new double[4]];
        for (int i = 0; i < Critical.Length; i++)
        {
            double[] powers = [1, Critical[i], Critical[i] * Critical[i]];
            for (int row = 0; row < 3; row++)
            {
                for (int column = 0; column < 3; column++)
                {
                    normal[row][column] += powers[row] * powers[column];
                }

                normal[row][3] += powers[row] * Math.Log(Levels[i]);
            }
        }

        for (int pivot = 0; pivot < 3; pivot++)
        {
            for (int row = 0; row < 3; row++)
            {
                double factor = row == pivot ? 0 : normal[row][pivot] / normal[pivot][pivot];
                for (int column = 0; column < 4; column++)
                {
                    normal[row][column] -= factor * normal[pivot][column];
                }
            }
        }

        return (normal[0][3] / normal[0][0], normal[1][3] / normal[1][1], normal[2][3] / normal[2][2]);
    }
}

namespace Mlops.Sdk.Data;

/// <summary>The Mann–Whitney U test: H. Mann, D. Whitney, On a test of whether one of two random variables is stochastically larger than the other, Annals of Mathematical Statistics 18, 1947.</summary>
internal static class MannWhitneyTest
{
    private const int LargestSmaller = 8;
    private const long MostPairs = 10_000;

    /// <summary>Tests; the statistic is the number of pairs in which the current number is the larger one, ties counted half.</summary>
    internal static TwoSampleResult Run(ReadOnlySpan<double> reference, ReadOnlySpan<double> current, Alternative alternative)
    {
        long m = reference.Length;
        long n = current.Length;
        if (m == 0 || n == 0)
        {
            return TwoSampleResult.Untested;
        }

        double u = 0;
        double ties = 0;
        bool tied = false;
        var runs = new PooledRuns(reference, current);
        while (runs.Next())
        {
            u += runs.Current * (runs.ReferenceUpTo - (runs.Reference / 2.0));
            double t = (double)runs.Reference + runs.Current;
            ties += ((t * t) - 1) * t;
            tied |= t > 1;
        }

        double pairs = (double)m * n;
        double large = alternative switch { Alternative.Greater => u, Alternative.Less => pairs - u, _ => Math.Max(u, pairs - u) };
        double sides = alternative == Alternative.TwoSided ? 2 : 1;
        if (!tied && Math.Min(m, n) <= LargestSmaller && m * n <= MostPairs)
        {
            return new TwoSampleResult(u, Math.Min(1, sides * ExactTail((int)Math.Min(m, n), (int)Math.Max(m, n), (long)large)), PValueKind.Exact);
        }

        double all = m + n;
        double deviation = Math.Sqrt(pairs / 12 * (all + 1 - (ties / (all * (all - 1)))));
        if (!(deviation > 0))
        {
            return new TwoSampleResult(u, 1, PValueKind.Asymptotic); // all numbers are equal
        }

        double z = (large - (pairs / 2) - 0.5) / deviation;
        return new TwoSampleResult(u, Math.Clamp(sides * SpecialFunctions.NormalTail(z), 0, 1), PValueKind.Asymptotic);
    }

    /// <summary>The chance of at least u when all orders are equally likely: P(m, n, u) = (m P(m - 1, n, u - n) + n P(m, n - 1, u)) / (m + n).</summary>
    private static double ExactTail(int m, int n, long u)
    {
        double[][] rows = new double[m + 1][]; // rows[i][v]: P(i, j, v) for the j reached so far
        for (int i = 0; i <= m; i++)
        {
            rows[i] = new double[(i * n) + 1];
            rows[i][0] = 1;
        }

        for (int j = 1; j <= n; j++)
        {
            for (int i = 1; i <= m; i++)
            {
                double[] row = rows[i];
                double[] fewer = rows[i - 1];
                for (int v = i * j; v >= 0; v--)
                {
                    double before = v <= i * (j - 1) ? row[v] * j : 0;
                    double taken = v >= j ? fewer[v - j] * i : 0;
                    row[v] = (before + taken) / (i + j);
                }
            }
        }

        double tail = 0;
        for (long v = (long)m * n; v >= u; v--)
        {
            tail += rows[m][v];
        }

        return tail;
    }
}

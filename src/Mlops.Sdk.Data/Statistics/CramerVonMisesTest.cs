namespace Mlops.Sdk.Data;

/// <summary>The two-sample Cramér–von Mises test: T. Anderson, On the distribution of the two-sample Cramér–von Mises criterion, Annals of Mathematical Statistics 33, 1962.</summary>
internal static class CramerVonMisesTest
{
    private const int MostExact = 20;
    private const int Nodes = 256;

    internal static TwoSampleResult Run(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        double m = reference.Length;
        double n = current.Length;
        if (m == 0 || n == 0)
        {
            return TwoSampleResult.Untested;
        }

        // u = m sum (rank of r_i - i)² + n sum (rank of c_j - j)², ranks in the pool, ties at their middle: twelve times it is whole, and
        // kept so, because T is a small difference of large numbers
        Int128 ofReference = 0;
        Int128 ofCurrent = 0;
        var runs = new PooledRuns(reference, current);
        while (runs.Next())
        {
            long a = runs.Reference;
            long b = runs.Current;
            ofReference += TwelveSquares(a, (2L * (runs.CurrentUpTo - b)) + b);
            ofCurrent += TwelveSquares(b, (2L * (runs.ReferenceUpTo - a)) + a);
        }

        Int128 twelve = (reference.Length * ofReference) + (current.Length * ofCurrent);
        Int128 pairs = (Int128)reference.Length * current.Length;
        double u = (double)twelve / 12;
        double all = m + n;
        double product = m * n;
        double statistic = (double)(twelve - (2 * pairs * ((4 * pairs) - 1))) / (12 * product * all);
        if (Math.Max(m, n) <= MostExact)
        {
            return new TwoSampleResult(statistic, Exact(u, (int)m, (int)n), PValueKind.Exact);
        }

        double mean = (1 + (1 / all)) / 6;
        double variance = (all + 1) * ((4 * product * all) - (3 * ((m * m) + (n * n))) - (2 * product)) / (45 * all * all * 4 * product);
        return new TwoSampleResult(statistic, LimitTail((1.0 / 6) + ((statistic - mean) / Math.Sqrt(45 * variance))), PValueKind.Asymptotic);
    }

    /// <summary>The chance that the sum of Z_j² / (j pi)² over all j, Z_j standard normal, is above x.</summary>
    /// <remarks>
    /// N. Smirnov's integral, each piece by Gauss and Chebyshev, since both its ends have a root in the denominator; unlike one minus a
    /// series for the distribution function it keeps its digits in the tail.
    /// </remarks>
    internal static double LimitTail(double x)
    {
        if (!(x > 0.012))
        {
            return 1; // the distribution function is below 1e-4 of the last digit here
        }

        double sum = 0;
        for (int k = 1; k < 200; k++)
        {
            double start = ((2 * k) - 1) * Math.PI;
            double part = 0;
            for (int i = 0; i < Nodes; i++)
            {
                double angle = (i + 0.5) * Math.PI / Nodes;
                double beyond = Math.PI * Math.Pow(Math.Sin(angle / 2), 2); // (pi / 2)(1 - cos)
                double t = start + beyond;
                part += Math.Sqrt(t / Math.Sin(beyond)) * Math.Exp(-x * t * t / 2) * Math.Sin(angle) / t;
            }

            sum += (k % 2 == 1 ? 1 : -1) * part;
            if (part < 1e-18 * Math.Abs(sum))
            {
                break;
            }
        }

        // (2 / pi) (pi / 2) (pi / nodes)
        return Math.Clamp(sum * Math.PI / Nodes, 0, 1);
    }

    /// <summary>Twelve times the sum of squares of count numbers one apart around twice/2.</summary>
    private static Int128 TwelveSquares(long count, long twice) => ((Int128)(3 * count) * twice * twice) + ((Int128)count * ((count * count) - 1));

    /// <summary>The share of all orders whose criterion is at least this one. Y. Xiao, A. Gordon, A. Yakovlev, A C++ program for the Cramér–von Mises two-sample test, Journal of Statistical Software 17, 2006.</summary>
    private static double Exact(double u, int m, int n)
    {
        long lcm = (long)m / Gcd(m, n) * n;
        long a = lcm / m;
        long b = lcm / n;
        double product = (double)m * n;
        double least = Math.Floor(lcm * (double)lcm * (m + n) * ((6 * u) - (product * ((4 * product) - 1))) / (6 * product * product));
        // for each point of the lattice: how many paths to it have which sum of (a i - b j)²
        var counts = new Dictionary<long, double>[m + 1];
        for (int j = 0; j <= n; j++)
        {
            for (int i = 0; i <= m; i++)
            {
                var here = new Dictionary<long, double>();
                long square = ((a * i) - (b * j)) * ((a * i) - (b * j));
                if (i == 0 && j == 0)
                {
                    here[0] = 1;
                }

                if (i > 0)
                {
                    Add(counts[i - 1], square, here);
                }

                if (j > 0)
                {
                    Add(counts[i], square, here);
                }

                counts[i] = here;
            }
        }

        double above = 0;
        double all = 0;
        foreach ((long sum, double paths) in counts[m])
        {
            all += paths;
            above += sum >= least ? paths : 0;
        }

        return above / all;
    }

    private static void Add(Dictionary<long, double> from, long square, Dictionary<long, double> to)
    {
        foreach ((long sum, double paths) in from)
        {
            to[sum + square] = to.GetValueOrDefault(sum + square) + paths;
        }
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}

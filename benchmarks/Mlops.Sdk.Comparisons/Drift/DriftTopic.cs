using System.Diagnostics;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Comparisons;

/// <summary>A million rows against a million, ten numbers (Kolmogorov–Smirnov, Wasserstein, population stability) and ten texts (chi-square, Jensen–Shannon), against what a careful user writes: sort both, walk. The figure of scipy is had by reference.py beside this file.</summary>
internal static class DriftTopic
{
    private const int Rows = 1_000_000;
    private const int Each = 10;
    private const int Categories = 50;
    private const int Rounds = 5;

    public static Task RunAsync(Report report)
    {
        Table first = Make(1);
        Table second = Make(2);
        var options = new DriftOptions { Measures = { DriftMethod.KolmogorovSmirnov, DriftMethod.Wasserstein, DriftMethod.JensenShannon } };
        DriftReference reference = DriftReference.Of(first);
        double ours = double.MaxValue;
        double both = double.MaxValue;
        double plain = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            ours = Math.Min(ours, Time(() => DriftDetector.Compare(reference, second, options)));
            both = Math.Min(both, Time(() => DriftDetector.Compare(first, second, options)));
            plain = Math.Min(plain, Time(() => Plain(first, second)));
        }

        report.Note("seconds", ours);
        report.Note("seconds_without_reuse", both);
        report.Note("plain_seconds", plain);
        report.AtLeast("times_plain", plain / ours, 5);
        return Task.CompletedTask;
    }

    private static Table Make(int seed)
    {
        var random = new Random(seed);
        string[] dictionary = [.. Enumerable.Range(0, Categories).Select(i => $"category {i}")];
        return new Table(
        [
            .. Enumerable.Range(0, Each).Select(n => new NumberColumn($"n{n}", [.. Enumerable.Range(0, Rows).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))])),
            .. Enumerable.Range(0, Each).Select(t => new TextColumn($"t{t}", [.. Enumerable.Range(0, Rows).Select(_ => random.Next(Categories))], dictionary)),
        ]);
    }

    private static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The same figures as one writes them first, one column after the other.</summary>
    private static double Plain(Table reference, Table current)
    {
        double sum = 0;
        foreach (Column column in reference.Columns)
        {
            sum += column is NumberColumn number
                ? PlainNumbers(number.Values, ((NumberColumn)current[column.Name]).Values)
                : PlainTexts((TextColumn)column, (TextColumn)current[column.Name]);
        }

        return sum;
    }

    private static double PlainNumbers(double[] reference, double[] current)
    {
        double[] r = [.. reference];
        double[] c = [.. current];
        Array.Sort(r);
        Array.Sort(c);
        double largest = 0;
        double area = 0;
        double last = Math.Min(r[0], c[0]);
        int i = 0;
        int j = 0;
        while (i < r.Length || j < c.Length)
        {
            double value = i == r.Length ? c[j] : j == c.Length ? r[i] : Math.Min(r[i], c[j]);
            area += Math.Abs(((double)i / r.Length) - ((double)j / c.Length)) * (value - last);
            while (i < r.Length && r[i] == value)
            {
                i++;
            }

            while (j < c.Length && c[j] == value)
            {
                j++;
            }

            largest = Math.Max(largest, Math.Abs(((double)i / r.Length) - ((double)j / c.Length)));
            last = value;
        }

        long[] before = new long[10];
        long[] now = new long[10];
        double[] edges = [.. Enumerable.Range(1, 9).Select(b => r[(r.Length * b / 10) - 1])];
        foreach (double value in r)
        {
            before[BinOf(edges, value)]++;
        }

        foreach (double value in c)
        {
            now[BinOf(edges, value)]++;
        }

        return largest + area + DriftStatistics.PopulationStability(before, now);
    }

    private static int BinOf(double[] edges, double value)
    {
        int place = Array.BinarySearch(edges, value);
        return place < 0 ? ~place : place;
    }

    private static double PlainTexts(TextColumn reference, TextColumn current)
    {
        var before = new Dictionary<string, long>(StringComparer.Ordinal);
        var now = new Dictionary<string, long>(StringComparer.Ordinal);
        for (int row = 0; row < reference.Rows; row++)
        {
            before[reference[row]!] = before.GetValueOrDefault(reference[row]!) + 1;
            now[current[row]!] = now.GetValueOrDefault(current[row]!) + 1;
        }

        string[] keys = [.. before.Keys.Union(now.Keys)];
        long[] r = Array.ConvertAll(keys, k => before.GetValueOrDefault(k));
        long[] c = Array.ConvertAll(keys, k => now.GetValueOrDefault(k));
        return DriftStatistics.ChiSquare(r, c).Statistic + DriftStatistics.JensenShannon(r, c);
    }
}

using System.Globalization;

namespace Mlops.Sdk.Data.Tests;

/// <summary>How often bounds are tried: a few hundred times, or as often as <c>MLOPS_TEST_SKETCH_TRIALS</c> says.</summary>
internal static class SketchTrials
{
    public static int Count { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("MLOPS_TEST_SKETCH_TRIALS"), CultureInfo.InvariantCulture, out int trials) ? trials : 300;

    /// <summary>The most failures that trials of 1 % each give but once in some 30,000 runs.</summary>
    public static double MostOfOnePercent => (0.01 * Count) + (4 * Math.Sqrt(0.01 * Count)) + 1;

    /// <summary>Numbers of one of many shapes, in one of many orders.</summary>
    public static double[] Stream(int trial, int length)
    {
        var random = new Random(trial);
        double[] values = new double[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (trial % 6) switch
            {
                0 => random.NextDouble(),
                1 => -Math.Log(1 - random.NextDouble()),
                2 => random.Next(0, 20),
                3 => Math.Exp(10 * random.NextDouble()) * (random.Next(2) == 0 ? -1 : 1),
                4 => random.NextDouble() < 0.5 ? 7 : random.NextSingle(),
                _ => i,
            };
        }

        if (trial / 6 % 3 == 1)
        {
            Array.Sort(values);
        }
        else if (trial / 6 % 3 == 2)
        {
            Array.Sort(values, (a, b) => b.CompareTo(a));
        }

        return values;
    }

    /// <summary>Cuts a stream into parts of random lengths, empty ones among them.</summary>
    public static IEnumerable<ArraySegment<T>> Cut<T>(T[] stream, int parts, Random random)
    {
        int[] cuts = [0, .. Enumerable.Range(0, parts - 1).Select(_ => random.Next(stream.Length + 1)).Order(), stream.Length];
        for (int i = 0; i < parts; i++)
        {
            yield return new ArraySegment<T>(stream, cuts[i], cuts[i + 1] - cuts[i]);
        }
    }
}

using System.Globalization;
using System.Text.Json;

namespace Mlops.Sdk.Data.Tests;

/// <summary>Holds the statistics to Golden/statistics.json, which statistics.py beside it writes with scipy 1.10, numpy and mpmath.</summary>
public sealed class GoldenTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests/Mlops.Sdk.Data.Tests/Statistics/Golden/statistics.json"))).RootElement;

    public static TheoryData<string> Samples => [.. Golden.GetProperty("samples").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];

    public static TheoryData<string> Tables => [.. Golden.GetProperty("tables").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void Tests_of_two_samples_give_what_scipy_gives(string name)
    {
        JsonElement found = Golden.GetProperty("samples").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        SortedSample r = SortedSample.Of(Numbers(found, "reference"));
        SortedSample c = SortedSample.Of(Numbers(found, "current"));
        Assert.Equal((found.GetProperty("referenceMissing").GetInt64(), found.GetProperty("referenceInfinite").GetInt64()), (r.Missing, r.Infinite));
        Assert.Equal((found.GetProperty("currentMissing").GetInt64(), found.GetProperty("currentInfinite").GetInt64()), (c.Missing, c.Infinite));
        foreach (JsonProperty expected in found.GetProperty("expected").EnumerateObject())
        {
            double[] wanted = [.. expected.Value.EnumerateArray().Select(v => v.GetDouble())];
            double[] got = Compute(expected.Name, r, c);
            Close($"{name}: {expected.Name}", wanted[0], got[0], 1e-9);
            if (wanted.Length > 1)
            {
                Close($"{name}: p of {expected.Name}", wanted[1], got[1], 1e-6);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Tests_of_categories_give_what_scipy_gives(string name)
    {
        JsonElement found = Golden.GetProperty("tables").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        long[] r = [.. found.GetProperty("reference").EnumerateArray().Select(v => v.GetInt64())];
        long[] c = [.. found.GetProperty("current").EnumerateArray().Select(v => v.GetInt64())];
        foreach (JsonProperty expected in found.GetProperty("expected").EnumerateObject())
        {
            double[] wanted = [.. expected.Value.EnumerateArray().Select(v => v.GetDouble())];
            double[] got = expected.Name switch
            {
                "chi2" => Both(DriftStatistics.ChiSquare(r, c, smallestExpected: 0)),
                "g" => Both(DriftStatistics.GTest(r, c, smallestExpected: 0)),
                "fit" => Both(DriftStatistics.ChiSquareFit(r, c)),
                "yates" => Both(DriftStatistics.ChiSquareYates(r[0], r.Sum(), c[0], c.Sum())),
                "fisher" => [DriftStatistics.FisherExactTest(r[0], r.Sum(), c[0], c.Sum())],
                "z" => [DriftStatistics.ShareZ(r[0], r.Sum(), c[0], c.Sum()).Statistic, DriftStatistics.ShareZ(r[0], r.Sum(), c[0], c.Sum()).PValue],
                "js2" => [DriftStatistics.JensenShannon(r, c)],
                "jse" => [DriftStatistics.JensenShannon(r, c, Math.E)],
                "kl" => [DriftStatistics.KullbackLeibler(r, c)],
                "kl back" => [DriftStatistics.KullbackLeibler(c, r)],
                "psi" => [DriftStatistics.PopulationStability(r, c)],
                "hellinger" => [DriftStatistics.Hellinger(r, c)],
                "tv" => [DriftStatistics.TotalVariation(r, c)],
                "linf" => [DriftStatistics.LargestDifference(r, c)],
                _ => throw new InvalidOperationException(expected.Name),
            };
            Close($"{name}: {expected.Name}", wanted[0], got[0], expected.Name is "fisher" ? 1e-6 : 1e-9);
            if (wanted.Length > 1)
            {
                Close($"{name}: p of {expected.Name}", wanted[1], got[1], 1e-6);
            }
        }
    }

    [Fact]
    public void A_category_that_the_reference_does_not_have_makes_the_test_of_fit_infinite() =>
        Assert.Equal((double.PositiveInfinity, 0.0), (DriftStatistics.ChiSquareFit([5, 0], [5, 1]).Statistic, DriftStatistics.ChiSquareFit([5, 0], [5, 1]).PValue));

    [Fact]
    public void Single_precision_numbers_give_what_the_same_numbers_in_double_precision_give() => Gen.Float[-1e6f, 1e6f].Array[0, 9_000].Sample(values =>
        SortedSample.Of(values).Values.SequenceEqual(SortedSample.Of(Array.ConvertAll(values, v => (double)v)).Values), iter: 20);

    [Fact]
    public void Sorting_by_digits_sorts_as_comparing_does() => Gen.Double[-1e300, 1e300].Array[4_000, 9_000].Sample(values =>
    {
        double[] zeros = [.. values, 0.0, -0.0, double.Epsilon, -double.Epsilon, double.MaxValue, double.MinValue];
        double[] sorted = [.. zeros];
        Array.Sort(sorted);
        return SortedSample.Of(zeros).Values.SequenceEqual(sorted);
    }, iter: 50);

    [Fact]
    public void The_branch_free_walk_gives_what_the_definition_gives() =>
        Gen.Select(Gen.Int[-9, 9].Array[1, 40], Gen.Int[-9, 9].Array[1, 40]).Sample((r, c) =>
        {
            double[] difference = [.. Enumerable.Range(-10, 21).Select(x => (r.Count(v => v <= x) / (double)r.Length) - (c.Count(v => v <= x) / (double)c.Length))];
            SortedSample a = SortedSample.Of(Array.ConvertAll(r, v => (double)v));
            SortedSample b = SortedSample.Of(Array.ConvertAll(c, v => (double)v));
            return Math.Abs(difference.Max(Math.Abs) - TwoSample.KolmogorovSmirnov(a, b).Statistic) < 1e-12
                && Math.Abs(difference.Sum(Math.Abs) - TwoSample.Wasserstein(a, b)) < 1e-12
                && Math.Abs(Math.Sqrt(2 * difference.Sum(d => d * d)) - TwoSample.Energy(a, b)) < 1e-12;
        });

    private static double[] Compute(string what, SortedSample r, SortedSample c) => what switch
    {
        "ks" => Both(TwoSample.KolmogorovSmirnov(r, c)),
        "cvm" => Both(TwoSample.CramerVonMises(r, c)),
        "ad" => Both(TwoSample.AndersonDarling(r, c)),
        "es" => Both(TwoSample.EppsSingleton(r, c)),
        "mw two-sided" => Both(TwoSample.MannWhitney(r, c)),
        "mw greater" => Both(TwoSample.MannWhitney(r, c, Alternative.Greater)),
        "mw less" => Both(TwoSample.MannWhitney(r, c, Alternative.Less)),
        "welch two-sided" => Both(TwoSample.TTest(r, c)),
        "welch greater" => Both(TwoSample.TTest(r, c, alternative: Alternative.Greater)),
        "welch less" => Both(TwoSample.TTest(r, c, alternative: Alternative.Less)),
        "student two-sided" => Both(TwoSample.TTest(r, c, pooled: true)),
        "student greater" => Both(TwoSample.TTest(r, c, pooled: true, Alternative.Greater)),
        "student less" => Both(TwoSample.TTest(r, c, pooled: true, Alternative.Less)),
        "wasserstein" => [TwoSample.Wasserstein(r, c)],
        "wasserstein normalised" => [TwoSample.NormalizedWasserstein(r, c)],
        "energy" => [TwoSample.Energy(r, c)],
        "psi" => [DriftStatistics.PopulationStability(r.CountIn(QuantileBins.EdgesOf(r, 10)), c.CountIn(QuantileBins.EdgesOf(r, 10)))],
        "psi joint" => [JointBins.PopulationStability(JointBins.Of(r, c).Reference, JointBins.Of(r, c).Current)],
        _ => throw new InvalidOperationException(what),
    };

    private static double[] Both(TwoSampleResult result) => [result.Statistic, result.PValue];

    private static double[] Both(ChiSquareResult result) => [result.Statistic, result.PValue];

    private static double[] Numbers(JsonElement found, string side)
    {
        if (!found.TryGetProperty("draw", out JsonElement draw))
        {
            return [.. found.GetProperty(side).EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Number ? v.GetDouble() : Spelled(v.GetString()!))];
        }

        draw = draw.GetProperty(side);
        ulong state = draw.GetProperty("seed").GetUInt64();
        double Next()
        {
            state = unchecked((state * 6364136223846793005) + 1442695040888963407);
            return (state >> 11) * (1.0 / 9007199254740992.0);
        }

        double[] values = new double[draw.GetProperty("count").GetInt32()];
        double a = draw.GetProperty("a").GetDouble();
        double b = draw.GetProperty("b").GetDouble();
        bool bell = draw.GetProperty("kind").GetString() == "bell";
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = bell ? ((Next() + Next() + Next() - 1.5) * a) + b : Math.Floor(Next() * a);
        }

        return values;
    }

    private static double Spelled(string text) => text switch { "nan" => double.NaN, "inf" => double.PositiveInfinity, "-inf" => double.NegativeInfinity, _ => double.Parse(text, CultureInfo.InvariantCulture) };

    private static void Close(string what, double expected, double found, double relative) =>
        Assert.True(Math.Abs(found - expected) <= (relative * Math.Abs(expected)) + 1e-300, $"{what}: expected {expected:R}, found {found:R}.");
}

using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>How often the default policy cries wolf, and what it finds. MLOPS_TEST_DRIFT_WINDOWS=10000 runs the whole of it; the figures stand in docs/guides/drift.md.</summary>
public sealed class DriftFalseAlarmTests
{
    private const int Numbers = 8;
    private static readonly int Windows = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_DRIFT_WINDOWS") ?? "300", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(200)]
    [InlineData(1000)]
    public void Stable_windows_alarm_less_often_than_the_budget_says(int rows)
    {
        DriftReference reference = DriftReference.Of(Make(new Random(1), 20_000));
        int drifted = 0;
        int watched = 0;
        int significant = 0;
        for (int window = 0; window < Windows; window++)
        {
            DriftReport report = DriftDetector.Compare(reference, Make(new Random(100 + window), rows));
            drifted += report.Status == DriftStatus.Drifted ? 1 : 0;
            watched += report.Status == DriftStatus.Watch ? 1 : 0;
            significant += report.Features.Any(f => f.AdjustedPValue <= 0.05 || f.Shares.Any(s => s.AdjustedPValue <= 0.05)) ? 1 : 0;
        }

        Write($"stable, {rows} rows, {Windows} windows of 10 features: drifted {drifted}, watch {watched}, any significant {significant}");
        // the false discovery rate of 0.05 is the share of windows with any significant test when nothing has changed; three standard errors
        Assert.True(drifted + watched <= significant);
        Assert.True(significant <= Windows * (0.05 + (3 * Math.Sqrt(0.05 * 0.95 / Windows))), $"{significant} of {Windows} windows.");
    }

    [Fact]
    public void What_is_large_enough_to_act_on_is_found_and_what_is_not_is_left_alone()
    {
        DriftReference reference = DriftReference.Of(Make(new Random(1), 20_000));
        int trials = Math.Max(10, Windows / 50);
        int[] sizes = Windows > 1_000 ? [200, 1_000, 10_000] : [1_000];
        var found = new Dictionary<(string, double, int), double>();
        foreach (int rows in sizes)
        {
            foreach (double shift in (double[])[0.1, 0.2, 0.3, 0.4, 0.5])
            {
                found[("mean", shift, rows)] = Share(trials, reference, random => Make(random, rows, shift: shift), "n0", f => f.Status is DriftStatus.Drifted or DriftStatus.Watch);
                found[("mean test", shift, rows)] = Share(trials, reference, random => Make(random, rows, shift: shift), "n0", f => f.AdjustedPValue <= 0.05);
            }

            foreach (double points in (double[])[0.01, 0.02, 0.05, 0.1])
            {
                found[("missing", points, rows)] = Share(trials, reference, random => Make(random, rows, missing: points), "n0", f => f.Status is DriftStatus.Drifted or DriftStatus.Watch);
                found[("category test", points, rows)] = Share(trials, reference, random => Make(random, rows, points: points), "t0", f => f.AdjustedPValue <= 0.05);
            }
        }

        foreach (((string kind, double size, int rows), double share) in found)
        {
            Write($"{kind} {size} in {rows} rows: {share:P0} of {trials}");
        }

        Assert.True(found[("mean", 0.5, 1_000)] > 0.95);
        Assert.True(found[("mean", 0.1, 1_000)] < 0.05); // significant at times, and too small to matter
        Assert.True(found[("missing", 0.1, 1_000)] > 0.9);
    }

    private static double Share(int trials, DriftReference reference, Func<Random, Table> make, string feature, Func<FeatureDrift, bool> hit) =>
        Enumerable.Range(0, trials).Count(trial => hit(DriftDetector.Compare(reference, make(new Random(5_000 + trial))).Of(feature))) / (double)trials;

    private static Table Make(Random random, int rows, double shift = 0, double missing = 0, double points = 0)
    {
        return new Table(
        [
            .. Enumerable.Range(0, Numbers).Select(n => new NumberColumn($"n{n}", [.. Enumerable.Range(0, rows).Select(_ => n == 0 && random.NextDouble() < missing ? double.NaN : (n == 0 ? shift : 0) + (2 * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5)))])),
            .. Enumerable.Range(0, 2).Select(t => new TextColumn($"t{t}", [.. Enumerable.Range(0, rows).Select(_ => t == 0 && random.NextDouble() < points ? 0 : random.Next(10))], [.. Enumerable.Range(0, 10).Select(c => $"c{c}")])),
        ]);
    }

    private static void Write(FormattableString line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        if (Environment.GetEnvironmentVariable("MLOPS_TEST_DRIFT_LOG") is { } file)
        {
            File.AppendAllText(file, line.ToString(CultureInfo.InvariantCulture) + "\n", Encoding.UTF8);
        }
    }
}

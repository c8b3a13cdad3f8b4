using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class TrainingServingSkewTests
{
    /// <summary>What a column of positive numbers can be turned into by mistake.</summary>
    public static TheoryData<string, double> Changes => new()
    {
        { "x 1000", 0 },
        { "x 0.001", 0 },
        { "x 100", 0 },
        { "feet to metres (x 0.3048)", 0 },
        { "miles to kilometres (x 1.609)", 0 },
        { "°C to °F", 0 },
        { "°F to °C", 0 },
        { "°C to K", 0 },
        { "natural logarithm", 0 },
        { "logarithm to base 10", 0 },
        { "square", 0 },
        { "square root", 0 },
        { "sign changed (x -1)", 0 },
        { "x 7.3", 7.3 },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_column_in_another_unit_is_named_with_the_change(string expected, double factor)
    {
        Func<double, double> change = expected switch
        {
            "x 1000" => x => x * 1000,
            "x 0.001" => x => x / 1000,
            "x 100" => x => x * 100,
            "feet to metres (x 0.3048)" => x => x * 0.3048,
            "miles to kilometres (x 1.609)" => x => x * 1.609344,
            "°C to °F" => x => (x * 1.8) + 32,
            "°F to °C" => x => (x - 32) / 1.8,
            "°C to K" => x => x + 273.15,
            "natural logarithm" => Math.Log,
            "logarithm to base 10" => Math.Log10,
            "square" => x => x * x,
            "square root" => Math.Sqrt,
            "sign changed (x -1)" => x => -x,
            _ => x => x * factor,
        };
        foreach (int seed in (int[])[1, 2, 3])
        {
            SkewReport report = TrainingServingSkew.Compare(Table(seed, 2000, x => x), Table(seed + 100, 800, change));
            SkewFinding unit = Assert.Single(report.Findings);
            Assert.Equal(SkewKind.Unit, unit.Kind);
            if (factor > 0)
            {
                Assert.InRange(unit.Effect!.Value, factor * 0.96, factor * 1.04); // a factor without a name is an estimate
            }
            else
            {
                Assert.Contains($": {expected} (", unit.Message, StringComparison.Ordinal);
            }

            Assert.InRange(unit.Sureness, 0.5, 1);
        }
    }

    [Fact]
    public void Numbers_of_the_same_world_or_moved_by_a_shift_are_in_no_other_unit() => Gen.Select(Gen.Int[0, 100_000], Gen.Double[-60, 60], Gen.Double[0.6, 1.6]).Sample((seed, shift, scale) =>
    {
        Assert.True(TrainingServingSkew.Compare(Table(seed, 1000, x => x), Table(seed + 7, 500, x => x)).Alike);
        Assert.DoesNotContain(TrainingServingSkew.Compare(Table(seed, 1000, x => x), Table(seed + 7, 500, x => 50 + ((x - 50) * scale) + shift)).Findings, f => f.Kind == SkewKind.Unit && f.Effect is not -1);
    }, iter: 100);

    [Fact]
    public void A_window_shows_straight_line_changes_by_its_moments()
    {
        ReferenceProfile profile = ReferenceProfile.Of(TestData.Sample(1, 3000));
        EncodedTable now = TestData.Sample(2, 1000);
        EncodedTable metres = TestData.Rows([.. now.Numbers[0].Select(v => v * 0.3048)], [.. Enumerable.Range(0, 1000).Select(i => now.Texts[0][i])], [.. now.Numbers[1].Select(v => (double)v)]);
        SkewReport report = TrainingServingSkew.Compare(profile, MonitorWindow.Of("w", "m", 1, profile, metres));
        SkewFinding unit = Assert.Single(report.Findings);
        Assert.Equal((SkewKind.Unit, "Speed", 0.3048), (unit.Kind, unit.Column, unit.Effect));
        Assert.True(TrainingServingSkew.Compare(profile, MonitorWindow.Of("w", "m", 1, profile, now)).Alike);
    }

    [Fact]
    public void Categories_in_another_spelling_are_paired_with_those_of_training()
    {
        Column training = QualityRecorderTests.Texts("City", [.. Enumerable.Range(0, 600).Select(i => i % 3 == 0 ? "New York" : i % 3 == 1 ? "São Paulo" : "Bern")]);
        Column serving = QualityRecorderTests.Texts("City", [.. Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? "NEW-YORK " : i % 3 == 1 ? "Sao Paulo" : "Bern")]);
        SkewFinding spelling = Assert.Single(TrainingServingSkew.Compare(new Table([training]), new Table([serving])).Findings);
        Assert.Equal((SkewKind.Spelling, 0.666667), (spelling.Kind, Math.Round(spelling.Effect!.Value, 6)));
        Assert.Contains("'NEW-YORK ' for 'New York' (100 rows)", spelling.Message, StringComparison.Ordinal);
        Assert.Contains("'Sao Paulo' for 'São Paulo' (100 rows)", spelling.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_that_are_missing_new_or_of_another_type_are_named()
    {
        double[] n = [.. Enumerable.Range(0, 300).Select(i => (double)i)];
        long[] t = [.. n.Select(v => new DateTime(2020, 1, 1).AddDays(v).Ticks)];
        var training = new Table([new NumberColumn("a", n), new NumberColumn("b", n), new TimeColumn("when", t), QualityRecorderTests.Texts("c", [.. n.Select(v => $"x{v % 3}")])]);
        var serving = new Table([QualityRecorderTests.Texts("b", [.. n.Select(v => v % 10 == 0 ? "n/a" : $"{v}")]), new NumberColumn("c", n), new NumberColumn("d", n), new NumberColumn("when", n)]);
        SkewReport report = TrainingServingSkew.Compare(training, serving);
        Assert.Equal(
            [("a", SkewKind.ColumnMissing), ("d", SkewKind.ColumnNew), ("c", SkewKind.Type), ("when", SkewKind.Type), ("b", SkewKind.Type), ("b", SkewKind.MissingShare)],
            report.Findings.Select(f => (f.Column, f.Kind)));
        SkewFinding b = report.Findings.Single(f => f is { Column: "b", Kind: SkewKind.Type });
        Assert.Equal(0.1, b.Effect!.Value, 1e-12);
        Assert.Contains("30 of 300 values do not read as a number, such as 'n/a'", b.Message, StringComparison.Ordinal);
        Assert.Equal(7, report.ToText().TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void Missing_shares_and_distributions_that_differ_are_named_with_numbers()
    {
        var training = new Table([new NumberColumn("x", Numbers(1, 2000, 50, 0.05)), new NumberColumn("y", Numbers(2, 2000, 50, 0))]);
        var serving = new Table([new NumberColumn("x", Numbers(3, 1000, 50, 0.4)), new NumberColumn("y", Numbers(4, 1000, 62, 0))]);
        SkewReport report = TrainingServingSkew.Compare(training, serving);
        Assert.Equal([("x", SkewKind.MissingShare), ("y", SkewKind.Distribution)], report.Findings.Select(f => (f.Column, f.Kind)));
        Assert.All(report.Findings, f => Assert.InRange(f.Sureness, 0.95, 1));
        Assert.Contains("PSI", report.Findings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_texts_do_no_harm()
    {
        string[] evil = ["\ud800", "\udc00x", new string('a', 100_000), "\0", "\u202Eabc", "ﬁ", "İ", ""];
        Column training = QualityRecorderTests.Texts("c", [.. evil.Select(e => e + "1")]);
        Assert.NotNull(TrainingServingSkew.Compare(new Table([training]), new Table([QualityRecorderTests.Texts("c", evil)])).ToText());
    }

    private static Table Table(int seed, int rows, Func<double, double> change) => new([new NumberColumn("x", [.. Numbers(seed, rows, 50, 0.02).Select(change)])]);

    /// <summary>Positive numbers, skewed to the right, of a mean like that of temperatures and distances.</summary>
    private static double[] Numbers(int seed, int rows, double mean, double missing)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble() < missing ? double.NaN : mean - 20 + (-10 * Math.Log(1 - random.NextDouble())) + (-10 * Math.Log(1 - random.NextDouble())))];
    }
}

using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The generator of Mlops.Sdk.Testing makes what it says.</summary>
public sealed class DriftingDataTests
{
    private const int Rows = 8000;
    private static readonly DriftingData Stable = new(1);
    private static readonly DriftingRow[] Before = [.. Stable.Rows(0, Rows)];

    [Fact]
    public void A_row_is_the_same_whatever_was_read_before_and_another_seed_gives_others()
    {
        Assert.Equal(Stable[4321], new DriftingData(1)[4321]);
        Assert.Equal(Before[100], Stable.Rows(100, 1).Single());
        Assert.NotEqual(Stable[4321], new DriftingData(2)[4321]);
    }

    [Fact]
    public void The_stable_world_is_as_the_documentation_says()
    {
        Assert.Equal(30_000, Median(Before.Where(r => r.Income is not null).Select(r => r.Income!.Value)), 600.0);
        Assert.Equal(45, Before.Average(r => r.Age!.Value), 0.5);
        Assert.Equal(3, Before.Average(r => r.Visits!.Value), 0.1);
        Assert.Equal(5, Before.Average(r => r.Waiting!.Value), 0.25);
        Assert.Equal(0.8, Correlation(Before), 0.02);
        Assert.Equal(0.05, Before.Average(r => r.Rating is null ? 1.0 : 0), 0.01);
        Assert.Equal(0.4, Before.Average(r => r.Region == "North" ? 1.0 : 0), 0.02);
        Assert.Equal(TimeSpan.FromMinutes(100), Before[100].At - Before[0].At);
    }

    [Fact]
    public void The_perfect_model_is_calibrated_while_nothing_drifts()
    {
        foreach (IGrouping<int, (double P, bool Bought)> bin in Before.Where(r => r.Income is not null && r.Rating is not null)
            .Select(r => (P: DriftingData.Probability(r), r.Bought)).GroupBy(r => Math.Min(4, (int)(5 * r.P))))
        {
            Assert.Equal(bin.Average(r => r.P), bin.Average(r => r.Bought ? 1.0 : 0), 0.05);
        }
    }

    [Fact]
    public void A_covariate_shift_moves_its_feature_by_its_size_and_nothing_else()
    {
        DriftingRow[] after = Drifted(new InjectedDrift(DriftKind.Covariate, 0, 0.5) { Feature = "Usage" });
        Assert.All(Before.Zip(after), p => Assert.Equal(p.First.Usage!.Value + 5, p.Second.Usage!.Value, 9));
        Assert.All(Before.Zip(after), p => Assert.Equal((p.First.Income, p.First.Region, p.First.Spend), (p.Second.Income, p.Second.Region, p.Second.Spend)));
        Assert.Equal(0, after.Average(r => DriftingData.Probability(r) - (r.Bought ? 1.0 : 0)), 0.02); // P(y | x) holds
    }

    [Fact]
    public void A_concept_drift_leaves_the_inputs_and_turns_the_label()
    {
        DriftingRow[] after = Drifted(new InjectedDrift(DriftKind.Concept, 0, 1));
        Assert.All(Before.Zip(after), p => Assert.Equal(p.First with { Bought = false, Amount = 0 }, p.Second with { Bought = false, Amount = 0 }));
        Assert.True(Right(Before) > 0.68);
        Assert.True(Right(after) < 0.5);
    }

    [Fact]
    public void A_drift_of_the_label_changes_how_frequent_yes_is_and_not_what_a_yes_looks_like()
    {
        DriftingRow[] after = Drifted(new InjectedDrift(DriftKind.Label, 0, 0.4));
        double share = Before.Average(r => r.Bought ? 1.0 : 0);
        Assert.Equal((share * 0.6) + 0.4, after.Average(r => r.Bought ? 1.0 : 0), 0.02);
        Assert.Equal(Before.Where(r => r.Bought).Average(r => r.Usage!.Value), after.Where(r => r.Bought).Average(r => r.Usage!.Value), 0.5);
        Assert.Equal(Before.Where(r => !r.Bought).Average(r => r.Usage!.Value), after.Where(r => !r.Bought).Average(r => r.Usage!.Value), 0.5);
    }

    [Fact]
    public void Missing_values_new_categories_and_units_touch_the_share_of_rows_that_they_say()
    {
        Assert.Equal(0.3, Drifted(new InjectedDrift(DriftKind.Missing, 0, 0.3) { Feature = "Spend" }).Average(r => r.Spend is null ? 1.0 : 0), 0.02);
        Assert.Equal(0.1, Drifted(new InjectedDrift(DriftKind.NewCategory, 0, 0.1)).Average(r => r.Region == "Abroad" ? 1.0 : 0), 0.02);
        Assert.All(Before.Zip(Drifted(new InjectedDrift(DriftKind.Unit, 0, 1000) { Feature = "Spend" })), p => Assert.Equal(p.First.Spend * 1000, p.Second.Spend));
        Assert.Equal(0.25 + (0.75 * 0.1), Drifted(new InjectedDrift(DriftKind.Covariate, 0, 0.25) { Feature = "Channel" }).Average(r => r.Channel == "Phone" ? 1.0 : 0), 0.02);
    }

    [Fact]
    public void A_turned_correlation_leaves_each_feature_alone_as_it_was()
    {
        DriftingRow[] after = Drifted(new InjectedDrift(DriftKind.Correlation, 0, 1));
        Assert.Equal(-0.8, Correlation(after), 0.02);
        Assert.Equal(200, after.Average(r => r.Spend!.Value), 1.5);
        Assert.Equal(40, Math.Sqrt(after.Average(r => Math.Pow(r.Spend!.Value - 200, 2))), 1.0);
    }

    [Fact]
    public void Before_its_onset_a_drift_touches_nothing()
    {
        var data = new DriftingData(1, new InjectedDrift(DriftKind.Covariate, 500, 3), new InjectedDrift(DriftKind.Missing, 500, 1) { Feature = "Age" }, new InjectedDrift(DriftKind.Label, 500, 1));
        Assert.Equal(Before.Take(500), data.Rows(0, 500));
        Assert.All(data.Rows(500, 100), r => Assert.True(r.Age is null && r.Bought));
    }

    [Fact]
    public void A_gradual_drift_grows_evenly_and_a_seasonal_one_comes_and_goes()
    {
        var gradual = new InjectedDrift(DriftKind.Covariate, 100, 1) { Pattern = DriftPattern.Gradual, Length = 1000 };
        Assert.Equal([0, 0, 0.5, 1, 1], new long[] { 0, 100, 600, 1100, 5000 }.Select(gradual.StrengthAt));
        var seasonal = gradual with { Pattern = DriftPattern.Seasonal };
        Assert.All(new (long Row, double Strength)[] { (0, 0), (100, 0), (350, 0.5), (600, 1), (1100, 0), (1600, 1) }, s => Assert.Equal(s.Strength, seasonal.StrengthAt(s.Row), 12));
    }

    [Theory]
    [InlineData(DriftKind.Missing, 1.5, "Age")]
    [InlineData(DriftKind.NewCategory, 0.1, "Age")]
    [InlineData(DriftKind.Unit, 10, "Region")]
    [InlineData(DriftKind.Covariate, 1, "Nothing")]
    public void What_is_not_possible_is_refused(DriftKind kind, double size, string feature) =>
        Assert.Throws<ArgumentException>(() => new DriftingData(1, new InjectedDrift(kind, 0, size) { Feature = feature }));

    [Fact]
    public void A_table_holds_the_same_rows_as_a_source_of_them()
    {
        Table table = Stable.Table(10, 50);
        EncodedTable rows = EncodedTable.From(table, DriftingData.Schema);
        Assert.Equal((50, 7, 2), (rows.Rows, rows.Numbers.Count, rows.Texts.Count));
        Assert.Equal([.. Before.Skip(10).Take(50).Select(r => r.Region)], Enumerable.Range(0, 50).Select(i => rows.Texts[0][i]));
        Assert.Equal([.. Before.Skip(10).Take(50).Select(r => (float)r.Age!.Value)], rows.Numbers[1]);
    }

    private static DriftingRow[] Drifted(InjectedDrift drift) => [.. new DriftingData(1, drift).Rows(0, Rows)];

    private static double Right(DriftingRow[] rows) => rows.Average(r => DriftingData.Probability(r) > 0.5 == r.Bought ? 1.0 : 0);

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    private static double Correlation(DriftingRow[] rows)
    {
        double usage = rows.Average(r => r.Usage!.Value);
        double spend = rows.Average(r => r.Spend!.Value);
        return rows.Sum(r => (r.Usage!.Value - usage) * (r.Spend!.Value - spend))
            / Math.Sqrt(rows.Sum(r => Math.Pow(r.Usage!.Value - usage, 2)) * rows.Sum(r => Math.Pow(r.Spend!.Value - spend, 2)));
    }
}

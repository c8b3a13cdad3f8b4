namespace Mlops.Sdk.Data.Tests;

public sealed class SplitAndScreenTests
{
    [Fact]
    public void A_split_by_time_leaks_no_future() => Gen.Select(Gen.Long[1, 50].Array[2, 200], Gen.Double[0.05, 0.95]).Where((t, _) => t.Distinct().Count() > 1).Sample((ticks, share) =>
    {
        Split split;
        try
        {
            split = Split.ByTime(new TimeColumn("t", ticks), share);
        }
        catch (MlopsDataException error) when (error.Code == "data.cannot_split")
        {
            return; // ties at an end can leave a side empty, and that is said
        }

        Assert.Equal(Enumerable.Range(0, ticks.Length), split.Train.Concat(split.Test).Order());
        Assert.True(split.Train.Max(i => ticks[i]) < split.Test.Min(i => ticks[i]));
    });

    [Fact]
    public void A_split_by_key_keeps_keys_together_whatever_the_order_of_the_rows()
    {
        string[] keys = [.. Enumerable.Range(0, 2_000).Select(i => $"customer {i % 400}")];
        Split split = Split.ByKey(keys, 0.25, seed: 5);
        Assert.Empty(split.Train.Select(i => keys[i]).Intersect(split.Test.Select(i => keys[i])));
        Assert.InRange(split.Test.Length, 350, 650);
        string[] reversed = [.. keys.Reverse()];
        Assert.Equal(split.Test.Select(i => keys[i]).Distinct().Order(), Split.ByKey(reversed, 0.25, 5).Test.Select(i => reversed[i]).Distinct().Order());
        Assert.NotEqual(split.Test, Split.ByKey(keys, 0.25, seed: 6).Test);
    }

    [Fact]
    public async Task The_bird_strike_reports_are_what_their_page_says_and_only_the_costs_leak()
    {
        IReadOnlyList<Strike> rows = await DataSource.Csv<Strike>(Path.Combine(Repository.Root, "samples", "data", "birdstrikes.csv.gz")).ToListAsync();
        Assert.Equal(10_000, rows.Count);
        double Missing(int year) => rows.Where(r => r.FlightDate.Year == year).Average(r => r.SpeedIasInKnots is null ? 1.0 : 0.0);
        Assert.Equal(0.12, Missing(1990), 2);
        Assert.Equal(0.34, Missing(2002), 2);
        bool[] damaged = [.. rows.Select(r => r.EffectAmountOfDamage != "None")];
        Assert.Equal(0.106, damaged.Average(d => d ? 1.0 : 0.0), 3);

        string[] columns = ["WildlifeSize", "WildlifeSpecies", "PhaseOfFlight", "TimeOfDay", "SpeedIasInKnots", "CostOther", "CostRepair", "CostTotal"];
        IReadOnlyList<LeakFinding> found = LeakageScreen.Find(rows.ToTable(), damaged, columns);
        Assert.Equal(new[] { "CostOther", "CostRepair", "CostTotal" }, found.Where(f => f.Block).Select(f => f.Column).Order());
        Assert.Contains(LeakageScreen.Find(rows.ToTable(), damaged, ["EffectAmountOfDamage"]), f => f.Block);
    }

    [Fact]
    public void The_reference_profile_has_the_bins_of_a_worked_example_and_reads_back()
    {
        var schema = new ModelSchema(ModelTask.Regression, [new ModelInput("x", InputKind.Number, "x"), new ModelInput("t", InputKind.Text, "t")], [ModelOutputs.Score], "y");
        var table = new Table([new NumberColumn("x", [1, 2, 3, 4, double.NaN]), new TextColumn("t", [0, 1, 0, -1, 0], ["a", "b"])]);
        ReferenceProfile profile = ReferenceProfile.Deserialize(ReferenceProfile.Of(EncodedTable.From(table, schema), bins: 2).Serialize());
        Assert.Equal((5L, 1L), (profile.Rows, profile.Features[0].Missing));
        Assert.Equal(2.5, profile.Features[0].Mean);
        Assert.Equal(4, profile.Features[0].Counts.Sum());
        Assert.Equal(new[] { "a", "b" }, profile.Features[1].Categories);
        Assert.Equal(new[] { 3L, 1L }, profile.Features[1].CategoryCounts);
        Assert.Equal("data.unreadable_profile", Assert.Throws<MlopsIntegrityException>(() => ReferenceProfile.Deserialize("{\"rows\":1}"u8)).Code);
        Assert.Equal("data.newer_format", Assert.Throws<MlopsIntegrityException>(() => ReferenceProfile.Deserialize("{\"format\":99,\"rows\":1,\"features\":[]}"u8)).Code);
    }

    private sealed record Strike(
        string? EffectAmountOfDamage, DateOnly FlightDate, string? PhaseOfFlight, string? WildlifeSize, string? WildlifeSpecies, string? TimeOfDay, decimal? CostOther, decimal? CostRepair, decimal? CostTotal, float? SpeedIasInKnots);
}

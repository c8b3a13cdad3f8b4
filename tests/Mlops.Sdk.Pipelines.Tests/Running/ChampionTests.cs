using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class ChampionTests
{
    private static readonly Ride[] Rows = Rides.Make(1_500);

    [Fact]
    public async Task A_model_with_less_to_go_by_is_rejected_against_the_champion_and_an_equal_one_is_not()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows));
        Assert.Equal("nothing is in service yet", first.Report.Gates.Single(g => g.Name == "not-worse-than-champion").Message);
        await workspace.Registry.MoveAliasAsync("late-rides", "champion", 1, "first");

        PipelineRun poor = await workspace.RunAsync(new LateRides(Rows) { Criteria = _ => { }, Rules = g => g.NotWorseThanChampion(0.03), Training = t => t.Features(r => r.Vendor).Candidate("trees", new FastTreeOptions { Trees = 5, Leaves = 3 }) });
        Rejected rejected = Assert.IsType<Rejected>(poor.Outcome);
        Assert.Contains("late-rides v1", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(1, rejected.Version!.Parent);

        PipelineRun same = await workspace.RunAsync(new LateRides(Rows), key: "again");
        Assert.IsType<Registered>(same.Outcome);
        Assert.Equal(0, same.Report.Gates.Single(g => g.Name == "not-worse-than-champion").Numbers["difference"]);
    }

    [Fact]
    public async Task The_champion_is_asked_only_when_a_rule_wants_to_know()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await workspace.RunAsync(new LateRides(Rows));
        await workspace.Registry.MoveAliasAsync("late-rides", "champion", 1, "first");
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Rules = g => g.BeatsBaseline() });
        Assert.DoesNotContain("champion", run.Report.Steps.Select(s => s.Name));
        Assert.Contains("champion", (await workspace.RunAsync(new LateRides(Rows), key: "k")).Report.Steps.Select(s => s.Name));
    }

    [Fact]
    public async Task A_champion_that_needs_a_column_the_rows_have_no_more_fails_the_gate_and_says_so()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await workspace.RunAsync(new LateRides(Rows));
        await workspace.Registry.MoveAliasAsync("late-rides", "champion", 1, "first");
        PipelineRun run = await workspace.RunAsync(new Shorter(Rows));
        Assert.Contains("There is no column", Assert.IsType<Rejected>(run.Outcome).Reason, StringComparison.Ordinal);
        Assert.False(Assert.Single(run.Report.Gates).Passed);
    }

    [Fact]
    public async Task A_damaged_champion_ends_the_run_and_names_the_damage()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows));
        await workspace.Registry.MoveAliasAsync("late-rides", "champion", 1, "first");
        string hex = (await workspace.Registry.ReadManifestAsync(first.Version!)).Files.Single(f => f.Name == "model.zip").Digest.Hex;
        using var damage = new MemoryStream([1, 2, 3]);
        await workspace.Store.PutAsync(ObjectKey.Parse($"artifacts/sha256/{hex[..2]}/{hex}"), damage);
        PipelineRun run = await workspace.RunAsync(new LateRides(Rides.Make(1_000, seed: 3)));
        Failed failed = Assert.IsType<Failed>(run.Outcome);
        Assert.Equal(("champion", "artifact.corrupt"), (failed.Step, ((MlopsException)failed.Error).Code));
    }

    private sealed record Short(DateOnly Day, float? Miles, bool Rain, bool Late);

    private sealed class Shorter(IReadOnlyList<Ride> rides) : PipelineDefinition<Short>("late-rides")
    {
        protected override void Configure(PipelineBuilder<Short> p) => p
            .Extract(DataSource.Enumerable("short rides", rides.Select(r => new Short(r.Day, r.Miles, r.Rain, r.Outcome != "fine"))))
            .SplitByTime(r => r.Day)
            .Binary(r => r.Late, t => t.Candidate("trees", new FastTreeOptions { Trees = 10, Leaves = 4 }))
            .Evaluate()
            .Gate(g => g.NotWorseThanChampion(0.1))
            .Register();
    }
}

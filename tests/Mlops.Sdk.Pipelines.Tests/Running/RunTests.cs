using Mlops.Sdk.Data;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class RunTests
{
    private static readonly Ride[] Rows = Rides.Make(1_200);

    [Fact]
    public async Task A_run_registers_a_version_with_all_that_serving_and_people_need()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows));
        ModelVersion version = Assert.IsType<Registered>(run.Outcome).Version;
        Assert.Equal((1, VersionStatus.Validated, run.RunId), (version.Number, version.Status, version.RunId));
        Assert.False(run.Repeated);

        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(version);
        Assert.Equal(["importance.json", "model.zip", "probe.json", "profile.json", "run.json"], manifest.Files.Select(f => f.Name).Order(StringComparer.Ordinal));
        Assert.Equal(("Late", ModelTask.Binary), (manifest.Schema.Label, manifest.Schema.Task));
        Assert.Equal(run.Report.Leaderboard[0].Candidate, manifest.Algorithm);
        Assert.True(manifest.Goal!.Criteria.All(c => c.Passed) && manifest.Gates.All(g => g.Passed) && manifest.Gates.Count == 2);
        Assert.StartsWith("5.0.1", manifest.Environment!.Packages["Microsoft.ML.Data"], StringComparison.Ordinal);
        Assert.Equal((1_200, 900, 300, "2024-01-01"), (manifest.Dataset!.Rows, manifest.Dataset.TrainingRows, manifest.Dataset.TestRows, manifest.Dataset.From));
        MetricValue auc = manifest.Metrics["auc"];
        Assert.InRange(auc.Value, 0.65, 0.95);
        Assert.True(auc.Lower < auc.Value && auc.Value < auc.Upper);

        RunReport stored = await RunReports.ReadAsync(manifest, workspace.Artifacts);
        Assert.Equal(run.Report.Evaluation!.Metrics, stored.Evaluation!.Metrics);
        Assert.Equal(run.Report.Leaderboard.Select(r => r.Candidate), stored.Leaderboard.Select(r => r.Candidate));
        Assert.Equal(RunStatus.Registered, Assert.Single(await workspace.Registry.ListRunsAsync("late-rides")).Status);
    }

    [Fact]
    public async Task The_registered_model_loads_by_its_format_and_answers_its_probe_rows_within_its_profile()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync((await workspace.RunAsync(new LateRides(Rows))).Version!);
        using ILoadedModel model = await new MLNetModelFormat().LoadAsync(manifest, workspace.Artifacts);
        Digest Of(string file) => manifest.Files.Single(f => f.Name == file).Digest;
        ProbeRows probes = ProbeRows.Deserialize(await workspace.Artifacts.ReadAsync(Of(ProbeRows.FileName), ProbeRows.MaxLength), manifest.Schema);
        ReferenceProfile profile = ReferenceProfile.Deserialize(await workspace.Artifacts.ReadAsync(Of(ReferenceProfile.FileName), 1 << 24));
        Assert.Equal(64, probes.Numbers.Count);
        Assert.Equal([.. manifest.Schema.Inputs.Select(i => i.Name), .. manifest.Schema.Outputs], profile.Features.Select(f => f.Name));
        Assert.Equal(900, profile.Rows);
        ReferenceFeature probability = profile.Features.Single(f => f.Name == ModelOutputs.Probability);
        float[] outputs = new float[3];
        for (int i = 0; i < probes.Numbers.Count; i++)
        {
            model.Score(new ModelRow(probes.Numbers[i], probes.Texts[i]), outputs);
            Assert.InRange(outputs[1], probability.Minimum!.Value - 0.2f, probability.Maximum!.Value + 0.2f);
        }
    }

    [Fact]
    public async Task Members_of_the_label_left_out_columns_dates_and_leaks_are_not_trained_on_and_the_leak_is_told()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows));
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(run.Version!);
        Assert.Equal(["Day.DayOfWeek", "Driver", "Miles", "Rain", "Vendor"], manifest.Schema.Inputs.Select(i => i.Name).Order(StringComparer.Ordinal));
        LeakFinding leak = Assert.Single(run.Report.Leaks, l => l.Block);
        Assert.Equal("Refund", leak.Column);
        Assert.Contains(manifest.Notes, n => n.StartsWith("excluded Refund:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Steps_are_told_in_order_with_one_for_each_candidate()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        var seen = new Collected();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows), progress: seen);
        string[] ended = [.. seen.Events.Where(e => e.State != "started").Select(e => e.Step)];
        Assert.Equal(["extract+validate", "label", "split", "screen"], ended[..4]);
        Assert.Equal(["train linear", "train trees"], ended[4..6].Order(StringComparer.Ordinal));
        Assert.Equal(["refit", "evaluate", "gate", "register"], ended[6..]);
        Assert.Equal(ended[..^1], run.Report.Steps.Select(s => s.Name));
        Assert.All(run.Report.Steps, s => Assert.Equal("ok", s.Outcome));
    }

    [Fact]
    public async Task A_version_that_misses_its_gate_or_goal_is_kept_as_rejected_and_cannot_be_promoted()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Criteria = g => g.AtLeast("auc", 0.99), Rules = g => g.AtMost("brier", 0.001) });
        Rejected rejected = Assert.IsType<Rejected>(run.Outcome);
        Assert.Equal(VersionStatus.Rejected, rejected.Version!.Status);
        Assert.Contains("goal(auc)", rejected.Reason, StringComparison.Ordinal);
        Assert.Contains("at-most(brier)", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Rejected, Assert.Single(await workspace.Registry.ListRunsAsync("late-rides")).Status);
        MlopsDeniedException denied = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("late-rides", "champion", 1, "try"));
        Assert.Equal("registry.version_rejected", denied.Code);
    }

    [Fact]
    public async Task Rows_without_signal_do_not_beat_the_baseline()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rides.Make(1_200, seed: 4, signal: 0)) { Criteria = _ => { }, Training = t => t.Without(r => r.Refund).Candidate("trees", new FastTreeOptions { Trees = 10, Leaves = 4 }) });
        Assert.IsType<Rejected>(run.Outcome);
        Assert.False(Assert.Single(run.Report.Gates, g => g.Name == "beats-baseline").Passed);
    }

    [Fact]
    public async Task Rows_that_break_the_contract_are_kept_aside_and_counted()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        Ride[] rides = [.. Rows, Rows[5] with { Miles = -3 }, Rows[6] with { Miles = 4_000 }];
        PipelineRun run = await workspace.RunAsync(new LateRides(rides));
        Assert.IsType<Registered>(run.Outcome);
        Assert.Equal((1_200, 2), (run.Report.Dataset!.Rows, run.Report.Dataset.Rejected));
        Assert.Equal(["between(Miles, 0, 100)"], run.Report.RejectedByRule.Keys);
        Assert.Equal([1_201L, 1_202], run.Report.RejectedRows.Select(r => r.Line));
    }

    [Fact]
    public async Task Data_that_breaks_the_contract_as_a_whole_is_rejected_without_a_version()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Contract = v => v.Between(r => r.Miles, 0, 1) });
        Rejected rejected = Assert.IsType<Rejected>(run.Outcome);
        Assert.Null(rejected.Version);
        Assert.Contains("between(Miles, 0, 1)", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Rejected, Assert.Single(await workspace.Registry.ListRunsAsync("late-rides")).Status);
        Assert.Empty(await workspace.Registry.ListVersionsAsync("late-rides"));
    }

    [Fact]
    public async Task A_candidate_that_fails_is_told_on_the_leaderboard_and_the_others_go_on()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("broken", new Broken()).Candidate("trees", new FastTreeOptions { Trees = 12, Leaves = 6 }) });
        Assert.IsType<Registered>(run.Outcome);
        Assert.Equal(["trees", "broken"], run.Report.Leaderboard.Select(r => r.Candidate));
        Assert.Equal("no luck today", run.Report.Leaderboard[1].Problem);
        Assert.Equal("failed", run.Report.Steps.Single(s => s.Name == "train broken").Outcome);
    }

    [Fact]
    public async Task Without_any_candidate_that_trains_the_run_fails_and_a_later_one_tries_again()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        for (int turn = 1; turn <= 2; turn++)
        {
            PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("broken", new Broken()) }, key: "monday");
            MlopsException error = Assert.IsType<MlopsModelException>(Assert.IsType<Failed>(run.Outcome).Error);
            Assert.Equal("pipeline.no_candidate", error.Code);
            Assert.Contains("no luck today", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal([RunStatus.Failed, RunStatus.Failed], (await workspace.Registry.ListRunsAsync("late-rides")).Select(r => r.Status));
        Assert.IsType<Registered>((await workspace.RunAsync(new LateRides(Rows), key: "monday")).Outcome);
    }

    [Fact]
    public async Task A_source_or_label_that_throws_is_a_failed_run_every_time_and_no_exception()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        for (int turn = 1; turn <= 2; turn++)
        {
            Failed failed = Assert.IsType<Failed>((await workspace.RunAsync(new LateRides(Rows) { Source = DataSource.Csv<Ride>("/no/such/file.csv") })).Outcome);
            Assert.Equal(("extract+validate", "data.unreadable"), (failed.Step, ((MlopsException)failed.Error).Code));
        }

        Ride[] rides = [.. Rows, Rows[0] with { Outcome = null! }];
        Failed label = Assert.IsType<Failed>((await workspace.RunAsync(new LateRides(rides) { Label = r => r.Outcome.Length > 4 })).Outcome);
        Assert.Equal("label", label.Step);
        Assert.IsType<NullReferenceException>(label.Error);
        IReadOnlyList<RunRecord> runs = await workspace.Registry.ListRunsAsync("late-rides");
        Assert.Equal(3, runs.Count(r => r.Status == RunStatus.Failed));
        Assert.All(runs, r => Assert.False(string.IsNullOrEmpty(r.Message)));
    }

    [Fact]
    public async Task Labels_of_one_class_and_rows_without_features_are_refused_with_the_way_out()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        Failed oneClass = Assert.IsType<Failed>((await workspace.RunAsync(new LateRides(Rows) { Label = r => r.Outcome == "never" })).Outcome);
        Assert.Equal("pipeline.one_class", ((MlopsException)oneClass.Error).Code);
        Failed none = Assert.IsType<Failed>((await workspace.RunAsync(new Nothing(Rows))).Outcome);
        Assert.Equal("pipeline.no_features", ((MlopsException)none.Error).Code);
    }

    [Fact]
    public async Task A_number_is_learned_as_well_and_beats_the_mean()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new Minutes(Rows));
        Assert.IsType<Registered>(run.Outcome);
        Assert.Equal(["mae", "r2", "rmse"], run.Report.Evaluation!.Metrics.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(run.Report.Evaluation.Metrics["r2"].Value, 0.6, 1);
        Assert.Equal(3, run.Report.Leaderboard.Count(r => r.Problem is null));
        await workspace.Registry.MoveAliasAsync("ride-minutes", "champion", 1, "first");
        PipelineRun again = await workspace.RunAsync(new Minutes(Rides.Make(1_300, seed: 8)));
        Assert.True(Assert.Single(again.Report.Gates, g => g.Name == "not-worse-than-champion").Passed, again.Report.Gates[1].Message);
        Assert.Equal(1, again.Version!.Parent);
    }

    [Fact]
    public async Task LightGbm_is_a_candidate_as_any_other()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("boosting", new LightGbmOptions { Trees = 15, Leaves = 6 }) });
        Assert.IsType<Registered>(run.Outcome);
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(run.Version!);
        Assert.Equal(("LightGbm", "15"), (manifest.Parameters["trainer"], manifest.Parameters["trees"]));
        Assert.Contains("Microsoft.ML.LightGbm", manifest.Environment!.Packages.Keys);
    }

    private sealed record Broken : CandidateOptions
    {
        protected internal override Microsoft.ML.IEstimator<Microsoft.ML.ITransformer> Build(TrainerContext context) => throw new KeyNotFoundException("no luck today");
    }

    private sealed class Nothing(IReadOnlyList<Ride> rides) : PipelineDefinition<Ride>("nothing")
    {
        protected override void Configure(PipelineBuilder<Ride> p) => p
            .Extract(DataSource.Enumerable("rides", rides))
            .Split()
            .Binary(r => r.Outcome != "fine", t => t.Features(r => r.Outcome, r => r.Day).Candidate("trees", new FastTreeOptions()))
            .Evaluate()
            .Gate(_ => { })
            .Register();
    }

    private sealed class Minutes(IReadOnlyList<Ride> rides) : PipelineDefinition<Ride>("ride-minutes")
    {
        protected override void Configure(PipelineBuilder<Ride> p) => p
            .Extract(DataSource.Enumerable("rides", rides))
            .Split(test: 0.25, by: r => r.Driver)
            .Regression(r => r.Minutes, t => t
                .Features(r => r.Miles, r => r.Rain, r => r.Vendor)
                .Candidate("linear", new LinearOptions { MaxIterations = 20 })
                .Candidate("trees", new FastTreeOptions { Trees = 20, Leaves = 8 })
                .Candidate("boosting", new LightGbmOptions { Trees = 20, Leaves = 8 }))
            .Evaluate(r => r.Rain)
            .Gate(g => g.BeatsBaseline().NotWorseThanChampion(0.2).AtLeast("r2", 0.5))
            .Register();
    }
}

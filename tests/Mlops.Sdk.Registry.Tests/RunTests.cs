using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class RunTests
{
    private static readonly RunStart Start = new("run-1", "taxi-fare", "manual", "first try") { Hypothesis = "distance matters", Parameters = new Dictionary<string, string> { ["seed"] = "7" } };
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_run_starts_once_however_often_it_is_started()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        RunRecord first = await workspace.Registry.StartRunAsync(Start);
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(first, await workspace.Registry.StartRunAsync(Start with { Reason = "again" }));
        Assert.Equal(new RunRecord("run-1", "taxi-fare", RunStatus.Running, "manual", "first try", new Actor("ada"), TestStore.Start, null, null, null), first);
        Assert.Single(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task Registering_ends_the_run_in_one_commit_and_again_answers_with_the_same_version()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        ModelManifest manifest = await workspace.ManifestAsync(runId: "run-1");
        ModelVersion version = await workspace.Registry.RegisterAsync(manifest, "passed");
        Assert.Equal(2, (await workspace.EntriesAsync()).Count);
        RunRecord run = Assert.Single(await workspace.Registry.ListRunsAsync("taxi-fare"));
        Assert.Equal((RunStatus.Registered, 1, TestStore.Start), (run.Status, run.Version, run.Ended));
        Assert.Same(version, await workspace.Registry.RegisterAsync(manifest, "passed"));
        Assert.Equal(2, (await workspace.EntriesAsync()).Count);
    }

    [Fact]
    public async Task Eight_racing_registrations_of_one_run_make_one_version()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace one = await store.OpenAsync();
        await using TestWorkspace two = await store.OpenAsync();
        await one.Registry.StartRunAsync(Start);
        ModelManifest manifest = await one.ManifestAsync(runId: "run-1");
        ModelVersion[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () => await (i % 2 == 0 ? one : two).Registry.RegisterAsync(manifest, "passed"))));
        Assert.All(all, v => Assert.Equal(1, v.Number));
        Assert.Single(await one.Registry.ListVersionsAsync("taxi-fare"));
    }

    [Fact]
    public async Task A_run_that_made_a_version_makes_no_other()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(runId: "run-1"), "passed");
        ModelManifest other = await workspace.ManifestAsync(content: "other", runId: "run-1");
        Assert.Equal("registry.run_ended", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.RegisterAsync(other, "passed"))).Code);
        Assert.Equal("registry.run_ended", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.EndRunAsync(new RunEnd("run-1", RunStatus.Failed, "late")))).Code);
    }

    [Fact]
    public async Task A_version_of_a_run_that_never_started_is_refused()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync(runId: "run-9");
        Assert.Equal("registry.run_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RegisterAsync(manifest, "why"))).Code);
        Assert.Equal("registry.run_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.EndRunAsync(new RunEnd("run-9", RunStatus.Failed, "m")))).Code);
    }

    [Fact]
    public async Task A_rejected_version_ends_its_run_as_rejected_with_the_version_as_evidence()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(runId: "run-1"), "worse than the champion", VersionStatus.Rejected);
        RunRecord run = Assert.Single(await workspace.Registry.ListRunsAsync("taxi-fare"));
        Assert.Equal((RunStatus.Rejected, 1, "worse than the champion"), (run.Status, run.Version, run.Message));
        Assert.Equal(run, await workspace.Registry.EndRunAsync(new RunEnd("run-1", RunStatus.Rejected, "worse")));
    }

    [Theory]
    [InlineData(RunStatus.Rejected)]
    [InlineData(RunStatus.Failed)]
    [InlineData(RunStatus.Cancelled)]
    public async Task A_run_ends_once_and_ending_it_the_same_way_changes_nothing(RunStatus status)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        RunRecord ended = await workspace.Registry.EndRunAsync(new RunEnd("run-1", status, "disk full") { Steps = [new StepRecord("read", "ok", 1.5, 10, 10)] });
        Assert.Equal((status, "disk full", TestStore.Start.AddMinutes(1)), (ended.Status, ended.Message, ended.Ended));
        Assert.Equal(ended, await workspace.Registry.EndRunAsync(new RunEnd("run-1", status, "disk full")));
        Assert.Equal(2, (await workspace.EntriesAsync()).Count);
        RunStatus other = status == RunStatus.Failed ? RunStatus.Cancelled : RunStatus.Failed;
        Assert.Equal("registry.run_ended", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.EndRunAsync(new RunEnd("run-1", other, "m")))).Code);
    }

    [Theory]
    [InlineData(RunStatus.Running)]
    [InlineData(RunStatus.Registered)]
    [InlineData((RunStatus)42)]
    public async Task A_run_cannot_be_ended_by_hand_as_running_or_registered(RunStatus status)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        Assert.Equal("registry.invalid_run", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.EndRunAsync(new RunEnd("run-1", status, "m")))).Code);
    }

    [Fact]
    public async Task Runs_are_listed_by_experiment_oldest_first()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        foreach (string id in (string[])["z", "b", "a"])
        {
            await workspace.Registry.StartRunAsync(Start with { RunId = id });
        }

        await workspace.Registry.StartRunAsync(Start with { RunId = "other", Experiment = "other" });
        Assert.Equal(["z", "b", "a"], (await workspace.Registry.ListRunsAsync("taxi-fare")).Select(r => r.RunId));
    }

    [Fact]
    public async Task A_message_longer_than_a_reason_may_be_is_kept_whole_in_the_data()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(Start);
        string message = new('x', 10_000);
        Assert.Equal(message, (await workspace.Registry.EndRunAsync(new RunEnd("run-1", RunStatus.Failed, message))).Message);
    }
}

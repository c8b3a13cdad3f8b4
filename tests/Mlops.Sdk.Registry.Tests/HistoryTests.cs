using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class HistoryTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task The_history_holds_all_that_happened_to_the_model_in_order_and_nothing_else()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(new RunStart("r1", "taxi-fare", "manual", "try"));
        await workspace.RegisterAsync("other");
        await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(runId: "r1"), "passed");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "best");
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        await workspace.AppendAsync(LedgerKinds.AlertRaised, new AlertNote("a1", "taxi-fare", 1, "drift", "moved", new Dictionary<string, double>()), new LedgerResource("monitor", "m"));
        IReadOnlyList<LedgerEntry> history = await workspace.Registry.HistoryAsync("taxi-fare");
        Assert.Equal(
            [LedgerKinds.RunStarted, LedgerKinds.VersionRegistered, LedgerKinds.AliasMoved, LedgerKinds.DeploymentStarted, LedgerKinds.AlertRaised],
            history.Select(e => e.Kind));
        Assert.Equal(history.Select(e => e.Number).Order(), history.Select(e => e.Number));
        Assert.All(history, e => Assert.False(string.IsNullOrWhiteSpace(e.Reason)));
    }

    [Fact]
    public async Task A_deployment_lasts_until_it_ends_or_the_host_takes_another_version()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await DeployAsync(workspace, 1, "web-1");
        await DeployAsync(workspace, 1, "web-2");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await DeployAsync(workspace, 2, "web-1");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("taxi-fare", 2, "web-1"), new LedgerResource("model", "taxi-fare", 2));
        Assert.Equal(
            [
                new DeploymentInterval("taxi-fare", 1, "web-1", TestStore.Start, TestStore.Start.AddMinutes(1)),
                new DeploymentInterval("taxi-fare", 1, "web-2", TestStore.Start, null),
                new DeploymentInterval("taxi-fare", 2, "web-1", TestStore.Start.AddMinutes(1), TestStore.Start.AddMinutes(2)),
            ],
            await workspace.Registry.DeploymentsAsync("taxi-fare"));
    }

    [Fact]
    public async Task A_late_end_of_an_earlier_version_does_not_end_the_one_in_service()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await DeployAsync(workspace, 1, "web-1");
        await DeployAsync(workspace, 2, "web-1");
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        Assert.Null((await workspace.Registry.DeploymentsAsync("taxi-fare"))[^1].End);
    }

    [Fact]
    public async Task Which_version_answered_at_an_instant_is_told_per_host()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        DateTimeOffset start = TestStore.Start;
        await DeployAsync(workspace, 1, "web-2");
        await DeployAsync(workspace, 1, "web-1");
        _store.Time.Advance(TimeSpan.FromMinutes(5));
        await DeployAsync(workspace, 2, "web-1");
        _store.Time.Advance(TimeSpan.FromMinutes(5));
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("taxi-fare", 1, "web-2"), new LedgerResource("model", "taxi-fare", 1));
        Assert.Empty(await AtAsync(start.AddTicks(-1)));
        Assert.Equal(["web-1: 1", "web-2: 1"], await AtAsync(start));
        Assert.Equal(["web-1: 1", "web-2: 1"], await AtAsync(start.AddMinutes(5).AddTicks(-1)));
        Assert.Equal(["web-1: 2", "web-2: 1"], await AtAsync(start.AddMinutes(5)));
        Assert.Equal(["web-1: 2"], await AtAsync(start.AddMinutes(10).ToOffset(TimeSpan.FromHours(-3))));
        Assert.Empty(await workspace.Registry.VersionsInServiceAtAsync("none", start));

        async Task<string[]> AtAsync(DateTimeOffset instant) => [.. (await workspace.Registry.VersionsInServiceAtAsync("taxi-fare", instant)).Select(d => $"{d.Host}: {d.Version}")];
    }

    [Fact]
    public async Task Changes_say_what_became_of_what_who_and_why_in_order_and_the_same_after_a_restart()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelRegistry registry = workspace.Registry;
        await registry.DescribeAsync("taxi-fare", "Fares.", "ann", "new");
        await registry.RegisterAsync(await workspace.ManifestAsync(content: "1"), "first");
        await registry.RegisterAsync(await workspace.ManifestAsync(content: "2"), "second", VersionStages.Draft);
        await registry.MoveAliasAsync("taxi-fare", "champion", 1, "only one");
        await DeployAsync(workspace, 1, "web-1");
        await registry.SetTagAsync("taxi-fare", null, "region", "eu", "where");
        await registry.SetTagAsync("taxi-fare", null, "region", "us", "moved");
        await registry.SetTagAsync("taxi-fare", 1, "region", "at", "of the version");
        await registry.RemoveTagAsync("taxi-fare", null, "region", "nowhere");
        await registry.DescribeAsync("taxi-fare", null, "bob", "handed over");
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await registry.MoveAliasAsync("taxi-fare", "champion", 2, "now"));
        await registry.MoveStageAsync("taxi-fare", 2, VersionStages.Registered, "finished");
        await registry.MoveAliasAsync("taxi-fare", "champion", 2, "better");
        await DeployAsync(workspace, 2, "web-1");
        await registry.DeprecateVersionAsync("taxi-fare", 1, "worse", successor: 2);
        await registry.RevokeDeprecationAsync("taxi-fare", 1, "not worse");
        await registry.DeleteVersionAsync("taxi-fare", 1, "must go");
        await registry.RemoveAliasAsync("taxi-fare", "champion", "stop");
        await workspace.AppendAsync("something.else", new DeploymentNote("taxi-fare", 2, "h"), new LedgerResource("model", "taxi-fare", 2));
        string[] expected =
        [
            "description:  -> Fares. (new)",
            "owner:  -> ann (new)",
            "version 1:  -> validated (first)",
            "version 2:  -> draft (second)",
            "alias 'champion' 1:  -> version 1 (only one)",
            "in service on 'web-1' 1:  -> version 1 (test)",
            "tag 'region':  -> eu (where)",
            "tag 'region': eu -> us (moved)",
            "tag 'region' 1:  -> at (of the version)",
            "tag 'region': us ->  (nowhere)",
            "owner: ann -> bob (handed over)",
            "Denied alias 'champion' 2: version 1 -> version 2",
            "stage 2: draft -> registered (finished)",
            "alias 'champion' 2: version 1 -> version 2 (better)",
            "in service on 'web-1' 2: version 1 -> version 2 (test)",
            "deprecation 1:  -> use version 2 instead (worse)",
            "deprecation 1: use version 2 instead ->  (not worse)",
            "version 1: validated -> deleted (must go)",
            "alias 'champion' 2: version 2 ->  (stop)",
            "something.else 2:  ->  (test)",
        ];
        Assert.Equal(expected, await ShowAsync(registry));
        await using TestWorkspace after = await _store.OpenAsync();
        Assert.Equal(expected, await ShowAsync(after.Registry));
        Assert.Equal(19, (await after.Registry.HistoryAsync("taxi-fare")).Count);

        static async Task<string[]> ShowAsync(IModelCatalog catalog) => [.. (await catalog.ChangesAsync("taxi-fare")).Select(c =>
            $"{(c.Outcome == LedgerOutcome.Done ? string.Empty : $"{c.Outcome} ")}{c.What}{(c.Version is { } v ? $" {v}" : string.Empty)}: {c.From} -> {c.To}{(c.Outcome == LedgerOutcome.Done ? $" ({c.Reason})" : string.Empty)}")];
    }

    [Fact]
    public async Task A_change_that_was_refused_is_not_what_the_next_one_starts_from()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.SetTagAsync("taxi-fare", null, "region", "eu", "first");
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.TagSet, new LedgerResource("model", "taxi-fare"), "no", LedgerData.Of(new TagNote("taxi-fare", null, "region", "moon"))) { Outcome = LedgerOutcome.Denied }]);
        await workspace.Registry.SetTagAsync("taxi-fare", null, "region", "us", "second");
        Assert.Equal([(null, "eu"), ("eu", "moon"), ("eu", "us")], (await workspace.Registry.ChangesAsync("taxi-fare")).Select(c => (c.From, c.To)));
    }

    [Fact]
    public async Task The_history_of_one_model_among_many_entries_of_others_is_whole()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        List<LedgerDraft> noise = [.. Enumerable.Range(0, 999).Select(i => new LedgerDraft("test.noise", new LedgerResource("noise", $"{i}"), "noise", LedgerData.Of(new LinkNote(new LinkEnd("a", "b"), new LinkEnd("a", "c"), "r"))))];
        for (int round = 0; round < 3; round++)
        {
            await workspace.Registry.RegisterAsync(manifest, $"{round} a");
            await workspace.Registry.RegisterAsync(manifest, $"{round} b");
            for (int i = 0; i < 6; i++) // more than are read through for the sake of the next one
            {
                await workspace.Ledger.AppendAsync(noise);
            }
        }

        Assert.Equal(["0 a", "0 b", "1 a", "1 b", "2 a", "2 b"], (await workspace.Registry.HistoryAsync("taxi-fare")).Select(e => e.Reason));
    }

    private static Task DeployAsync(TestWorkspace workspace, int version, string host) =>
        workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", version, host), new LedgerResource("model", "taxi-fare", version));
}

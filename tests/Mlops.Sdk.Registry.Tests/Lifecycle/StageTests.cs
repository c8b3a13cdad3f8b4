using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class StageTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_version_begins_where_its_registration_puts_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Assert.Equal(VersionStages.Validated, (await workspace.RegisterAsync(content: "1")).Stage);
        Assert.Equal(VersionStages.Rejected, (await workspace.RegisterAsync(content: "2", status: VersionStatus.Rejected)).Stage);
        ModelVersion draft = await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(content: "3"), "not finished", VersionStages.Draft);
        Assert.Equal((VersionStages.Draft, VersionStatus.Validated), (draft.Stage, draft.Status));
        Assert.Equal(VersionStatus.Rejected, (await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(content: "4"), "worse", VersionStages.Rejected)).Status);
        await using TestWorkspace after = await _store.OpenAsync();
        Assert.Equal(["validated", "rejected", "draft", "rejected"], (await after.Registry.ListVersionsAsync("taxi-fare")).Select(v => v.Stage));
    }

    [Theory]
    [InlineData(VersionStages.Approved)]
    [InlineData(VersionStages.Deployed)]
    [InlineData(VersionStages.Archived)]
    [InlineData("staging")]
    public async Task A_version_cannot_begin_where_only_others_may_bring_it(string stage)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        Assert.Equal("registry.illegal_stage_move", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.RegisterAsync(manifest, "why", stage))).Code);
        Assert.Empty(await workspace.Registry.ListVersionsAsync("taxi-fare"));
        Assert.Equal(LedgerOutcome.Denied, Assert.Single(await workspace.EntriesAsync()).Outcome);
    }

    [Fact]
    public async Task Every_move_between_stages_happens_exactly_when_the_life_cycle_has_it_and_is_recorded_either_way()
    {
        string[] stages = [VersionStages.Draft, VersionStages.Registered, VersionStages.Validated, VersionStages.Rejected, VersionStages.Approved, VersionStages.Archived, VersionStages.Deployed, "other"];
        Dictionary<string, string[]> ways = new()
        {
            [VersionStages.Draft] = [],
            [VersionStages.Registered] = [VersionStages.Registered],
            [VersionStages.Validated] = [VersionStages.Registered, VersionStages.Validated],
            [VersionStages.Rejected] = [VersionStages.Registered, VersionStages.Rejected],
            [VersionStages.Approved] = [VersionStages.Registered, VersionStages.Validated, VersionStages.Approved],
            [VersionStages.Archived] = [VersionStages.Archived],
        };
        await using TestWorkspace workspace = await _store.OpenAsync();
        int number = 0;
        foreach ((string from, string[] way) in ways)
        {
            foreach (string to in stages.Where(s => s != from))
            {
                await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(), "why", VersionStages.Draft);
                number++;
                foreach (string step in way)
                {
                    await workspace.Registry.MoveStageAsync("taxi-fare", number, step, "on the way");
                }

                int entries = (await workspace.EntriesAsync()).Count;
                bool legal = LifecyclePolicy.Default.Allows(from, to) && to != VersionStages.Deployed;
                string? code = await CodeAsync(() => workspace.Registry.MoveStageAsync("taxi-fare", number, to, "to see"));
                Assert.Equal(legal ? null : "registry.illegal_stage_move", code);
                Assert.Equal(legal ? to : from, (await workspace.Registry.FindVersionAsync("taxi-fare", number))!.Stage);
                LedgerEntry entry = Assert.Single((await workspace.EntriesAsync())[entries..]);
                Assert.Equal((LedgerKinds.StageMoved, legal ? LedgerOutcome.Done : LedgerOutcome.Denied), (entry.Kind, entry.Outcome));
                Assert.Equal(new StageNote("taxi-fare", number, from, to), LedgerData.Read<StageNote>(entry));
            }
        }
    }

    [Fact]
    public async Task Moving_to_where_it_is_writes_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync();
        Assert.Same(version, await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Validated, "again"));
        Assert.Single(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task A_move_with_an_expectation_happens_only_when_it_holds()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        Assert.Equal("registry.stage_moved", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, "why", expected: VersionStages.Draft))).Code);
        Assert.Equal(VersionStages.Approved, (await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, "why", expected: VersionStages.Validated)).Stage);
    }

    [Theory]
    [InlineData(VersionStages.Draft)]
    [InlineData(VersionStages.Archived)]
    [InlineData(VersionStages.Rejected)]
    public async Task A_version_where_it_may_not_be_promoted_cannot_be_named_by_an_alias(string stage)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(), "why", stage == VersionStages.Draft ? VersionStages.Draft : VersionStages.Registered);
        await workspace.Registry.MoveStageAsync("taxi-fare", 1, stage, "why");
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "why"));
        Assert.Equal("registry.stage_not_promotable", error.Code);
        Assert.Equal("registry.stage_not_promotable", LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]).Denied);
    }

    [Fact]
    public async Task A_version_in_use_cannot_be_archived_until_alias_and_host_let_go_of_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "best");
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        Assert.Equal("registry.version_in_use", await CodeAsync(() => workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "old")));
        await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "none is good enough");
        Assert.Equal("registry.version_in_use", await CodeAsync(() => workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "old")));
        await workspace.Registry.EndDeploymentAsync("taxi-fare", 1, "web-1", "the machine burnt down");
        Assert.Equal(VersionStages.Archived, (await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "old")).Stage);
    }

    [Fact]
    public async Task A_version_is_shown_as_deployed_exactly_while_a_host_serves_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, "good");
        await ServeAsync(1);
        Assert.Equal(["deployed", "validated"], await StagesAsync());
        Assert.Equal("deployed", (await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Stage);
        await ServeAsync(2);
        Assert.Equal(["approved", "deployed"], await StagesAsync());
        await workspace.Registry.EndDeploymentAsync("taxi-fare", 2, "web-1", "gone");
        Assert.Equal(["approved", "validated"], await StagesAsync());

        Task ServeAsync(int version) => workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", version, "web-1"), new LedgerResource("model", "taxi-fare", version));
        async Task<string[]> StagesAsync() => [.. (await workspace.Registry.ListVersionsAsync("taxi-fare")).Select(v => v.Stage)];
    }

    [Fact]
    public async Task A_rejected_version_never_becomes_promotable_by_way_of_the_archive()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync(status: VersionStatus.Rejected);
        await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "tidy");
        Assert.Equal("registry.version_rejected", await CodeAsync(() => workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Registered, "sneak")));
    }

    [Fact]
    public async Task Stages_of_your_own_replace_the_usual_ones()
    {
        #region lifecycle
        LifecyclePolicy policy = new(
            moves: new Dictionary<string, IReadOnlyList<string>>
            {
                ["candidate"] = ["shadow", "retired"],
                ["shadow"] = ["production", "retired"],
                ["production"] = ["retired"],
                ["failed"] = ["retired"],
            },
            passed: "candidate",
            failed: "failed",
            promotable: ["shadow", "production"]);
        #endregion
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelRegistry registry = await ModelRegistry.CreateAsync(workspace.Ledger, workspace.Artifacts, options: new RegistryOptions { Lifecycle = policy });
        Assert.Equal("candidate", (await registry.RegisterAsync(await workspace.ManifestAsync(), "why")).Stage);
        Assert.Equal("registry.stage_not_promotable", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await registry.MoveAliasAsync("taxi-fare", "champion", 1, "why"))).Code);
        await registry.MoveStageAsync("taxi-fare", 1, "shadow", "good enough to watch");
        await registry.MoveAliasAsync("taxi-fare", "champion", 1, "why");
        Assert.Equal("registry.illegal_stage_move", await CodeAsync(() => registry.MoveStageAsync("taxi-fare", 1, "candidate", "back")));
        Assert.Equal("shadow", (await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Stage);
        Assert.Equal(VersionStages.Archived, (await MoveOutAsync()).Stage);

        async Task<ModelVersion> MoveOutAsync()
        {
            // under another policy the stage is not known: the version is not stuck
            await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "why");
            return await workspace.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "other stages now");
        }
    }

    [Fact]
    public void A_life_cycle_that_contradicts_itself_is_refused()
    {
        Dictionary<string, IReadOnlyList<string>> moves = new() { ["a"] = ["b"] };
        foreach (Func<LifecyclePolicy> wrong in (Func<LifecyclePolicy>[])[
            () => new LifecyclePolicy(moves, "a", "c", ["a"]),
            () => new LifecyclePolicy(moves, "c", "a", ["b"]),
            () => new LifecyclePolicy(moves, "a", "a", ["b"]),
            () => new LifecyclePolicy(moves, "a", "b", ["b"]),
            () => new LifecyclePolicy(moves, "a", "b", ["c"]),
            () => new LifecyclePolicy(moves, "a", "b", ["a"], ["c"]),
            () => new LifecyclePolicy(moves, "a", "b", ["a"], inService: "a"),
            () => new LifecyclePolicy(moves, "a", "b", ["a"], inService: "A"),
            () => new LifecyclePolicy(new Dictionary<string, IReadOnlyList<string>> { ["A b"] = [] }, "A b", "A b", [])])
        {
            Assert.Equal("registry.invalid_lifecycle", Assert.Throws<MlopsException>(wrong).Code);
        }
    }

    [Fact]
    public async Task Two_racing_moves_from_one_stage_give_one_outcome()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace one = await store.OpenAsync();
        await using TestWorkspace two = await store.OpenAsync();
        await one.RegisterAsync();
        string?[] codes = await Task.WhenAll(
            Task.Run(() => CodeAsync(() => one.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, "yes", VersionStages.Validated))),
            Task.Run(() => CodeAsync(() => two.Registry.MoveStageAsync("taxi-fare", 1, VersionStages.Rejected, "no", VersionStages.Validated))));
        Assert.Single(codes, c => c is null);
        Assert.Single(codes, c => c == "registry.stage_moved");
    }

    private static async Task<string?> CodeAsync<T>(Func<ValueTask<T>> work)
    {
        try
        {
            await work();
            return null;
        }
        catch (MlopsException e)
        {
            return e.Code;
        }
    }
}

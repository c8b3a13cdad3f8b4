using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>Tags, description, owner and deprecation.</summary>
public sealed class DescriptionTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_model_can_be_described_before_it_has_a_version_and_each_part_on_its_own()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Assert.Null(await workspace.Registry.FindModelAsync("taxi-fare"));
        await workspace.Registry.DescribeAsync("taxi-fare", "Predicts fares.", "team-rides", "new model");
        await workspace.Registry.DescribeAsync("taxi-fare", null, "ann", "handed over");
        ModelSummary model = await workspace.Registry.DescribeAsync("taxi-fare", "Predicts the fare of a ride.", null, "clearer");
        Assert.Equal(("Predicts the fare of a ride.", "ann", 0, 0), (model.Description, model.Owner, model.Versions, model.Latest));
        Assert.Equal("taxi-fare", Assert.Single(await workspace.Registry.ListModelsAsync()).Name);
        await workspace.Registry.DescribeAsync("taxi-fare", string.Empty, null, "none any more");
        Assert.Null((await workspace.Registry.FindModelAsync("taxi-fare"))!.Description);
    }

    [Fact]
    public async Task Describing_it_as_it_is_writes_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.DescribeAsync("taxi-fare", "d", "o", "why");
        await workspace.Registry.DescribeAsync("taxi-fare", "d", null, "why");
        await workspace.Registry.DescribeAsync("taxi-fare", null, "o", "why");
        await workspace.Registry.DescribeAsync("taxi-fare", null, null, "why");
        Assert.Single(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task Tags_of_models_and_versions_are_set_changed_and_taken_away_apart_from_each_other()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        await workspace.Registry.SetTagAsync("taxi-fare", null, "region", "eu", "why");
        await workspace.Registry.SetTagAsync("taxi-fare", 1, "region", "us", "why");
        await workspace.Registry.SetTagAsync("taxi-fare", 1, "hw/gpu:count", "", "why");
        await workspace.Registry.SetTagAsync("taxi-fare", 1, "region", "asia", "moved");
        await workspace.Registry.SetTagAsync("taxi-fare", 1, "region", "asia", "again");
        Assert.Equal(5, (await workspace.EntriesAsync()).Count);
        Assert.Equal("eu", (await workspace.Registry.FindModelAsync("taxi-fare"))!.Tags["region"]);
        Assert.Equal([("hw/gpu:count", ""), ("region", "asia")], (await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Tags.Select(t => (t.Key, t.Value)));
        await workspace.Registry.RemoveTagAsync("taxi-fare", 1, "region", "wrong");
        await workspace.Registry.RemoveTagAsync("taxi-fare", 1, "region", "again");
        Assert.Equal(6, (await workspace.EntriesAsync()).Count);
        Assert.Equal(["hw/gpu:count"], (await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Tags.Keys);
        Assert.Equal("eu", (await workspace.Registry.FindModelAsync("taxi-fare"))!.Tags["region"]);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.SetTagAsync("taxi-fare", 2, "k", "v", "why"))).Code);
    }

    [Fact]
    public async Task There_are_at_most_a_hundred_tags_and_a_set_one_can_still_be_changed()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        for (int i = 0; i < 100; i++)
        {
            await workspace.Registry.SetTagAsync("taxi-fare", null, $"k{i}", "v", "why");
        }

        Assert.Equal("registry.invalid_tag", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.SetTagAsync("taxi-fare", null, "more", "v", "why"))).Code);
        await workspace.Registry.SetTagAsync("taxi-fare", null, "k7", "w", "why");
        await workspace.Registry.RemoveTagAsync("taxi-fare", null, "k8", "why");
        await workspace.Registry.SetTagAsync("taxi-fare", null, "more", "v", "why");
        Assert.Equal(100, (await workspace.Registry.FindModelAsync("taxi-fare"))!.Tags.Count);
    }

    [Fact]
    public async Task A_deprecation_says_what_to_use_instead_who_and_why_and_can_be_taken_back()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("ada"));
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        ModelVersion old = await workspace.Registry.DeprecateVersionAsync("taxi-fare", 1, "drifts at night", successor: 2);
        Assert.Equal(new VersionDeprecation(2, "drifts at night", new Actor("ada"), TestStore.Start), old.Deprecation);
        int entries = (await workspace.EntriesAsync()).Count;
        await workspace.Registry.DeprecateVersionAsync("taxi-fare", 1, "again", successor: 2);
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
        Assert.Null((await workspace.Registry.DeprecateVersionAsync("taxi-fare", 1, "no, nothing", successor: null)).Deprecation!.Successor);
        Assert.Equal(1, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "still better than nothing")).To);
        Assert.Null((await workspace.Registry.RevokeDeprecationAsync("taxi-fare", 1, "was the data")).Deprecation);
        entries = (await workspace.EntriesAsync()).Count;
        await workspace.Registry.RevokeDeprecationAsync("taxi-fare", 1, "again");
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
    }

    [Fact]
    public async Task A_successor_is_another_version_that_can_be_used_and_never_leads_back()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        for (int i = 1; i <= 4; i++)
        {
            await workspace.RegisterAsync(content: $"{i}");
        }

        await workspace.RegisterAsync(content: "5", status: VersionStatus.Rejected);
        await workspace.Registry.DeleteVersionAsync("taxi-fare", 4, "why");
        await workspace.Registry.DeprecateVersionAsync("taxi-fare", 1, "why", 2);
        await workspace.Registry.DeprecateVersionAsync("taxi-fare", 2, "why", 3);
        foreach ((int version, int successor) in ((int, int)[])[(1, 1), (3, 1), (2, 1), (1, 4), (1, 5)])
        {
            Assert.Equal("registry.invalid_successor", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.DeprecateVersionAsync("taxi-fare", version, "why", successor))).Code);
        }

        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.DeprecateVersionAsync("taxi-fare", 1, "why", 9))).Code);
    }

    [Fact]
    public async Task Every_change_asks_for_a_reason_before_anything_is_written()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        ModelRegistry registry = workspace.Registry;
        foreach (Func<Task> change in (Func<Task>[])[
            async () => await registry.RegisterAsync(await workspace.ManifestAsync(), " ", VersionStages.Draft),
            async () => await registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, " "),
            async () => await registry.DescribeAsync("taxi-fare", "d", "o", " "),
            async () => await registry.SetTagAsync("taxi-fare", 1, "k", "v", " "),
            async () => await registry.RemoveTagAsync("taxi-fare", 1, "k", " "),
            async () => await registry.DeprecateVersionAsync("taxi-fare", 1, " "),
            async () => await registry.RevokeDeprecationAsync("taxi-fare", 1, " "),
            async () => await registry.DeleteVersionAsync("taxi-fare", 1, " "),
            async () => await registry.RemoveAliasAsync("taxi-fare", "champion", " "),
            async () => await registry.EndDeploymentAsync("taxi-fare", 1, "web-1", " ")])
        {
            Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(change)).Code);
        }

        Assert.Single(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task What_a_guard_refuses_is_recorded_for_every_kind_of_change()
    {
        await using TestWorkspace setup = await _store.OpenAsync();
        await setup.RegisterAsync();
        await setup.Registry.DeprecateVersionAsync("taxi-fare", 1, "why");
        await setup.Registry.SetTagAsync("taxi-fare", 1, "old", "v", "why");
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("eve"), new RefuseAll());
        ModelRegistry registry = workspace.Registry;
        (string Kind, Func<Task> Change)[] changes =
        [
            (LedgerKinds.StageMoved, async () => await registry.MoveStageAsync("taxi-fare", 1, VersionStages.Approved, "why")),
            (LedgerKinds.ModelDescribed, async () => await registry.DescribeAsync("taxi-fare", "d", "o", "why")),
            (LedgerKinds.TagSet, async () => await registry.SetTagAsync("taxi-fare", 1, "k", "v", "why")),
            (LedgerKinds.TagSet, async () => await registry.RemoveTagAsync("taxi-fare", 1, "old", "why")),
            (LedgerKinds.VersionDeprecated, async () => await registry.RevokeDeprecationAsync("taxi-fare", 1, "why")),
            (LedgerKinds.VersionDeleted, async () => await registry.DeleteVersionAsync("taxi-fare", 1, "why")),
        ];
        foreach ((string kind, Func<Task> change) in changes)
        {
            Assert.Equal("test.no", (await Assert.ThrowsAsync<MlopsDeniedException>(change)).Code);
            LedgerEntry denied = (await workspace.EntriesAsync())[^1];
            Assert.Equal((kind, LedgerOutcome.Denied, "eve"), (denied.Kind, denied.Outcome, denied.Actor.Id));
        }

        ModelVersion version = (await registry.FindVersionAsync("taxi-fare", 1))!;
        Assert.Equal((VersionStages.Validated, false, 1), (version.Stage, version.Deleted, version.Tags.Count));
        Assert.NotNull(version.Deprecation);
    }

    private sealed class RefuseAll : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft.Outcome == LedgerOutcome.Done)
            {
                throw new MlopsDeniedException("test.no", "No.");
            }
        }
    }
}

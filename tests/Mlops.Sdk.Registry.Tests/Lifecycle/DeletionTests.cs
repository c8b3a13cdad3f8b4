using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class DeletionTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_deleted_version_keeps_its_number_digest_and_history_and_is_listed_as_deleted()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion before = await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        _store.Time.Advance(TimeSpan.FromHours(1));
        ModelVersion deleted = await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "trained on data we may not use");
        Assert.Equal((1, before.Digest, true, TestStore.Start.AddHours(1)), (deleted.Number, deleted.Digest, deleted.Deleted, deleted.DeletedAt));
        await using TestWorkspace after = await _store.OpenAsync();
        Assert.Equal([true, false], (await after.Registry.ListVersionsAsync("taxi-fare")).Select(v => v.Deleted));
        Assert.True((await after.Registry.FindVersionAsync("taxi-fare", 1))!.Deleted);
        Assert.Equal(3, (await after.RegisterAsync(content: "3")).Number);
        LedgerEntry tombstone = Assert.Single(await after.Registry.HistoryAsync("taxi-fare"), e => e.Kind == LedgerKinds.VersionDeleted);
        Assert.Equal(new TombstoneNote("taxi-fare", 1, before.Digest), LedgerData.Read<TombstoneNote>(tombstone));
        Assert.Equal("trained on data we may not use", tombstone.Reason);
    }

    [Fact]
    public async Task Deleting_the_newest_version_does_not_free_its_number()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "why");
        Assert.Equal(2, (await workspace.RegisterAsync()).Number);
    }

    [Fact]
    public async Task Deleting_again_writes_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        ModelVersion deleted = await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "why");
        int entries = (await workspace.EntriesAsync()).Count;
        Assert.Equal(deleted, await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "again"));
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
    }

    [Fact]
    public async Task A_version_that_an_alias_names_or_a_host_serves_cannot_be_deleted_and_who_tried_is_recorded()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("mallory"));
        await workspace.RegisterAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "best");
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "oops"));
        Assert.Equal("registry.version_in_use", error.Code);
        Assert.Contains("alias 'champion'", error.Message, StringComparison.Ordinal);
        LedgerEntry denied = (await workspace.EntriesAsync())[^1];
        Assert.Equal((LedgerKinds.VersionDeleted, LedgerOutcome.Denied, "mallory"), (denied.Kind, denied.Outcome, denied.Actor.Id));
        await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "stop");
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "oops"));
        Assert.Contains("host 'web-1'", error.Message, StringComparison.Ordinal);
        Assert.False((await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Deleted);
    }

    [Fact]
    public async Task A_deleted_version_cannot_be_promoted_loaded_compared_tagged_moved_or_registered_over()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(new RunStart("r1", "taxi-fare", "manual", "try"));
        ModelManifest manifest = await workspace.ManifestAsync(runId: "r1");
        ModelVersion version = await workspace.Registry.RegisterAsync(manifest, "passed");
        await workspace.RegisterAsync(content: "2");
        ModelVersion deleted = await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "why");
        ModelRegistry registry = workspace.Registry;
        await RefusedAsync(async () => await registry.MoveAliasAsync("taxi-fare", "champion", 1, "why"));
        await RefusedAsync(async () => await registry.ReadManifestAsync(deleted));
        await RefusedAsync(async () => await registry.ReadManifestAsync(version)); // as it was found before
        await RefusedAsync(async () => await registry.CompareAsync("taxi-fare", 1, 2));
        await RefusedAsync(async () => await registry.SetTagAsync("taxi-fare", 1, "k", "v", "why"));
        await RefusedAsync(async () => await registry.MoveStageAsync("taxi-fare", 1, VersionStages.Archived, "why"));
        await RefusedAsync(async () => await registry.DeprecateVersionAsync("taxi-fare", 1, "why"));
        await RefusedAsync(async () => await registry.RegisterAsync(manifest, "again"));
        Assert.Equal(2, (await registry.ListVersionsAsync("taxi-fare")).Count);

        static async Task RefusedAsync(Func<Task> work)
        {
            MlopsException error = await Assert.ThrowsAnyAsync<MlopsException>(work);
            Assert.Equal("registry.version_deleted", error.Code);
        }
    }

    [Fact]
    public async Task A_deletion_racing_a_promotion_never_leaves_an_alias_on_a_deleted_version()
    {
        for (int round = 0; round < 20; round++)
        {
            TestStore store = new(writersMeet: true);
            await using TestWorkspace one = await store.OpenAsync();
            await using TestWorkspace two = await store.OpenAsync();
            await one.RegisterAsync();
            await Task.WhenAll(
                Task.Run(() => TryAsync(async () => await one.Registry.DeleteVersionAsync("taxi-fare", 1, "why"))),
                Task.Run(() => TryAsync(async () => await two.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "why"))));
            ModelVersion version = (await one.Registry.FindVersionAsync("taxi-fare", 1))!;
            ModelVersion? champion = await two.Registry.FindAliasAsync("taxi-fare", "champion");
            Assert.NotEqual(version.Deleted, champion is not null);
        }

        static async Task TryAsync(Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (MlopsDeniedException)
            {
                // the other was first
            }
        }
    }

    [Fact]
    public async Task The_end_of_a_deployment_is_recorded_for_a_host_that_serves_the_version_and_not_otherwise()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        await workspace.Registry.EndDeploymentAsync("taxi-fare", 1, "web-2", "never was");
        Assert.Null(Assert.Single(await workspace.Registry.DeploymentsAsync("taxi-fare")).End);
        await workspace.Registry.EndDeploymentAsync("taxi-fare", 1, "web-1", "gone");
        await workspace.Registry.EndDeploymentAsync("taxi-fare", 1, "web-1", "gone");
        Assert.NotNull(Assert.Single(await workspace.Registry.DeploymentsAsync("taxi-fare")).End);
        Assert.Equal(3, (await workspace.EntriesAsync()).Count);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.EndDeploymentAsync("taxi-fare", 2, "web-1", "why"))).Code);
    }
}

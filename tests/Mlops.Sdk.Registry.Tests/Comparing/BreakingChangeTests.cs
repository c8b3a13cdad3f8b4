using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class BreakingChangeTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_version_that_breaks_the_callers_of_the_one_in_service_is_refused_and_the_refusal_recorded()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "better"));
        Assert.Equal("registry.breaking_change", error.Code);
        Assert.Contains("Input 'Tip' is new: callers have to send column 'Tip'.", error.Message, StringComparison.Ordinal);
        AliasNote denied = LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]);
        Assert.Equal((1, 2, true, "registry.breaking_change"), (denied.From, denied.To, denied.Breaking, denied.Denied));
        Assert.Equal(1, (await workspace.Registry.FindAliasAsync("taxi-fare", "champion"))!.Number);
    }

    [Fact]
    public async Task Saying_so_explicitly_moves_it_and_the_history_says_that_callers_break()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        Assert.Equal(2, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "callers send tips now", allowBreaking: true)).To);
        Assert.True(LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]).Breaking);
    }

    [Fact]
    public async Task The_first_version_of_an_alias_and_one_that_takes_less_break_nobody()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "first");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "takes less");
        Assert.False(LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]).Breaking);
    }

    [Fact]
    public async Task A_rollback_is_never_held_up_by_it()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "first");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "takes less");
        Assert.Equal(2, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "was better")).To);
        Assert.True(LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]).Breaking);
    }

    [Fact]
    public async Task Removing_the_alias_in_between_is_seen_in_the_history_and_needs_no_permission()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "a new start");
        Assert.Equal(2, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "new callers")).To);
    }

    [Fact]
    public async Task A_registry_that_does_not_refuse_still_marks_the_move()
    {
        await using TestWorkspace workspace = await CompatibleAndBreakingAsync();
        ModelRegistry registry = await ModelRegistry.CreateAsync(workspace.Ledger, workspace.Artifacts, options: new RegistryOptions { RefuseBreakingChanges = false });
        await registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await registry.MoveAliasAsync("taxi-fare", "champion", 2, "second");
        Assert.True(LedgerData.Read<AliasNote>((await workspace.EntriesAsync())[^1]).Breaking);
    }

    [Fact]
    public async Task A_manifest_that_is_lost_does_not_hold_up_the_promotion_of_a_good_version()
    {
        InMemoryObjectStore store = new();
        await using TestWorkspace workspace = await new TestStore { Store = store }.OpenAsync();
        ModelVersion lost = await workspace.RegisterAsync();
        await RegisterBreakingAsync(workspace);
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await store.DeleteAsync(ObjectKey.Parse($"artifacts/sha256/{lost.Digest.Hex[..2]}/{lost.Digest.Hex}"));
        Assert.Equal(2, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "repair")).To);
    }

    [Fact]
    public async Task The_check_is_made_against_what_the_alias_names_when_the_move_is_written()
    {
        // two registries: what the first one compared is no longer what the alias names when its move is decided
        await using TestWorkspace one = await CompatibleAndBreakingAsync();
        await using TestWorkspace two = await _store.OpenAsync();
        await one.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "first");
        Assert.Equal(1, (await two.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "takes less")).To);
        Assert.Equal("registry.breaking_change", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await one.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "again"))).Code);
    }

    private async Task<TestWorkspace> CompatibleAndBreakingAsync()
    {
        TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        await RegisterBreakingAsync(workspace);
        return workspace;
    }

    private static async Task RegisterBreakingAsync(TestWorkspace workspace)
    {
        ModelManifest manifest = await workspace.ManifestAsync();
        await workspace.Registry.RegisterAsync(manifest with { Schema = manifest.Schema with { Inputs = [.. manifest.Schema.Inputs, new ModelInput("Tip", InputKind.Number, "Tip")] } }, "uses tips");
    }
}

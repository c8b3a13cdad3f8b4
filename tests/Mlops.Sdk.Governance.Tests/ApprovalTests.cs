using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

public sealed class ApprovalTests
{
    private static readonly Actor Author = new("ada");
    private readonly TestStore _store = new();

    [Fact]
    public async Task Without_enough_approvals_the_alias_stays_and_the_denial_is_recorded()
    {
        await using TestWorkspace workspace = await OpenAsync(2, out ApprovalService approvals);
        ModelVersion version = await workspace.RegisterAsync();
        workspace.Actors.Current = new Actor("bob");
        await approvals.ApproveAsync("taxi-fare", 1, "looks right");
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
        Assert.Equal("governance.approval_required", error.Code);
        Assert.Contains("1 counted, 1 missing", error.Message, StringComparison.Ordinal);
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        LedgerEntry denied = (await workspace.EntriesAsync())[^1];
        Assert.Equal((LedgerKinds.AliasMoved, LedgerOutcome.Denied, "bob", version.Digest), (denied.Kind, denied.Outcome, denied.Actor.Id, denied.Resource.Digest!.Value));
        Assert.Equal("governance.approval_required", LedgerData.Read<AliasNote>(denied).Denied);
    }

    [Fact]
    public async Task With_enough_different_people_the_alias_moves()
    {
        await using TestWorkspace workspace = await OpenAsync(2, out ApprovalService approvals);
        await workspace.RegisterAsync();
        foreach (string who in (string[])["bob", "cleo"])
        {
            workspace.Actors.Current = new Actor(who);
            Assert.True((await approvals.ApproveAsync("taxi-fare", 1, "fine")).Counts);
        }

        Assert.Equal(1, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it")).To);
    }

    [Fact]
    public async Task Taking_a_protected_alias_away_asks_for_no_approval_and_naming_a_version_again_does()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        workspace.Actors.Current = new Actor("bob");
        await approvals.ApproveAsync("taxi-fare", 1, "fine");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it");
        await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "stop");
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        Assert.Equal("governance.approval_required", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "sneak"))).Code);
        Assert.Equal(1, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "go on")).To);
    }

    [Fact]
    public async Task An_author_cannot_approve_the_own_version_and_trying_is_recorded()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        await workspace.RegisterAsync();
        foreach (Actor self in (Actor[])[Author, new("ADA"), new("bot", ActorKind.Service, OnBehalfOf: "ada"), new(" ada ")])
        {
            workspace.Actors.Current = self;
            MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await approvals.ApproveAsync("taxi-fare", 1, "mine is best"));
            Assert.Equal("governance.may_not_approve", error.Code);
            LedgerEntry denied = (await workspace.EntriesAsync())[^1];
            Assert.Equal((LedgerKinds.ApprovalGiven, LedgerOutcome.Denied, self), (denied.Kind, denied.Outcome, denied.Actor));
        }

        Assert.Empty(await approvals.ListApprovalsAsync("taxi-fare", 1));
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
    }

    [Fact]
    public async Task An_author_may_approve_where_the_options_say_so()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals, o => o.AuthorMayApprove = true);
        await workspace.RegisterAsync();
        await approvals.ApproveAsync("taxi-fare", 1, "alone here");
        Assert.Equal(1, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it")).To);
    }

    [Fact]
    public async Task The_library_itself_cannot_approve()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals, o => o.AuthorMayApprove = true);
        await workspace.RegisterAsync();
        workspace.Actors.Current = Actor.System;
        Assert.Equal("governance.may_not_approve", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await approvals.ApproveAsync("taxi-fare", 1, "auto"))).Code);
    }

    [Fact]
    public async Task Approving_twice_is_one_approval()
    {
        await using TestWorkspace workspace = await OpenAsync(2, out ApprovalService approvals);
        await workspace.RegisterAsync();
        workspace.Actors.Current = new Actor("bob");
        Approval first = await approvals.ApproveAsync("taxi-fare", 1, "fine");
        Assert.Equal(first, await approvals.ApproveAsync("taxi-fare", 1, "still fine"));
        workspace.Actors.Current = new Actor("Bob");
        Assert.Equal(first, await approvals.ApproveAsync("taxi-fare", 1, "fine again"));
        Assert.Single(await approvals.ListApprovalsAsync("taxi-fare", 1));
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
    }

    [Fact]
    public async Task An_approval_holds_for_the_digest_it_was_given_for_and_for_no_other_version()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        ModelVersion one = await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        workspace.Actors.Current = new Actor("bob");
        await approvals.ApproveAsync("taxi-fare", 1, "fine");
        Assert.Equal("governance.approval_required", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "ship it"))).Code);

        // the approval of version 1's bytes, replayed for version 2, and the move of an approved version with other bytes
        MlopsDeniedException replay = await Assert.ThrowsAsync<MlopsDeniedException>(() => workspace.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("taxi-fare", 2, one.Digest), new LedgerResource("model", "taxi-fare", 2)));
        Assert.Equal("governance.invalid_entry", replay.Code);
        MlopsDeniedException forged = await Assert.ThrowsAsync<MlopsDeniedException>(() => workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("taxi-fare", "champion", null, 1, Digest.Of([1])), new LedgerResource("model", "taxi-fare", 1)));
        Assert.Equal("governance.approval_required", forged.Code);
        MlopsDeniedException mixed = await Assert.ThrowsAsync<MlopsDeniedException>(() => workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("taxi-fare", "champion", null, 2, one.Digest), new LedgerResource("model", "taxi-fare", 2)));
        Assert.Equal("governance.approval_required", mixed.Code);
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
    }

    [Fact]
    public async Task An_approval_in_the_same_append_as_the_move_does_not_count()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out _);
        ModelVersion version = await workspace.RegisterAsync();
        workspace.Actors.Current = new Actor("bob");
        LedgerResource resource = new("model", "taxi-fare", 1, version.Digest);
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Ledger.AppendAsync(
        [
            new LedgerDraft(LedgerKinds.ApprovalGiven, resource, "fine", LedgerData.Of(new ApprovalNote("taxi-fare", 1, version.Digest))),
            new LedgerDraft(LedgerKinds.AliasMoved, resource, "ship it", LedgerData.Of(new AliasNote("taxi-fare", "champion", null, 1, version.Digest))),
        ]));
        Assert.Equal("governance.approval_required", error.Code);
        Assert.Empty((await workspace.EntriesAsync()).Where(e => e.Kind == LedgerKinds.ApprovalGiven));
    }

    [Theory]
    [InlineData("unreadable")]
    [InlineData("other model")]
    [InlineData("other version")]
    [InlineData("newer format")]
    public async Task A_move_that_does_not_say_what_it_moves_is_refused(string how)
    {
        await using TestWorkspace workspace = await OpenAsync(1, out _);
        ModelVersion version = await workspace.RegisterAsync();
        AliasNote note = new("taxi-fare", "champion", null, 1, version.Digest);
        LedgerResource resource = new("model", "taxi-fare", 1);
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(() => how switch
        {
            "unreadable" => workspace.AppendAsync(LedgerKinds.AliasMoved, new DeploymentNote("taxi-fare", 1, "h"), resource),
            "other model" => workspace.AppendAsync(LedgerKinds.AliasMoved, note, resource with { Name = "other" }),
            "other version" => workspace.AppendAsync(LedgerKinds.AliasMoved, note, resource with { Version = 2 }),
            _ => workspace.AppendAsync(LedgerKinds.AliasMoved, note, resource, format: 2),
        });
        Assert.Equal("governance.invalid_entry", error.Code);
    }

    [Fact]
    public async Task Other_aliases_and_zero_required_approvals_let_the_move_pass()
    {
        await using (TestWorkspace workspace = await OpenAsync(1, out _))
        {
            await workspace.RegisterAsync();
            Assert.Equal(1, (await workspace.Registry.MoveAliasAsync("taxi-fare", "challenger", 1, "try")).To);
        }

        await using TestWorkspace free = await OpenAsync(0, out _);
        Assert.Equal(1, (await free.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it")).To);
    }

    [Fact]
    public async Task A_rollback_needs_the_approvals_of_the_version_it_returns_to()
    {
        await using (TestWorkspace before = await OpenAsync(0, out _))
        {
            await before.RegisterAsync(content: "1");
            await before.RegisterAsync(content: "2");
            await before.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "before the rule");
            await before.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "before the rule");
        }

        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        workspace.Actors.Current = new Actor("bob");
        Assert.Equal("governance.approval_required", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", "champion", "worse"))).Code);
        await approvals.ApproveAsync("taxi-fare", 1, "it was fine");
        Assert.Equal(1, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "worse")).To);
    }

    [Fact]
    public async Task Approvals_survive_a_restart_and_the_gate_answers_the_same_as_the_guard()
    {
        await using (TestWorkspace before = await OpenAsync(1, out ApprovalService approvals))
        {
            await before.RegisterAsync();
            before.Actors.Current = new Actor("bob");
            await approvals.ApproveAsync("taxi-fare", 1, "fine");
        }

        ApprovalGuard guard = new(new GovernanceOptions { ApprovalsRequired = 1 });
        await using TestWorkspace after = await _store.OpenAsync(Author, guard);
        Digest digest = (await after.Registry.FindVersionAsync("taxi-fare", 1))!.Digest;
        Assert.Null(guard.WhyNot("taxi-fare", 1, digest, "champion"));
        Assert.NotNull(guard.WhyNot("taxi-fare", 1, Digest.Of([1]), "champion"));
        Assert.NotNull(guard.WhyNot("taxi-fare", 2, digest, "champion"));
        Assert.Null(guard.WhyNot("taxi-fare", 2, digest, "challenger"));
        Assert.Equal(1, (await after.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it")).To);
    }

    [Fact]
    public async Task An_approval_by_the_author_written_where_no_guard_stood_is_listed_and_does_not_count()
    {
        await using (TestWorkspace unguarded = await _store.OpenAsync(Author))
        {
            ModelVersion version = await unguarded.RegisterAsync();
            await unguarded.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("taxi-fare", 1, version.Digest), new LedgerResource("model", "taxi-fare", 1));
        }

        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        Assert.False(Assert.Single(await approvals.ListApprovalsAsync("taxi-fare", 1)).Counts);
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
    }

    [Fact]
    public async Task Approvals_written_where_no_guard_stood_count_once_a_person_and_only_for_the_right_digest()
    {
        LedgerResource resource = new("model", "taxi-fare", 1);
        await using (TestWorkspace unguarded = await _store.OpenAsync(Author))
        {
            ModelVersion version = await unguarded.RegisterAsync();
            unguarded.Actors.Current = new Actor("bob");
            await unguarded.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("taxi-fare", 1, version.Digest), resource);
            await unguarded.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("taxi-fare", 1, version.Digest), resource);
            unguarded.Actors.Current = new Actor("cleo");
            await unguarded.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("taxi-fare", 1, Digest.Of([9])), resource);
        }

        await using TestWorkspace workspace = await OpenAsync(2, out ApprovalService approvals);
        Assert.Equal([true, false], (await approvals.ListApprovalsAsync("taxi-fare", 1)).Select(a => a.Counts));
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
    }

    [Fact]
    public async Task A_version_entry_that_the_registry_ignores_cannot_prepare_approvals_for_bytes_to_come()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        await workspace.AppendAsync(LedgerKinds.VersionRegistered, new VersionNote("taxi-fare", 2, Digest.Of([1]), VersionStatus.Validated, []), new LedgerResource("model", "taxi-fare", 2));
        workspace.Actors.Current = new Actor("bob");
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await approvals.ApproveAsync("taxi-fare", 2, "fine"));
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        workspace.Actors.Current = Author;
        await approvals.ApproveAsync("taxi-fare", 2, "fine");
        Assert.Equal(2, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "ship it")).To);
    }

    [Fact]
    public async Task A_guard_that_was_never_attached_refuses()
    {
        await using TestWorkspace setup = await _store.OpenAsync(Author);
        ModelVersion version = await setup.RegisterAsync();
        Assert.NotNull(new ApprovalGuard(new GovernanceOptions { ApprovalsRequired = 1 }).WhyNot("taxi-fare", 1, version.Digest, "champion"));
    }

    [Fact]
    public async Task What_does_not_exist_or_has_no_reason_cannot_be_approved()
    {
        await using TestWorkspace workspace = await OpenAsync(1, out ApprovalService approvals);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await approvals.ApproveAsync("taxi-fare", 1, "fine"))).Code);
        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await approvals.ApproveAsync("taxi-fare", 1, " "))).Code);
        Assert.Empty(await approvals.ListApprovalsAsync("taxi-fare", 1));
        Assert.Empty(await workspace.EntriesAsync());
    }

    private Task<TestWorkspace> OpenAsync(int required, out ApprovalService approvals, Action<GovernanceOptions>? configure = null)
    {
        GovernanceOptions options = new() { ApprovalsRequired = required };
        configure?.Invoke(options);
        ApprovalGuard guard = new(options);
        TestWorkspace workspace = _store.OpenAsync(Author, guard).GetAwaiter().GetResult();
        approvals = new ApprovalService(workspace.Ledger, guard, workspace.Actors);
        return Task.FromResult(workspace);
    }
}

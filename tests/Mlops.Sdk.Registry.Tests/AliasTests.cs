using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class AliasTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_move_tells_where_it_came_from_and_the_alias_names_the_version()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        AliasMove first = await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        AliasMove second = await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second");
        Assert.Equal(new AliasMove("taxi-fare", "champion", null, 1, "first", new Actor("ada"), TestStore.Start), first);
        Assert.Equal((1, 2), (second.From, second.To));
        Assert.Equal(2, (await workspace.Registry.FindAliasAsync("taxi-fare", "champion"))!.Number);
    }

    [Fact]
    public async Task Moving_to_where_it_is_writes_nothing_and_answers_with_the_move_that_was()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        AliasMove first = await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        int entries = (await workspace.EntriesAsync()).Count;
        Assert.Equal(first, await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "again"));
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task A_move_with_an_expectation_happens_only_when_it_holds(int expected, bool happens)
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first", expected: 0);
        if (happens)
        {
            Assert.Equal(2, (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second", expected)).To);
        }
        else
        {
            MlopsConflictException error = await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second", expected));
            Assert.Equal("registry.alias_moved", error.Code);
            Assert.Equal(1, (await workspace.Registry.FindAliasAsync("taxi-fare", "champion"))!.Number);
        }
    }

    [Theory]
    [InlineData("taxi-fare", 3)]
    [InlineData("taxi-fare", 0)]
    [InlineData("taxi-fare", -1)]
    [InlineData("none", 1)]
    public async Task A_version_that_does_not_exist_cannot_be_named(string model, int version)
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.MoveAliasAsync(model, "champion", version, "why"));
        Assert.Equal("registry.version_not_found", error.Code);
    }

    [Fact]
    public async Task A_rejected_version_is_kept_as_evidence_and_who_tried_to_promote_it_is_recorded()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion rejected = await workspace.RegisterAsync(status: VersionStatus.Rejected);
        workspace.Actors.Current = new Actor("mallory");
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "trust me"));
        Assert.Equal("registry.version_rejected", error.Code);
        Assert.Equal(rejected, await workspace.Registry.FindVersionAsync("taxi-fare", 1));
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        LedgerEntry denied = (await workspace.Registry.HistoryAsync("taxi-fare"))[^1];
        Assert.Equal((LedgerKinds.AliasMoved, LedgerOutcome.Denied, "mallory"), (denied.Kind, denied.Outcome, denied.Actor.Id));
        Assert.Contains("trust me", denied.Reason, StringComparison.Ordinal);
        Assert.Equal(new AliasNote("taxi-fare", "champion", null, 1, rejected.Digest, "registry.version_rejected"), LedgerData.Read<AliasNote>(denied));
    }

    [Fact]
    public async Task What_a_guard_refuses_is_recorded_and_changes_nothing()
    {
        await using TestWorkspace setup = await TwoVersionsAsync();
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("eve"), new RefuseMoves());
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "why"));
        Assert.Equal("test.no", error.Code);
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        LedgerEntry denied = (await workspace.EntriesAsync())[^1];
        Assert.Equal((LedgerOutcome.Denied, "eve", 2), (denied.Outcome, denied.Actor.Id, denied.Resource.Version));
    }

    [Fact]
    public async Task A_guard_that_refuses_even_the_record_still_gives_the_denial_to_the_caller()
    {
        await using TestWorkspace setup = await TwoVersionsAsync();
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("eve"), new RefuseMoves { Everything = true });
        MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "why"));
        Assert.Equal("test.no", error.Code);
    }

    [Fact]
    public async Task Rollback_returns_to_the_version_before_and_rolling_back_again_undoes_it()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second");
        AliasMove back = await workspace.Registry.RollbackAsync("taxi-fare", "champion", "worse at night");
        Assert.Equal((2, 1, "worse at night"), (back.From, back.To, back.Reason));
        Assert.Equal(2, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "not worse")).To);
    }

    [Fact]
    public async Task Rollback_without_anything_before_is_a_clear_error()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        Assert.Equal("registry.alias_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", "champion", "why"))).Code);
        Assert.Equal("registry.alias_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RollbackAsync("none", "champion", "why"))).Code);
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        Assert.Equal("registry.nothing_before", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", "champion", "why"))).Code);
    }

    [Fact]
    public async Task The_version_at_an_instant_changes_exactly_at_the_move()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        _store.Time.Advance(TimeSpan.FromHours(1));
        DateTimeOffset first = (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first")).At;
        _store.Time.Advance(TimeSpan.FromHours(1));
        DateTimeOffset second = (await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second")).At;
        TimeSpan tick = TimeSpan.FromTicks(1);
        Assert.Null(await At(first - tick));
        Assert.Equal(1, await At(first));
        Assert.Equal(1, await At(second - tick));
        Assert.Equal(2, await At(second));
        Assert.Equal(2, await At(second.ToOffset(TimeSpan.FromHours(5))));
        Assert.Equal(2, await At(DateTimeOffset.MaxValue));
        Assert.Null(await At(DateTimeOffset.MinValue));

        async Task<int?> At(DateTimeOffset instant) => (await workspace.Registry.FindAliasAtAsync("taxi-fare", "champion", instant))?.Number;
    }

    [Fact]
    public async Task Sixteen_writers_that_expect_what_they_read_lose_no_move()
    {
        const int Writers = 16;
        const int Moves = 10;
        TestStore store = new(writersMeet: true);
        await using TestWorkspace one = await store.OpenAsync();
        await using TestWorkspace two = await store.OpenAsync();
        for (int i = 0; i <= Writers * Moves; i++)
        {
            await one.RegisterAsync(content: $"{i}");
        }

        await one.Registry.MoveAliasAsync("taxi-fare", "next", 1, "start");
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
        {
            for (int done = 0; done < Moves;)
            {
                ModelRegistry registry = (w % 2 == 0 ? one : two).Registry;
                int at = (await registry.FindAliasAsync("taxi-fare", "next"))!.Number;
                try
                {
                    await registry.MoveAliasAsync("taxi-fare", "next", at + 1, "one more", at);
                    done++;
                }
                catch (MlopsConflictException)
                {
                    // another writer was faster: read again
                }
            }
        })));
        Assert.Equal(1 + (Writers * Moves), (await two.Registry.FindAliasAsync("taxi-fare", "next"))!.Number);
    }

    private async Task<TestWorkspace> TwoVersionsAsync()
    {
        TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        return workspace;
    }

    private sealed class RefuseMoves : ILedgerGuard
    {
        internal bool Everything { get; init; }

        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (Everything || (draft.Kind == LedgerKinds.AliasMoved && draft.Outcome == LedgerOutcome.Done))
            {
                throw new MlopsDeniedException("test.no", "No.");
            }
        }
    }
}

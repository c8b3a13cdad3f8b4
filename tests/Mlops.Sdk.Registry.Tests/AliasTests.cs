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

    [Fact]
    public async Task Sixteen_writers_on_four_openings_of_a_folder_end_at_exactly_a_hundred_and_sixty()
    {
        const int Writers = 16;
        const int Moves = 10;
        string folder = Path.Combine(Path.GetTempPath(), $"mlops-aliases-{Path.GetRandomFileName()}");
        try
        {
            List<TestWorkspace> all = [];
            for (int i = 0; i < 4; i++)
            {
                all.Add(await new TestStore(writersMeet: true) { Store = new FolderObjectStore(folder, TimeProvider.System) }.OpenAsync());
            }

            ModelManifest manifest = await all[0].ManifestAsync();
            await Task.WhenAll(Enumerable.Range(0, (Writers * Moves) + 1).Select(i => all[i % 4].Registry.RegisterAsync(manifest, $"{i}").AsTask()));
            await all[0].Registry.MoveAliasAsync("taxi-fare", "next", 1, "start");
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
            {
                ModelRegistry registry = all[w % 4].Registry;
                for (int done = 0; done < Moves;)
                {
                    int at = (await registry.FindAliasAsync("taxi-fare", "next"))!.Number;
                    try
                    {
                        await registry.MoveAliasAsync("taxi-fare", "next", at + 1, "one more", at);
                        done++;
                    }
                    catch (MlopsConflictException e) when (e.Code == "registry.alias_moved")
                    {
                        // another writer was faster: read again
                    }
                }
            })));
            IReadOnlyList<AliasMove> history = await all[3].Registry.AliasHistoryAsync("taxi-fare", "next");
            Assert.Equal(Writers * Moves, history.Count - 1);
            Assert.Equal(Enumerable.Range(1, history.Count), history.Select(m => m.To));
            Assert.True((await all[1].Ledger.VerifyAsync()).Ok);
            foreach (TestWorkspace workspace in all)
            {
                await workspace.DisposeAsync();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_history_of_an_alias_says_every_move_who_why_and_when_and_leaves_refused_ones_out()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        await workspace.RegisterAsync(content: "3", status: VersionStatus.Rejected);
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "other", 1, "not this one");
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 3, "why"));
        _store.Time.Advance(TimeSpan.FromHours(1));
        workspace.Actors.Current = new Actor("bob");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second");
        await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "neither is good");
        await workspace.Registry.RollbackAsync("taxi-fare", "champion", "better than nothing");
        AliasMove[] expected =
        [
            new("taxi-fare", "champion", null, 1, "first", new Actor("ada"), TestStore.Start),
            new("taxi-fare", "champion", 1, 2, "second", new Actor("bob"), TestStore.Start.AddHours(1)),
            new("taxi-fare", "champion", 2, 0, "neither is good", new Actor("bob"), TestStore.Start.AddHours(1)),
            new("taxi-fare", "champion", null, 2, "better than nothing", new Actor("bob"), TestStore.Start.AddHours(1)),
        ];
        Assert.Equal(expected, await workspace.Registry.AliasHistoryAsync("taxi-fare", "champion"));
        await using TestWorkspace after = await _store.OpenAsync();
        Assert.Equal(expected, await after.Registry.AliasHistoryAsync("taxi-fare", "champion"));
        Assert.Empty(await after.Registry.AliasHistoryAsync("taxi-fare", "none"));
        Assert.Empty(await after.Registry.AliasHistoryAsync("none", "champion"));
        Assert.Equal(
            [new AliasInterval("taxi-fare", "champion", 1, TestStore.Start, TestStore.Start.AddHours(1)), new("taxi-fare", "champion", 2, TestStore.Start.AddHours(1), TestStore.Start.AddHours(1)), new("taxi-fare", "champion", 2, TestStore.Start.AddHours(1), null), new("taxi-fare", "other", 1, TestStore.Start, null)],
            await after.Registry.AliasIntervalsAsync("taxi-fare"));
    }

    [Fact]
    public async Task A_removed_alias_names_nothing_is_listed_no_more_and_can_be_set_anew()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        Assert.Equal("registry.alias_moved", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "why", expected: 2))).Code);
        AliasMove removal = await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "stop", expected: 1);
        Assert.Equal((1, 0, "stop"), (removal.From, removal.To, removal.Reason));
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        Assert.Empty(Assert.Single(await workspace.Registry.ListModelsAsync()).Aliases);
        int entries = (await workspace.EntriesAsync()).Count;
        Assert.Equal(removal, await workspace.Registry.RemoveAliasAsync("taxi-fare", "champion", "again"));
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
        AliasMove anew = await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "anew", expected: 0);
        Assert.Null(anew.From);
        Assert.Equal("registry.alias_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RemoveAliasAsync("taxi-fare", "none", "why"))).Code);
        Assert.Equal("registry.alias_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RemoveAliasAsync("none", "champion", "why"))).Code);
    }

    [Fact]
    public async Task Rollback_passes_over_versions_that_may_not_be_promoted_any_more()
    {
        await using TestWorkspace workspace = await TwoVersionsAsync();
        await workspace.RegisterAsync(content: "3");
        await workspace.RegisterAsync(content: "4");
        foreach (int number in (int[])[1, 2, 3, 4])
        {
            await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", number, "next");
        }

        await workspace.Registry.DeleteVersionAsync("taxi-fare", 3, "must go");
        await workspace.Registry.MoveStageAsync("taxi-fare", 2, VersionStages.Archived, "old");
        Assert.Equal(1, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "worse")).To);
        Assert.Equal(4, (await workspace.Registry.RollbackAsync("taxi-fare", "champion", "not worse")).To);
        await workspace.Registry.DeleteVersionAsync("taxi-fare", 1, "must go");
        Assert.Equal("registry.nothing_before", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", "champion", "why"))).Code);
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

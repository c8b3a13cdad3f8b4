using System.Text;
using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>What may be appended, by whom it is seen, and what happens to those who break the rules.</summary>
public sealed class LedgerRulesTests
{
    private static readonly Dictionary<string, LedgerDraft> Bad = new(StringComparer.Ordinal)
    {
        ["blank reason"] = Drafts.Of("a") with { Reason = " \n\t" },
        ["long reason"] = Drafts.Of("a") with { Reason = new string('r', 4_001) },
        ["no kind"] = Drafts.Of("a") with { Kind = "" },
        ["upper-case kind"] = Drafts.Of("a") with { Kind = "Upper" },
        ["long kind"] = Drafts.Of("a") with { Kind = new string('k', 65) },
        ["no name"] = Drafts.Of(""),
        ["long name"] = Drafts.Of(new string('n', 513)),
        ["empty id"] = Drafts.Of("a") with { Id = "" },
        ["id with a line end"] = Drafts.Of("a") with { Id = "a\nb" },
        ["long id"] = Drafts.Of("a") with { Id = new string('i', 129) },
        ["no data"] = Drafts.Of("a") with { Data = default },
        ["data that is a list"] = Drafts.Of("a") with { Data = JsonDocument.Parse("[]").RootElement },
        ["data of more than 1 MiB"] = Drafts.Of("a") with { Data = JsonDocument.Parse($$"""{"x":"{{new string('x', 1 << 20)}}"}""").RootElement },
        ["data 5,000 deep"] = Drafts.Of("a") with { Data = Nested(5_000) },
        ["data 61 deep"] = Drafts.Of("a") with { Data = Nested(61) },
        ["format 0"] = Drafts.Of("a") with { Format = 0 },
        ["actor without id"] = Drafts.Of("a") with { Actor = new Actor("") },
        ["actor with a long id"] = Drafts.Of("a") with { Actor = new Actor(new string('a', 257)) },
    };

    private readonly InMemoryObjectStore _store = new();

    public static TheoryData<string> BadDrafts => [.. Bad.Keys];

    [Theory]
    [MemberData(nameof(BadDrafts))]
    public async Task A_draft_that_breaks_a_rule_is_refused_alone_and_nothing_of_its_append_is_written(string name)
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        Task<LedgerReceipt> refused = ledger.AppendAsync([Drafts.Of("companion"), Bad[name]]).AsTask();
        Task<LedgerReceipt> good = ledger.AppendAsync([Drafts.Of("good")]).AsTask();
        Assert.Equal(name == "blank reason" ? "ledger.reason_required" : "ledger.invalid_entry", (await Assert.ThrowsAsync<MlopsException>(() => refused)).Code);
        await good;
        await using ObjectLedger again = await ObjectLedger.OpenAsync(_store);
        Assert.Equal(["good"], await again.ReadAsync().Select(e => e.Resource.Name).ToArrayAsync());
    }

    [Fact]
    public async Task Data_as_deep_as_allowed_is_read_by_every_reader()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        await ledger.AppendAsync([Drafts.Of("a") with { Data = Nested(60) }]);
        await using ObjectLedger again = await ObjectLedger.OpenAsync(_store);
        LedgerEntry entry = await again.ReadAsync().SingleAsync();
        Assert.True(JsonElement.DeepEquals(Nested(60), entry.Data));
        EntryCodec.ReadJson(EntryCodec.Write(Drafts.Of("a") with { Data = Nested(60), Actor = new Actor("a") }, "i", entry.Time, "s"), 0, 0);
    }

    [Fact]
    public async Task Two_entries_of_one_append_cannot_have_one_id()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        MlopsException error = await Assert.ThrowsAsync<MlopsException>(async () => await ledger.AppendAsync([Drafts.Of("a") with { Id = "x" }, Drafts.Of("b") with { Id = "x" }]));
        Assert.Equal("ledger.invalid_entry", error.Code);
        await ledger.AppendAsync([Drafts.Of("c")]);
    }

    [Fact]
    public async Task An_id_that_another_append_used_is_refused()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        LedgerDraft[] append = [Drafts.Of("a") with { Id = "1" }, Drafts.Of("b") with { Id = "2" }];
        LedgerReceipt first = await ledger.AppendAsync(append);
        Assert.Equal(first.Entries, (await ledger.AppendAsync(append)).Entries);
        foreach (LedgerDraft[] other in new LedgerDraft[][] { [append[0], Drafts.Of("c")], [append[0], Drafts.Of("c") with { Id = "3" }], [append[0] with { Kind = "test.other" }], [Drafts.Of("z") with { Id = "2" }] })
        {
            Assert.Equal("ledger.id_reused", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await ledger.AppendAsync(other))).Code);
        }

        Assert.Equal(2, ledger.Head.Entries);
    }

    [Fact]
    public async Task The_same_id_from_two_processes_is_written_once()
    {
        await using ObjectLedger first = await ObjectLedger.OpenAsync(_store);
        await using ObjectLedger second = await ObjectLedger.OpenAsync(_store);
        LedgerReceipt[] receipts = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () => await (i % 2 == 0 ? first : second).AppendAsync([Drafts.Of("a") with { Id = "same" }]))));
        Assert.All(receipts, r => Assert.Equal(0, Assert.Single(r.Entries).Number));
        Assert.Equal(1, (await first.RefreshAsync()).Entries);
    }

    [Fact]
    public async Task Decisions_on_one_subject_never_share_a_commit_and_others_do()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => ledger.AppendAsync($"subject-{i % 10}", () => [Drafts.Of($"subject-{i % 10}")]).AsTask()));
        IGrouping<long, LedgerEntry>[] commits = [.. (await ledger.ReadAsync().ToArrayAsync()).GroupBy(e => e.Commit)];
        Assert.All(commits, c => Assert.Equal(c.Count(), c.Select(e => e.Resource.Name).Distinct().Count()));
        Assert.True(commits.Length < 60, $"100 decisions on 10 subjects took {commits.Length} commits.");
    }

    [Fact]
    public async Task What_a_decision_reads_is_the_end_of_the_ledger()
    {
        await using ObjectLedger mine = await ObjectLedger.OpenAsync(_store);
        await using ObjectLedger theirs = await ObjectLedger.OpenAsync(_store);
        var counter = new Counter();
        await mine.AttachAsync(counter);
        await theirs.AppendAsync([Drafts.Of("a", 41)]);
        await mine.AppendAsync("s", () => [Drafts.Of("a", counter.Value + 1)]);
        Assert.Equal(42, counter.Value);
    }

    [Fact]
    public async Task A_projection_sees_every_entry_once_and_in_order_whenever_it_is_attached()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        await using ObjectLedger other = await ObjectLedger.OpenAsync(_store);
        var projections = new List<Counter>();
        Task appending = Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () => await (i % 2 == 0 ? ledger : other).AppendAsync([Drafts.Of("a"), Drafts.Of("b")]))));
        for (int i = 0; i < 5; i++)
        {
            projections.Add(new Counter());
            await ledger.AttachAsync(projections[^1]);
            await ledger.AttachAsync(projections[^1]);
        }

        await appending;
        await ledger.RefreshAsync();
        Assert.All(projections, p => Assert.Equal(Enumerable.Range(0, 80).Select(n => (long)n), p.Seen));
    }

    [Fact]
    public async Task Nothing_is_decided_while_a_projection_is_behind_and_it_catches_up_when_it_can()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        var moody = new MoodyProjection();
        var steady = new Counter();
        await ledger.AttachAsync(moody);
        await ledger.AttachAsync(steady);
        await ledger.AppendAsync([Drafts.Of("a")]);
        moody.Refuses = true;
        Assert.Equal(1, Assert.Single((await ledger.AppendAsync([Drafts.Of("b")])).Entries).Number); // it is written: that a view cannot show it changes nothing
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ledger.AppendAsync("s", () => [Drafts.Of("c")]));
        Assert.Equal("ledger.projection_failed", error.Code);
        Assert.Contains("entry 1 ", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ledger.RefreshAsync());
        Assert.Equal([0L, 1L], steady.Seen);
        Assert.Equal(2, await ledger.ReadAsync().CountAsync());
        moody.Refuses = false;
        await ledger.AppendAsync([Drafts.Of("d")]);
        Assert.Equal([0L, 1L, 2L], moody.Seen);
    }

    [Fact]
    public async Task A_guard_that_says_no_stops_its_append_only()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, guards: [new NameGuard("first")]);
        ledger.AddGuard(new NameGuard("second"));
        Task<LedgerReceipt>[] appends = [.. new[] { "first", "good", "second" }.Select(n => ledger.AppendAsync([Drafts.Of("companion"), Drafts.Of(n)]).AsTask())];
        await Assert.ThrowsAsync<MlopsDeniedException>(() => appends[0]);
        await Assert.ThrowsAsync<MlopsDeniedException>(() => appends[2]);
        await appends[1];
        Assert.Equal(["companion", "good"], await ledger.ReadAsync().Select(e => e.Resource.Name).ToArrayAsync());
    }

    [Fact]
    public async Task Large_entries_are_spread_over_commits_that_every_reader_takes()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        JsonElement data = JsonDocument.Parse($$"""{"x":"{{new string('x', 1_000_000)}}"}""").RootElement;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => ledger.AppendAsync([Drafts.Of($"e{i}") with { Data = data }]).AsTask()));
        Assert.Equal("ledger.invalid_entry", (await Assert.ThrowsAsync<MlopsException>(async () => await ledger.AppendAsync([.. Enumerable.Repeat(Drafts.Of("a") with { Data = data }, 17)]))).Code);
        Assert.True(ledger.Head.Commits >= 3);
        await using ObjectLedger again = await ObjectLedger.OpenAsync(_store);
        Assert.Equal(ledger.Head, again.Head);
        Assert.Equal(40, again.Head.Entries);
    }

    [Fact]
    public async Task One_append_has_at_most_a_thousand_entries()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        Assert.Equal("ledger.invalid_entry", (await Assert.ThrowsAsync<MlopsException>(async () => await ledger.AppendAsync([.. Enumerable.Repeat(Drafts.Of("a"), 1_001)]))).Code);
        Assert.Equal(1_000, (await ledger.AppendAsync([.. Enumerable.Repeat(Drafts.Of("a"), 1_000)])).Entries.Count);
        Assert.Empty((await ledger.AppendAsync([])).Entries);
    }

    [Fact]
    public async Task The_order_is_the_number_though_the_clock_goes_back()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, time: new Backwards());
        for (int i = 0; i < 5; i++)
        {
            await ledger.AppendAsync([Drafts.Of($"e{i}")]);
        }

        LedgerEntry[] entries = await ledger.ReadAsync().ToArrayAsync();
        Assert.Equal(["e0", "e1", "e2", "e3", "e4"], entries.Select(e => e.Resource.Name));
        Assert.Equal(entries.OrderByDescending(e => e.Time), entries);
        Assert.True((await ledger.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Closing_writes_what_waits_ends_followers_and_refuses_what_comes_later()
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        Task following = Task.Run(async () =>
        {
            await foreach (LedgerEntry _ in ledger.FollowAsync(0))
            {
            }
        });
        Task<LedgerReceipt>[] appends = [.. Enumerable.Range(0, 50).Select(i => ledger.AppendAsync([Drafts.Of($"e{i}")]).AsTask())];
        await ledger.DisposeAsync();
        await ledger.DisposeAsync();
        Assert.All(await Task.WhenAll(appends), r => Assert.Single(r.Entries));
        await Assert.ThrowsAnyAsync<Exception>(() => following);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ledger.AppendAsync([Drafts.Of("late")]));
        await using ObjectLedger again = await ObjectLedger.OpenAsync(_store);
        Assert.Equal(50, again.Head.Entries);
    }

    [Fact]
    public async Task An_append_that_was_cancelled_before_its_turn_is_not_written()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await ledger.AppendAsync([Drafts.Of("a")], cancel.Token));
        await ledger.AppendAsync([Drafts.Of("b")]);
        Assert.Equal(1, ledger.Head.Entries);
    }

    [Theory]
    [InlineData(19)]
    [InlineData(3_600_001)]
    public async Task A_poll_interval_out_of_range_is_refused(int milliseconds)
    {
        MlopsException error = await Assert.ThrowsAsync<MlopsException>(async () => await ObjectLedger.OpenAsync(_store, new LedgerOptions { PollInterval = TimeSpan.FromMilliseconds(milliseconds) }));
        Assert.Equal("ledger.invalid_option", error.Code);
    }

    private static JsonElement Nested(int depth) => JsonDocument.Parse(
        new StringBuilder().Append("{\"x\":").Append('[', depth - 1).Append(']', depth - 1).Append('}').ToString(), new JsonDocumentOptions { MaxDepth = depth + 1 }).RootElement;

    private sealed class MoodyProjection : ILedgerProjection
    {
        internal bool Refuses { get; set; }

        internal List<long> Seen { get; } = [];

        public void Apply(LedgerEntry entry)
        {
            if (Refuses)
            {
                throw new InvalidOperationException("not today");
            }

            Seen.Add(entry.Number);
        }
    }

    private sealed class NameGuard(string name) : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft.Resource.Name == name)
            {
                throw new MlopsDeniedException("test.no", "no");
            }
        }
    }

    private sealed class Backwards : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now -= TimeSpan.FromSeconds(1);
    }
}

using System.Text;
using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

public sealed class ObjectLedgerTests : IDisposable
{
    private static readonly JsonElement Nothing = JsonDocument.Parse("{}").RootElement;
    private readonly string _folder = Directory.CreateTempSubdirectory("mlops-ledger-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_was_appended_is_there_after_reopening_with_who_and_why()
    {
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(_folder), actors: new FixedActorAccessor(new Actor("ann"))))
        {
            LedgerReceipt receipt = await ledger.AppendAsync([Draft("one"), Draft("two")]);
            Assert.Equal(new[] { 0L, 1L }, receipt.Entries.Select(e => e.Number));
            Assert.Equal(1, receipt.Head.Commits);
        }

        await using ObjectLedger again = await ObjectLedger.OpenAsync(new FolderObjectStore(_folder));
        LedgerEntry[] entries = await again.ReadAsync().ToArrayAsync();
        Assert.Equal(new[] { "one", "two" }, entries.Select(e => e.Resource.Name));
        Assert.All(entries, e => Assert.Equal(("ann", "to see"), (e.Actor.Id, e.Reason)));
        Assert.True((await again.VerifyAsync()).Ok);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sixteen_writers_in_two_ledgers_lose_none_of_their_increments(bool folder)
    {
        IObjectStore store = folder ? new FolderObjectStore(_folder) : new InMemoryObjectStore();
        await using ObjectLedger first = await ObjectLedger.OpenAsync(store);
        await using ObjectLedger second = await ObjectLedger.OpenAsync(store);
        var counters = new[] { new Counter(), new Counter() };
        await first.AttachAsync(counters[0]);
        await second.AttachAsync(counters[1]);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(w => Task.Run(async () =>
        {
            (ObjectLedger ledger, Counter counter) = w % 2 == 0 ? (first, counters[0]) : (second, counters[1]);
            for (int i = 0; i < 10; i++)
            {
                await ledger.AppendAsync("counter", () => [Draft("counter", counter.Value + 1)]);
            }
        })));

        await first.RefreshAsync();
        await second.RefreshAsync();
        Assert.Equal((160, 160), (counters[0].Value, counters[1].Value));
        LedgerEntry[] entries = await first.ReadAsync().ToArrayAsync();
        Assert.Equal(Enumerable.Range(1, 160), entries.Select(e => e.Data.GetProperty("value").GetInt32()));
        Assert.True((await second.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Appends_that_wait_together_share_a_commit()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore());
        LedgerReceipt[] receipts = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => ledger.AppendAsync([Draft($"e{i}")]).AsTask()));
        Assert.Equal(1_000, receipts.SelectMany(r => r.Entries).Select(e => e.Number).Distinct().Count());
        Assert.True(ledger.Head.Commits < 500, $"1,000 appends took {ledger.Head.Commits} commits.");
    }

    [Fact]
    public async Task The_same_id_is_written_once()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore());
        LedgerReceipt first = await ledger.AppendAsync([Draft("a") with { Id = "mine" }]);
        LedgerReceipt[] more = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ledger.AppendAsync([Draft("a") with { Id = "mine" }]).AsTask()));
        Assert.All(more, r => Assert.Equal(first.Entries[0].Number, Assert.Single(r.Entries).Number));
        Assert.Equal(1, ledger.Head.Entries);
    }

    [Fact]
    public async Task A_blank_reason_is_refused_and_nothing_is_written()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore());
        MlopsException error = await Assert.ThrowsAsync<MlopsException>(async () => await ledger.AppendAsync([Draft("a") with { Reason = "  " }]));
        Assert.Equal("ledger.reason_required", error.Code);
        Assert.Equal(0, ledger.Head.Entries);
    }

    [Fact]
    public async Task A_decision_that_throws_fails_alone()
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore());
        Task<LedgerReceipt> bad = ledger.AppendAsync("s", () => throw new MlopsDeniedException("test.no", "no")).AsTask();
        Task<LedgerReceipt> good = ledger.AppendAsync([Draft("a")]).AsTask();
        Assert.Equal("test.no", (await Assert.ThrowsAsync<MlopsDeniedException>(() => bad)).Code);
        Assert.Single((await good).Entries);
    }

    [Fact]
    public async Task A_follower_sees_what_another_ledger_writes_once_and_in_order()
    {
        var store = new InMemoryObjectStore();
        await using ObjectLedger writer = await ObjectLedger.OpenAsync(store);
        await using ObjectLedger reader = await ObjectLedger.OpenAsync(store, new LedgerOptions { PollInterval = TimeSpan.FromMilliseconds(20) });
        var seen = new List<long>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Task following = Task.Run(async () =>
        {
            await foreach (LedgerEntry entry in reader.FollowAsync(0, patience.Token))
            {
                seen.Add(entry.Number);
                if (seen.Count == 50)
                {
                    return;
                }
            }
        });
        for (int i = 0; i < 50; i++)
        {
            await writer.AppendAsync([Draft($"e{i}")]);
        }

        await following;
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), seen);
    }

    private static LedgerDraft Draft(string name, int value = 0) => new(
        "test.happened",
        new LedgerResource("thing", name),
        "to see",
        value == 0 ? Nothing : JsonDocument.Parse(Encoding.UTF8.GetBytes($$"""{"value":{{value}}}""")).RootElement);

    private sealed class Counter : ILedgerProjection
    {
        internal int Value { get; private set; }

        public void Apply(LedgerEntry entry) => Value = entry.Data.TryGetProperty("value", out JsonElement value) ? value.GetInt32() : Value;
    }
}

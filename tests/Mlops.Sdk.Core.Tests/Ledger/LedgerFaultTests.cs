using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>A store that is away, forgets to answer, or answers with damage.</summary>
public sealed class LedgerFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(StoreFault.LostAnswer)]
    [InlineData(StoreFault.Unavailable)]
    public async Task An_append_survives_a_few_failures_and_is_written_once(StoreFault fault)
    {
        var store = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        store.Next(fault, StoreCalls.Put, times: 2);
        LedgerReceipt receipt = await ledger.AppendAsync([Drafts.Of("a")]);
        Assert.Equal(0, Assert.Single(receipt.Entries).Number);
        Assert.Equal(new LedgerHead(1, 1, receipt.Head.Hash), await ledger.RefreshAsync());
        Assert.True((await ledger.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task When_even_looking_back_fails_the_append_is_told_unknown_and_repeating_it_with_its_id_is_harmless()
    {
        var store = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        store.Next(StoreFault.LostAnswer, StoreCalls.Put);
        store.Next(StoreFault.Unavailable, StoreCalls.Put, times: 10);
        store.Next(StoreFault.Unavailable, StoreCalls.Open, times: 10, skip: 1);
        LedgerDraft draft = Drafts.Of("a") with { Id = "mine" };
        Assert.Equal("store.unavailable", (await Assert.ThrowsAsync<MlopsStorageException>(async () => await ledger.AppendAsync([draft]))).Code);
        store.Heal();
        Assert.Equal(0, Assert.Single((await ledger.AppendAsync([draft])).Entries).Number);
        Assert.Equal(1, ledger.Head.Entries);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Increments_of_two_ledgers_on_a_bad_store_are_neither_lost_nor_doubled(bool folder)
    {
        IObjectStore inner = folder ? new FolderObjectStore(_folder.Path) : new InMemoryObjectStore();
        var store = new FaultInjectingObjectStore(inner, seed: 11);
        await using ObjectLedger first = await ObjectLedger.OpenAsync(store);
        await using ObjectLedger second = await ObjectLedger.OpenAsync(store);
        var counters = new[] { new Counter(), new Counter() };
        await first.AttachAsync(counters[0]);
        await second.AttachAsync(counters[1]);
        store.Sometimes(StoreFault.LostAnswer, 0.1, StoreCalls.Put);
        store.Sometimes(StoreFault.Unavailable, 0.05, StoreCalls.Put | StoreCalls.Open);
        store.Sometimes(StoreFault.SlowRead, 0.05);
        store.Sometimes(StoreFault.BrokenRead, 0.02);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(w => Task.Run(async () =>
        {
            (ObjectLedger ledger, Counter counter) = w % 2 == 0 ? (first, counters[0]) : (second, counters[1]);
            for (int i = 0; i < 10; i++)
            {
                string id = $"{w}-{i}";
                while (true)
                {
                    try
                    {
                        await ledger.AppendAsync("counter", () => [Drafts.Of("counter", counter.Value + 1) with { Id = id }]);
                        break;
                    }
                    catch (MlopsStorageException e) when (e.Code == "store.unavailable")
                    {
                        // outcome unknown: the same id again
                    }
                }
            }
        })));

        Assert.True(store.Injected > 10, "Hardly anything went wrong.");
        store.Heal();
        await using ObjectLedger fresh = await ObjectLedger.OpenAsync(inner);
        LedgerEntry[] entries = await fresh.ReadAsync().ToArrayAsync();
        Assert.Equal(Enumerable.Range(1, 80), entries.Select(e => e.Data.GetProperty("value").GetInt32()));
        Assert.True((await fresh.VerifyAsync()).Ok);
    }

    [Theory]
    [InlineData(StoreFault.TornRead)]
    [InlineData(StoreFault.FlippedBit)]
    public async Task An_answer_that_was_damaged_on_its_way_is_asked_for_again(StoreFault fault)
    {
        var inner = new InMemoryObjectStore();
        await using (ObjectLedger writer = await ObjectLedger.OpenAsync(inner))
        {
            await writer.AppendAsync([Drafts.Of("a")]);
        }

        var store = new FaultInjectingObjectStore(inner, seed: 3);
        store.Next(fault, StoreCalls.Open);
        await using ObjectLedger reader = await ObjectLedger.OpenAsync(store);
        Assert.Equal((1, 1), (reader.Head.Entries, store.Injected));
    }

    [Theory]
    [InlineData(StoreFault.Full, "store.full")]
    [InlineData(StoreFault.AccessDenied, "store.access_denied")]
    public async Task A_full_or_closed_disk_is_told_to_everybody_who_waits_and_nothing_is_half_written(StoreFault fault, string code)
    {
        var store = new FaultInjectingObjectStore(new FolderObjectStore(_folder.Path));
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        await ledger.AppendAsync([Drafts.Of("before")]);
        store.Sometimes(fault, 1, StoreCalls.Put);
        Task<LedgerReceipt>[] appends = [.. Enumerable.Range(0, 20).Select(i => ledger.AppendAsync([Drafts.Of($"{i}")]).AsTask())];
        foreach (Task<LedgerReceipt> append in appends)
        {
            Assert.Equal(code, (await Assert.ThrowsAsync<MlopsStorageException>(() => append)).Code);
        }

        store.Heal();
        Assert.Equal(1, Assert.Single((await ledger.AppendAsync([Drafts.Of("after")])).Entries).Number);
        Assert.True((await ledger.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task A_follower_waits_for_a_store_that_is_away()
    {
        var store = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using ObjectLedger writer = await ObjectLedger.OpenAsync(store);
        await using ObjectLedger reader = await ObjectLedger.OpenAsync(store, new LedgerOptions { PollInterval = TimeSpan.FromMilliseconds(20) });
        await writer.AppendAsync([Drafts.Of("a"), Drafts.Of("b")]);
        store.Next(StoreFault.Unavailable, StoreCalls.Open, times: 3);
        store.Next(StoreFault.BrokenRead, StoreCalls.Open);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        LedgerEntry[] seen = await reader.FollowAsync(0, patience.Token).Take(2).ToArrayAsync(patience.Token);
        Assert.Equal(["a", "b"], seen.Select(e => e.Resource.Name));
        Assert.Equal(4, store.Injected);
    }

    [Fact]
    public async Task A_store_with_a_defect_of_its_own_fails_appends_and_does_not_end_the_writer()
    {
        var store = new ThrowingStore(new InMemoryObjectStore());
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        store.Next = new NotSupportedException("a bug");
        await Assert.ThrowsAsync<NotSupportedException>(async () => await ledger.AppendAsync([Drafts.Of("a")]));
        Assert.Equal(0, Assert.Single((await ledger.AppendAsync([Drafts.Of("b")])).Entries).Number);
    }

    private sealed class ThrowingStore(InMemoryObjectStore inner) : IObjectStore
    {
        internal Exception? Next { get; set; }

        public string Description => "throwing";

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            Exception? next = Next;
            Next = null;
            return next is null ? inner.PutAsync(key, content, condition, cancellationToken) : throw next;
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

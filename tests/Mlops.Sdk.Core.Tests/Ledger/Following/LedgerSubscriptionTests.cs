using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger.Following;

public sealed class LedgerSubscriptionTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly InMemoryObjectStore _store = new();
    private readonly List<ObjectLedger> _ledgers = [];

    public async ValueTask DisposeAsync()
    {
        foreach (ObjectLedger ledger in _ledgers)
        {
            await ledger.DisposeAsync();
        }
    }

    [Fact]
    public async Task Entries_come_in_order_and_another_process_of_the_name_goes_on_where_the_first_stopped()
    {
        ObjectLedger ledger = await OpenAsync(5);
        long[] first = await RunAsync(Subscribe(ledger), 5);
        Assert.Equal([0L, 1, 2, 3, 4], first);
        Assert.Equal(5, (await Subscribe(ledger).ReadCursorAsync())!.Next);
        await AppendAsync(ledger, 3);
        LedgerSubscription second = Subscribe(await OpenAsync(0));
        long[] then = await RunAsync(second, 3);
        Assert.Equal([5L, 6, 7], then);
        LedgerCursor cursor = (await second.ReadCursorAsync())!;
        Assert.Equal((8L, 2L, null), (cursor.Next, cursor.Epoch, cursor.Holder));
    }

    [Fact]
    public async Task An_entry_whose_handler_fails_comes_again_and_the_later_ones_wait()
    {
        LedgerSubscription subscription = Subscribe(await OpenAsync(4));
        int failures = 0;
        List<long> seen = [];
        using var stop = new CancellationTokenSource();
        Task running = subscription.RunAsync(
            async (delivery, _) =>
            {
                seen.Add(delivery.Entry.Number);
                if (delivery.Entry.Number == 1 && failures++ < 3)
                {
                    throw new InvalidOperationException("not now");
                }

                if (delivery.Entry.Number == 3)
                {
                    await stop.CancelAsync();
                }
            },
            stop.Token);
        await PumpAsync(() => running.IsCompleted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal([0L, 1, 1, 1, 1, 2, 3], seen);
        Assert.Equal(4, (await subscription.ReadCursorAsync())!.Next);
    }

    [Fact]
    public async Task Entries_that_do_not_match_are_passed_over_and_a_new_name_can_begin_at_the_end()
    {
        ObjectLedger ledger = await OpenAsync(6);
        long[] odd = await RunAsync(Subscribe(ledger, filter: e => e.Number % 2 == 1), 3);
        Assert.Equal([1L, 3, 5], odd);
        LedgerSubscription late = new(_store, ledger, new LedgerSubscriptionOptions("late") { From = null }, _time);
        using var stop = new CancellationTokenSource();
        ConcurrentQueue<long> seen = [];
        Task running = late.RunAsync((d, _) => Add(seen, d), stop.Token);
        await PumpAsync(() => late.ReadCursorAsync().AsTask().Result is not null);
        await AppendAsync(ledger, 2);
        await PumpAsync(() => seen.Count == 2);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal([6L, 7], seen);
    }

    [Fact]
    public async Task A_paused_holder_loses_the_name_and_cannot_move_the_cursor_back()
    {
        ObjectLedger ledger = await OpenAsync(10);
        var reachable = new FaultInjectingObjectStore(_store);
        LedgerSubscription first = new(reachable, ledger, Options(), _time);
        LedgerSubscription second = new(_store, ledger, Options(), _time);
        ConcurrentQueue<long> ofFirst = [];
        ConcurrentQueue<(long, long)> ofSecond = [];
        using var stop = new CancellationTokenSource();
        var cancelled = new TaskCompletionSource();
        Task one = first.RunAsync(
            async (d, cancellation) =>
            {
                ofFirst.Enqueue(d.Entry.Number);
                if (d.Entry.Number == 3)
                {
                    reachable.Sometimes(StoreFault.Unavailable, 1);
                    await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellation).ContinueWith(_ => cancelled.TrySetResult(), TaskScheduler.Default);
                    cancellation.ThrowIfCancellationRequested();
                }
            },
            stop.Token);
        await PumpAsync(() => ofFirst.Count == 4);
        Task two = second.RunAsync(
            (d, _) =>
            {
                ofSecond.Enqueue((d.Entry.Number, d.Epoch));
                return default;
            },
            stop.Token);
        await PumpAsync(() => ofSecond.Any(s => s.Item1 == 9));
        await PumpAsync(() => cancelled.Task.IsCompleted); // the first knows by its own clock that it may have lost the name
        await PumpAsync(() => second.ReadCursorAsync().AsTask().Result!.Next == 10);
        reachable.Heal();
        await PumpAsync(() => _time.GetUtcNow() > Start.AddMinutes(30));
        LedgerCursor cursor = (await second.ReadCursorAsync())!;
        Assert.Equal((10L, 2L), (cursor.Next, cursor.Epoch));
        Assert.All(ofSecond, s => Assert.Equal(2, s.Item2));
        Assert.Equal([0L, 1, 2, 3], ofFirst);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => two);
    }

    [Fact]
    public void Whatever_the_store_does_every_entry_is_handled_in_order() => Gen.Int[0, 10_000].Sample(
        seed =>
        {
            RunOnBadStoreAsync(seed).GetAwaiter().GetResult();
        },
        iter: 8,
        threads: 1);

    [Fact]
    public async Task A_damaged_cursor_and_one_of_a_newer_format_are_told_and_not_written_over()
    {
        ObjectLedger ledger = await OpenAsync(1);
        foreach ((string text, string code) in new[] { ("{", "ledger.cursor_unreadable"), ("null", "ledger.cursor_unreadable"), ("""{"format":1,"name":"other","next":3,"epoch":1}""", "ledger.cursor_unreadable"), ("""{"format":1,"name":"test","next":-3,"epoch":1}""", "ledger.cursor_unreadable"), ("""{"format":2,"name":"test","next":3,"epoch":1}""", "ledger.newer_format"), (new string(' ', 20_000), "ledger.cursor_unreadable") })
        {
            await PutAsync(text);
            MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(() => Subscribe(ledger).RunAsync((_, _) => default, CancellationToken.None));
            Assert.Equal(code, error.Code);
        }

        await PutAsync("""{"format":1,"name":"test","next":1,"epoch":1,"later":{"a":1}}""");
        Assert.Equal(1, (await Subscribe(ledger).ReadCursorAsync())!.Next);
    }

    [Fact]
    public async Task Every_flipped_bit_and_every_cut_of_a_cursor_is_found()
    {
        ObjectLedger ledger = await OpenAsync(1);
        byte[] good = SealedLine.Write("""{"format":1,"name":"test","next":1,"epoch":1,"token":"t"}"""u8);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            await ExpectUnreadableAsync(ledger, bad);
        }

        for (int cut = 0; cut < good.Length; cut++)
        {
            await ExpectUnreadableAsync(ledger, good[..cut]);
        }

        await ExpectUnreadableAsync(ledger, [.. good, (byte)'\n']);
        await PutAsync(good);
        Assert.Equal(1, (await Subscribe(ledger).ReadCursorAsync())!.Next);
    }

    private async Task ExpectUnreadableAsync(ObjectLedger ledger, byte[] bytes)
    {
        await PutAsync(bytes);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await Subscribe(ledger).ReadCursorAsync());
        Assert.Equal("ledger.cursor_unreadable", error.Code);
        Assert.Contains("ledger/cursors/test", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Upper")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("a_b")]
    public async Task A_name_that_breaks_the_rules_is_refused(string name)
    {
        ObjectLedger ledger = await OpenAsync(0);
        Assert.Equal("ledger.invalid_option", Assert.Throws<MlopsException>(() => new LedgerSubscription(_store, ledger, new LedgerSubscriptionOptions(name))).Code);
        Assert.Equal("ledger.invalid_option", Assert.Throws<MlopsException>(() => new LedgerSubscription(_store, ledger, new LedgerSubscriptionOptions("ok") { SaveEvery = 0 })).Code);
        Assert.Equal("ledger.invalid_option", Assert.Throws<MlopsException>(() => new LedgerSubscription(_store, ledger, new LedgerSubscriptionOptions(new string('a', 65)))).Code);
    }

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private async Task RunOnBadStoreAsync(int seed)
    {
        var store = new FaultInjectingObjectStore(new InMemoryObjectStore(), seed);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, time: TimeProvider.System);
        await ledger.AppendAsync([.. Enumerable.Range(0, 40).Select(i => Drafts.Of($"e{i}"))]);
        store.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Head | StoreCalls.Put | StoreCalls.Open);
        store.Sometimes(StoreFault.LostAnswer, 0.2, StoreCalls.Put);
        var options = new LedgerSubscriptionOptions("test") { SaveEvery = 3, RetryDelay = TimeSpan.FromMilliseconds(1), MaxRetryDelay = TimeSpan.FromMilliseconds(2) };
        List<long> seen = [];
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new LedgerSubscription(store, ledger, options).RunAsync(
            async (delivery, _) =>
            {
                seen.Add(delivery.Entry.Number);
                if (delivery.Entry.Number == 39)
                {
                    await stop.CancelAsync();
                }
            },
            stop.Token));
        store.Heal();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (long)i), seen);
        Assert.InRange((await new LedgerSubscription(store, ledger, options).ReadCursorAsync())!.Next, 0, 40); // may be behind when saving failed, never ahead
    }

    /// <summary>Stores a text as a cursor, with the hash that belongs to it.</summary>
    private Task PutAsync(string text) => PutAsync(SealedLine.Write(Encoding.UTF8.GetBytes(text)));

    private async Task PutAsync(byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        await _store.PutAsync(ObjectKey.Parse("ledger/cursors/test"), content);
    }

    private static ValueTask Add(ConcurrentQueue<long> seen, LedgerDelivery delivery)
    {
        seen.Enqueue(delivery.Entry.Number);
        return default;
    }

    private static LedgerSubscriptionOptions Options(Func<LedgerEntry, bool>? filter = null) => new("test") { Filter = filter };

    private LedgerSubscription Subscribe(ObjectLedger ledger, Func<LedgerEntry, bool>? filter = null) => new(_store, ledger, Options(filter), _time);

    private async Task<ObjectLedger> OpenAsync(int entries)
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, time: _time);
        _ledgers.Add(ledger);
        await AppendAsync(ledger, entries);
        return ledger;
    }

    private static async Task AppendAsync(ObjectLedger ledger, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await ledger.AppendAsync([Drafts.Of("thing")]);
        }
    }

    /// <summary>Runs a subscription until it has handled so many entries.</summary>
    private static async Task<long[]> RunAsync(LedgerSubscription subscription, int count)
    {
        List<long> seen = [];
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscription.RunAsync(
            async (delivery, _) =>
            {
                seen.Add(delivery.Entry.Number);
                if (seen.Count == count)
                {
                    await stop.CancelAsync();
                }
            },
            stop.Token));
        return [.. seen];
    }

    /// <summary>Lets the still clock run until something holds.</summary>
    private async Task PumpAsync(Func<bool> holds)
    {
        while (!holds())
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            for (int i = 0; i < 20; i++)
            {
                await Task.Yield();
            }
        }
    }
}

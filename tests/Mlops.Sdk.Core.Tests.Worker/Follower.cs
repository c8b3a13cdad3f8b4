using System.Globalization;
using System.Text.Json;
using Mlops.Sdk;

/// <summary>Follows the ledger of a folder until it is killed, adds up the values it sees in an object of its own, and says what it handled: "handled NUMBER EPOCH".</summary>
internal static class Follower
{
    private static readonly ObjectKey State = ObjectKey.Parse("state/sum");

    internal static async Task RunAsync(string folder)
    {
        var store = new FolderObjectStore(folder);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, new LedgerOptions { PollInterval = TimeSpan.FromMilliseconds(20) });
        var options = new LedgerSubscriptionOptions("adder")
        {
            SaveEvery = 7,
            SaveAfter = TimeSpan.FromMilliseconds(100),
            Lease = TimeSpan.FromMilliseconds(600),
            RetryDelay = TimeSpan.FromMilliseconds(1),
        };
        await new LedgerSubscription(store, ledger, options).RunAsync(
            async (delivery, cancellation) =>
            {
                await AddAsync(store, delivery, cancellation);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"handled {delivery.Entry.Number} {delivery.Epoch}"));
            },
            CancellationToken.None);
    }

    /// <summary>Stores the sum together with the number of the last entry in it: an entry that comes again is passed over.</summary>
    internal static async ValueTask AddAsync(IObjectStore store, LedgerDelivery delivery, CancellationToken cancellation)
    {
        ObjectInfo? there = await store.HeadAsync(State, cancellation);
        (long last, long sum, long count) = await ReadAsync(store, cancellation);
        if (delivery.Entry.Number <= last)
        {
            return;
        }

        byte[] next = JsonSerializer.SerializeToUtf8Bytes(new[] { delivery.Entry.Number, sum + delivery.Entry.Data.GetProperty("value").GetInt32(), count + 1 });
        using var content = new MemoryStream(next);
        PutResult put = await store.PutAsync(State, content, there is null ? PutCondition.IfAbsent : PutCondition.IfMatch(there.ETag), cancellation);
        if (!put.Written)
        {
            throw new InvalidOperationException("Another process wrote the sum meanwhile; look again.");
        }
    }

    internal static async ValueTask<(long Last, long Sum, long Count)> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        Stream? stream = await store.OpenAsync(State, null, cancellation);
        if (stream is null)
        {
            return (-1, 0, 0);
        }

        await using (stream)
        {
            long[] parts = (await JsonSerializer.DeserializeAsync<long[]>(stream, cancellationToken: cancellation))!;
            return (parts[0], parts[1], parts[2]);
        }
    }
}

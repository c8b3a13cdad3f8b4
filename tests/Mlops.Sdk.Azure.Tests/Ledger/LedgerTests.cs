using System.Text.Json;
using Mlops.Sdk.Azure.Tests.Emulator;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Azure.Tests.Ledger;

/// <summary>The ledger in a container: many writers, bad connections, killed processes.</summary>
public sealed class LedgerTests(Azurite azurite)
{
    [Fact]
    public async Task Sixteen_writers_of_ten_increments_each_end_at_exactly_160()
    {
        const int writers = 16;
        const int each = 10;
        string name = azurite.NewName();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => Task.Run(async () =>
        {
            await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new AzureBlobObjectStore(azurite.ConnectionString, name));
            var counter = new Counter();
            await ledger.AttachAsync(counter);
            for (int i = 0; i < each; i++)
            {
                await ledger.AppendAsync("counter", () => [Draft(counter.Value + 1)]);
            }
        })));

        await using ObjectLedger fresh = await ObjectLedger.OpenAsync(new AzureBlobObjectStore(azurite.ConnectionString, name));
        LedgerEntry[] entries = await fresh.ReadAsync().ToArrayAsync();
        Assert.Equal(Enumerable.Range(1, writers * each), entries.Select(e => e.Data.GetProperty("value").GetInt32()));
        LedgerVerification verification = await fresh.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
    }

    [Fact]
    public async Task Increments_over_bad_connections_are_neither_lost_nor_doubled()
    {
        string name = azurite.NewName();
        var lost = new LostAnswers { Share = 0.2 };
        var faults = new FaultInjectingObjectStore(new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { Client = Azurite.Client(lost) }), seed: 7);
        faults.Sometimes(StoreFault.LostAnswer, 0.1, StoreCalls.Put);
        faults.Sometimes(StoreFault.Unavailable, 0.05, StoreCalls.Put | StoreCalls.Open);
        faults.Sometimes(StoreFault.BrokenRead, 0.02);
        faults.Sometimes(StoreFault.TornRead, 0.02);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            await using ObjectLedger ledger = await OpenAsync(faults);
            var counter = new Counter();
            await TryAsync(async () => await ledger.AttachAsync(counter));
            for (int i = 0; i < 10; i++)
            {
                string id = $"{w}-{i}";
                await TryAsync(async () => await ledger.AppendAsync("counter", () => [Draft(counter.Value + 1) with { Id = id }]));
            }
        })));

        Assert.True(faults.Injected > 5 && lost.Lost > 5, "Hardly anything went wrong.");
        await using ObjectLedger fresh = await ObjectLedger.OpenAsync(new AzureBlobObjectStore(azurite.ConnectionString, name));
        LedgerEntry[] entries = await fresh.ReadAsync().ToArrayAsync();
        Assert.Equal(Enumerable.Range(1, 40), entries.Select(e => e.Data.GetProperty("value").GetInt32()));
        Assert.True((await fresh.VerifyAsync()).Ok);

        async Task<ObjectLedger> OpenAsync(IObjectStore store)
        {
            ObjectLedger? ledger = null;
            await TryAsync(async () => ledger = await ObjectLedger.OpenAsync(store));
            return ledger!;
        }

        static async Task TryAsync(Func<Task> call)
        {
            while (true)
            {
                try
                {
                    await call();
                    return;
                }
                catch (MlopsException e) when (e.Code is "store.unavailable" or "ledger.corrupt")
                {
                    // away, or torn twice on its way: the same again
                }
            }
        }
    }

    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_one_of_two_processes_is_killed()
    {
        string name = azurite.NewName();
        using var first = new WorkerProcess(azurite.ConnectionString, name, "first");
        using var second = new WorkerProcess(azurite.ConnectionString, name, "second");
        var acknowledged = new List<(long Number, string Id)>(await first.KillAfterAsync(12));
        acknowledged.AddRange(await second.KillAfterAsync(second.Acknowledged + 12)); // it goes on when the other one is gone
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new AzureBlobObjectStore(azurite.ConnectionString, name));
        LedgerEntry[] entries = await ledger.ReadAsync().ToArrayAsync();
        foreach ((long number, string id) in acknowledged)
        {
            Assert.True(number < entries.Length && entries[number].Id == id, $"Entry {number} was acknowledged as '{id}' and is not there.");
        }

        Assert.Equal(entries.Length, entries.Select(e => e.Id).Distinct().Count());
        foreach (LedgerEntry entry in entries.Where(e => e.Id.EndsWith("-too", StringComparison.Ordinal)))
        {
            Assert.Equal(entry.Id[..^4], entries[entry.Number - 1].Id);
        }

        int[] counted = [.. entries.Where(e => e.Kind == "test.counted").Select(e => e.Data.GetProperty("value").GetInt32())];
        Assert.Equal(Enumerable.Range(1, counted.Length), counted);
        LedgerVerification verification = await ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
        await ledger.AppendAsync([Draft(1)]); // and it can be written to
    }

    private static LedgerDraft Draft(int value) => new("test.counted", new LedgerResource("thing", "t"), "to see", JsonDocument.Parse($$"""{"value":{{value}}}""").RootElement);

    private sealed class Counter : ILedgerProjection
    {
        internal int Value { get; private set; }

        public void Apply(LedgerEntry entry) => Value = entry.Data.GetProperty("value").GetInt32();
    }
}

using System.Globalization;
using Microsoft.Extensions.Time.Testing;

namespace Mlops.Sdk.Core.Tests.Processes;

/// <summary>Real processes on one folder, killed at random points. MLOPS_TEST_KILL_ROUNDS asks for more rounds than a test run has time for.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_KILL_ROUNDS") ?? "2", CultureInfo.InvariantCulture);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Nothing_acknowledged_is_lost_when_writers_are_killed(int processes)
    {
        var random = new Random(processes);
        var acknowledged = new Dictionary<string, long>(StringComparer.Ordinal);
        for (int round = 0; round < Rounds; round++)
        {
            WorkerProcess[] workers = [.. Enumerable.Range(0, processes).Select(w => new WorkerProcess(_folder.Path, $"r{round}-w{w}", random.Next(1, 40)))];
            try
            {
                foreach (IReadOnlyList<(long Number, string Id)> told in await Task.WhenAll(workers.Select(w => w.KillAsync())))
                {
                    foreach ((long number, string id) in told)
                    {
                        Assert.True(acknowledged.TryAdd(id, number), $"'{id}' was acknowledged twice.");
                    }
                }
            }
            finally
            {
                Array.ForEach(workers, w => w.Dispose());
            }

            await CheckAsync(acknowledged);
        }
    }

    private async Task CheckAsync(Dictionary<string, long> acknowledged)
    {
        // everything left behind is old to a process that comes a day later
        var later = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddDays(1));
        var store = new FolderObjectStore(_folder.Path, later);
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        LedgerEntry[] entries = await ledger.ReadAsync().ToArrayAsync();
        Assert.Equal(entries.Length, entries.Select(e => e.Id).Distinct().Count());
        foreach ((string id, long number) in acknowledged)
        {
            Assert.True(number < entries.Length && entries[number].Id == id, $"Entry {number} was acknowledged as '{id}' and is not there.");
        }

        // both entries of an append are there, side by side, or none
        foreach (LedgerEntry entry in entries.Where(e => e.Id.EndsWith("-too", StringComparison.Ordinal)))
        {
            Assert.Equal(entry.Id[..^4], entries[entry.Number - 1].Id);
        }

        int[] counted = [.. entries.Where(e => e.Kind == "test.counted").Select(e => e.Data.GetProperty("value").GetInt32())];
        Assert.Equal(Enumerable.Range(1, counted.Length), counted);
        LedgerVerification verification = await ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
        if (await store.OpenAsync(ObjectKey.Parse("state/current")) is { } state)
        {
            using var copy = new MemoryStream();
            await state.CopyToAsync(copy);
            await state.DisposeAsync();
            Assert.Equal(200_000, copy.Length);
            Assert.Single(copy.ToArray().Distinct());
        }
    }
}

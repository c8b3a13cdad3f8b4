using System.Globalization;
using Mlops.Sdk.Core.Tests.Processes;

namespace Mlops.Sdk.Core.Tests.Records;

/// <summary>Real processes that write to one log on one folder and are killed, as by kill -9. MLOPS_TEST_KILL_ROUNDS asks for more rounds.</summary>
public sealed class KilledWriterTests : IDisposable
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_KILL_ROUNDS") ?? "2", CultureInfo.InvariantCulture);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_killed_writer_had_flushed_is_there_whole_in_order_and_once()
    {
        var random = new Random(3);
        for (int round = 0; round < Rounds; round++)
        {
            string[] names = [$"r{round}-a", $"r{round}-b", $"r{round}-c"];
            WorkerProcess[] workers = [.. names.Select(name => new WorkerProcess(_folder.Path, name, random.Next(1, 12), "records"))];
            Dictionary<string, long> durable;
            try
            {
                durable = (await Task.WhenAll(workers.Select(w => w.KillAsync()))).Select(told => told[^1]).ToDictionary(t => t.Id, t => t.Number);
            }
            finally
            {
                Array.ForEach(workers, w => w.Dispose());
            }

            var store = new FolderObjectStore(_folder.Path);
            await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
            await using RecordLog log = await new RecordLogs(store, ledger).OpenAsync("killed"); // commits what was left between store and ledger
            RecordVerification found = await log.VerifyAsync();
            Assert.Equal((true, 0), (found.Ok, found.Uncommitted));
            List<string> texts = await log.ReadAsync(order: RecordOrder.Writer).Select(r => System.Text.Encoding.ASCII.GetString(r.Data.Span)).ToListAsync();
            foreach ((string name, long last) in durable)
            {
                int[] numbers = [.. texts.Where(t => t.StartsWith(name + "-", StringComparison.Ordinal)).Select(t => int.Parse(t[(name.Length + 1)..], CultureInfo.InvariantCulture))];
                Assert.Equal(Enumerable.Range(0, numbers.Length), numbers); // a beginning of what was appended: no gap, nothing twice
                Assert.True(numbers.Length > last, $"{name} was told that record {last} is durable; {numbers.Length} records are there.");
            }
        }
    }
}

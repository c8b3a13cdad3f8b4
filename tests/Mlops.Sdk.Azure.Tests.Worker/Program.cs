using System.Globalization;
using System.Text.Json;
using Mlops.Sdk;
using Mlops.Sdk.Azure;

// Appends to the ledger in a container until it is killed, and says on standard output what was acknowledged: "ack NUMBER ID".
//   Worker CONTAINER NAME      with the connection string in MLOPS_TEST_BLOBS
//   Worker CONTAINER count MODEL TASKS EACH      moves the alias of a model on by one, from several workspaces at once, and ends
if (args is [var container, "count", var model, var tasks, var each])
{
    await AliasCounter.RunAsync(container, model, int.Parse(tasks, CultureInfo.InvariantCulture), int.Parse(each, CultureInfo.InvariantCulture));
    return;
}

var store = new AzureBlobObjectStore(Environment.GetEnvironmentVariable("MLOPS_TEST_BLOBS")!, args[0]);
string name = args[1];
await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
var counter = new Counter();
await ledger.AttachAsync(counter);
var gate = new Lock();
using Stream output = Console.OpenStandardOutput();
await Task.WhenAll(Task.Run(AppendAsync), Task.Run(CountAsync));
return;

async Task AppendAsync()
{
    for (int i = 0; ; i++)
    {
        Acknowledge(await ledger.AppendAsync([Draft("plain", $"{name}-{i}", "{}"), Draft("plain", $"{name}-{i}-too", "{}")]));
    }
}

async Task CountAsync()
{
    for (int i = 0; ; i++)
    {
        int round = i;
        Acknowledge(await ledger.AppendAsync("counter", () => [Draft("counted", $"{name}-count-{round}", $$"""{"value":{{counter.Value + 1}}}""")]));
    }
}

static LedgerDraft Draft(string kind, string id, string data) => new($"test.{kind}", new LedgerResource("thing", "t"), "to be killed", JsonDocument.Parse(data).RootElement) { Id = id };

void Acknowledge(LedgerReceipt receipt)
{
    byte[] lines = System.Text.Encoding.ASCII.GetBytes(string.Concat(receipt.Entries.Select(e => string.Create(CultureInfo.InvariantCulture, $"ack {e.Number} {e.Id}\n"))));
    lock (gate)
    {
        output.Write(lines);
        output.Flush();
    }
}

internal sealed class Counter : ILedgerProjection
{
    internal int Value { get; private set; }

    public void Apply(LedgerEntry entry) => Value = entry.Kind == "test.counted" ? entry.Data.GetProperty("value").GetInt32() : Value;
}

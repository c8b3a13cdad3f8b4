using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Mlops.Sdk;

// Writes to a store until it is killed, and says on standard output what was acknowledged: "ack NUMBER ID".
//   Worker FOLDER NAME [records]      with "records", appends to the record log "killed" instead
//   Worker FOLDER NAME follow         follows its ledger
//   Worker file FOLDER FILE STOP-AT    stores a file, says "at BYTES" on the way and stands still from STOP-AT on
//   Worker claims FOLDER NAME          claims objects if-absent and says "ack NUMBER NAME" for each that it got; touches, replaces and removes others
//   Worker try FOLDER CALL...          makes calls and says what came of each; see StoreTrials
if (args[0] is "file")
{
    await Files.RunAsync(args[1], args[2], long.Parse(args[3], CultureInfo.InvariantCulture));
    return;
}

if (args[0] is "claims")
{
    await Claims.RunAsync(args[1], args[2]);
    return;
}

if (args[0] is "try")
{
    await StoreTrials.RunAsync(args[1], args[2..]);
    return;
}

string folder = args[0];
if (args is [_, _, "follow"])
{
    await Follower.RunAsync(folder);
    return;
}

string name = args[1];
var store = new FolderObjectStore(folder);
await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, new LedgerOptions { SegmentCommits = 16, SnapshotEntries = 50 }); // kills fall into folding and saving too
var counter = new Counter();
await ledger.AttachAsync(counter);
var gate = new Lock();
using Stream output = Console.OpenStandardOutput();
if (args is [_, _, "records"])
{
    await RecordAsync();
    return;
}

await Task.WhenAll(Task.Run(() => AppendAsync("a")), Task.Run(() => AppendAsync("b")), Task.Run(CountAsync), Task.Run(ReplaceAsync));
return;

async Task AppendAsync(string lane)
{
    for (int i = 0; ; i++)
    {
        LedgerReceipt receipt = await ledger.AppendAsync([Draft("plain", $"{name}-{lane}-{i}", "{}"), Draft("plain", $"{name}-{lane}-{i}-too", "{}")]);
        Acknowledge(receipt);
    }
}

// records in batches: the last of a batch is acknowledged when the batch is durable
async Task RecordAsync()
{
    await using RecordLog log = await new RecordLogs(store, ledger).OpenAsync("killed", new RecordLogOptions { SegmentRecords = 7 });
    for (int i = 0; ; i++)
    {
        await log.AppendAsync(System.Text.Encoding.ASCII.GetBytes($"{name}-{i}"));
        if (i % 20 == 19)
        {
            await log.FlushAsync();
            output.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"ack {i} {name}\n")));
            output.Flush();
        }
    }
}

async Task CountAsync()
{
    for (int i = 0; ; i++)
    {
        int round = i;
        LedgerReceipt receipt = await ledger.AppendAsync("counter", () => [Draft("counted", $"{name}-count-{round}", $$"""{"value":{{counter.Value + 1}}}""")]);
        Acknowledge(receipt);
    }
}

// an object that is replaced all the time: 200,000 times the same byte
async Task ReplaceAsync()
{
    for (int i = 0; ; i++)
    {
        byte[] bytes = new byte[200_000];
        Array.Fill(bytes, (byte)('a' + (i % 26)));
        using var content = new MemoryStream(bytes);
        await store.PutAsync(ObjectKey.Parse("state/current"), content);
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

internal sealed class Counter : ISnapshotProjection
{
    public string SnapshotName => "counter";

    public int SnapshotFormat => 1;

    internal int Value { get; private set; }

    public void Apply(LedgerEntry entry) => Value = entry.Kind == "test.counted" ? entry.Data.GetProperty("value").GetInt32() : Value;

    public ISnapshotProjection NewEmpty() => new Counter();

    public void SaveSnapshot(IBufferWriter<byte> writer) => writer.Write(BitConverter.GetBytes(Value));

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot) => Value = BitConverter.ToInt32(snapshot.Span);
}

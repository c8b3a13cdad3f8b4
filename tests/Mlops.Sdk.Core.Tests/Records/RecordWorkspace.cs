using System.Text;
using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Records;

/// <summary>A store, its ledger and its record logs, as one process has them.</summary>
internal sealed class RecordWorkspace : IAsyncDisposable
{
    internal static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private RecordWorkspace(IObjectStore store, ObjectLedger ledger, FakeTimeProvider clock)
    {
        (Store, Ledger, Clock) = (store, ledger, clock);
        Logs = new RecordLogs(store, ledger, clock);
    }

    internal IObjectStore Store { get; }

    internal ObjectLedger Ledger { get; }

    internal FakeTimeProvider Clock { get; }

    internal RecordLogs Logs { get; }

    internal static async Task<RecordWorkspace> OpenAsync(IObjectStore? store = null, FakeTimeProvider? clock = null)
    {
        store ??= new InMemoryObjectStore();
        return new RecordWorkspace(store, await ObjectLedger.OpenAsync(store), clock ?? new FakeTimeProvider(Start));
    }

    public ValueTask DisposeAsync() => Ledger.DisposeAsync();

    internal static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    internal async Task<List<string>> TextsAsync(string log, DateTimeOffset? from = null, DateTimeOffset? to = null, RecordOrder order = RecordOrder.Time)
    {
        List<string> texts = [];
        await foreach (StoredRecord record in Logs.Get(log).ReadAsync(from, to, order))
        {
            texts.Add(Encoding.UTF8.GetString(record.Data.Span));
        }

        return texts;
    }

    internal async Task<string[]> KeysAsync() => [.. (await Store.ListAsync("records/").ToArrayAsync()).Select(o => o.Key.Value)];

    internal async Task<byte[]> ReadAsync(string key)
    {
        await using Stream stream = (await Store.OpenAsync(ObjectKey.Parse(key)))!;
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    internal async Task WriteAsync(string key, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        await Store.PutAsync(ObjectKey.Parse(key), content);
    }
}

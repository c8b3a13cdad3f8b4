using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests.Usage;

/// <summary>A store, and processes that count calls on it: each with a ledger and a log of its own.</summary>
internal sealed class UsageWorld : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];

    internal static DateTimeOffset Start { get; } = new(2026, 1, 2, 10, 0, 0, TimeSpan.Zero);

    internal FakeTimeProvider Time { get; } = new(Start) { AutoAdvanceAmount = TimeSpan.Zero };

    internal InMemoryObjectStore Store { get; } = new();

    internal static PredictionCall Call(string model = "m", int version = 1, string? caller = null, string? error = null, int rows = 1, double milliseconds = 1) =>
        new(model, version, rows, TimeSpan.FromMilliseconds(milliseconds), error, new PredictionContext(Caller: caller));

    internal async Task<UsageLog> OpenAsync(UsageOptions? options = null, IObjectStore? store = null)
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(store ?? Store);
        _owned.Add(ledger);
        var log = new UsageLog(store ?? Store, ledger, options, Time);
        _owned.Add(log);
        return log;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }
    }
}

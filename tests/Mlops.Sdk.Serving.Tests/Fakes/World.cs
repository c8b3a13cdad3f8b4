using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>A server over fakes, and a fake clock.</summary>
internal sealed class World : IAsyncDisposable
{
    private ModelServer? _server;

    public World()
    {
        Ledger = new FakeLedger(Time);
        Catalog = new FakeCatalog(Ledger, Artifacts, Time);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public FakeLedger Ledger { get; }

    public FakeArtifacts Artifacts { get; } = new();

    public FakeCatalog Catalog { get; }

    public FakeFormat Format { get; } = new();

    public List<IPredictionObserver> Observers { get; } = [];

    public List<IArtifactVerifier> Verifiers { get; } = [];

    public FakeLogger Logger { get; } = new();

    public ServingOptions Options { get; } = new() { Host = "host-1" };

    public ModelServer Server => _server ??= new ModelServer(Catalog, Ledger, Artifacts, [Format], Verifiers, Observers, Time, new CountingIds(), Logger, Options);

    public ModelStatus Status => Server.Status[0];

    public Task<IPredictor<Row, Answer>> PredictorAsync(ServedModelOptions? options = null) => Server.GetPredictorAsync<Row, Answer>("m", options);

    /// <summary>Waits until something holds. The test's own time limit ends a wait that never does.</summary>
    public static async Task Until(Func<bool> holds, string what)
    {
        long deadline = Environment.TickCount64 + 15_000;
        while (!holds())
        {
            Assert.True(Environment.TickCount64 < deadline, $"Not within 15 s: {what}");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

internal sealed class CountingIds : IIdGenerator
{
    private int _last;

    public string NewId() => Interlocked.Increment(ref _last).ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}

internal sealed class FakeLogger : ILogger<ModelServer>
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<(int Id, LogLevel Level, string Message)> _lines = new();

    public IReadOnlyCollection<(int Id, LogLevel Level, string Message)> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
}

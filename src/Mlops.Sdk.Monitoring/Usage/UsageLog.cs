using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts the calls of all models that this process serves, keeps the counts on the store, and answers who used what, when, how fast and at what cost. Thread-safe.</summary>
/// <remarks>
/// Calls are counted by model, version, caller, error and hour (UTC, when the call ended). Counting a call takes no lock and, once a
/// combination was seen, allocates nothing. Memory is bounded: a process keeps <see cref="UsageOptions.MaxCallers"/> callers, 256 models and
/// 64 errors by name in an hour, and counts the rest together as <see cref="Other"/>.
/// <para>
/// Every <see cref="UsageOptions.FlushInterval"/> what was counted goes to the record log <c>usage</c>, whose digests the ledger holds: a
/// process that is killed loses at most that much, and disposing loses nothing. While the store is away counts wait in memory.
/// Counts of any number of processes add up exactly, the times of calls included: they are kept in buckets whose middle is within 1.6 % of each.
/// </para>
/// </remarks>
public sealed partial class UsageLog : IPredictionObserver, IAsyncDisposable
{
    /// <summary>The name of the record log.</summary>
    public const string LogName = "usage";

    /// <summary>What callers, errors and models beyond the number that is kept are counted as together.</summary>
    public const string Other = "(other)";

    private readonly RecordLogs _logs;
    private readonly TimeProvider _time;
    private readonly UsageOptions _options;
    private readonly ILogger _logger;
    private readonly UsageLanes _lanes;
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private readonly ITimer? _timer;
    private RecordLog? _log;
    private Task _last = Task.CompletedTask;
    private long _lost;
    private int _disposed;

    /// <summary>Creates the log; nothing is opened before there is something to write.</summary>
    /// <param name="store">The store.</param>
    /// <param name="ledger">The ledger on the same store; it must live longer.</param>
    /// <param name="options">How to count; null for defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="ids">Makes the writer's id; null for time-ordered ones.</param>
    /// <param name="logger">Told when counts cannot be written, or null.</param>
    /// <exception cref="MlopsException">An option is out of its range; code <c>monitoring.invalid_option</c>.</exception>
    public UsageLog(IObjectStore store, ILedger ledger, UsageOptions? options = null, TimeProvider? time = null, IIdGenerator? ids = null, ILogger<UsageLog>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(ledger);
        _options = options ?? new UsageOptions();
        if (_options.WhyNot() is { } problem)
        {
            throw new MlopsException("monitoring.invalid_option", $"{nameof(UsageOptions)}.{problem}");
        }

        _logs = new RecordLogs(store, ledger, time, ids);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<UsageLog>.Instance;
        _lanes = new UsageLanes(_options.MaxCallers);
        if (_options.Enabled)
        {
            _timer = _time.CreateTimer(static log => ((UsageLog)log!).Tick(), this, _options.FlushInterval, _options.FlushInterval);
        }
    }

    /// <inheritdoc/>
    public bool ObservesCalls => _options.Enabled;

    /// <summary>Gets how many calls of this process were not counted or were lost: because of thousands of versions in one hour, or a store that was away for hours.</summary>
    public long NotCounted => _lanes.NotCounted + Interlocked.Read(ref _lost);

    /// <summary>Gets how many combinations are in memory.</summary>
    internal int Cells => _lanes.Cells;

    /// <summary>Gets the latest flush that the clock began.</summary>
    internal Task LastFlush => Volatile.Read(ref _last);

    /// <inheritdoc/>
    public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
    {
    }

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs)
    {
    }

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context)
    {
    }

    /// <inheritdoc/>
    public void OnCalled(in PredictionCall call)
    {
        if (call.Model is not null)
        {
            _lanes.Count(call, HourOf(_time.GetUtcNow()));
        }
    }

    /// <summary>Writes what was counted; every call that ended before is then on the store and on the ledger.</summary>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>A task that ends when it is.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed. The counts stay in memory and are tried again.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => FlushAsync(_time.GetUtcNow(), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_timer is not null)
        {
            await _timer.DisposeAsync().ConfigureAwait(false);
        }

        await Volatile.Read(ref _last).ConfigureAwait(false); // never fails
        try
        {
            await FlushAsync().ConfigureAwait(false);
            if (_log is not null)
            {
                await _log.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _logger.UsageLost(error); // a host must be able to stop while its store is away
        }

        _flushing.Dispose();
    }

    internal static long HourOf(DateTimeOffset time) => (time.UtcTicks / TimeSpan.TicksPerHour) - (DateTimeOffset.UnixEpoch.Ticks / TimeSpan.TicksPerHour);

    internal static DateTimeOffset TimeOf(long hour) => DateTimeOffset.UnixEpoch.AddHours(hour);

    /// <summary>Writes what was counted, dated by a time, but never outside of the hour that the calls ended in.</summary>
    internal async ValueTask FlushAsync(DateTimeOffset at, CancellationToken cancellationToken)
    {
        await _flushing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_log is null)
            {
                if (_lanes.Cells == 0)
                {
                    return;
                }

                // only a log that is open takes counts out of the lanes: while the store is away they wait there
                _log = await _logs.OpenAsync(LogName, new RecordLogOptions { Compression = RecordCompression.Deflate }, cancellationToken).ConfigureAwait(false);
            }

            foreach (IGrouping<long, KeyValuePair<UsageKey, UsageCounts>> hour in _lanes.Take(HourOf(_time.GetUtcNow())).GroupBy(c => c.Key.Hour))
            {
                long begin = TimeOf(hour.Key).UtcTicks;
                var time = new DateTimeOffset(Math.Clamp(at.UtcTicks, begin, begin + TimeSpan.TicksPerHour - 1), TimeSpan.Zero);
                foreach (KeyValuePair<UsageKey, UsageCounts>[] part in hour.Chunk(UsageDocument.MaxRows))
                {
                    if (!_log.Append(UsageDocument.Of(hour.Key, _options.Currency, part, PriceOf).Write(), time))
                    {
                        Interlocked.Add(ref _lost, part.Sum(c => c.Value.Calls));
                    }
                }
            }
        }
        finally
        {
            _flushing.Release();
        }

        await _log.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private UsagePrice? PriceOf(string model) => _options.Prices.TryGetValue(model, out UsagePrice? price) ? price : _options.Price;

    private void Tick()
    {
        if (Volatile.Read(ref _last).IsCompleted && Volatile.Read(ref _disposed) == 0)
        {
            Volatile.Write(ref _last, Task.Run(FlushQuietlyAsync));
        }
    }

    private async Task FlushQuietlyAsync()
    {
        try
        {
            await FlushAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _logger.UsageNotWritten((error as MlopsException)?.Code ?? error.GetType().Name, error);
        }
    }
}

internal static partial class UsageLogging
{
    [LoggerMessage(5301, LogLevel.Warning, "What was counted of the use of models cannot be written now ({Code}); it is kept and tried again")]
    internal static partial void UsageNotWritten(this ILogger logger, string code, Exception cause);

    [LoggerMessage(5302, LogLevel.Error, "What was counted of the use of models since the last flush is lost: it cannot be written, and the process ends")]
    internal static partial void UsageLost(this ILogger logger, Exception cause);
}

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk;

/// <summary>Follows the ledger under a name, with a place that outlives the process: entries are handled in order, each at least once.</summary>
/// <remarks>
/// Any number of processes may run a subscription of one name: one of them works, the others wait and take over when it is not heard of for the
/// length of the lease. The place is one object on the store, <c>ledger/cursors/NAME</c>, written by compare-and-swap: a process that was paused
/// for longer than its lease cannot move it back. Thread-safe.
/// </remarks>
public sealed partial class LedgerSubscription
{
    private readonly IObjectStore _store;
    private readonly ILedger _ledger;
    private readonly LedgerSubscriptionOptions _options;
    private readonly TimeProvider _time;
    private readonly IIdGenerator _ids;
    private readonly ILogger _logger;
    private readonly string _holder;
    private readonly Random _jitter;

    /// <summary>Creates a subscription; nothing is read or written yet.</summary>
    /// <param name="store">Where the place is kept: the ledger's own store.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="options">The name and how to work.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="ids">Makes the tokens that tell one write of the place from another; null for time-ordered ones.</param>
    /// <param name="logger">Takes what a person should know; null for none.</param>
    /// <exception cref="MlopsException">An option is out of its range; code <c>ledger.invalid_option</c>.</exception>
    public LedgerSubscription(IObjectStore store, ILedger ledger, LedgerSubscriptionOptions options, TimeProvider? time = null, IIdGenerator? ids = null, ILogger<LedgerSubscription>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(options);
        _store = store;
        _ledger = ledger;
        _options = options.Checked();
        _time = time ?? TimeProvider.System;
        _ids = ids ?? new TimeOrderedIdGenerator(_time);
        _logger = logger ?? NullLogger<LedgerSubscription>.Instance;
        _holder = $"{Environment.MachineName}/{Environment.ProcessId}/{_ids.NewId()}";
        _jitter = new Random(HashCode.Combine(_holder, _time.GetTimestamp()));
    }

    /// <summary>Reads where the subscriber stands.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The place, or null when the name was never used.</returns>
    /// <exception cref="MlopsIntegrityException">The place does not read; code <c>ledger.cursor_unreadable</c> or <c>ledger.newer_format</c>.</exception>
    public async ValueTask<LedgerCursor?> ReadCursorAsync(CancellationToken cancellationToken = default) =>
        await CursorObject.ReadAsync(_store, _options.Name, cancellationToken).ConfigureAwait(false) is { } there
            ? new LedgerCursor(there.Cursor.Name, there.Cursor.Next, there.Cursor.Epoch, there.Cursor.Holder, there.Cursor.Until)
            : null;

    /// <summary>Gives every matching entry to a handler, from the place on and without end.</summary>
    /// <param name="handler">
    /// Handles an entry. The place moves on only after it returned; when it throws, the same entry is given to it again, after a growing wait,
    /// until it returns. Its token is cancelled when the subscription ends or the name is lost: it should stop then.
    /// </param>
    /// <param name="cancellationToken">Ends the subscription: the place is saved and the name given up.</param>
    /// <returns>A task that ends, as cancelled, when the token is.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="MlopsIntegrityException">The place does not read, or the ledger is not what was written.</exception>
    public async Task RunAsync(Func<LedgerDelivery, CancellationToken, ValueTask> handler, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(handler);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using CursorHold hold = await AcquireAsync(cancellationToken).ConfigureAwait(false);
            LogWorks(_options.Name, hold.Next, hold.Epoch);
            await WorkAsync(hold, handler, cancellationToken).ConfigureAwait(false);
            LogLost(_options.Name, hold.Next);
        }
    }

    /// <summary>Waits until the name is free and takes it.</summary>
    private async ValueTask<CursorHold> AcquireAsync(CancellationToken cancellationToken)
    {
        string? seen = null;
        long seenAt = 0;
        for (int failures = 0; ; )
        {
            try
            {
                (CursorDocument Cursor, string ETag)? there = await CursorObject.ReadAsync(_store, _options.Name, cancellationToken).ConfigureAwait(false);
                if (there?.ETag != seen)
                {
                    (seen, seenAt) = (there?.ETag, _time.GetTimestamp());
                }

                if (there is null || IsFree(there.Value.Cursor, _time.GetElapsedTime(seenAt)))
                {
                    if (await TryTakeAsync(there, cancellationToken).ConfigureAwait(false) is { } hold)
                    {
                        return hold;
                    }

                    continue;
                }

                failures = 0;
            }
            catch (MlopsStorageException error)
            {
                failures++;
                LogStoreFailed(_options.Name, _store.Description, error);
            }

            await Task.Delay(failures > 0 ? Backoff(failures) : _options.Lease / 4 * (1 + (NextJitter() / 10)), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Tells whether nobody works for the name: given up, or ours without our knowing, not renewed for a whole lease by our own clock, or long past by the holder's.</summary>
    private bool IsFree(CursorDocument cursor, TimeSpan unchanged) =>
        cursor.Holder is null || cursor.Holder == _holder || unchanged >= _options.Lease || (cursor.Until is { } until && _time.GetUtcNow() >= until + _options.Lease);

    private async ValueTask<CursorHold?> TryTakeAsync((CursorDocument Cursor, string ETag)? there, CancellationToken cancellationToken)
    {
        long next = there?.Cursor.Next ?? _options.From ?? (await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false)).Entries;
        var mine = new CursorDocument(CursorDocument.CurrentFormat, _options.Name, next, (there?.Cursor.Epoch ?? 0) + 1, _holder, _time.GetUtcNow() + _options.Lease, _ids.NewId());
        string? etag = await CursorObject.TryPutAsync(_store, mine, there is null ? PutCondition.IfAbsent : PutCondition.IfMatch(there.Value.ETag), cancellationToken).ConfigureAwait(false);
        return etag is null ? null : new CursorHold(_store, _time, _ids, mine, etag, _options.Lease);
    }

    /// <summary>Works for the name until it is lost.</summary>
    private async ValueTask WorkAsync(CursorHold hold, Func<LedgerDelivery, CancellationToken, ValueTask> handler, CancellationToken cancellationToken)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var stopKeeping = new CancellationTokenSource();
        Task keeping = KeepAsync(hold, lost.CancelAsync, stopKeeping.Token);
        bool ours = true;
        int handled = 0;
        try
        {
            await foreach (LedgerEntry entry in _ledger.FollowAsync(hold.Next, lost.Token).ConfigureAwait(false))
            {
                if (_options.Filter?.Invoke(entry) != false)
                {
                    await HandleAsync(new LedgerDelivery(entry, hold.Epoch), handler, lost.Token).ConfigureAwait(false);
                    handled++;
                }

                hold.Advance(entry.Number + 1);
                if (handled >= _options.SaveEvery)
                {
                    handled = 0;
                    if (!await TrySaveAsync(hold, lost.Token).ConfigureAwait(false))
                    {
                        ours = false;
                        break;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            ours = false; // the keeper found that the name is another's, or could not renew it in time
        }
        finally
        {
            await stopKeeping.CancelAsync().ConfigureAwait(false);
            await keeping.ConfigureAwait(false);
            if (ours)
            {
                await GiveUpAsync(hold).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask HandleAsync(LedgerDelivery delivery, Func<LedgerDelivery, CancellationToken, ValueTask> handler, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await handler(delivery, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested && Note(delivery.Entry, attempt, error))
            {
                await Task.Delay(Backoff(attempt), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool Note(LedgerEntry entry, int attempt, Exception error)
    {
        LogHandlerFailed(_options.Name, entry.Number, entry.Kind, attempt, error);
        return true;
    }

    /// <summary>Renews the lease and saves the place beside the work, also while one entry takes long.</summary>
    private async Task KeepAsync(CursorHold hold, Func<Task> tellLost, CancellationToken stop)
    {
        TimeSpan renewal = _options.Lease / 3;
        TimeSpan pause = renewal < _options.SaveAfter ? renewal : _options.SaveAfter;
        try
        {
            while (true)
            {
                await Task.Delay(pause, _time, stop).ConfigureAwait(false);
                if ((hold.HasUnsaved || hold.SinceConfirmed >= renewal - (renewal / 10)) && !await TrySaveAsync(hold, stop).ConfigureAwait(false))
                {
                    await tellLost().ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the work has ended
        }
    }

    /// <summary>Saves; a medium that is away is borne until the lease may have run out.</summary>
    private async ValueTask<bool> TrySaveAsync(CursorHold hold, CancellationToken cancellationToken)
    {
        try
        {
            return await hold.SaveAsync(release: false, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException error) when (error is MlopsStorageException or MlopsIntegrityException)
        {
            LogStoreFailed(_options.Name, _store.Description, error);
            return !hold.MayHaveExpired;
        }
    }

    private async ValueTask GiveUpAsync(CursorHold hold)
    {
        try
        {
            // not the caller's token: a name that is given up is free at once, one that is not keeps the others waiting
            using var limit = new CancellationTokenSource(_options.Lease, _time);
            await hold.SaveAsync(release: true, limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is MlopsStorageException or MlopsIntegrityException or OperationCanceledException)
        {
            LogStoreFailed(_options.Name, _store.Description, error);
        }
    }

    private TimeSpan Backoff(int attempt)
    {
        double ticks = Math.Min(_options.RetryDelay.Ticks * Math.Pow(2, Math.Min(attempt - 1, 40)), _options.MaxRetryDelay.Ticks);
        return TimeSpan.FromTicks((long)(ticks * (0.5 + (NextJitter() / 2))) + 1);
    }

    private double NextJitter()
    {
        lock (_jitter)
        {
            return _jitter.NextDouble();
        }
    }

    [LoggerMessage(1021, LogLevel.Debug, "The subscriber {Name} works from entry {Next} on (epoch {Epoch}).")]
    private partial void LogWorks(string name, long next, long epoch);

    [LoggerMessage(1022, LogLevel.Warning, "The subscriber {Name} was taken over by another process at entry {Next}; waiting.")]
    private partial void LogLost(string name, long next);

    [LoggerMessage(1023, LogLevel.Warning, "The place of the subscriber {Name} in {Store} could not be read or written; trying again.")]
    private partial void LogStoreFailed(string name, string store, Exception error);

    [LoggerMessage(1024, LogLevel.Error, "The subscriber {Name} failed at entry {Entry} ('{Kind}'), attempt {Attempt}; the entry is given to it again.")]
    private partial void LogHandlerFailed(string name, long entry, string kind, int attempt, Exception error);
}

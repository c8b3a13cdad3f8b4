using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <summary>Reading: what other processes wrote, for projections, readers and followers.</summary>
public sealed partial class ObjectLedger
{
    private const int MaxReadAhead = 32;
    private const int MaxReadAheadBytes = 8 << 20;
    private const int Page = 1024;
    private const int KeptEntries = 1 << 14;
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public async ValueTask<LedgerHead> RefreshAsync(CancellationToken cancellationToken = default)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            LedgerHead head = await ReadNewAsync(cancellationToken).ConfigureAwait(false);
            CheckProjections();
            return head;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerEntry> ReadAsync(long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        long end = (await CatchUpAsync(cancellationToken).ConfigureAwait(false)).Entries;
        await foreach (LedgerEntry entry in StreamAsync(from, end, cancellationToken).ConfigureAwait(false))
        {
            yield return entry;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerEntry> FollowAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        TimeSpan pause = _options.PollInterval;
        long next = from;
        while (true)
        {
            Task news = Volatile.Read(ref _news).Task; // taken before the look, so that what comes in between is not slept over
            long end = Head.Entries;
            await foreach (LedgerEntry entry in StreamAsync(next, end, linked.Token).ConfigureAwait(false))
            {
                next = entry.Number + 1;
                yield return entry;
            }

            if (Head.Entries > next)
            {
                pause = _options.PollInterval;
                continue;
            }

            using (var timer = CancellationTokenSource.CreateLinkedTokenSource(linked.Token))
            {
                await Task.WhenAny(news, Task.Delay(pause * (1 + (NextJitter() / 10)), _time, timer.Token)).ConfigureAwait(false);
                await timer.CancelAsync().ConfigureAwait(false);
            }

            linked.Token.ThrowIfCancellationRequested();
            pause = await LookAsync(pause, linked.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Looks for what is new and tells how long to wait before the next look: longer and longer while the medium is away, or nothing comes and idle hosts may slow down.</summary>
    private async ValueTask<TimeSpan> LookAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            LedgerHead before = Head;
            bool isNew = await CatchUpAsync(cancellationToken).ConfigureAwait(false) != before;
            TimeSpan idle = _options.IdlePollInterval ?? _options.PollInterval;
            return isNew || idle <= _options.PollInterval ? _options.PollInterval : Shorter(pause * 1.5, idle);
        }
        catch (ObjectDisposedException closed) when (_stop.IsCancellationRequested)
        {
            throw new OperationCanceledException("The ledger was closed.", closed);
        }
        catch (MlopsStorageException error)
        {
            LogPollFailed(_store.Description, error); // the medium is away for now
            return Shorter(pause * 2, pause > LongestBackOff ? pause : LongestBackOff);
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <summary>Refreshes for readers of entries, to whom a projection that failed does not matter.</summary>
    private async ValueTask<LedgerHead> CatchUpAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReadNewAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Reads entries that are known to be there: the newest from memory, older ones from their segments.</summary>
    private async IAsyncEnumerable<LedgerEntry> StreamAsync(long from, long end, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long next = from; next < end;)
        {
            LedgerEntry[] page;
            lock (_gate)
            {
                page = _recent.Page(next, end, Page);
            }

            if (page.Length == 0)
            {
                page = await LoadOlderAsync(next, end, cancellationToken).ConfigureAwait(false);
            }

            foreach (LedgerEntry entry in page)
            {
                cancellationToken.ThrowIfCancellationRequested();
                next = entry.Number + 1;
                yield return entry;
            }
        }
    }

    /// <summary>Reads commits from the head on, feeds projections. The caller holds <see cref="_reading"/>.</summary>
    /// <remarks>One read when nothing is new. Once something is, the next ones are read ahead of it, more at a time as long as they come.</remarks>
    private async ValueTask<LedgerHead> ReadNewAsync(CancellationToken cancellationToken)
    {
        int ahead = 1;
        while (true)
        {
            if (IsStale(_confirmed))
            {
                await ReadNewSegmentsAsync(cancellationToken).ConfigureAwait(false);
            }

            LedgerHead head = Head;
            Look look = LookNow();
            Task<CommitDocument?>[] reads = ReadAhead(head.Commits, ahead, cancellationToken);
            await ((Task)Task.WhenAll(reads)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long bytes = 0;
            foreach (Task<CommitDocument?> read in reads)
            {
                CommitDocument? commit;
                try
                {
                    commit = (await read.ConfigureAwait(false))?.Follow(head);
                }
                catch (FormatException problem)
                {
                    throw new MlopsIntegrityException("ledger.corrupt", Explain(head, problem), problem);
                }

                if (commit is null)
                {
                    _confirmed = look;
                    ApplyToProjections(); // one that failed before gets another chance
                    return head;
                }

                head = TakeIn(commit);
                bytes += commit.Length;
            }

            _confirmed = look; // what was there then could not be folded away for a while
            ahead = bytes > MaxReadAheadBytes ? 1 : Math.Min(ahead * 2, MaxReadAhead);
        }
    }

    private Task<CommitDocument?>[] ReadAhead(long number, int count, CancellationToken cancellationToken) => count == 1
        ? [LoadAsync(number, cancellationToken).AsTask()]
        : [.. Enumerable.Range(0, count).Select(i => Task.Run(() => LoadAsync(number + i, cancellationToken).AsTask(), cancellationToken))];

    /// <summary>Reads and checks one commit by itself; null when there is none.</summary>
    /// <exception cref="FormatException">It is not what was written.</exception>
    private async ValueTask<CommitDocument?> LoadAsync(long number, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return await ReadCommitAsync(number, cancellationToken).ConfigureAwait(false) is { } bytes ? CommitCodec.Parse(bytes) : null;
            }
            catch (FormatException problem) when (attempt == 0)
            {
                LogLookAgain(number, _store.Description, problem); // an answer that was torn on its way is not a damaged commit
            }
        }
    }

    private string Explain(LedgerHead proven, FormatException problem) =>
        $"Commit {proven.Commits} of the {_store.Description} is not what was written: {problem.Message}. Entries before {proven.Entries} are good. Restore '{LedgerKeys.Commit(proven.Commits)}' from a copy.";

    private ValueTask<byte[]?> ReadCommitAsync(long number, CancellationToken cancellationToken) =>
        ReadObjectAsync(LedgerKeys.Commit(number), null, CommitCodec.MaxCommitBytes, cancellationToken);

    /// <summary>Reads an object, or a part of one, whole; null when there is none.</summary>
    /// <exception cref="FormatException">It has more bytes than it may.</exception>
    private async ValueTask<byte[]?> ReadObjectAsync(ObjectKey key, ByteRange? range, long most, CancellationToken cancellationToken)
    {
        Stream? stream = await _store.OpenAsync(key, range, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                return await BoundedReading.ReadAllAsync(stream, most, cancellationToken).ConfigureAwait(false)
                    ?? throw new FormatException($"it has more than {most} bytes");
            }
            catch (IOException error)
            {
                throw new MlopsStorageException("store.unavailable", $"Reading '{key}' of the {_store.Description} broke off: {error.Message} Try again.", error);
            }
        }
    }

    private LedgerHead TakeIn(CommitDocument commit)
    {
        lock (_gate)
        {
            foreach (LedgerEntry entry in commit.Entries)
            {
                _recent.Add(entry);
            }

            _tree.AddEntries(commit.Bytes.Span);
            _head = commit.Head;
            _tail.Add(commit);
        }

        ApplyToProjections();
        Trim();
        Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        FoldIfDue();
        return commit.Head;
    }

    /// <summary>Lets go of old entries that every projection has had and that can be read from segments.</summary>
    private void Trim()
    {
        long needed = _projections.Count == 0 ? long.MaxValue : _projections.Min(p => p.Next);
        lock (_gate)
        {
            _recent.Trim(Math.Min(Math.Min(needed, _folded.Entries), _head.Entries - KeptEntries));
        }
    }

    /// <summary>Gives every projection the entries it has not had. What one throws is kept: it is tried again, and until it succeeds nothing is decided.</summary>
    private void ApplyToProjections()
    {
        foreach (AttachedProjection attached in _projections)
        {
            while (attached.Next < _recent.End)
            {
                try
                {
                    attached.Projection.Apply(_recent[attached.Next]);
                    attached.Next++;
                    attached.Problem = null;
                }
                catch (Exception error) when (Keep(attached, error))
                {
                    break;
                }
            }
        }
    }

    private bool Keep(AttachedProjection attached, Exception error)
    {
        if (attached.Problem is null)
        {
            LedgerEntry entry = _recent[attached.Next];
            LogProjectionFailed(attached.Projection.GetType().Name, entry.Number, entry.Kind, error);
        }

        attached.Problem = error;
        return true;
    }

    private void CheckProjections()
    {
        if (_projections.Find(p => p.Problem is not null) is { } failed)
        {
            LedgerEntry entry = _recent[failed.Next];
            throw new MlopsIntegrityException(
                "ledger.projection_failed",
                $"The view {failed.Projection.GetType().Name} cannot take entry {entry.Number} ('{entry.Kind}', written by {entry.Source}) in: {failed.Problem!.Message} Nothing is appended by this process until it can; a newer version of the library may.",
                failed.Problem);
        }
    }

    private Look LookNow() => new(_time.GetTimestamp(), _time.GetUtcNow());

    /// <summary>Tells whether so much time has gone by, by either clock, that commits read then may have been folded away.</summary>
    private bool IsStale(Look look) =>
        _time.GetElapsedTime(look.Timestamp) > _options.FoldGrace / 2 || _time.GetUtcNow() - look.At > _options.FoldGrace / 2;

    /// <summary>When the store was looked at, by a clock that never goes back and by one that knows of a machine's sleep.</summary>
    private readonly record struct Look(long Timestamp, DateTimeOffset At);
}

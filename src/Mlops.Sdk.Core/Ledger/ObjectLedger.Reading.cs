using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <summary>Reading: what other processes wrote, for projections, readers and followers.</summary>
public sealed partial class ObjectLedger
{
    private const int MaxReadAhead = 32;
    private const int MaxReadAheadBytes = 8 << 20;
    private const int Page = 1024;

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
        for (long next = from; next < end;)
        {
            foreach (LedgerEntry entry in Known(next, end))
            {
                cancellationToken.ThrowIfCancellationRequested();
                next = entry.Number + 1;
                yield return entry;
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerEntry> FollowAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        long next = from;
        while (true)
        {
            Task news = Volatile.Read(ref _news).Task; // taken before the look, so that what comes in between is not slept over
            foreach (LedgerEntry entry in Known(next, long.MaxValue))
            {
                next = entry.Number + 1;
                yield return entry;
            }

            if (Head.Entries > next)
            {
                continue;
            }

            TimeSpan wait = _options.PollInterval * (1 + (NextJitter() / 10));
            using (var timer = CancellationTokenSource.CreateLinkedTokenSource(linked.Token))
            {
                await Task.WhenAny(news, Task.Delay(wait, _time, timer.Token)).ConfigureAwait(false);
                await timer.CancelAsync().ConfigureAwait(false);
            }

            linked.Token.ThrowIfCancellationRequested();
            try
            {
                await CatchUpAsync(linked.Token).ConfigureAwait(false);
            }
            catch (ObjectDisposedException closed) when (_stop.IsCancellationRequested)
            {
                throw new OperationCanceledException("The ledger was closed.", closed);
            }
            catch (MlopsStorageException error)
            {
                LogPollFailed(_store.Description, error); // the medium is away for now: the next poll tries again
            }
        }
    }

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

    private LedgerEntry[] Known(long from, long end)
    {
        lock (_byId)
        {
            int count = (int)Math.Min(Page, Math.Min(end, _entries.Count) - from);
            return count <= 0 ? [] : [.. _entries.GetRange((int)from, count)];
        }
    }

    /// <summary>Reads commits from the head on, feeds projections. The caller holds <see cref="_reading"/>.</summary>
    /// <remarks>One read when nothing is new. Once something is, the next ones are read ahead of it, more at a time as long as they come.</remarks>
    private async ValueTask<LedgerHead> ReadNewAsync(CancellationToken cancellationToken)
    {
        int ahead = 1;
        while (true)
        {
            LedgerHead head = Head;
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
                    ApplyToProjections(); // one that failed before gets another chance
                    return head;
                }

                head = TakeIn(commit);
                bytes += commit.Length;
            }

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
        $"Commit {proven.Commits} of the {_store.Description} is not what was written: {problem.Message}. Entries before {proven.Entries} are good. Restore '{KeyOf(proven.Commits)}' from a copy.";

    private async ValueTask<byte[]?> ReadCommitAsync(long number, CancellationToken cancellationToken)
    {
        Stream? stream = await _store.OpenAsync(KeyOf(number), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                return await BoundedReading.ReadAllAsync(stream, CommitCodec.MaxCommitBytes, cancellationToken).ConfigureAwait(false)
                    ?? throw new FormatException($"it has more than {CommitCodec.MaxCommitBytes} bytes");
            }
            catch (IOException error)
            {
                throw new MlopsStorageException("store.unavailable", $"Reading commit {number} of the {_store.Description} broke off: {error.Message} Try again.", error);
            }
        }
    }

    private LedgerHead TakeIn(CommitDocument commit)
    {
        lock (_byId)
        {
            foreach (LedgerEntry entry in commit.Entries)
            {
                _entries.Add(entry);
                _byId.TryAdd(entry.Id, entry);
            }

            _head = commit.Head;
        }

        ApplyToProjections();
        Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        return commit.Head;
    }

    /// <summary>Gives every projection the entries it has not had. What one throws is kept: it is tried again, and until it succeeds nothing is decided.</summary>
    private void ApplyToProjections()
    {
        foreach (AttachedProjection attached in _projections)
        {
            while (attached.Next < _entries.Count)
            {
                try
                {
                    attached.Projection.Apply(_entries[attached.Next]);
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
            LedgerEntry entry = _entries[attached.Next];
            LogProjectionFailed(attached.Projection.GetType().Name, entry.Number, entry.Kind, error);
        }

        attached.Problem = error;
        return true;
    }

    private void CheckProjections()
    {
        if (_projections.Find(p => p.Problem is not null) is { } failed)
        {
            LedgerEntry entry = _entries[failed.Next];
            throw new MlopsIntegrityException(
                "ledger.projection_failed",
                $"The view {failed.Projection.GetType().Name} cannot take entry {entry.Number} ('{entry.Kind}', written by {entry.Source}) in: {failed.Problem!.Message} Nothing is appended by this process until it can; a newer version of the library may.",
                failed.Problem);
        }
    }
}

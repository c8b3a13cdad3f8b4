namespace Mlops.Sdk;

/// <summary>The one writer of a process: it takes all appends that wait, decides them at the end of the ledger, and writes them as one commit.</summary>
public sealed partial class ObjectLedger
{
    private const int MaxAttempts = 10_000;
    private const int MaxStoreAttempts = 5;

    private async ValueTask<LedgerReceipt> EnqueueAsync(string? subject, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var request = new AppendRequest(subject, decide, _actors.Current, cancellationToken);
        ObjectDisposedException.ThrowIf(!_requests.Writer.TryWrite(request), this);
        return await request.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteLoopAsync()
    {
        var waiting = new List<AppendRequest>();
        while (waiting.Count > 0 || await _requests.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (waiting.Count < CommitCodec.MaxEntries && _requests.Reader.TryRead(out AppendRequest? request))
            {
                waiting.Add(request);
            }

            try
            {
                await _reading.WaitAsync().ConfigureAwait(false);
                try
                {
                    await WriteOneCommitAsync(waiting).ConfigureAwait(false);
                }
                finally
                {
                    _reading.Release();
                }
            }
            catch (Exception error) when (Tell(waiting, error))
            {
                waiting.Clear(); // the next append finds a fresh start
            }
        }
    }

    private async ValueTask WriteOneCommitAsync(List<AppendRequest> waiting)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            LedgerHead before = await ReadNewPatientlyAsync().ConfigureAwait(false);
            CheckProjections();
            Batch batch = await DecideAsync(waiting, before).ConfigureAwait(false);
            if (batch.Lines.Count == 0)
            {
                return; // all answered: refused, repeated, or nothing to write
            }

            byte[] bytes = CommitCodec.Encode(before, batch.Lines, out Digest hash);
            if (await TryWriteAsync(before.Commits, bytes).ConfigureAwait(false) && await WasInTimeAsync(before, bytes).ConfigureAwait(false))
            {
                LedgerHead head = TakeIn(new CommitDocument(before.Commits, before.Entries, before.Hash, hash, [.. batch.Entries], bytes));
                foreach ((AppendRequest request, int first, int count) in batch.Taken)
                {
                    request.Answer.TrySetResult(new LedgerReceipt(batch.Entries.GetRange(first, count), head));
                }

                var answered = batch.Taken.Select(t => t.Request).ToHashSet();
                waiting.RemoveAll(answered.Contains);
                return;
            }

            if (attempt > 2)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(NextJitter() * Math.Min(attempt, 20)), _time).ConfigureAwait(false);
            }
        }

        throw new MlopsConflictException("ledger.contended", $"{MaxAttempts} attempts to append to the {_store.Description} met another writer each time. Fewer writers, or one process that writes for the others, helps.");
    }

    /// <summary>Tells whether a commit that was written counts: after a long pause its number may have been folded away, and then no reader would ever look at it.</summary>
    private async ValueTask<bool> WasInTimeAsync(LedgerHead before, byte[] bytes)
    {
        if (!IsStale(_confirmed))
        {
            return true;
        }

        await ReadNewSegmentsAsync(_stop.Token).ConfigureAwait(false);
        if (Head.Commits <= before.Commits)
        {
            return true;
        }

        LogWrittenTooLate(before.Commits, _store.Description);
        ObjectKey key = LedgerKeys.Commit(before.Commits);
        if (await _store.HeadAsync(key).ConfigureAwait(false) is { } stray && (await ReadCommitAsync(before.Commits, _stop.Token).ConfigureAwait(false)).AsSpan().SequenceEqual(bytes))
        {
            await _store.DeleteAsync(key, stray.ETag).ConfigureAwait(false);
        }

        return false;
    }

    private async ValueTask<LedgerHead> ReadNewPatientlyAsync()
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await ReadNewAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (MlopsStorageException error) when (error.Code == "store.unavailable" && attempt < MaxStoreAttempts)
            {
                LogPollFailed(_store.Description, error);
            }

            await PauseAsync(attempt).ConfigureAwait(false);
        }
    }

    private Task PauseAsync(int attempt) => Task.Delay(TimeSpan.FromMilliseconds((1 + NextJitter()) * (5 << attempt)), _time);

    /// <summary>Runs the decisions that fit into one commit. Requests that end here (refused, repeated, empty, cancelled) are answered and leave the list.</summary>
    private async ValueTask<Batch> DecideAsync(List<AppendRequest> waiting, LedgerHead before)
    {
        var batch = new Batch(before);
        var ended = new HashSet<AppendRequest>();
        foreach (AppendRequest request in waiting)
        {
            if (batch.Entries.Count == CommitCodec.MaxEntries)
            {
                break;
            }

            if (request.Subject is { } subject && !batch.Subjects.Add(subject))
            {
                continue; // waits for the next commit, where it sees what the first one did
            }

            try
            {
                if (!await DecideOneAsync(request, batch).ConfigureAwait(false))
                {
                    ended.Add(request);
                }
            }
            catch (Exception refusal) when (ended.Add(request))
            {
                request.Answer.TrySetException(refusal); // what a decision or a guard throws is the caller's to see; the others go on
            }
        }

        waiting.RemoveAll(ended.Contains);
        return batch;
    }

    /// <summary>Runs one decision and adds its entries to the batch, or leaves it for a later commit when they do not fit.</summary>
    /// <returns>False when the request was answered and is over.</returns>
    private async ValueTask<bool> DecideOneAsync(AppendRequest request, Batch batch)
    {
        if (request.Cancellation.IsCancellationRequested)
        {
            request.Answer.TrySetCanceled(request.Cancellation);
            return false;
        }

        LedgerDraft[] drafts = [.. request.Decide().Select(d => DraftRules.Check(d, request.Actor))];
        DraftRules.CheckAppend(drafts);
        LedgerEntry[] repeated = await AlreadyWrittenAsync(drafts).ConfigureAwait(false);
        if (repeated.Length == drafts.Length)
        {
            request.Answer.TrySetResult(new LedgerReceipt(repeated, batch.Before));
            return false;
        }

        Guard(drafts);
        (byte[][] lines, LedgerEntry[] entries) = DraftRules.Encode(
            drafts, d => EntryCodec.Write(d, d.Id ?? _ids.NewId(), _time.GetUtcNow(), _source), batch.Before.Entries + batch.Entries.Count, batch.Before.Commits);
        batch.TryAdd(request, lines, entries);
        return true;
    }

    /// <summary>Finds the entries that an earlier append with the same ids wrote.</summary>
    /// <returns>All of them, or none.</returns>
    private async ValueTask<LedgerEntry[]> AlreadyWrittenAsync(LedgerDraft[] drafts)
    {
        List<LedgerEntry> found = [];
        foreach (LedgerDraft draft in drafts)
        {
            if (draft.Id is { } id && (FindRecent(id) ?? await FindOlderAsync(id, _stop.Token).ConfigureAwait(false)) is { } entry)
            {
                found.Add(entry);
            }
        }

        LedgerEntry? other = found.Count is 0 ? null : found.Count < drafts.Length ? found[0] : found.Where((e, i) => e.Kind != drafts[i].Kind || e.Resource.Name != drafts[i].Resource.Name).FirstOrDefault();
        return other is null
            ? [.. found]
            : throw new MlopsConflictException("ledger.id_reused", $"The id '{other.Id}' is that of entry {other.Number} ('{other.Kind}' of {other.Resource}), which another append wrote. Repeat an append as a whole and unchanged, or give new entries new ids.");
    }

    private LedgerEntry? FindRecent(string id)
    {
        lock (_gate)
        {
            return _recent.Find(id);
        }
    }

    private void Guard(LedgerDraft[] drafts)
    {
        ILedgerGuard[] guards;
        lock (_guards)
        {
            guards = [.. _guards];
        }

        foreach (ILedgerGuard guard in guards)
        {
            foreach (LedgerDraft draft in drafts)
            {
                guard.Check(draft, drafts);
            }
        }
    }

    /// <summary>Writes a commit if its number is free. When the store fails after it may have written, the object itself tells.</summary>
    /// <returns>False when another commit has the number: ours was certainly not written.</returns>
    private async ValueTask<bool> TryWriteAsync(long number, byte[] bytes)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using var content = new MemoryStream(bytes, writable: false);
                PutResult result = await _store.PutAsync(LedgerKeys.Commit(number), content, PutCondition.IfAbsent, CancellationToken.None).ConfigureAwait(false);
                return result.Written || await IsOursAsync(number, bytes).ConfigureAwait(false) == true;
            }
            catch (Exception error) when (IsOutcomeUnknown(error))
            {
                LogOutcomeUnknown(number, _store.Description, error);
                bool? ours = await TryIsOursAsync(number, bytes).ConfigureAwait(false);
                if (ours is { } known)
                {
                    return known;
                }

                if (attempt == MaxStoreAttempts)
                {
                    throw;
                }
            }

            // not there, or not to be seen: the same bytes again under the same number do no harm, whatever becomes of the first try
            await PauseAsync(attempt).ConfigureAwait(false);
        }
    }

    private static bool IsOutcomeUnknown(Exception error) =>
        error is MlopsStorageException { Code: "store.unavailable" } or IOException or TimeoutException or OperationCanceledException or HttpRequestException;

    private async ValueTask<bool?> TryIsOursAsync(long number, byte[] bytes)
    {
        try
        {
            return await IsOursAsync(number, bytes).ConfigureAwait(false);
        }
        catch (Exception error) when (IsOutcomeUnknown(error))
        {
            LogOutcomeUnknown(number, _store.Description, error);
            return null;
        }
    }

    /// <summary>Tells whether the commit that has a number is the one we wrote; null when none has it.</summary>
    private async ValueTask<bool?> IsOursAsync(long number, byte[] bytes)
    {
        byte[]? there = await ReadCommitAsync(number, CancellationToken.None).ConfigureAwait(false);
        if (there is null || there.AsSpan().SequenceEqual(bytes))
        {
            return there is null ? null : true;
        }

        // what differs may be another's commit, or ours torn on its way: only what reads as a commit counts
        there = await ReadCommitAsync(number, CancellationToken.None).ConfigureAwait(false);
        return there is null ? null : there.AsSpan().SequenceEqual(bytes);
    }

    private bool Tell(List<AppendRequest> waiting, Exception error)
    {
        LogWriteFailed(_store.Description, error);
        foreach (AppendRequest request in waiting)
        {
            request.Answer.TrySetException(error);
        }

        return true;
    }

    /// <summary>What goes into one commit.</summary>
    private sealed class Batch(LedgerHead before)
    {
        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
        private long _bytes;

        internal LedgerHead Before => before;

        internal HashSet<string> Subjects { get; } = new(StringComparer.Ordinal);

        internal List<byte[]> Lines { get; } = [];

        internal List<LedgerEntry> Entries { get; } = [];

        internal List<(AppendRequest Request, int First, int Count)> Taken { get; } = [];

        internal void TryAdd(AppendRequest request, byte[][] lines, LedgerEntry[] entries)
        {
            long bytes = lines.Sum(l => l.Length + 1L);
            if (Entries.Count + entries.Length > CommitCodec.MaxEntries || _bytes + bytes > CommitCodec.MaxEntryBytes || entries.Any(e => _ids.Contains(e.Id)))
            {
                return;
            }

            _ids.UnionWith(entries.Select(e => e.Id));
            _bytes += bytes;
            Taken.Add((request, Entries.Count, entries.Length));
            Lines.AddRange(lines);
            Entries.AddRange(entries);
        }
    }

    private sealed class AppendRequest(string? subject, Func<IReadOnlyList<LedgerDraft>> decide, Actor actor, CancellationToken cancellation)
    {
        internal string? Subject => subject;

        internal Func<IReadOnlyList<LedgerDraft>> Decide => decide;

        internal Actor Actor => actor;

        internal CancellationToken Cancellation => cancellation;

        internal TaskCompletionSource<LedgerReceipt> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

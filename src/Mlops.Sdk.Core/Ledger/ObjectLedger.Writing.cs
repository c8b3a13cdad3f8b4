namespace Mlops.Sdk;

/// <summary>The one writer of a process: it takes all appends that wait, decides them at the end of the ledger, and writes them as one commit.</summary>
public sealed partial class ObjectLedger
{
    private const int MaxAttempts = 10_000;

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
            catch (Exception error) when (error is MlopsException or IOException or TimeoutException or OperationCanceledException or HttpRequestException)
            {
                // the store failed: whoever waits is told, and the next append finds a fresh start
                Fail(waiting, error);
            }
        }
    }

    private async ValueTask WriteOneCommitAsync(List<AppendRequest> waiting)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            LedgerHead before = await ReadNewAsync(_stop.Token).ConfigureAwait(false);
            List<AppendRequest> taken = Decide(waiting, before, out List<LedgerEntry> entries);
            if (entries.Count == 0)
            {
                return; // all answered: refused, repeated, or nothing to write
            }

            byte[] bytes = CommitCodec.Encode(before.Commits, before, entries, out Digest hash);
            if (await TryWriteAsync(before.Commits, bytes).ConfigureAwait(false))
            {
                var head = new LedgerHead(before.Commits + 1, before.Entries + entries.Count, hash);
                TakeIn(entries, head);
                foreach (AppendRequest request in taken)
                {
                    waiting.Remove(request);
                    request.Answer.TrySetResult(new LedgerReceipt([.. request.Written.Select(n => entries[n])], head));
                }

                return;
            }

            if (attempt > 2)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(NextJitter() * Math.Min(attempt, 20)), _time).ConfigureAwait(false);
            }
        }

        throw new MlopsConflictException("ledger.contended", $"{MaxAttempts} attempts to append to the {_store.Description} met another writer each time. Fewer writers, or one process that writes for the others, helps.");
    }

    /// <summary>Runs the decisions that fit into one commit. Requests that end here (refused, repeated, empty, cancelled) are answered and leave the list.</summary>
    private List<AppendRequest> Decide(List<AppendRequest> waiting, LedgerHead before, out List<LedgerEntry> entries)
    {
        var taken = new List<AppendRequest>();
        var subjects = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        entries = [];
        foreach (AppendRequest request in waiting.ToArray())
        {
            if (request.Cancellation.IsCancellationRequested)
            {
                waiting.Remove(request);
                request.Answer.TrySetCanceled(request.Cancellation);
                continue;
            }

            if (request.Subject is { } subject && !subjects.Add(subject))
            {
                continue; // waits for the next commit, where it sees what the first one did
            }

            LedgerDraft[] drafts;
            try
            {
                drafts = [.. request.Decide().Select(d => DraftRules.Check(d, request.Actor))];
                if (AlreadyWritten(drafts) is { } repeated)
                {
                    waiting.Remove(request);
                    request.Answer.TrySetResult(new LedgerReceipt(repeated, before));
                    continue;
                }

                Guard(drafts);
            }
            catch (Exception refusal) when (request.Answer.TrySetException(refusal) || waiting.Contains(request))
            {
                waiting.Remove(request); // what a decision or a guard throws is the caller's to see; the others go on
                continue;
            }

            if (drafts.Length == 0)
            {
                waiting.Remove(request);
                request.Answer.TrySetResult(new LedgerReceipt([], before));
                continue;
            }

            if (entries.Count + drafts.Length > CommitCodec.MaxEntries || drafts.Any(d => d.Id is { } id && !ids.Add(id)))
            {
                if (drafts.Length > CommitCodec.MaxEntries)
                {
                    waiting.Remove(request);
                    request.Answer.TrySetException(new MlopsException("ledger.invalid_entry", $"One append has {drafts.Length} entries, 1 to {CommitCodec.MaxEntries} are allowed. Split it."));
                }

                continue;
            }

            request.Written.Clear();
            foreach (LedgerDraft draft in drafts)
            {
                request.Written.Add(entries.Count);
                entries.Add(EntryOf(draft, before, entries.Count));
            }

            taken.Add(request);
        }

        return taken;
    }

    private LedgerEntry[]? AlreadyWritten(LedgerDraft[] drafts)
    {
        if (drafts.Length == 0 || !drafts.Any(d => d.Id is not null))
        {
            return null;
        }

        lock (_byId)
        {
            LedgerEntry[] found = [.. drafts.Select(d => d.Id is { } id ? _byId.GetValueOrDefault(id) : null).OfType<LedgerEntry>()];
            return found.Length == drafts.Length ? found : null;
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

    private LedgerEntry EntryOf(LedgerDraft draft, LedgerHead before, int offset) => new()
    {
        Number = before.Entries + offset,
        Commit = before.Commits,
        Id = draft.Id ?? _ids.NewId(),
        Kind = draft.Kind,
        Format = draft.Format,
        Resource = draft.Resource,
        Outcome = draft.Outcome,
        Actor = draft.Actor!,
        Reason = draft.Reason,
        Time = _time.GetUtcNow(),
        Source = _source,
        Correlation = draft.Correlation,
        Data = draft.Data.Clone(),
    };

    /// <summary>Writes a commit if its number is free. When the store fails after it may have written, the object itself tells.</summary>
    private async ValueTask<bool> TryWriteAsync(long number, byte[] bytes)
    {
        try
        {
            using var content = new MemoryStream(bytes, writable: false);
            PutResult result = await _store.PutAsync(KeyOf(number), content, PutCondition.IfAbsent, CancellationToken.None).ConfigureAwait(false);
            return result.Written || await IsOursAsync(number, bytes).ConfigureAwait(false);
        }
        catch (Exception error) when (error is MlopsStorageException { Code: "store.unavailable" } or IOException or TimeoutException or OperationCanceledException)
        {
            LogOutcomeUnknown(number, _store.Description, error);
            if (await IsOursAsync(number, bytes).ConfigureAwait(false))
            {
                return true;
            }

            throw;
        }
    }

    private async ValueTask<bool> IsOursAsync(long number, byte[] bytes)
    {
        byte[]? there = await ReadCommitAsync(number, CancellationToken.None).ConfigureAwait(false);
        return there is not null && there.AsSpan().SequenceEqual(bytes);
    }

    private static void Fail(List<AppendRequest> waiting, Exception error)
    {
        foreach (AppendRequest request in waiting)
        {
            request.Answer.TrySetException(error);
        }

        waiting.Clear();
    }

    private sealed class AppendRequest(string? subject, Func<IReadOnlyList<LedgerDraft>> decide, Actor actor, CancellationToken cancellation)
    {
        internal string? Subject => subject;

        internal Func<IReadOnlyList<LedgerDraft>> Decide => decide;

        internal Actor Actor => actor;

        internal CancellationToken Cancellation => cancellation;

        /// <summary>Gets where in the commit its entries are.</summary>
        internal List<int> Written { get; } = [];

        internal TaskCompletionSource<LedgerReceipt> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

namespace Mlops.Sdk;

/// <summary>Folding: in the background, commits become segments, views are saved, and folded commits are removed after a while.</summary>
/// <remarks>
/// The number of a removed commit could be written once more by a process that was held up between finding it free and writing. Therefore
/// folded commits stay for <see cref="LedgerOptions.FoldGrace"/>, and a process that finds that half of it has gone by since its last look
/// looks for segments first, and again after it wrote. See docs/decisions/004.
/// </remarks>
public sealed partial class ObjectLedger
{
    private Task _folding = Task.CompletedTask;
    private int _foldAgainAt;
    private long _compacted;

    /// <summary>Removes commits that were folded into segments more than <see cref="LedgerOptions.FoldGrace"/> ago. Happens by itself after each folding; for whoever wants it now.</summary>
    /// <param name="cancellationToken">Stops the call; what is removed by then stays removed.</param>
    /// <returns>How many were removed.</returns>
    /// <exception cref="MlopsIntegrityException">A segment is not what was written (<c>ledger.corrupt</c>): its commits are left alone.</exception>
    public async ValueTask<long> CompactAsync(CancellationToken cancellationToken = default)
    {
        LedgerHead folded = Folded;
        long removed = 0;
        SegmentDocument? segment = null;
        DateTimeOffset? now = await MediumTimeAsync(cancellationToken).ConfigureAwait(false);
        string? after = _compacted == 0 ? null : LedgerKeys.Commit(_compacted - 1).Value;
        if (now is null || _compacted >= folded.Commits)
        {
            return 0;
        }

        await foreach (ObjectInfo info in _store.ListAsync(LedgerKeys.Commits, after, cancellationToken).ConfigureAwait(false))
        {
            if (!LedgerKeys.TryNumber(info.Key, LedgerKeys.Commits, out long number))
            {
                continue;
            }

            if (number >= folded.Commits)
            {
                break;
            }

            if (segment is null || number >= segment.Header.End.Commits)
            {
                SegmentPlace place = PlaceOfCommit(number);
                ObjectInfo? stored = await _store.HeadAsync(LedgerKeys.Segment(place), cancellationToken).ConfigureAwait(false);
                if (stored is null || now - stored.Modified < _options.FoldGrace)
                {
                    break; // too young, and so are all that come after it
                }

                segment = await ProveSegmentAsync(place, cancellationToken).ConfigureAwait(false);
                _compacted = segment.Header.Before.Commits;
            }

            removed += await _store.DeleteAsync(info.Key, info.ETag, cancellationToken).ConfigureAwait(false) ? 1 : 0;
        }

        return removed;
    }

    private void FoldIfDue()
    {
        lock (_gate)
        {
            if (_folding.IsCompleted && _tail.Count >= _foldAgainAt && _tail.DueCount() > 0 && !_stop.IsCancellationRequested)
            {
                _folding = Task.Run(() => FoldAsync(_stop.Token), CancellationToken.None);
            }
        }
    }

    /// <summary>Waits until the folding under way has ended: for tests and benchmarks.</summary>
    internal Task WhenFoldedAsync() => FoldingAsync();

    private Task FoldingAsync()
    {
        lock (_gate)
        {
            return _folding;
        }
    }

    private async Task FoldAsync(CancellationToken cancellationToken, bool save = false)
    {
        try
        {
            bool folded = save;
            while (await FoldOnceAsync(cancellationToken).ConfigureAwait(false))
            {
                folded = true;
            }

            if (folded)
            {
                await SaveSnapshotsAsync(cancellationToken).ConfigureAwait(false);
                await CompactAsync(cancellationToken).ConfigureAwait(false);
            }

            SetFoldAgain(0);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // closed: whoever opens next goes on
        }
        catch (Exception error) when (error is MlopsException or IOException or UnauthorizedAccessException)
        {
            LogFoldFailed(_store.Description, error);
            int tail;
            lock (_gate)
            {
                tail = _tail.Count;
            }

            SetFoldAgain(tail + _options.SegmentCommits); // not at every commit
        }
    }

    private void SetFoldAgain(int tail)
    {
        lock (_gate)
        {
            _foldAgainAt = tail;
        }
    }

    /// <summary>Folds one segment, or adopts the one that another process has folded.</summary>
    /// <returns>False when there is nothing to fold.</returns>
    private async ValueTask<bool> FoldOnceAsync(CancellationToken cancellationToken)
    {
        LedgerHead before;
        int count;
        MerkleFrontier tree;
        lock (_gate)
        {
            (before, count, tree) = (_folded, _tail.DueCount(), _foldedTree.Clone());
        }

        if (count == 0)
        {
            return false;
        }

        LedgerSegmentHeader? header = await FindSegmentAsync(before, cancellationToken).ConfigureAwait(false);
        if (header is null)
        {
            byte[] bytes = SegmentDocument.Encode(before, await LoadRangeAsync(before, count, cancellationToken).ConfigureAwait(false), tree);
            using var content = new MemoryStream(bytes, writable: false);
            PutResult put = await _store.PutAsync(LedgerKeys.Segment(SegmentPlace.After(before)), content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
            header = put.Written ? LedgerSegmentHeader.Parse(bytes) : await FindSegmentAsync(before, cancellationToken).ConfigureAwait(false);
        }

        return header is not null && Adopt(header);
    }

    /// <summary>Reads commits again from the store: what is folded is what is durable.</summary>
    private async ValueTask<List<CommitDocument>> LoadRangeAsync(LedgerHead before, int count, CancellationToken cancellationToken)
    {
        var commits = new List<CommitDocument>(count);
        LedgerHead head = before;
        while (commits.Count < count)
        {
            foreach (Task<CommitDocument?> read in ReadAhead(head.Commits, Math.Min(MaxReadAhead, count - commits.Count), cancellationToken))
            {
                try
                {
                    CommitDocument commit = (await read.ConfigureAwait(false) ?? throw new FormatException("it is missing")).Follow(head);
                    commits.Add(commit);
                    head = commit.Head;
                }
                catch (FormatException problem)
                {
                    throw new MlopsIntegrityException("ledger.corrupt", Explain(head, problem), problem);
                }
            }
        }

        return commits;
    }

    /// <summary>Reads the time of the medium off the newest segment, so that ages are told by one clock.</summary>
    private async ValueTask<DateTimeOffset?> MediumTimeAsync(CancellationToken cancellationToken)
    {
        SegmentPlace newest;
        lock (_gate)
        {
            if (_segments.Count == 0)
            {
                return null;
            }

            newest = _segments[^1];
        }

        // a commit behind it is newer still, where there is one
        ObjectInfo? last = await _store.HeadAsync(LedgerKeys.Commit(Math.Max(0, Head.Commits - 1)), cancellationToken).ConfigureAwait(false)
            ?? await _store.HeadAsync(LedgerKeys.Segment(newest), cancellationToken).ConfigureAwait(false);
        return last?.Modified;
    }

    private SegmentPlace PlaceOfCommit(long number)
    {
        lock (_gate)
        {
            return _segments.FindLast(s => s.Commit <= number);
        }
    }

    /// <summary>Reads a segment and every commit in it, before anything that it stands for is removed.</summary>
    private async ValueTask<SegmentDocument> ProveSegmentAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        SegmentDocument segment = await ReadSegmentAsync(place, cancellationToken).ConfigureAwait(false);
        try
        {
            LedgerHead head = segment.Header.Before;
            for (int at = 0; at < segment.Header.Commits; at++)
            {
                head = segment.ReadCommit(at).Follow(head).Head;
            }

            return head == segment.Header.End ? segment : throw new FormatException("its commits end with another hash than its header says");
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(place, problem), problem);
        }
    }
}

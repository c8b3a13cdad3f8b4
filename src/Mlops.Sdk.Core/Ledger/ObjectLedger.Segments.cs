namespace Mlops.Sdk;

/// <summary>Segments: finding, reading and adopting what some process has folded.</summary>
public sealed partial class ObjectLedger
{
    private const int KeptSegments = 2;
    private const int IndexReads = 16;
    private readonly IdFilter _olderIds = new(); // used by the writer only
    private readonly LinkedList<SegmentDocument> _loaded = [];

    /// <summary>Finds the segments at opening and starts behind the newest one that reads.</summary>
    private async ValueTask FindSegmentsAsync(CancellationToken cancellationToken)
    {
        _confirmed = LookNow();
        var places = new List<SegmentPlace>();
        await foreach (ObjectInfo info in _store.ListAsync(LedgerKeys.Segments, null, cancellationToken).ConfigureAwait(false))
        {
            if (LedgerKeys.TrySegment(info.Key, out SegmentPlace place))
            {
                places.Add(place);
            }
        }

        FormatException? damage = null;
        while (places.Count > 0)
        {
            try
            {
                if (await ReadHeaderAsync(places[^1], cancellationToken).ConfigureAwait(false) is { } header)
                {
                    StartBehind(header, places);
                    break;
                }
            }
            catch (FormatException problem)
            {
                damage ??= problem;
                LogDamaged(LedgerKeys.Segment(places[^1]), _store.Description, problem);
            }

            places.RemoveAt(places.Count - 1);
        }

        // without the commits that stood in it the ledger would seem to end here, and numbers would be used again
        if (damage is not null && await LoadOrExplainAsync(_head, cancellationToken).ConfigureAwait(false) is null)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(SegmentPlace.After(_head), damage), damage);
        }
    }

    private async ValueTask<CommitDocument?> LoadOrExplainAsync(LedgerHead head, CancellationToken cancellationToken)
    {
        try
        {
            return await LoadAsync(head.Commits, cancellationToken).ConfigureAwait(false);
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", Explain(head, problem), problem);
        }
    }

    private void StartBehind(LedgerSegmentHeader header, List<SegmentPlace> places)
    {
        lock (_gate)
        {
            _segments.AddRange(places);
            _head = _folded = header.End;
            _foldedTree = MerkleFrontier.From(header.End.Entries, header.Peaks);
            _tree.CopyFrom(_foldedTree);
            _recent.StartAt(header.End.Entries);
        }
    }

    /// <summary>Takes in segments that lie behind what this process knows: after a long pause their commits may be gone.</summary>
    private async ValueTask ReadNewSegmentsAsync(CancellationToken cancellationToken)
    {
        Look look = LookNow();
        while (true)
        {
            LedgerHead folded = Folded;
            LedgerSegmentHeader? header = await FindSegmentAsync(folded, cancellationToken).ConfigureAwait(false);
            if (header is null)
            {
                _confirmed = look; // whatever is folded from now on stays for the whole grace
                return;
            }

            if (header.End.Commits > Head.Commits)
            {
                await TakeInFromAsync(header, cancellationToken).ConfigureAwait(false);
            }

            if (!Adopt(header) && Folded == folded)
            {
                throw Differs(header);
            }
        }
    }

    private async ValueTask TakeInFromAsync(LedgerSegmentHeader header, CancellationToken cancellationToken)
    {
        SegmentDocument segment = await LoadSegmentAsync(SegmentPlace.After(header.Before), cancellationToken).ConfigureAwait(false);
        while (Head is var head && head.Commits < header.End.Commits)
        {
            CommitDocument commit;
            try
            {
                commit = segment.ReadCommit((int)(head.Commits - header.Before.Commits)).Follow(head);
            }
            catch (FormatException problem)
            {
                throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(SegmentPlace.After(header.Before), problem), problem);
            }

            TakeIn(commit);
        }
    }

    private LedgerHead Folded
    {
        get
        {
            lock (_gate)
            {
                return _folded;
            }
        }
    }

    /// <summary>Finds the segment that begins at an end; null when nobody has folded it yet.</summary>
    private async ValueTask<LedgerSegmentHeader?> FindSegmentAsync(LedgerHead before, CancellationToken cancellationToken)
    {
        SegmentPlace place = SegmentPlace.After(before);
        try
        {
            LedgerSegmentHeader? header = await ReadHeaderAsync(place, cancellationToken).ConfigureAwait(false);
            return header is null || header.Before == before ? header : throw Differs(header);
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(place, problem), problem);
        }
    }

    private async ValueTask<LedgerSegmentHeader?> ReadHeaderAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            byte[]? start = await ReadObjectAsync(LedgerKeys.Segment(place), new ByteRange(0, LedgerSegmentHeader.MaxLength), LedgerSegmentHeader.MaxLength, cancellationToken).ConfigureAwait(false);
            try
            {
                LedgerSegmentHeader? header = start is null ? null : LedgerSegmentHeader.Parse(start);
                return header is null || SegmentPlace.After(header.Before) == place ? header : throw new FormatException("it is another segment than its key says");
            }
            catch (FormatException) when (attempt == 0)
            {
                // an answer that was torn on its way is no damage: look once more
            }
        }
    }

    /// <summary>Counts a segment as folded. Its commits have been taken in.</summary>
    /// <returns>False when it does not begin where the last one ends, or ends behind what was taken in.</returns>
    private bool Adopt(LedgerSegmentHeader header)
    {
        lock (_gate)
        {
            if (header.Before != _folded || header.Commits > _tail.Count)
            {
                return false;
            }

            if (_tail.EndAfter(header.Commits) != header.End)
            {
                throw Differs(header);
            }

            _segments.Add(SegmentPlace.After(header.Before));
            _tail.RemoveFirst(header.Commits);
            _folded = header.End;
            _foldedTree = MerkleFrontier.From(header.End.Entries, header.Peaks);
            return true;
        }
    }

    /// <summary>Reads entries that are no longer in memory: those from a number on that lie close together.</summary>
    private async ValueTask<LedgerEntry[]> LoadOlderAsync(long from, long end, CancellationToken cancellationToken)
    {
        SegmentPlace place = PlaceOf(from);
        SegmentDocument segment = await LoadSegmentAsync(place, cancellationToken).ConfigureAwait(false);
        if (from >= segment.Header.End.Entries)
        {
            throw new MlopsIntegrityException("ledger.corrupt", $"The segment with entry {from} is missing in the {_store.Description}: '{LedgerKeys.Segment(place)}' ends with entry {segment.Header.End.Entries - 1}, and no later one begins before {from}. Restore it from a copy.");
        }

        var entries = new List<LedgerEntry>(Page);
        try
        {
            for (int at = segment.PositionOf(from); at < segment.Header.Commits && entries.Count < Page; at++)
            {
                entries.AddRange(segment.ReadCommit(at).Entries.Where(e => e.Number >= from && e.Number < end));
            }
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(place, problem), problem);
        }

        return [.. entries];
    }

    /// <summary>Finds the segment in which an entry stands.</summary>
    private SegmentPlace PlaceOf(long entry)
    {
        lock (_gate)
        {
            int low = 0;
            int high = _segments.Count - 1;
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = _segments[middle].Entry <= entry ? (middle, high) : (low, middle - 1);
            }

            return high < 0 || _segments[low].Entry > entry
                ? throw new MlopsIntegrityException("ledger.corrupt", $"The segment with entry {entry} is missing in the {_store.Description}. Restore the objects below '{LedgerKeys.Segments}' from a copy.")
                : _segments[low];
        }
    }

    /// <summary>Reads a whole segment; the last ones stay in memory.</summary>
    private async ValueTask<SegmentDocument> LoadSegmentAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        lock (_loaded)
        {
            if (_loaded.FirstOrDefault(s => SegmentPlace.After(s.Header.Before) == place) is { } there)
            {
                return there;
            }
        }

        SegmentDocument segment = await ReadSegmentAsync(place, cancellationToken).ConfigureAwait(false);
        lock (_loaded)
        {
            _loaded.AddFirst(segment);
            if (_loaded.Count > KeptSegments)
            {
                _loaded.RemoveLast();
            }
        }

        return segment;
    }

    private async ValueTask<SegmentDocument> ReadSegmentAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        try
        {
            return await ParseSegmentAsync(place, cancellationToken).ConfigureAwait(false)
                ?? throw new MlopsIntegrityException("ledger.corrupt", $"The segment '{LedgerKeys.Segment(place)}' of the {_store.Description} is missing. Restore it from a copy.");
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(place, problem), problem);
        }
    }

    private async ValueTask<SegmentDocument?> ParseSegmentAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        const long most = LedgerSegmentHeader.MaxLength + LedgerSegmentHeader.MaxBody + (8L * LedgerSegmentHeader.MaxCommits * (CommitCodec.MaxEntries + 1));
        for (int attempt = 0; ; attempt++)
        {
            byte[]? bytes = await ReadObjectAsync(LedgerKeys.Segment(place), null, most, cancellationToken).ConfigureAwait(false);
            try
            {
                return bytes is null ? null : SegmentDocument.Parse(bytes);
            }
            catch (FormatException) when (attempt == 0)
            {
                // an answer that was torn on its way is no damage: look once more
            }
        }
    }

    /// <summary>Finds an entry by its id among those that are no longer in memory.</summary>
    private async ValueTask<LedgerEntry?> FindOlderAsync(string id, CancellationToken cancellationToken)
    {
        long older;
        SegmentPlace[] places;
        lock (_gate)
        {
            older = _recent.First;
            if (older == 0)
            {
                return null;
            }

            places = [.. _segments];
        }

        int next = Array.FindIndex(places, p => p.Entry == _olderIds.Entries);
        while (_olderIds.Entries < older && next >= 0)
        {
            SegmentPlace[] some = [.. places.Skip(next).Take(IndexReads)];
            foreach (ulong[] ids in await Task.WhenAll(some.Select(p => ReadIdsAsync(p, cancellationToken))).ConfigureAwait(false))
            {
                _olderIds.Add(ids);
            }

            next += some.Length;
        }

        ulong hash = SegmentDocument.HashOfId(id);
        foreach ((long first, long end) in _olderIds.MayHave(hash))
        {
            foreach (SegmentPlace place in places.Where(p => p.Entry >= first && p.Entry < end))
            {
                if (Array.BinarySearch(await ReadIdsAsync(place, cancellationToken).ConfigureAwait(false), hash) >= 0
                    && await FindInAsync(place, id, cancellationToken).ConfigureAwait(false) is { } found)
                {
                    return found;
                }
            }
        }

        return null;
    }

    private async Task<ulong[]> ReadIdsAsync(SegmentPlace place, CancellationToken cancellationToken)
    {
        try
        {
            LedgerSegmentHeader header = await ReadHeaderAsync(place, cancellationToken).ConfigureAwait(false) ?? throw new FormatException("it is missing");
            byte[] index = await ReadObjectAsync(LedgerKeys.Segment(place), new ByteRange(header.Length + header.Body), header.IndexBytes, cancellationToken).ConfigureAwait(false) ?? [];
            return index.Length == header.IndexBytes && Digest.Of(index) == header.Index
                ? SegmentDocument.IdsOf(header, index)
                : throw new FormatException("its index is not what was written");
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", ExplainSegment(place, problem), problem);
        }
    }

    private async ValueTask<LedgerEntry?> FindInAsync(SegmentPlace place, string id, CancellationToken cancellationToken)
    {
        SegmentDocument segment = await LoadSegmentAsync(place, cancellationToken).ConfigureAwait(false);
        return Enumerable.Range(0, segment.Header.Commits).SelectMany(at => segment.ReadCommit(at).Entries).FirstOrDefault(e => e.Id == id);
    }

    private string ExplainSegment(SegmentPlace place, FormatException problem) =>
        $"The segment '{LedgerKeys.Segment(place)}' of the {_store.Description} is not what was written: {problem.Message}. Entries before {place.Entry} stand elsewhere. Restore it from a copy; if its commits are still below '{LedgerKeys.Commits}', remove it and it is folded again.";

    private MlopsIntegrityException Differs(LedgerSegmentHeader header) => new(
        "ledger.corrupt",
        $"The segment '{LedgerKeys.Segment(SegmentPlace.After(header.Before))}' of the {_store.Description} tells another history than the commits this process has read. The ledger was rewritten, or two stores were mixed; restore it from a copy.");
}

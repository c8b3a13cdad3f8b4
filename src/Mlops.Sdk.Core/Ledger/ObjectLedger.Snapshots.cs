namespace Mlops.Sdk;

/// <summary>Snapshots: views saved beside the ledger, so that opening does not fold all of it again.</summary>
public sealed partial class ObjectLedger
{
    private const int KeptSnapshots = 2;
    private readonly List<ISnapshotProjection> _saved = []; // guarded by _gate

    /// <summary>Notes a view that can be saved, and saves it in the background when attaching it took many entries.</summary>
    private void Remember(ISnapshotProjection? projection, long folded)
    {
        if (projection is null)
        {
            return;
        }

        lock (_gate)
        {
            _saved.Add(projection);
            if (folded >= _options.SnapshotEntries && _folding.IsCompleted && !_stop.IsCancellationRequested)
            {
                _folding = Task.Run(() => FoldAsync(_stop.Token, save: true), CancellationToken.None);
            }
        }
    }

    /// <summary>Gives a projection the newest saved state that belongs to this ledger.</summary>
    /// <returns>The number of the first entry that it has not had.</returns>
    private async ValueTask<long> LoadSnapshotAsync(ISnapshotProjection projection, CancellationToken cancellationToken)
    {
        List<long> stored = await SnapshotsAsync(projection, cancellationToken).ConfigureAwait(false);
        for (int i = stored.Count - 1; i >= 0; i--)
        {
            ObjectKey key = LedgerKeys.Snapshot(projection, stored[i]);
            try
            {
                byte[]? bytes = await ReadObjectAsync(key, null, SnapshotCodec.MaxBytes, cancellationToken).ConfigureAwait(false);
                if (bytes is not null)
                {
                    (LedgerHead head, ReadOnlyMemory<byte> state) = SnapshotCodec.Parse(bytes, projection);
                    if (head.Entries == stored[i] && await EndedSoAsync(head, cancellationToken).ConfigureAwait(false))
                    {
                        projection.LoadSnapshot(state);
                        return head.Entries;
                    }
                }
            }
            catch (FormatException problem)
            {
                LogDamaged(key, _store.Description, problem); // derived: an older one or the ledger itself serves as well
            }
        }

        return 0;
    }

    /// <summary>Tells whether the ledger ended so once: whether a segment ends there with that hash.</summary>
    private async ValueTask<bool> EndedSoAsync(LedgerHead head, CancellationToken cancellationToken)
    {
        bool isPlace;
        lock (_gate)
        {
            if (head == _folded)
            {
                return true;
            }

            isPlace = _segments.BinarySearch(SegmentPlace.After(head), Comparer<SegmentPlace>.Create((a, b) => a.Commit.CompareTo(b.Commit))) is >= 0 and var at && _segments[at] == SegmentPlace.After(head);
        }

        return isPlace && (await ReadHeaderAsync(SegmentPlace.After(head), cancellationToken).ConfigureAwait(false))?.Before == head;
    }

    private async ValueTask<List<long>> SnapshotsAsync(ISnapshotProjection projection, CancellationToken cancellationToken)
    {
        string prefix = LedgerKeys.SnapshotsOf(projection);
        var stored = new List<long>();
        await foreach (ObjectInfo info in _store.ListAsync(prefix, null, cancellationToken).ConfigureAwait(false))
        {
            if (LedgerKeys.TryNumber(info.Key, prefix, out long entries))
            {
                stored.Add(entries);
            }
        }

        return stored;
    }

    /// <summary>Saves the views up to the last segment where enough has come since they were saved last. Works on copies: nobody waits for it.</summary>
    private async ValueTask SaveSnapshotsAsync(CancellationToken cancellationToken)
    {
        LedgerHead folded;
        ISnapshotProjection[] projections;
        lock (_gate)
        {
            (folded, projections) = (_folded, [.. _saved.DistinctBy(p => (p.SnapshotName, p.SnapshotFormat))]);
        }

        foreach (ISnapshotProjection projection in projections)
        {
            List<long> stored = await SnapshotsAsync(projection, cancellationToken).ConfigureAwait(false);
            long last = stored.LastOrDefault();
            if (folded.Entries - last < Math.Max(_options.SnapshotEntries, folded.Entries / 32))
            {
                continue;
            }

            ISnapshotProjection copy = projection.NewEmpty();
            long next = await LoadSnapshotAsync(copy, cancellationToken).ConfigureAwait(false);
            if (next > folded.Entries)
            {
                continue; // another process is ahead
            }

            await foreach (LedgerEntry entry in StreamAsync(next, folded.Entries, cancellationToken).ConfigureAwait(false))
            {
                copy.Apply(entry);
            }

            using var content = new MemoryStream(SnapshotCodec.Encode(copy, folded), writable: false);
            await _store.PutAsync(LedgerKeys.Snapshot(projection, folded.Entries), content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
            foreach (long old in stored.Where(s => s < folded.Entries).Reverse().Skip(KeptSnapshots - 1))
            {
                await _store.DeleteAsync(LedgerKeys.Snapshot(projection, old), null, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}

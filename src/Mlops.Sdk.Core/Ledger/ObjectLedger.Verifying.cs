using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk;

/// <summary>Verifying: everything is read again from the store.</summary>
public sealed partial class ObjectLedger
{
    private const string WrittenCommits = "a commit as it was written, following the one before it";

    /// <inheritdoc/>
    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => VerifyAsync(null, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<LedgerVerification> VerifyAsync(LedgerCheckpoint? trusted, CancellationToken cancellationToken = default)
    {
        var walk = new Walk(Head, trusted);
        StoreFinding? end = null;
        bool fromStart = false;
        try
        {
            await VerifySnapshotsAsync(walk, cancellationToken).ConfigureAwait(false);
            await VerifySegmentsAsync(walk, cancellationToken).ConfigureAwait(false);
            await VerifyTailAsync(walk, cancellationToken).ConfigureAwait(false);
            walk.End();
        }
        catch (Finding finding)
        {
            (end, fromStart) = (finding.Told, finding.FromStart);
        }
        catch (MlopsIntegrityException problem)
        {
            string key = LedgerKeys.Commit(walk.Proven.Commits).Value;
            end = new StoreFinding(problem.Code == "ledger.newer_format" ? StoreFindingKind.NewerFormat : StoreFindingKind.Damaged, key, WrittenCommits, problem.Message, "See the message.");
        }

        LedgerHead proven = fromStart ? default : walk.Proven;
        StoreFinding[] findings = [.. end is null ? [] : new[] { end }, .. walk.Beside];
        return new LedgerVerification(findings.Length == 0, proven, end is null ? null : proven.Commits, end is null ? null : proven.Entries, findings.Length == 0 ? null : findings[0].Found)
        {
            Checkpoint = fromStart ? new LedgerCheckpoint(0, MerkleTree.EmptyRoot) : walk.Checkpoint,
            Findings = findings,
            IsWhole = end is null,
        };
    }

    /// <summary>Verifies the ledger of a store without opening it: one that is damaged at its end does not open.</summary>
    internal static async ValueTask<LedgerVerification> VerifyAsync(IObjectStore store, LedgerCheckpoint? trusted, TimeProvider time, CancellationToken cancellationToken)
    {
        var ledger = new ObjectLedger(store, new LedgerOptions(), time, new TimeOrderedIdGenerator(time), new ProcessActorAccessor(), NullLogger<ObjectLedger>.Instance);
        await using (ledger.ConfigureAwait(false))
        {
            return await ledger.VerifyAsync(trusted, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Checks every saved view by its digest, and has those of attached views folded again along the way.</summary>
    private async ValueTask VerifySnapshotsAsync(Walk walk, CancellationToken cancellationToken)
    {
        ISnapshotProjection[] attached;
        lock (_gate)
        {
            attached = [.. _saved.DistinctBy(p => (p.SnapshotName, p.SnapshotFormat))];
        }

        foreach (ISnapshotProjection view in attached)
        {
            Refolding? refolding = null;
            foreach (long entries in await SnapshotsAsync(view, cancellationToken).ConfigureAwait(false))
            {
                ObjectKey key = LedgerKeys.Snapshot(view, entries);
                try
                {
                    if (await ReadObjectAsync(key, null, SnapshotCodec.MaxBytes, cancellationToken).ConfigureAwait(false) is { } bytes)
                    {
                        (LedgerHead head, ReadOnlyMemory<byte> state) = SnapshotCodec.Parse(bytes, view);
                        refolding ??= new Refolding(view.NewEmpty());
                        refolding.Expected.Add((key, head, Digest.Of(state.Span)));
                    }
                }
                catch (FormatException problem)
                {
                    walk.Beside.Add(OfView(key, $"The saved view '{key}' of the {_store.Description} is not what was written: {problem.Message}. Remove it; it is made again."));
                }
            }

            if (refolding is not null)
            {
                walk.Views.Add(refolding);
            }
        }
    }

    private async ValueTask VerifySegmentsAsync(Walk walk, CancellationToken cancellationToken)
    {
        var places = new List<SegmentPlace>();
        await foreach (ObjectInfo info in _store.ListAsync(LedgerKeys.Segments, null, cancellationToken).ConfigureAwait(false))
        {
            if (LedgerKeys.TrySegment(info.Key, out SegmentPlace place))
            {
                places.Add(place);
            }
            else
            {
                walk.Beside.Add(StoreFinding.UnknownObject(info.Key, $"'{info.Key}' of the {_store.Description} is no segment by its name. Nobody of this library wrote it; remove it."));
            }
        }

        HashSet<long> kept = await FoldedCommitsAsync(walk, places, cancellationToken).ConfigureAwait(false);
        var reading = new Queue<Task<CheckedSegment>>();
        int ahead = Environment.ProcessorCount + 1; // bounds memory: so many segments at once
        for (int next = 0; next < places.Count || reading.Count > 0;)
        {
            while (next < places.Count && reading.Count < ahead)
            {
                SegmentPlace place = places[next++];
                reading.Enqueue(Task.Run(() => CheckSegmentAsync(place, kept, walk.Views.Count > 0, cancellationToken), cancellationToken));
            }

            CheckedSegment segment = await reading.Dequeue().ConfigureAwait(false);
            SegmentPlace expected = SegmentPlace.After(walk.Proven);
            if (segment.Place != expected)
            {
                throw new Finding(LedgerKeys.Segment(expected), StoreFindingKind.Missing, $"The segment '{LedgerKeys.Segment(expected)}' of the {_store.Description} is missing, or '{LedgerKeys.Segment(segment.Place)}' does not belong there. Restore it from a copy.");
            }

            if (segment.Header is { } header && header.Before != walk.Proven)
            {
                throw new Finding(LedgerKeys.Segment(segment.Place), StoreFindingKind.Contradiction, $"The segment '{LedgerKeys.Segment(segment.Place)}' of the {_store.Description} does not follow what is before it, whose hash is '{walk.Proven.Hash}': it names '{header.Before.Hash}'.");
            }

            foreach (CheckedCommit commit in segment.Commits)
            {
                walk.Take(commit);
            }

            walk.Beside.AddRange(segment.Strays);
            if (segment.Problem is { } problem)
            {
                throw new Finding(LedgerKeys.Segment(segment.Place), StoreFindingKind.Damaged, problem);
            }

            if (!walk.HasPeaks(segment.Header!.Peaks) || walk.Proven != segment.Header.End)
            {
                throw new Finding(LedgerKeys.Segment(segment.Place), StoreFindingKind.Contradiction, $"The header of the segment '{LedgerKeys.Segment(segment.Place)}' of the {_store.Description} does not tell what its commits do. Remove it if its commits are still there, or restore it from a copy.");
            }
        }
    }

    /// <summary>Finds the commits that stand in a segment and are still there by themselves too.</summary>
    private async ValueTask<HashSet<long>> FoldedCommitsAsync(Walk walk, List<SegmentPlace> places, CancellationToken cancellationToken)
    {
        var kept = new HashSet<long>();
        if (places.Count > 0)
        {
            await foreach (ObjectInfo info in _store.ListAsync(LedgerKeys.Commits, null, cancellationToken).ConfigureAwait(false))
            {
                if (LedgerKeys.TryNumber(info.Key, LedgerKeys.Commits, out long number))
                {
                    kept.Add(number);
                }
                else
                {
                    walk.Beside.Add(StoreFinding.UnknownObject(info.Key, $"'{info.Key}' of the {_store.Description} is no commit by its name. Nobody of this library wrote it; remove it."));
                }
            }
        }

        return kept;
    }

    private async Task<CheckedSegment> CheckSegmentAsync(SegmentPlace place, HashSet<long> kept, bool withEntries, CancellationToken cancellationToken)
    {
        var found = new CheckedSegment(place);
        try
        {
            SegmentDocument segment = await ParseSegmentAsync(place, cancellationToken).ConfigureAwait(false) ?? throw new FormatException("it is missing");
            found.Header = segment.Header;
            LedgerHead head = segment.Header.Before;
            ulong[] ids = new ulong[segment.Header.Entries];
            for (int at = 0; at < segment.Header.Commits; at++)
            {
                CommitDocument commit = segment.ReadCommit(at).Follow(head);
                if (kept.Contains(commit.Number)
                    && await ReadCommitAsync(commit.Number, cancellationToken).ConfigureAwait(false) is { } alone && !alone.AsSpan().SequenceEqual(commit.Bytes.Span))
                {
                    found.Strays.Add(new StoreFinding(
                        StoreFindingKind.Damaged,
                        LedgerKeys.Commit(commit.Number).Value,
                        $"the same bytes as in the segment '{LedgerKeys.Segment(place)}', or no such object",
                        $"Commit {commit.Number} of the {_store.Description} is not what was written: it differs from its copy in the segment '{LedgerKeys.Segment(place)}', which is good. Remove '{LedgerKeys.Commit(commit.Number)}'.",
                        "Remove it: the ledger reads the segment. It was changed, or a process that was held up for long wrote it late."));
                }

                for (int i = 0; i < commit.Entries.Length; i++)
                {
                    ids[commit.First - segment.Header.Before.Entries + i] = SegmentDocument.HashOfId(commit.Entries[i].Id);
                }

                head = commit.Head;
                found.Commits.Add(CheckedCommit.Of(commit, withEntries));
            }

            Array.Sort(ids);
            if (!ids.AsSpan().SequenceEqual(segment.Ids()))
            {
                throw new FormatException("its index does not have the ids of its entries");
            }
        }
        catch (FormatException problem)
        {
            found.Problem = ExplainSegment(place, problem);
        }

        return found;
    }

    private async ValueTask VerifyTailAsync(Walk walk, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<CommitDocument?>[] reads = ReadAhead(walk.Proven.Commits, walk.Proven.Commits == 0 ? 1 : MaxReadAhead, cancellationToken);
            await ((Task)Task.WhenAll(reads)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (Task<CommitDocument?> read in reads)
            {
                try
                {
                    if (await read.ConfigureAwait(false) is not { } commit)
                    {
                        if (await IsEndAsync(walk, cancellationToken).ConfigureAwait(false))
                        {
                            return;
                        }

                        break;
                    }

                    walk.Take(CheckedCommit.Of(commit.Follow(walk.Proven), walk.Views.Count > 0));
                }
                catch (FormatException problem)
                {
                    throw new Finding(LedgerKeys.Commit(walk.Proven.Commits), StoreFindingKind.Damaged, Explain(walk.Proven, problem));
                }
            }
        }
    }

    /// <summary>Tells whether the ledger ends where nothing was found, or a commit is missing there.</summary>
    private async ValueTask<bool> IsEndAsync(Walk walk, CancellationToken cancellationToken)
    {
        LedgerHead proven = walk.Proven;
        await foreach (ObjectInfo later in _store.ListAsync(LedgerKeys.Commits, LedgerKeys.Commit(proven.Commits).Value, cancellationToken).ConfigureAwait(false))
        {
            // written between the two looks, or is one missing before it?
            return await _store.HeadAsync(LedgerKeys.Commit(proven.Commits), cancellationToken).ConfigureAwait(false) is null
                ? throw MissingBefore(proven, later.Key)
                : false;
        }

        return proven.Commits >= walk.Seen.Commits
            ? true
            : throw new Finding(LedgerKeys.Commit(proven.Commits), StoreFindingKind.Missing, $"The ledger ends at commit {proven.Commits}; this process has seen {walk.Seen.Commits}. The tail was cut off.");
    }

    /// <summary>A gap of one commit is a commit that is gone; a wider one is a segment whose commits were removed because it had them.</summary>
    private static Finding MissingBefore(LedgerHead proven, ObjectKey later)
    {
        bool one = LedgerKeys.TryNumber(later, LedgerKeys.Commits, out long number) && number == proven.Commits + 1;
        ObjectKey key = one ? LedgerKeys.Commit(proven.Commits) : LedgerKeys.Segment(SegmentPlace.After(proven));
        return new Finding(key, StoreFindingKind.Missing, $"Commit {proven.Commits} is missing and a later one, '{later}', is there. Restore '{key}' from a copy.");
    }

    private static StoreFinding OfView(ObjectKey key, string message) =>
        new(StoreFindingKind.Damaged, key.Value, "a view as it was saved, that says what the ledger says up to there", message, "Remove it; it is made again from the ledger.");

    /// <summary>What a verification stops at.</summary>
    private sealed class Finding(ObjectKey key, StoreFindingKind kind, string message, bool fromStart = false) : Exception(message)
    {
        /// <summary>Gets what is told of it.</summary>
        internal StoreFinding Told => new(
            kind, key.Value, kind == StoreFindingKind.Missing ? "an object with this key" : WrittenCommits, Message, "Restore it from a copy. Nothing behind it in the ledger is proven.");

        /// <summary>Gets whether nothing at all is proven.</summary>
        internal bool FromStart => fromStart;
    }

    /// <summary>A commit that is good in itself, and what is needed to go on from it.</summary>
    private sealed record CheckedCommit(LedgerHead Head, byte[][] Leaves, LedgerEntry[]? Entries)
    {
        internal static CheckedCommit Of(CommitDocument commit, bool withEntries)
        {
            byte[][] leaves = [.. CommitCodec.EntryLines(commit.Bytes.Span).Select(line => LeafOf(commit, line))];
            return new CheckedCommit(commit.Head, leaves, withEntries ? commit.Entries : null);
        }
    }

    private sealed class CheckedSegment(SegmentPlace place)
    {
        internal SegmentPlace Place => place;

        internal LedgerSegmentHeader? Header { get; set; }

        internal List<CheckedCommit> Commits { get; } = [];

        /// <summary>Gets commits that stand beside the segment and differ from what it has.</summary>
        internal List<StoreFinding> Strays { get; } = [];

        internal string? Problem { get; set; }
    }

    /// <summary>A view that is folded once more, to compare it with what was saved of it.</summary>
    private sealed class Refolding(ISnapshotProjection view)
    {
        internal ISnapshotProjection View => view;

        internal List<(ObjectKey Key, LedgerHead Head, Digest State)> Expected { get; } = [];
    }

    /// <summary>How far a verification has come.</summary>
    private sealed class Walk(LedgerHead seen, LedgerCheckpoint? trusted)
    {
        private readonly MerkleFrontier _tree = new();

        /// <summary>Gets the end of the ledger as this process knew it before.</summary>
        internal LedgerHead Seen => seen;

        internal LedgerHead Proven { get; private set; }

        internal List<Refolding> Views { get; } = [];

        /// <summary>Gets what is wrong beside the commits: it does not end the reading.</summary>
        internal List<StoreFinding> Beside { get; } = [];

        internal LedgerCheckpoint Checkpoint => new(_tree.Size, _tree.Root);

        internal bool HasPeaks(IReadOnlyList<byte[]> peaks) => peaks.Count == _tree.Peaks.Count && peaks.Zip(_tree.Peaks).All(p => p.First.AsSpan().SequenceEqual(p.Second));

        internal void Take(CheckedCommit commit)
        {
            foreach (byte[] leaf in commit.Leaves)
            {
                _tree.Add(leaf);
                if (trusted is not null && _tree.Size == trusted.Entries && _tree.Root != trusted.Root)
                {
                    throw new Finding(LedgerKeys.Commit(0), StoreFindingKind.Contradiction, $"The first {trusted.Entries} entries are whole, but not those of the trusted checkpoint: their root is {_tree.Root} and was {trusted.Root}. The ledger was rewritten.", fromStart: true);
                }
            }

            Proven = commit.Head;
            if (Proven.Commits == seen.Commits && Proven != seen)
            {
                throw new Finding(LedgerKeys.Commit(0), StoreFindingKind.Contradiction, $"The first {seen.Commits} commits are whole, but not those this process read before: their chain ends with {Proven.Hash} and ended with {seen.Hash}. The ledger was rewritten.", fromStart: true);
            }

            foreach (Refolding view in Views)
            {
                Refold(view, commit.Entries!);
            }
        }

        internal void End()
        {
            if (trusted is not null && _tree.Size < trusted.Entries)
            {
                throw new Finding(LedgerKeys.Commit(Proven.Commits), StoreFindingKind.Missing, $"The ledger ends at entry {_tree.Size}; the trusted checkpoint has {trusted.Entries}. The tail was cut off, or the store was rolled back to an older copy.");
            }

            foreach ((ObjectKey left, _, _) in Views.SelectMany(v => v.Expected))
            {
                Beside.Add(OfView(left, $"The saved view '{left}' is of a place where no commit ends. Remove it; it is made again."));
            }
        }

        private void Refold(Refolding refolding, LedgerEntry[] entries)
        {
            foreach (LedgerEntry entry in entries)
            {
                refolding.View.Apply(entry);
            }

            for (int i = refolding.Expected.Count - 1; i >= 0; i--)
            {
                (ObjectKey key, LedgerHead head, Digest state) = refolding.Expected[i];
                if (head.Entries != Proven.Entries)
                {
                    continue;
                }

                var writer = new System.Buffers.ArrayBufferWriter<byte>();
                refolding.View.SaveSnapshot(writer);
                if (head != Proven || Digest.Of(writer.WrittenSpan) != state)
                {
                    Beside.Add(OfView(key, $"The saved view '{key}' is not what the ledger says up to there. Remove it; it is made again."));
                }

                refolding.Expected.RemoveAt(i);
            }
        }
    }
}

using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

public sealed partial class RecordLog
{
    /// <summary>Reads records of all writers and processes that are on the ledger. What waits in memory anywhere is not among them: flush first.</summary>
    /// <param name="from">The time of the first record, inclusive; null for the beginning.</param>
    /// <param name="to">The time of the last record, exclusive; null for the end.</param>
    /// <param name="order">The order of the records.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The records on the ledger at the time of the call. Each segment is checked against its digest before anything of it is given out.</returns>
    /// <exception cref="MlopsIntegrityException">A segment is not what was written (<c>records.corrupt</c>), is not there (<c>records.missing</c>), or was written by a newer version (<c>records.newer_format</c>); its key is in the message.</exception>
    public async IAsyncEnumerable<StoredRecord> ReadAsync(
        DateTimeOffset? from = null, DateTimeOffset? to = null, RecordOrder order = RecordOrder.Time, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long first = from?.UtcTicks ?? long.MinValue, end = to?.UtcTicks ?? long.MaxValue;
        await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
        SegmentFacts[] segments = [.. _logs.Index.Segments(Name).Where(s => !s.Deleted && s.ToTicks >= first && s.FromTicks < end)];
        IAsyncEnumerable<StoredRecord> records = order == RecordOrder.Writer ? InWriterOrderAsync(segments, cancellationToken) : InTimeOrderAsync(segments, cancellationToken);
        await foreach (StoredRecord record in records.ConfigureAwait(false))
        {
            long ticks = record.Time.UtcTicks;
            if (ticks >= first && ticks < end)
            {
                yield return record;
            }
            else if (ticks >= end && order == RecordOrder.Time)
            {
                yield break;
            }
        }
    }

    /// <summary>Reads every segment again from the store and checks it against the ledger and the chain of its writer.</summary>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found; a bad log is a result, not an error.</returns>
    public async ValueTask<RecordVerification> VerifyAsync(CancellationToken cancellationToken = default)
    {
        await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
        SegmentFacts[] segments = _logs.Index.Segments(Name);
        Dictionary<string, SegmentFacts> known = segments.ToDictionary(s => RecordKeys.Of(Name, s.Writer, s.Segment), StringComparer.Ordinal);
        List<RecordProblem> problems = [];
        long good = 0, live = 0;
        foreach ((string key, SegmentFacts facts) in known.Where(s => !s.Value.Deleted))
        {
            live++;
            try
            {
                if (await LoadAsync(facts, cancellationToken).ConfigureAwait(false) is { } segment)
                {
                    good += segment.Records().LongCount();
                    CheckChain(key, facts, segment.Header.Previous, known.TryGetValue(RecordKeys.Of(Name, facts.Writer, facts.Segment - 1), out SegmentFacts before) ? before : null);
                }
            }
            catch (MlopsIntegrityException error)
            {
                problems.Add(new RecordProblem(key, error.Code, error.Message));
            }
            catch (FormatException error)
            {
                problems.Add(new RecordProblem(key, "records.corrupt", Corrupt(key, error.Message).Message));
            }
        }

        int uncommitted = 0;
        await foreach ((string key, string writer, int number) in UnknownAsync(new Dictionary<string, SegmentFacts>(known, StringComparer.Ordinal), cancellationToken).ConfigureAwait(false))
        {
            (DecodedSegment? orphan, _, RecordProblem? problem) = await TryLoadOrphanAsync(key, writer, number, cancellationToken).ConfigureAwait(false);
            if (problem is not null)
            {
                problems.Add(problem);
            }
            else if (orphan is not null)
            {
                known.Add(key, new SegmentFacts(writer, number, CompactHash.Of(orphan.Digest), orphan.Header.Records, 0, 0, 0, false));
                uncommitted++;
            }
        }

        // what a writer's numbers jump over was written once: the writer does not begin a segment before the one before it is on the store
        foreach (string gap in Gaps(known))
        {
            problems.Add(new RecordProblem(gap, "records.missing", Missing(gap).Message));
        }

        return new RecordVerification(live, good, uncommitted, [.. problems.OrderBy(p => p.Key, StringComparer.Ordinal)]);
    }

    /// <summary>Deletes whole segments whose records are all older than an instant. The ledger says so first, so that nobody takes them for lost.</summary>
    /// <param name="before">The instant; a segment goes when its latest record is before it.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="dryRun">Only tells what would go.</param>
    /// <param name="cancellationToken">Stops the call. Segments that the ledger calls deleted and that are still there go with the next call or when the log is opened.</param>
    /// <returns>What went, or would go.</returns>
    public async ValueTask<RecordDeletion> DeleteBeforeAsync(DateTimeOffset before, string reason, bool dryRun = false, CancellationToken cancellationToken = default)
    {
        await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
        RecordDeletion Plan()
        {
            SegmentFacts[] old = [.. _logs.Index.Segments(Name).Where(s => !s.Deleted && s.ToTicks < before.UtcTicks)];
            return new RecordDeletion(old.Length, old.Sum(s => s.Records), old.Sum(s => s.Bytes), [.. old.Select(s => RecordKeys.Of(Name, s.Writer, s.Segment))]);
        }

        RecordDeletion plan = Plan();
        if (dryRun)
        {
            return plan;
        }

        await _logs.Ledger.AppendAsync(
            $"records:{Name}",
            () =>
            {
                plan = Plan();
                return plan.Segments == 0 ? [] : [new LedgerDraft(
                    LedgerKinds.RecordsDeleted, new LedgerResource(RecordLogs.ResourceKind, Name), reason,
                    LedgerData.Of(new RecordDeletionNote(Name, before.ToUniversalTime(), plan.Segments, plan.Records, plan.Bytes)))];
            },
            cancellationToken).ConfigureAwait(false);
        await SweepAsync(cancellationToken).ConfigureAwait(false);
        return plan;
    }

    /// <summary>Commits intact segments that are on the store and not on the ledger, and removes those that the ledger calls deleted.</summary>
    internal async ValueTask AdoptAsync(CancellationToken cancellationToken)
    {
        await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<string, SegmentFacts> known = _logs.Index.Segments(Name).ToDictionary(s => RecordKeys.Of(Name, s.Writer, s.Segment), StringComparer.Ordinal);
        List<Task> commits = [];
        await foreach ((string key, string writer, int number) in UnknownAsync(known, cancellationToken).ConfigureAwait(false))
        {
            // one that does not read stays for VerifyAsync to name
            if (await TryLoadOrphanAsync(key, writer, number, cancellationToken).ConfigureAwait(false) is { Segment: { } orphan, Bytes: var bytes })
            {
                commits.Add(CommitAsync(NoteOf(orphan.Header, orphan.Digest, bytes), orphan, cancellationToken));
                if (commits.Count == 16)
                {
                    await Task.WhenAll(commits).ConfigureAwait(false);
                    commits.Clear();
                }
            }
        }

        await Task.WhenAll(commits).ConfigureAwait(false);
        await SweepAsync(cancellationToken).ConfigureAwait(false);
    }

    private async IAsyncEnumerable<StoredRecord> InWriterOrderAsync(SegmentFacts[] segments, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (SegmentFacts facts in segments)
        {
            if (await LoadAsync(facts, cancellationToken).ConfigureAwait(false) is not { } segment)
            {
                continue;
            }

            foreach (StoredRecord record in Guarded(segment, byTime: false))
            {
                yield return record;
            }
        }
    }

    /// <summary>Merges segments by time. One is loaded when the merge comes to its earliest record and let go after its latest.</summary>
    private async IAsyncEnumerable<StoredRecord> InTimeOrderAsync(SegmentFacts[] segments, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Array.Sort(segments, (a, b) => a.FromTicks != b.FromTicks ? a.FromTicks.CompareTo(b.FromTicks) : string.CompareOrdinal(a.Writer, b.Writer) is var w && w != 0 ? w : a.Segment.CompareTo(b.Segment));
        var heads = new PriorityQueue<IEnumerator<StoredRecord>, StoredRecord>(ByTime.Instance);
        int next = 0;
        while (next < segments.Length || heads.Count > 0)
        {
            while (next < segments.Length && (!heads.TryPeek(out _, out StoredRecord head) || segments[next].FromTicks <= head.Time.UtcTicks))
            {
                if (await LoadAsync(segments[next++], cancellationToken).ConfigureAwait(false) is { } segment)
                {
                    IEnumerator<StoredRecord> records = Guarded(segment, byTime: true).GetEnumerator();
                    if (records.MoveNext())
                    {
                        heads.Enqueue(records, records.Current);
                    }
                }
            }

            if (!heads.TryPeek(out IEnumerator<StoredRecord>? first, out StoredRecord record))
            {
                continue;
            }

            yield return record;
            if (first.MoveNext())
            {
                heads.DequeueEnqueue(first, first.Current);
            }
            else
            {
                heads.Dequeue();
                first.Dispose();
            }
        }
    }

    /// <summary>Gives a segment's records and turns frames that do not add up into the error that names the segment.</summary>
    private IEnumerable<StoredRecord> Guarded(DecodedSegment segment, bool byTime)
    {
        string key = RecordKeys.Of(Name, segment.Header.Writer, segment.Header.Segment);
        using IEnumerator<StoredRecord> records = Try(() => (byTime ? segment.RecordsByTime() : segment.Records()).GetEnumerator());
        while (Try(records.MoveNext))
        {
            yield return records.Current;
        }

        T Try<T>(Func<T> step)
        {
            try
            {
                return step();
            }
            catch (FormatException error)
            {
                throw Corrupt(key, error.Message, error);
            }
        }
    }

    /// <summary>Reads and checks a segment that is on the ledger.</summary>
    /// <returns>The segment, or null when it was deleted by age meanwhile.</returns>
    private async ValueTask<DecodedSegment?> LoadAsync(SegmentFacts facts, CancellationToken cancellationToken)
    {
        string key = RecordKeys.Of(Name, facts.Writer, facts.Segment);
        byte[]? bytes = await ReadObjectAsync(key, facts.Bytes, cancellationToken).ConfigureAwait(false);
        if (bytes is null)
        {
            await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
            return _logs.Index.Find(Name, facts.Writer, facts.Segment) is { Deleted: true } ? null : throw Missing(key);
        }

        DecodedSegment segment;
        try
        {
            segment = SegmentCodec.Read(bytes, key);
        }
        catch (FormatException error)
        {
            throw Corrupt(key, error.Message, error);
        }

        if (bytes.LongLength != facts.Bytes || CompactHash.Of(segment.Digest) != facts.Hash)
        {
            throw Corrupt(key, $"the ledger says {facts.Hash.ToDigest()} of {facts.Bytes} bytes, found {segment.Digest} of {bytes.Length}");
        }

        SegmentHeader header = segment.Header;
        return header.Log == Name && header.Writer == facts.Writer && header.Segment == facts.Segment && header.Records == facts.Records
            ? segment
            : throw Corrupt(key, $"its header is that of segment {header.Segment} of writer '{header.Writer}' with {header.Records} records");
    }

    private async ValueTask<Orphan> TryLoadOrphanAsync(string key, string writer, int number, CancellationToken cancellationToken)
    {
        byte[]? bytes = await ReadObjectAsync(key, SegmentCodec.MaxObject, cancellationToken).ConfigureAwait(false);
        if (bytes is null)
        {
            return default; // gone again
        }

        try
        {
            DecodedSegment segment = SegmentCodec.Read(bytes, key);
            long counted = segment.Records().LongCount();
            return segment.Header.Log == Name && segment.Header.Writer == writer && segment.Header.Segment == number && counted > 0
                ? new Orphan(segment, bytes.Length, null)
                : throw new FormatException("its header is that of another segment");
        }
        catch (FormatException error)
        {
            return new Orphan(null, 0, new RecordProblem(key, "records.corrupt", Corrupt(key, error.Message).Message));
        }
        catch (MlopsIntegrityException error)
        {
            return new Orphan(null, 0, new RecordProblem(key, error.Code, error.Message));
        }
    }

    /// <summary>Checks one segment, whether the ledger knows it or not. See <see cref="RecordInspector"/>.</summary>
    /// <exception cref="MlopsIntegrityException">It is not what was written, or was written by a newer version.</exception>
    /// <exception cref="FormatException">Its records do not add up.</exception>
    internal async ValueTask<SegmentState> InspectAsync(string key, string writer, int number, CancellationToken cancellationToken)
    {
        SegmentFacts? facts = _logs.Index.Find(Name, writer, number);
        if (facts is null)
        {
            await _logs.RefreshAsync(cancellationToken).ConfigureAwait(false); // its writer may have committed it since
            facts = _logs.Index.Find(Name, writer, number);
        }

        if (facts is not { } known)
        {
            (DecodedSegment? orphan, _, RecordProblem? problem) = await TryLoadOrphanAsync(key, writer, number, cancellationToken).ConfigureAwait(false);
            return problem is not null ? throw new MlopsIntegrityException(problem.Code, problem.Message) : orphan is null ? SegmentState.Gone : SegmentState.Uncommitted;
        }

        if (known.Deleted || await LoadAsync(known, cancellationToken).ConfigureAwait(false) is not { } segment)
        {
            return SegmentState.Deleted;
        }

        _ = segment.Records().LongCount();
        CheckChain(key, known, segment.Header.Previous, number == 0 ? null : _logs.Index.Find(Name, writer, number - 1));
        return SegmentState.Good;
    }

    /// <summary>Tells whether the numbers of a writer on the ledger jump, so that segments may be missing that never came there.</summary>
    internal bool HasGaps() => Gaps(_logs.Index.Segments(Name).ToDictionary(s => RecordKeys.Of(Name, s.Writer, s.Segment), StringComparer.Ordinal)).Any();

    /// <summary>Lists segments of this log on the store that are not among the known.</summary>
    private async IAsyncEnumerable<(string Key, string Writer, int Number)> UnknownAsync(Dictionary<string, SegmentFacts> known, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo found in _logs.Store.ListAsync(RecordKeys.PrefixOf(Name), null, cancellationToken).ConfigureAwait(false))
        {
            if (!known.ContainsKey(found.Key.Value) && RecordKeys.TryParse(found.Key.Value, Name, out string writer, out int number))
            {
                yield return (found.Key.Value, writer, number);
            }
        }
    }

    private async ValueTask SweepAsync(CancellationToken cancellationToken)
    {
        HashSet<string> deleted = [.. _logs.Index.Segments(Name).Where(s => s.Deleted).Select(s => RecordKeys.Of(Name, s.Writer, s.Segment))];
        if (deleted.Count == 0)
        {
            return;
        }

        List<ObjectKey> there = [];
        await foreach (ObjectInfo found in _logs.Store.ListAsync(RecordKeys.PrefixOf(Name), null, cancellationToken).ConfigureAwait(false))
        {
            if (deleted.Contains(found.Key.Value))
            {
                there.Add(found.Key);
            }
        }

        foreach (ObjectKey key in there)
        {
            await _logs.Store.DeleteAsync(key, null, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<byte[]?> ReadObjectAsync(string key, long maxLength, CancellationToken cancellationToken)
    {
        Stream? stream = await _logs.Store.OpenAsync(ObjectKey.Parse(key), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            return await BoundedReading.ReadAllAsync(stream, maxLength, cancellationToken).ConfigureAwait(false)
                ?? throw Corrupt(key, $"it has more than the {maxLength} bytes that it may have");
        }
    }

    private void CheckChain(string key, SegmentFacts facts, Digest? previous, SegmentFacts? before)
    {
        CompactHash? said = previous is { } digest ? CompactHash.Of(digest) : null;
        if ((facts.Segment == 0) != (said is null) || (facts.Segment > 0 && before is { } known && said != known.Hash))
        {
            throw Corrupt(key, "it does not follow the segment that its writer wrote before it");
        }
    }

    private IEnumerable<string> Gaps(Dictionary<string, SegmentFacts> known)
    {
        foreach (IGrouping<string, SegmentFacts> writer in known.Values.GroupBy(s => s.Writer, StringComparer.Ordinal))
        {
            int expected = 0;
            foreach (int number in writer.Select(s => s.Segment).Order())
            {
                // one gap is named by its first number: a hostile number must not make a million of them
                if (number > expected)
                {
                    yield return RecordKeys.Of(Name, writer.Key, expected);
                }

                expected = number + 1;
            }
        }
    }

    private MlopsIntegrityException Corrupt(string key, string what, Exception? cause = null) => new(
        "records.corrupt", $"The segment '{key}' of the record log '{Name}' in the {_logs.Store.Description} is damaged or was changed: {what}. Nothing of it is given out; restore it from a copy.", cause);

    private MlopsIntegrityException Missing(string key) => new(
        "records.missing", $"The segment '{key}' of the record log '{Name}' is on the ledger and not in the {_logs.Store.Description}. It was removed by something else than this library; restore it from a copy.");

    /// <summary>How a segment on the store stands to the ledger.</summary>
    internal enum SegmentState
    {
        Good,
        Uncommitted,
        Deleted,
        Gone,
    }

    /// <summary>A segment on the store that the ledger does not know.</summary>
    private readonly record struct Orphan(DecodedSegment? Segment, long Bytes, RecordProblem? Problem);

    private sealed class ByTime : IComparer<StoredRecord>
    {
        internal static ByTime Instance { get; } = new();

        public int Compare(StoredRecord x, StoredRecord y)
        {
            int order = x.Time.UtcTicks.CompareTo(y.Time.UtcTicks);
            order = order != 0 ? order : string.CompareOrdinal(x.Writer, y.Writer);
            return order != 0 ? order : x.Segment.CompareTo(y.Segment);
        }
    }
}

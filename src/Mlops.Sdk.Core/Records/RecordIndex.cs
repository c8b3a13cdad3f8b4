using System.Buffers;
using System.Buffers.Binary;

namespace Mlops.Sdk;

/// <summary>A SHA-256 in 32 bytes instead of a text: there may be very many.</summary>
internal readonly record struct CompactHash(ulong A, ulong B, ulong C, ulong D)
{
    internal static CompactHash Of(Digest digest)
    {
        Span<byte> bytes = stackalloc byte[32];
        Convert.FromHexString(digest.Hex, bytes, out _, out _);
        return new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
    }

    internal Digest ToDigest()
    {
        Span<byte> bytes = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, A);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], B);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], C);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], D);
        return Digest.FromHash(bytes);
    }
}

/// <summary>What the ledger says about one segment.</summary>
internal readonly record struct SegmentFacts(string Writer, int Segment, CompactHash Hash, long Records, long Bytes, long FromTicks, long ToTicks, bool Deleted);

/// <summary>What the ledger says about segments of record logs. Readers get copies.</summary>
internal sealed class RecordIndex : ISnapshotProjection
{
    private const int NewestFormat = 1;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, LogState> _logs = new(StringComparer.Ordinal);

    public string SnapshotName => "records";

    public int SnapshotFormat => 1;

    public ISnapshotProjection NewEmpty() => new RecordIndex();

    public void Apply(LedgerEntry entry)
    {
        if (entry.Kind is not (LedgerKinds.RecordsRolled or LedgerKinds.RecordsDeleted) || entry.Outcome != LedgerOutcome.Done
            || entry.Resource.Kind != RecordLogs.ResourceKind || !RecordKeys.IsLog(entry.Resource.Name))
        {
            return;
        }

        lock (_gate)
        {
            if (entry.Format > NewestFormat)
            {
                Log(entry.Resource.Name).NewerFormat = Math.Max(Log(entry.Resource.Name).NewerFormat, entry.Format);
            }
            else if (entry.Kind == LedgerKinds.RecordsDeleted)
            {
                if (LedgerData.TryRead(entry.Data, out RecordDeletionNote? deletion) && deletion.Log == entry.Resource.Name)
                {
                    Log(deletion.Log).Delete(deletion.Before.UtcTicks);
                }
            }
            else if (LedgerData.TryRead(entry.Data, out RecordSegmentNote? note) && note.Log == entry.Resource.Name && FactsOf(note) is { } facts)
            {
                Log(note.Log).Add(facts);
            }
        }
    }

    /// <summary>Lists a log's segments by writer and number, deleted ones included.</summary>
    /// <exception cref="MlopsIntegrityException">A newer version of the library wrote about the log; code <c>records.newer_format</c>.</exception>
    internal SegmentFacts[] Segments(string log)
    {
        lock (_gate)
        {
            LogState? state = _logs.GetValueOrDefault(log);
            return state is null ? []
                : state.NewerFormat == 0 ? [.. state.Writers.Values.SelectMany(w => w)]
                : throw new MlopsIntegrityException("records.newer_format", $"The ledger has entries about the record log '{log}' in format {state.NewerFormat}; this version of the library reads up to {NewestFormat}. Update Mlops.Sdk in this process.");
        }
    }

    internal SegmentFacts? Find(string log, string writer, int segment)
    {
        lock (_gate)
        {
            return _logs.GetValueOrDefault(log)?.Find(writer, segment);
        }
    }

    internal List<RecordLogSummary> Summaries(string prefix)
    {
        lock (_gate)
        {
            List<RecordLogSummary> all = [];
            foreach ((string name, LogState log) in _logs.Where(l => l.Key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                SegmentFacts[] live = [.. log.Writers.Values.SelectMany(w => w).Where(s => !s.Deleted)];
                all.Add(live.Length == 0
                    ? new RecordLogSummary(name, 0, 0, 0, null, null)
                    : new RecordLogSummary(
                        name, live.Length, live.Sum(s => s.Records), live.Sum(s => s.Bytes),
                        new DateTimeOffset(live.Min(s => s.FromTicks), TimeSpan.Zero), new DateTimeOffset(live.Max(s => s.ToTicks), TimeSpan.Zero)));
            }

            return all;
        }
    }

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        SnapshotWriter state = new(writer);
        lock (_gate)
        {
            state.Number(_logs.Count);
            foreach ((string name, LogState log) in _logs)
            {
                state.Text(name);
                state.Number(log.NewerFormat);
                state.Number(log.Writers.Count);
                foreach ((string id, List<SegmentFacts> segments) in log.Writers)
                {
                    state.Text(id);
                    state.Number(segments.Count);
                    foreach (SegmentFacts facts in segments)
                    {
                        state.Number(facts.Segment);
                        state.Digest(facts.Hash.ToDigest());
                        state.Number(facts.Records);
                        state.Number(facts.Bytes);
                        state.Time(new DateTimeOffset(facts.FromTicks, TimeSpan.Zero));
                        state.Time(new DateTimeOffset(facts.ToTicks, TimeSpan.Zero));
                        state.Flag(facts.Deleted);
                    }
                }
            }
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        lock (_gate)
        {
            _logs.Clear();
            try
            {
                Load(new SnapshotReader(snapshot));
            }
            catch (FormatException)
            {
                _logs.Clear();
                throw;
            }
        }
    }

    private static SegmentFacts? FactsOf(RecordSegmentNote note)
    {
        long from = note.From?.UtcTicks ?? DateTimeOffset.MinValue.UtcTicks, to = note.To?.UtcTicks ?? DateTimeOffset.MaxValue.UtcTicks;
        return note.Key is not null && RecordKeys.TryParse(note.Key, note.Log, out string writer, out int segment) && note.Digest.HasValue
            && note.Records >= 0 && note.Bytes is >= 0 and <= SegmentCodec.MaxObject && from <= to
            ? new SegmentFacts(writer, segment, CompactHash.Of(note.Digest), note.Records, note.Bytes, from, to, false)
            : null;
    }

    private void Load(SnapshotReader reader)
    {
        for (int logs = reader.Count(); logs > 0; logs--)
        {
            string name = reader.Text();
            LogState log = Log(RecordKeys.IsLog(name) && !_logs.ContainsKey(name) ? name : throw new FormatException("a log has no name of its own"));
            log.NewerFormat = reader.Int(least: 0);
            for (int writers = reader.Count(); writers > 0; writers--)
            {
                string id = reader.Text();
                int count = reader.Count(bytesEach: 38);
                var segments = new List<SegmentFacts>(count);
                if (!RecordKeys.IsWriter(id) || !log.Writers.TryAdd(id, segments))
                {
                    throw new FormatException("a writer has no id of its own");
                }

                for (int last = -1; count > 0; count--)
                {
                    int segment = reader.Int(least: 0);
                    var hash = CompactHash.Of(reader.Digest());
                    var facts = new SegmentFacts(id, segment, hash, reader.Number(), reader.Number(), reader.Time().UtcTicks, reader.Time().UtcTicks, reader.Flag());
                    if (segment <= last || facts.FromTicks > facts.ToTicks || facts.Records < 0 || facts.Bytes is < 0 or > SegmentCodec.MaxObject)
                    {
                        throw new FormatException("a segment's facts cannot be");
                    }

                    segments.Add(facts);
                    last = segment;
                }
            }
        }

        reader.End();
    }

    private LogState Log(string name)
    {
        if (!_logs.TryGetValue(name, out LogState? log))
        {
            _logs.Add(name, log = new LogState());
        }

        return log;
    }

    private sealed class LogState
    {
        internal SortedDictionary<string, List<SegmentFacts>> Writers { get; } = new(StringComparer.Ordinal);

        internal int NewerFormat { get; set; }

        internal SegmentFacts? Find(string writer, int segment) =>
            Writers.TryGetValue(writer, out List<SegmentFacts>? segments) && IndexOf(segments, segment) is var at and >= 0 ? segments[at] : null;

        /// <summary>Takes a segment in; what was said first about it holds.</summary>
        internal void Add(SegmentFacts facts)
        {
            if (!Writers.TryGetValue(facts.Writer, out List<SegmentFacts>? segments))
            {
                Writers.Add(facts.Writer, segments = []);
            }

            // the writer's id is one string for all its segments
            int at = IndexOf(segments, facts.Segment);
            if (at < 0)
            {
                segments.Insert(~at, segments.Count > 0 ? facts with { Writer = segments[0].Writer } : facts);
            }
        }

        internal void Delete(long beforeTicks)
        {
            foreach (List<SegmentFacts> segments in Writers.Values)
            {
                for (int i = 0; i < segments.Count; i++)
                {
                    segments[i] = segments[i].ToTicks < beforeTicks ? segments[i] with { Deleted = true } : segments[i];
                }
            }
        }

        private static int IndexOf(List<SegmentFacts> segments, int segment)
        {
            int low = 0, high = segments.Count - 1;
            if (high >= 0 && segments[high].Segment < segment)
            {
                return ~segments.Count; // the rule: they come in order
            }

            while (low <= high)
            {
                int middle = (low + high) >>> 1;
                int found = segments[middle].Segment;
                if (found == segment)
                {
                    return middle;
                }

                (low, high) = found < segment ? (middle + 1, high) : (low, middle - 1);
            }

            return ~low;
        }
    }
}

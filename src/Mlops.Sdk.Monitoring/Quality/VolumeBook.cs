using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>Rows per hour of every model, by the windows that any host closed: the same on every host.</summary>
internal sealed class VolumeBook : ISnapshotProjection
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, VolumeHistory> _models = new(StringComparer.Ordinal);

    public string SnapshotName => "volume";

    public int SnapshotFormat => 1;

    public void Apply(LedgerEntry entry)
    {
        // a window that ends when it begins is a table that somebody checked: no rows of service
        if (entry is { Kind: MonitoringKinds.WindowClosed, Outcome: LedgerOutcome.Done, Format: 1 } && Read(entry) is { Model: not null, Rows: >= 0 } note && note.To > note.From)
        {
            lock (_gate)
            {
                if (!_models.TryGetValue(note.Model, out VolumeHistory? history))
                {
                    _models[note.Model] = history = new VolumeHistory();
                }

                history.Add(note.From, note.To, note.Rows + Math.Max(0, note.NotRecorded));
            }
        }
    }

    public ISnapshotProjection NewEmpty() => new VolumeBook();

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        var state = new SnapshotWriter(writer);
        lock (_gate)
        {
            state.Number(_models.Count);
            foreach ((string model, VolumeHistory history) in _models)
            {
                state.Text(model);
                state.Number(history.First ?? -1);
                state.Number(history.Newest?.UtcTicks ?? -1);
                state.Number(history.Hours.Count);
                foreach ((long hour, double rows) in history.Hours)
                {
                    state.Number(hour);
                    state.Number(BitConverter.DoubleToInt64Bits(rows));
                }
            }
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        var state = new SnapshotReader(snapshot);
        lock (_gate)
        {
            for (int models = state.Count(); models > 0; models--)
            {
                string model = state.Text();
                long first = state.Number();
                long newest = state.Number();
                int hours = state.Count();
                var rows = new Dictionary<long, double>();
                for (int i = 0; i < hours; i++)
                {
                    rows[state.Number()] = BitConverter.Int64BitsToDouble(state.Number());
                }

                if (newest > DateTime.MaxValue.Ticks || rows.Any(r => r.Key < 0 || r.Key > DateTime.MaxValue.Ticks / TimeSpan.TicksPerHour || !double.IsFinite(r.Value)))
                {
                    throw SnapshotReader.Broken();
                }

                var history = new VolumeHistory();
                history.Restore(first < 0 ? null : first, newest < 0 ? null : new DateTimeOffset(newest, TimeSpan.Zero), rows);
                _models[model] = history;
            }
        }

        state.End();
    }

    internal VolumeJudgement? Judge(string model, DateTimeOffset now, double band)
    {
        lock (_gate)
        {
            return _models.TryGetValue(model, out VolumeHistory? history) ? history.Judge(now, band) : null;
        }
    }

    internal DateTimeOffset? NewestOf(string model)
    {
        lock (_gate)
        {
            return _models.TryGetValue(model, out VolumeHistory? history) ? history.Newest : null;
        }
    }

    private static WindowNote? Read(LedgerEntry entry)
    {
        try
        {
            return entry.Data.Deserialize(MonitoringJson.Default.WindowNote);
        }
        catch (Exception e) when (e is JsonException or MlopsIntegrityException)
        {
            return null; // not written by this library
        }
    }
}

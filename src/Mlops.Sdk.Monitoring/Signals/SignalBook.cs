using System.Buffers;

namespace Mlops.Sdk.Monitoring;

/// <summary>Where the signals of each model stand, in the order of the ledger: about 80 bytes a window.</summary>
internal sealed class SignalBook : ISnapshotProjection
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, List<Span>> _models = new(StringComparer.Ordinal);

    public string SnapshotName => "signals";

    public int SnapshotFormat => 1;

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        switch (entry.Kind)
        {
            case MonitoringKinds.WindowClosed when MonitoringJson.TryRead(entry, MonitoringJson.Default.WindowNote) is { Model: not null, Signals: not null } note:
                Add(note.Model, note.Signals, note.From, note.To);
                break;
            case MonitoringKinds.SignalsReported when MonitoringJson.TryRead(entry, MonitoringJson.Default.SignalsReportedNote) is { Model: not null, Signals: not null } note:
                Add(note.Model, note.Signals, note.From, note.To);
                break;
        }
    }

    public ISnapshotProjection NewEmpty() => new SignalBook();

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        var state = new SnapshotWriter(writer);
        lock (_gate)
        {
            state.Number(_models.Count);
            foreach ((string model, List<Span> spans) in _models)
            {
                state.Text(model);
                state.Number(spans.Count);
                foreach (Span span in spans)
                {
                    state.Digest(span.Digest);
                    state.Number(span.Length);
                    state.Time(span.From);
                    state.Time(span.To);
                }
            }
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        var state = new SnapshotReader(snapshot);
        var models = new List<KeyValuePair<string, List<Span>>>();
        for (int left = state.Count(); left > 0; left--)
        {
            string model = state.Text();
            var spans = new List<Span>();
            for (int more = state.Count(bytesEach: 32); more > 0; more--)
            {
                spans.Add(new Span(state.Digest(), state.Number(), state.Time(), state.Time()));
            }

            models.Add(new(model, spans));
        }

        state.End();
        lock (_gate)
        {
            models.ForEach(m => _models[m.Key] = m.Value);
        }
    }

    /// <summary>Finds the documents of a model whose spans meet a time.</summary>
    internal Span[] Of(string model, DateTimeOffset from, DateTimeOffset to)
    {
        lock (_gate)
        {
            return _models.TryGetValue(model, out List<Span>? spans) ? [.. spans.Where(s => s.To >= from && s.From < to)] : [];
        }
    }

    private void Add(string model, SignalsNote note, DateTimeOffset from, DateTimeOffset to)
    {
        lock (_gate)
        {
            if (!_models.TryGetValue(model, out List<Span>? spans))
            {
                _models[model] = spans = [];
            }

            spans.Add(new Span(note.Digest, note.Length, from, to));
        }
    }

    internal readonly record struct Span(Digest Digest, long Length, DateTimeOffset From, DateTimeOffset To);
}

using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>Which windows were closed, by the ledger: where they stand and what their digests are.</summary>
internal sealed class WindowIndex : ISnapshotProjection
{
    private ImmutableDictionary<string, ImmutableDictionary<string, Note>> _models = ImmutableDictionary.Create<string, ImmutableDictionary<string, Note>>(StringComparer.Ordinal);

    public string SnapshotName => "monitor-windows";

    public int SnapshotFormat => 1;

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Kind != MonitoringKinds.WindowClosed || entry.Format != 1)
        {
            return;
        }

        WindowNote? note;
        try
        {
            note = entry.Data.Deserialize(MonitoringJson.Default.WindowNote);
        }
        catch (Exception e) when (e is JsonException or MlopsIntegrityException)
        {
            return; // not written by this library
        }

        if (note is { WindowId: not null, Model: not null })
        {
            Add(note.Model, new Note(note.WindowId, note.Version, note.From, note.To, note.Digest, note.Length));
        }
    }

    public ISnapshotProjection NewEmpty() => new WindowIndex();

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        var state = new SnapshotWriter(writer);
        KeyValuePair<string, ImmutableDictionary<string, Note>>[] models = [.. Volatile.Read(ref _models).OrderBy(m => m.Key, StringComparer.Ordinal)];
        state.Number(models.Length);
        foreach ((string model, ImmutableDictionary<string, Note> notes) in models)
        {
            state.Text(model);
            state.Number(notes.Count);
            foreach (Note note in notes.Values.OrderBy(n => n.Id, StringComparer.Ordinal))
            {
                state.Text(note.Id);
                state.Number(note.Version);
                state.Time(note.From);
                state.Time(note.To);
                state.Digest(note.Digest);
                state.Number(note.Length);
            }
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        var state = new SnapshotReader(snapshot);
        ImmutableDictionary<string, ImmutableDictionary<string, Note>>.Builder models = _models.ToBuilder();
        for (int left = state.Count(); left > 0; left--)
        {
            string model = state.Text();
            ImmutableDictionary<string, Note>.Builder notes = ImmutableDictionary.CreateBuilder<string, Note>(StringComparer.Ordinal);
            for (int windows = state.Count(); windows > 0; windows--)
            {
                var note = new Note(state.Text(), state.Int(), state.Time(), state.Time(), state.Digest(), state.Number());
                notes[note.Id] = note;
            }

            models[model] = notes.ToImmutable();
        }

        state.End();
        Volatile.Write(ref _models, models.ToImmutable());
    }

    internal IEnumerable<Note> Of(string model) => Volatile.Read(ref _models).TryGetValue(model, out ImmutableDictionary<string, Note>? notes) ? notes.Values : [];

    private void Add(string model, Note note)
    {
        ImmutableDictionary<string, Note> notes = _models.GetValueOrDefault(model) ?? ImmutableDictionary.Create<string, Note>(StringComparer.Ordinal);
        Volatile.Write(ref _models, _models.SetItem(model, notes.SetItem(note.Id, note)));
    }

    /// <summary>A closed window.</summary>
    internal sealed record Note(string Id, int Version, DateTimeOffset From, DateTimeOffset To, Digest Digest, long Length);
}

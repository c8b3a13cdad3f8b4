using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>An alert about a version of a model.</summary>
/// <param name="Id">Its id: also the correlation of the ledger entries that belong to it.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The number of the version that was watched.</param>
/// <param name="Message">What was found, for a person.</param>
/// <param name="RaisedAt">When it was raised.</param>
public sealed record MonitorAlert(string Id, string Model, int Version, string Message, DateTimeOffset RaisedAt);

/// <summary>Which alerts are open and which windows were closed, by the ledger: the same on every host.</summary>
internal sealed class AlertBook : ISnapshotProjection
{
    private const int KeptWindows = 1_000;
    private ImmutableDictionary<string, ModelState> _models = ImmutableDictionary.Create<string, ModelState>(StringComparer.Ordinal);

    public string SnapshotName => "alerts";

    public int SnapshotFormat => 1;

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        // what a newer library wrote in a form that is not known here is left alone: guards and views of it are that library's
        switch (entry.Kind)
        {
            case LedgerKinds.AlertRaised when LedgerData.TryRead(entry.Data, out AlertNote? note) && note.Version is { } version && note.Check == ModelMonitor.DriftCheck:
                Change(note.Model, state => state.Raise(new MonitorAlert(note.AlertId, note.Model, version, note.Message, entry.Time)));
                break;
            case MonitoringKinds.AlertClosed when Read(entry, MonitoringJson.Default.AlertClosedNote) is { AlertId: not null, Model: not null } note:
                Change(note.Model, state => state.Close(note.AlertId));
                break;
            case MonitoringKinds.WindowClosed when Read(entry, MonitoringJson.Default.WindowNote) is { WindowId: not null, Model: not null } note:
                Change(note.Model, state => state.Closed(note));
                break;
        }
    }

    public ISnapshotProjection NewEmpty() => new AlertBook();

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        var state = new SnapshotWriter(writer);
        KeyValuePair<string, ModelState>[] models = [.. Volatile.Read(ref _models).OrderBy(m => m.Key, StringComparer.Ordinal)];
        state.Number(models.Length);
        foreach ((string model, ModelState of) in models)
        {
            state.Shared(model);
            state.Number(of.Open.Count);
            foreach (OpenAlert open in of.Open.Values.OrderBy(o => o.Alert.Id, StringComparer.Ordinal))
            {
                state.Text(open.Alert.Id);
                state.Number(open.Alert.Version);
                state.Text(open.Alert.Message);
                state.Time(open.Alert.RaisedAt);
                state.Number(open.Calm);
            }

            string[] windows = [.. of.WindowOrder];
            state.Number(windows.Length);
            Array.ForEach(windows, state.Text);
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        var state = new SnapshotReader(snapshot);
        ImmutableDictionary<string, ModelState>.Builder models = _models.ToBuilder();
        for (int left = state.Count(); left > 0; left--)
        {
            string model = state.SharedText();
            ImmutableDictionary<string, OpenAlert>.Builder open = ModelState.Empty.Open.ToBuilder();
            for (int alerts = state.Count(); alerts > 0; alerts--)
            {
                var alert = new MonitorAlert(state.Text(), model, state.Int(), state.Text(), state.Time());
                open[alert.Id] = new OpenAlert(alert, state.Int(least: 0));
            }

            int windows = state.Count();
            string[] order = windows <= KeptWindows + 1 ? new string[windows] : throw SnapshotReader.Broken();
            for (int i = 0; i < windows; i++)
            {
                order[i] = state.Text();
            }

            models[model] = new ModelState(open.ToImmutable(), ModelState.Empty.Windows.Union(order), ImmutableQueue.Create(order));
        }

        state.End();
        Volatile.Write(ref _models, models.ToImmutable());
    }

    internal ModelState Of(string model) => Volatile.Read(ref _models).GetValueOrDefault(model, ModelState.Empty);

    private static T? Read<T>(LedgerEntry entry, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return entry.Format == 1 ? entry.Data.Deserialize(type) : null;
        }
        catch (Exception e) when (e is JsonException or MlopsIntegrityException)
        {
            return null; // not written by this library: it opens and closes no alert
        }
    }

    private void Change(string model, Func<ModelState, ModelState> change) =>
        Volatile.Write(ref _models, _models.SetItem(model, change(_models.GetValueOrDefault(model, ModelState.Empty))));

    /// <summary>One model. Immutable.</summary>
    internal sealed record ModelState(ImmutableDictionary<string, OpenAlert> Open, ImmutableHashSet<string> Windows, ImmutableQueue<string> WindowOrder)
    {
        internal static readonly ModelState Empty = new(
            ImmutableDictionary.Create<string, OpenAlert>(StringComparer.Ordinal),
            ImmutableHashSet.Create<string>(StringComparer.Ordinal),
            ImmutableQueue<string>.Empty);

        /// <summary>Finds the newest open alert of a version.</summary>
        internal OpenAlert? OpenOf(int version) => Open.Values.Where(o => o.Alert.Version == version).MaxBy(o => o.Alert.RaisedAt);

        internal ModelState Raise(MonitorAlert alert) => this with
        {
            // a version has one open alert: a new one takes the place of one that was open too long
            Open = Open.RemoveRange(Open.Values.Where(o => o.Alert.Version == alert.Version).Select(o => o.Alert.Id)).SetItem(alert.Id, new OpenAlert(alert, 0)),
        };

        internal ModelState Close(string alert) => this with { Open = Open.Remove(alert) };

        internal ModelState Closed(WindowNote note)
        {
            ImmutableDictionary<string, OpenAlert> open = Open;
            foreach (OpenAlert alert in Open.Values.Where(o => o.Alert.Version == note.Version))
            {
                int calm = note.Status switch { DriftStatus.Stable => alert.Calm + 1, DriftStatus.Drifted => 0, _ => alert.Calm };
                open = open.SetItem(alert.Alert.Id, alert with { Calm = calm });
            }

            ImmutableHashSet<string> windows = Windows.Add(note.WindowId);
            ImmutableQueue<string> order = WindowOrder.Enqueue(note.WindowId);
            if (windows.Count > KeptWindows)
            {
                order = order.Dequeue(out string oldest);
                windows = windows.Remove(oldest);
            }

            return new ModelState(open, windows, order);
        }
    }

    /// <summary>An open alert and how many stable windows in a row came after it.</summary>
    internal sealed record OpenAlert(MonitorAlert Alert, int Calm);
}

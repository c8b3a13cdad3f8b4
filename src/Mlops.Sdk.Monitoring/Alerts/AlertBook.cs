using System.Collections.Immutable;

namespace Mlops.Sdk.Monitoring;

/// <summary>Which alerts are open, where every judged series stands, which windows were closed, and what alerts led to: by the ledger, the same on every host.</summary>
internal sealed partial class AlertBook : ISnapshotProjection
{
    private const int KeptWindows = 1_000;
    private const int KeptClosed = 200;
    private const int KeptLoops = 500;
    private const int KeptSeries = 20_000;
    private ImmutableDictionary<string, ModelState> _models = ImmutableDictionary.Create<string, ModelState>(StringComparer.Ordinal);

    public string SnapshotName => "alerts";

    public int SnapshotFormat => 2;

    internal IEnumerable<KeyValuePair<string, ModelState>> Models => Volatile.Read(ref _models);

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        // what a newer library wrote in a form that is not known here is left alone: guards and views of it are that library's
        switch (entry.Kind)
        {
            case LedgerKinds.AlertRaised when MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertFacts)?.ToAlert(entry.Time) is { } alert:
                Change(alert.Model, state => state.Raise(alert));
                break;
            case MonitoringKinds.AlertClosed when MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertClosedNote) is { AlertId: not null, Model: not null } note:
                Change(note.Model, state => state.Close(note.AlertId, entry.Time));
                break;
            case MonitoringKinds.WindowClosed when MonitoringJson.TryRead(entry, MonitoringJson.Default.WindowNote) is { WindowId: not null, Model: not null } note:
                Change(note.Model, state => state.Closed(note));
                break;
            case MonitoringKinds.SignalsReported when MonitoringJson.TryRead(entry, MonitoringJson.Default.SignalsReportedNote) is { ReportId: not null, Model: not null } note:
                Change(note.Model, state => state.Remember(note.ReportId).Judged(note.Series));
                break;
            case MonitoringKinds.AlertAcknowledged or MonitoringKinds.AlertEscalated or MonitoringKinds.AlertReminded
                when MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertChangedNote) is { AlertId: not null, Model: not null } note:
                Change(note.Model, state => state.Changed(entry, note));
                break;
            case MonitoringKinds.Silenced when MonitoringJson.TryRead(entry, MonitoringJson.Default.SilenceNote) is { SilenceId: not null, Model: not null } note:
                Change(note.Model, state => state with { Silences = state.Silences.SetItem(note.SilenceId, new AlertSilence(note.SilenceId, note.Model, note.Policy, note.Segment, note.Until, entry.Actor.Id, entry.Reason)) });
                break;
            case MonitoringKinds.SilenceEnded when MonitoringJson.TryRead(entry, MonitoringJson.Default.SilenceNote) is { SilenceId: not null, Model: not null } note:
                Change(note.Model, state => state with { Silences = state.Silences.Remove(note.SilenceId) });
                break;
            default:
                ApplyLoop(entry);
                break;
        }
    }

    public ISnapshotProjection NewEmpty() => new AlertBook();

    internal ModelState Of(string model) => Volatile.Read(ref _models).GetValueOrDefault(model, ModelState.Empty);

    private void Change(string model, Func<ModelState, ModelState> change)
    {
        ModelState before = _models.GetValueOrDefault(model, ModelState.Empty);
        ModelState after = change(before);
        if (!ReferenceEquals(before, after))
        {
            Volatile.Write(ref _models, _models.SetItem(model, after));
        }
    }

    private void ApplyLoop(LedgerEntry entry)
    {
        switch (entry.Kind)
        {
            case MonitoringKinds.RetrainingAsked when MonitoringJson.TryRead(entry, MonitoringJson.Default.RetrainingAskedNote) is { AlertId: not null, Model: not null, Key: not null } note:
                Change(note.Model, state => state.Asked(note, entry.Time));
                break;
            case MonitoringKinds.Retrained when MonitoringJson.TryRead(entry, MonitoringJson.Default.RetrainedNote) is { AlertId: not null, Model: not null, RunId: not null } note:
                Change(note.Model, state => state.Asked(new RetrainingAskedNote(note.AlertId, note.Model, note.Version, string.Empty), entry.Time)
                    .Loop(l => l.AlertId == note.AlertId, l => l with { RunId = note.RunId, Status = note.Status, NewVersion = note.NewVersion ?? l.NewVersion, EndedAt = note.Status is RunStatus.Running or RunStatus.Cancelled ? l.EndedAt : l.EndedAt ?? entry.Time }));
                break;
            case LedgerKinds.RunStarted when LedgerData.TryRead(entry.Data, out RunStart? run):
                // the run itself names its key: an alert is linked with its run also when the host that asked died before it could say so
                EachLoop(l => l.EndedAt is null && l.Key.Length > 0 && l.Key == run.Trigger, l => l with { RunId = run.RunId, Status = RunStatus.Running });
                break;
            case LedgerKinds.RunEnded when LedgerData.TryRead(entry.Data, out RunEnd? end):
                EachLoop(l => l.RunId == end.RunId, l => l with { Status = end.Status, EndedAt = end.Status == RunStatus.Cancelled ? null : entry.Time }); // a cancelled run is gone on with
                break;
            case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? version) && version.RunId is not null:
                EachLoop(
                    l => l.RunId == version.RunId,
                    l => l with { Status = version.Status == VersionStatus.Rejected ? RunStatus.Rejected : RunStatus.Registered, NewVersion = version.Number, EndedAt = entry.Time });
                break;
            case LedgerKinds.AliasMoved when LedgerData.TryRead(entry.Data, out AliasNote? moved) && moved.To > 0 && moved.Denied is null:
                Change(moved.Model, state => state.Loop(l => l.NewVersion == moved.To && l.PromotedAt is null, l => l with { PromotedTo = moved.Alias, PromotedAt = entry.Time }));
                break;
        }
    }

    private void EachLoop(Func<AlertLoop, bool> which, Func<AlertLoop, AlertLoop> change)
    {
        foreach (string model in _models.Where(m => m.Value.Loops.Any(which)).Select(m => m.Key).ToArray())
        {
            Change(model, state => state.Loop(which, change));
        }
    }

    /// <summary>An alert that is open.</summary>
    /// <param name="Alert">The alert.</param>
    /// <param name="ToldAt">When handlers were told last.</param>
    internal sealed record OpenAlert(MonitorAlert Alert, DateTimeOffset ToldAt)
    {
        internal SeriesKey Key => new(Alert.Policy, Alert.Version, Alert.Segment, Alert.Signal);
    }

    /// <summary>One model. Immutable.</summary>
    internal sealed record ModelState
    {
        internal static readonly ModelState Empty = new();

        internal ImmutableDictionary<string, OpenAlert> Open { get; init; } = ImmutableDictionary.Create<string, OpenAlert>(StringComparer.Ordinal);

        /// <summary>Gets the alerts that ended, the latest ones, oldest first.</summary>
        internal ImmutableList<MonitorAlert> Ended { get; init; } = [];

        internal ImmutableDictionary<SeriesKey, SeriesState> Series { get; init; } = ImmutableDictionary<SeriesKey, SeriesState>.Empty;

        internal ImmutableDictionary<string, AlertSilence> Silences { get; init; } = ImmutableDictionary.Create<string, AlertSilence>(StringComparer.Ordinal);

        /// <summary>Gets what alerts asked for and what came of it, oldest first.</summary>
        internal ImmutableList<AlertLoop> Loops { get; init; } = [];

        /// <summary>Gets the ids of windows and reports that were taken in, the latest ones.</summary>
        internal ImmutableHashSet<string> Windows { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

        internal ImmutableQueue<string> WindowOrder { get; init; } = ImmutableQueue<string>.Empty;

        /// <summary>Gets the newest version that a window was of.</summary>
        internal int Newest { get; init; }

        /// <summary>Gets the last window of the newest version, or null.</summary>
        internal LastWindow? Last { get; init; }

        internal SeriesState StateOf(SeriesKey key) => Series.GetValueOrDefault(key, SeriesState.Empty);

        /// <summary>Finds the newest open alert of a version about drift.</summary>
        internal OpenAlert? OpenOf(int version) => Open.Values.Where(o => o.Alert.Version == version && o.Alert.Policy == AlertPolicy.DriftName).MaxBy(o => o.Alert.RaisedAt);

        internal bool IsSilenced(MonitorAlert alert, DateTimeOffset at) => Silences.Values.Any(s => s.Covers(alert, at));

        internal ModelState Raise(MonitorAlert alert)
        {
            var open = new OpenAlert(alert, alert.RaisedAt);

            // a series has one open alert: a new one takes the place of one that was open too long
            string[] replaced = [.. Open.Values.Where(o => o.Key == open.Key && o.Alert.Id != alert.Id).Select(o => o.Alert.Id)];
            ModelState state = this;
            foreach (string id in replaced)
            {
                state = state.End(id, alert.RaisedAt);
            }

            return state with
            {
                Open = state.Open.SetItem(alert.Id, open),
                Series = Set(state.Series, open.Key, state.StateOf(open.Key).Raise(alert.Id, alert.RaisedAt)),
            };
        }

        internal ModelState Close(string alert, DateTimeOffset at) => Open.TryGetValue(alert, out OpenAlert? open)
            ? End(alert, at) with { Series = Set(Series, open.Key, StateOf(open.Key).Close()) }
            : this;

        internal ModelState Changed(LedgerEntry entry, AlertChangedNote note)
        {
            if (!Open.TryGetValue(note.AlertId, out OpenAlert? open))
            {
                return this;
            }

            OpenAlert changed = entry.Kind switch
            {
                MonitoringKinds.AlertAcknowledged => open with { Alert = open.Alert with { AcknowledgedBy = entry.Actor.Id, AcknowledgedAt = entry.Time } },
                MonitoringKinds.AlertEscalated => new OpenAlert(open.Alert with { Severity = note.Severity is { } s && Enum.IsDefined(s) ? s : open.Alert.Severity, EscalatedAt = entry.Time, Silenced = false }, entry.Time),
                _ => new OpenAlert(open.Alert with { Silenced = false }, entry.Time),
            };
            ModelState state = this with { Open = Open.SetItem(note.AlertId, changed) };
            return note.GaveUp ? state.Asked(new RetrainingAskedNote(note.AlertId, note.Model, note.Version, string.Empty), entry.Time).Loop(l => l.AlertId == note.AlertId, l => l with { GaveUp = true }) : state;
        }

        internal ModelState Closed(WindowNote note)
        {
            ModelState state = Remember(note.WindowId);
            if (note.Version >= state.Newest)
            {
                state = state with { Newest = note.Version, Last = new LastWindow(note.To, note.Rows, note.Status) };
            }

            return note.Series is not null ? state.Judged(note.Series) : state.Follow(note);
        }

        internal ModelState Remember(string window)
        {
            if (Windows.Contains(window))
            {
                return this;
            }

            ImmutableHashSet<string> windows = Windows.Add(window);
            ImmutableQueue<string> order = WindowOrder.Enqueue(window);
            if (windows.Count > KeptWindows)
            {
                order = order.Dequeue(out string oldest);
                windows = windows.Remove(oldest);
            }

            return this with { Windows = windows, WindowOrder = order };
        }

        internal ModelState Judged(IReadOnlyList<SeriesDelta>? deltas)
        {
            if (deltas is null or { Count: 0 })
            {
                return this;
            }

            ImmutableDictionary<SeriesKey, SeriesState> series = Series;
            ImmutableDictionary<string, OpenAlert> open = Open;
            foreach (SeriesDelta delta in deltas.Where(d => d is { IsSane: true }))
            {
                SeriesState state = series.GetValueOrDefault(delta.Key, SeriesState.Empty).Apply(delta);
                series = Set(series, delta.Key, state);
                if (state.AlertId is { } id && open.TryGetValue(id, out OpenAlert? alert) && delta.Phase is AlertState.Firing or AlertState.Resolving && alert!.Alert.State != delta.Phase)
                {
                    open = open.SetItem(id, alert with { Alert = alert.Alert with { State = delta.Phase } });
                }
            }

            // series of versions that left service are not judged again
            int newest = deltas.Where(d => d is not null).Max(d => d.Version);
            if (series.Keys.Any(k => k.Version > 0 && k.Version < newest))
            {
                series = series.RemoveRange(series.Keys.Where(k => k.Version > 0 && k.Version < newest && !open.Values.Any(o => o.Key == k)));
            }

            return this with { Series = series, Open = open };
        }

        internal ModelState Asked(RetrainingAskedNote note, DateTimeOffset at)
        {
            if (Loops.Any(l => l.AlertId == note.AlertId))
            {
                return this;
            }

            MonitorAlert? alert = Open.GetValueOrDefault(note.AlertId)?.Alert ?? Ended.FindLast(a => a.Id == note.AlertId);
            var loop = new AlertLoop(note.AlertId, note.Model, note.Version, alert?.Policy ?? AlertPolicy.DriftName, at, note.Key);
            ImmutableList<AlertLoop> loops = Loops.Add(loop);
            return this with { Loops = loops.Count > KeptLoops ? loops.RemoveAt(0) : loops };
        }

        internal ModelState Loop(Func<AlertLoop, bool> which, Func<AlertLoop, AlertLoop> change)
        {
            ImmutableList<AlertLoop> loops = Loops;
            for (int i = 0; i < loops.Count; i++)
            {
                if (which(loops[i]))
                {
                    loops = loops.SetItem(i, change(loops[i]));
                }
            }

            return ReferenceEquals(loops, Loops) ? this : this with { Loops = loops };
        }

        /// <summary>What windows of older writers mean for alerts about drift: a stable one counts, a drifted one breaks the row.</summary>
        private ModelState Follow(WindowNote note)
        {
            ModelState state = this;
            foreach (OpenAlert alert in Open.Values.Where(o => o.Alert.Version == note.Version && o.Alert.Policy == AlertPolicy.DriftName))
            {
                SeriesState of = state.StateOf(alert.Key);
                AlertState phase = note.Status switch { DriftStatus.Stable => AlertState.Resolving, DriftStatus.Drifted => AlertState.Firing, _ => of.Phase };
                int calm = note.Status switch { DriftStatus.Stable => of.Calm + 1, DriftStatus.Drifted => 0, _ => of.Calm };
                state = state.Judged([new SeriesDelta(alert.Key.Policy, alert.Key.Signal, note.Version, phase is AlertState.Resolving ? phase : AlertState.Firing, of.Hits, calm)]);
            }

            return state;
        }

        private ModelState End(string alert, DateTimeOffset at)
        {
            ImmutableList<MonitorAlert> ended = Ended.Add(Open[alert].Alert with { State = AlertState.Resolved, ClosedAt = at });
            return this with { Open = Open.Remove(alert), Ended = ended.Count > KeptClosed ? ended.RemoveAt(0) : ended };
        }

        private static ImmutableDictionary<SeriesKey, SeriesState> Set(ImmutableDictionary<SeriesKey, SeriesState> series, SeriesKey key, SeriesState state) =>
            state.IsEmpty ? series.Remove(key) : series.ContainsKey(key) || series.Count < KeptSeries ? series.SetItem(key, state) : series;
    }

    /// <summary>The last window of the version in service.</summary>
    internal sealed record LastWindow(DateTimeOffset To, long Rows, DriftStatus Status);
}

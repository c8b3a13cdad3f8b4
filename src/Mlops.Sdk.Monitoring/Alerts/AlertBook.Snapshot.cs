using System.Buffers;
using System.Collections.Immutable;

namespace Mlops.Sdk.Monitoring;

/// <content>The book saved and loaded.</content>
internal sealed partial class AlertBook
{
    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        var state = new SnapshotWriter(writer);
        KeyValuePair<string, ModelState>[] models = [.. Volatile.Read(ref _models).OrderBy(m => m.Key, StringComparer.Ordinal)];
        state.Number(models.Length);
        foreach ((string model, ModelState of) in models)
        {
            state.Shared(model);
            state.Number(of.Newest);
            state.Flag(of.Last is not null);
            if (of.Last is { } last)
            {
                state.Time(last.To);
                state.Number(last.Rows);
                state.Number((int)last.Status);
            }

            state.Number(of.Open.Count);
            foreach (OpenAlert open in of.Open.Values.OrderBy(o => o.Alert.Id, StringComparer.Ordinal))
            {
                Save(state, open.Alert);
                state.Time(open.ToldAt);
            }

            state.Number(of.Ended.Count);
            of.Ended.ForEach(alert => Save(state, alert));
            state.Number(of.Series.Count);
            foreach ((SeriesKey key, SeriesState series) in of.Series.OrderBy(s => s.Key.Policy, StringComparer.Ordinal).ThenBy(s => s.Key.Signal, StringComparer.Ordinal).ThenBy(s => s.Key.Segment, StringComparer.Ordinal).ThenBy(s => s.Key.Version))
            {
                Save(state, key, series);
            }

            state.Number(of.Silences.Count);
            foreach (AlertSilence silence in of.Silences.Values.OrderBy(s => s.Id, StringComparer.Ordinal))
            {
                state.Text(silence.Id);
                state.Optional(silence.Policy);
                state.Optional(silence.Segment);
                state.Time(silence.Until);
                state.Shared(silence.By);
                state.Text(silence.Reason);
            }

            state.Number(of.Loops.Count);
            of.Loops.ForEach(loop => Save(state, loop));
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
            models[model] = Load(state, model);
        }

        state.End();
        Volatile.Write(ref _models, models.ToImmutable());
    }

    private static ModelState Load(SnapshotReader state, string model)
    {
        int newest = state.Int();
        LastWindow? last = state.Flag() ? new LastWindow(state.Time(), state.Number(), (DriftStatus)state.Int(0, (int)DriftStatus.Ignored)) : null;
        ImmutableDictionary<string, OpenAlert>.Builder open = ModelState.Empty.Open.ToBuilder();
        for (int left = state.Count(); left > 0; left--)
        {
            MonitorAlert alert = LoadAlert(state, model);
            open[alert.Id] = new OpenAlert(alert, state.Time());
        }

        var ended = ImmutableList.CreateBuilder<MonitorAlert>();
        for (int left = Least(state.Count(), KeptClosed); left > 0; left--)
        {
            ended.Add(LoadAlert(state, model));
        }

        ImmutableDictionary<SeriesKey, SeriesState>.Builder series = ModelState.Empty.Series.ToBuilder();
        for (int left = Least(state.Count(), KeptSeries); left > 0; left--)
        {
            (SeriesKey key, SeriesState of) = LoadSeries(state);
            series[key] = of;
        }

        ImmutableDictionary<string, AlertSilence>.Builder silences = ModelState.Empty.Silences.ToBuilder();
        for (int left = state.Count(); left > 0; left--)
        {
            var silence = new AlertSilence(state.Text(), model, state.OptionalText(), state.OptionalText(), state.Time(), state.SharedText(), state.Text());
            silences[silence.Id] = silence;
        }

        var loops = ImmutableList.CreateBuilder<AlertLoop>();
        for (int left = Least(state.Count(), KeptLoops); left > 0; left--)
        {
            loops.Add(LoadLoop(state, model));
        }

        string[] order = new string[Least(state.Count(), KeptWindows + 1)];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = state.Text();
        }

        return new ModelState
        {
            Newest = newest,
            Last = last,
            Open = open.ToImmutable(),
            Ended = ended.ToImmutable(),
            Series = series.ToImmutable(),
            Silences = silences.ToImmutable(),
            Loops = loops.ToImmutable(),
            Windows = ModelState.Empty.Windows.Union(order),
            WindowOrder = ImmutableQueue.Create(order),
        };
    }

    private static int Least(int count, int most) => count <= most ? count : throw SnapshotReader.Broken();

    private static void Save(SnapshotWriter state, MonitorAlert alert)
    {
        state.Text(alert.Id);
        state.Number(alert.Version);
        state.Text(alert.Message);
        state.Time(alert.RaisedAt);
        state.Shared(alert.Policy);
        state.Optional(alert.PolicyDigest?.ToString());
        state.Number((int)alert.Severity);
        state.Number((int)alert.State);
        state.Shared(alert.Signal);
        state.Shared(alert.Segment);
        state.Optional(alert.WindowId);
        state.Optional(alert.From);
        state.Optional(alert.To);
        state.Number(alert.Numbers.Count);
        foreach ((string name, double number) in alert.Numbers.OrderBy(n => n.Key, StringComparer.Ordinal))
        {
            state.Shared(name);
            state.Real(number);
        }

        state.Number(alert.Causes.Count);
        foreach (AlertCause cause in alert.Causes)
        {
            state.Text(cause.Name);
            state.Real(cause.Weight);
            state.Text(cause.Message);
        }

        state.Shared(alert.Owner);
        state.Shared(alert.Description);
        state.Shared(alert.RunBook);
        state.Flag(alert.Silenced);
        state.Shared(alert.AcknowledgedBy);
        state.Optional(alert.AcknowledgedAt);
        state.Optional(alert.EscalatedAt);
        state.Optional(alert.ClosedAt);
    }

    private static MonitorAlert LoadAlert(SnapshotReader state, string model)
    {
        string id = state.Text();
        var alert = new MonitorAlert(id, model, state.Int(), state.Text(), state.Time())
        {
            Policy = state.SharedText(),
            PolicyDigest = LoadDigest(state.OptionalText()),
            Severity = (AlertSeverity)state.Int(0, (int)AlertSeverity.Critical),
            State = (AlertState)state.Int(0, (int)AlertState.Resolved),
            Signal = state.SharedText(),
            Segment = state.Shared(),
            WindowId = state.OptionalText(),
            From = state.OptionalTime(),
            To = state.OptionalTime(),
        };
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        for (int left = state.Count(); left > 0; left--)
        {
            numbers[state.SharedText()] = state.Real();
        }

        var causes = new AlertCause[Least(state.Count(), MonitorAlert.MostCauses)];
        for (int i = 0; i < causes.Length; i++)
        {
            causes[i] = new AlertCause(state.Text(), state.Real(), state.Text());
        }

        return alert with
        {
            Numbers = numbers,
            Causes = causes,
            Owner = state.Shared(),
            Description = state.Shared(),
            RunBook = state.Shared(),
            Silenced = state.Flag(),
            AcknowledgedBy = state.Shared(),
            AcknowledgedAt = state.OptionalTime(),
            EscalatedAt = state.OptionalTime(),
            ClosedAt = state.OptionalTime(),
        };
    }

    private static Digest? LoadDigest(string? text) => text is null ? null : Digest.TryParse(text, out Digest digest) ? digest : throw SnapshotReader.Broken();

    private static void Save(SnapshotWriter state, SeriesKey key, SeriesState series)
    {
        state.Shared(key.Policy);
        state.Number(key.Version);
        state.Shared(key.Segment);
        state.Shared(key.Signal);
        state.Number((int)series.Phase);
        state.Number((long)series.Hits);
        state.Number(series.Calm);
        state.Optional(series.AlertId);
        state.Number(series.Raised.Length);
        foreach (DateTimeOffset at in series.Raised)
        {
            state.Time(at);
        }

        foreach (ImmutableArray<double> values in (ReadOnlySpan<ImmutableArray<double>>)[series.Recent, series.Usual])
        {
            state.Number(values.Length);
            foreach (double value in values)
            {
                state.Real(value);
            }
        }
    }

    private static (SeriesKey Key, SeriesState State) LoadSeries(SnapshotReader state)
    {
        var key = new SeriesKey(state.SharedText(), state.Int(), state.Shared(), state.SharedText());
        var series = new SeriesState { Phase = (AlertState)state.Int(0, (int)AlertState.Resolving), Hits = (ulong)state.Number(), Calm = state.Int(0), AlertId = state.OptionalText() };
        var raised = new DateTimeOffset[Least(state.Count(), SeriesState.MostRaised)];
        for (int i = 0; i < raised.Length; i++)
        {
            raised[i] = state.Time();
        }

        return (key, series with { Raised = [.. raised], Recent = LoadValues(state), Usual = LoadValues(state) });
    }

    private static ImmutableArray<double> LoadValues(SnapshotReader state)
    {
        double[] values = new double[Least(state.Count(), AlertPolicyBuilder.MostKept)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = state.Real();
        }

        return [.. values];
    }

    private static void Save(SnapshotWriter state, AlertLoop loop)
    {
        state.Text(loop.AlertId);
        state.Number(loop.Version);
        state.Shared(loop.Policy);
        state.Time(loop.AskedAt);
        state.Text(loop.Key);
        state.Optional(loop.RunId);
        state.Number(loop.Status is { } status ? (int)status : -1);
        state.Number(loop.NewVersion ?? -1);
        state.Optional(loop.EndedAt);
        state.Shared(loop.PromotedTo);
        state.Optional(loop.PromotedAt);
        state.Flag(loop.GaveUp);
    }

    private static AlertLoop LoadLoop(SnapshotReader state, string model)
    {
        var loop = new AlertLoop(state.Text(), model, state.Int(), state.SharedText(), state.Time(), state.Text()) { RunId = state.OptionalText() };
        int status = state.Int(-1, (int)RunStatus.Completed);
        int version = state.Int(-1);
        return loop with
        {
            Status = status < 0 ? null : (RunStatus)status,
            NewVersion = version < 0 ? null : version,
            EndedAt = state.OptionalTime(),
            PromotedTo = state.Shared(),
            PromotedAt = state.OptionalTime(),
            GaveUp = state.Flag(),
        };
    }
}

using System.Buffers;

namespace Mlops.Sdk.Registry;

/// <summary>The state as bytes, so that opening a long ledger folds only what came after.</summary>
internal sealed partial class RegistryState
{
    /// <inheritdoc/>
    public string SnapshotName => "registry";

    /// <inheritdoc/>
    public int SnapshotFormat => 1;

    /// <inheritdoc/>
    public ISnapshotProjection NewEmpty() => new RegistryState();

    /// <inheritdoc/>
    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        SnapshotWriter state = new(writer);
        lock (_gate)
        {
            state.Number(_models.Count);
            foreach (ModelState model in _models.Values)
            {
                Save(state, model);
            }

            state.Number(_runsInOrder.Count);
            foreach (RunState run in _runsInOrder)
            {
                Save(state, run);
            }
        }
    }

    /// <inheritdoc/>
    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        SnapshotReader state = new(snapshot);
        SortedDictionary<string, ModelState> models = new(StringComparer.Ordinal);
        for (int left = state.Count(); left > 0; left--)
        {
            ModelState model = LoadModel(state);
            if (!models.TryAdd(model.Name, model))
            {
                throw SnapshotReader.Broken();
            }
        }

        int count = state.Count();
        Dictionary<string, RunState> runs = new(count, StringComparer.Ordinal);
        List<RunState> inOrder = new(count);
        for (; count > 0; count--)
        {
            RunState run = LoadRun(state);
            if (!runs.TryAdd(run.Id, run))
            {
                throw SnapshotReader.Broken();
            }

            inOrder.Add(run);
        }

        state.End();
        lock (_gate)
        {
            (_models, _runs, _runsInOrder, _experiments) = (models, runs, inOrder, new Dictionary<string, List<RunState>>(StringComparer.Ordinal));
            foreach (RunState run in inOrder.Where(r => r.Record is not null).OrderBy(r => r.StartEntry))
            {
                List(run);
            }
        }
    }

    private static void Save(SnapshotWriter state, ModelState model)
    {
        state.Shared(model.Name);
        state.Shared(model.Description);
        state.Shared(model.Owner);
        state.Flag(model.Described);
        Save(state, model.Tags);
        Save(state, model.Newer);
        state.Number(model.History.Count);
        long last = 0;
        foreach (long entry in model.History)
        {
            state.Number(entry - last);
            last = entry;
        }

        state.Number(model.Versions.Count);
        foreach (ModelVersion version in model.Versions)
        {
            Save(state, version);
        }

        state.Number(model.Aliases.Count);
        foreach ((string alias, AliasTrack track) in model.Aliases)
        {
            state.Shared(alias);
            state.Number(track.Steps.Count);
            last = 0;
            foreach (AliasStep step in track.Steps)
            {
                state.Number(step.Entry - last);
                state.Number(step.To);
                state.Time(step.At);
                last = step.Entry;
            }

            state.Shared(track.Last!.Reason);
            state.Actor(track.Last.By);
        }

        state.Number(model.Deployments.Count);
        foreach (DeploymentInterval deployment in model.Deployments)
        {
            state.Shared(deployment.Host);
            state.Number(deployment.Version);
            state.Time(deployment.Start);
            state.Optional(deployment.End);
        }
    }

    private static ModelState LoadModel(SnapshotReader state)
    {
        ModelState model = new(state.SharedText())
        {
            Description = state.Shared(),
            Owner = state.Shared(),
            Described = state.Flag(),
            Tags = LoadTags(state),
            Newer = LoadNewer(state),
        };
        int count = state.Count();
        model.History.Capacity = count;
        long last = 0;
        for (; count > 0; count--)
        {
            last = Later(state, last, first: model.History.Count == 0);
            model.History.Add(last);
        }

        count = state.Count();
        for (int number = 1; number <= count; number++)
        {
            model.Versions.Add(LoadVersion(state, model.Name, number));
        }

        for (count = state.Count(); count > 0; count--)
        {
            string alias = state.SharedText();
            if (!model.Aliases.TryAdd(alias, LoadAlias(state, model, alias)))
            {
                throw SnapshotReader.Broken();
            }
        }

        count = state.Count();
        model.Deployments.Capacity = count;
        for (int i = 0; i < count; i++)
        {
            DeploymentInterval deployment = new(model.Name, Host: state.SharedText(), Version: state.Int(), Start: state.Time(), End: state.OptionalTime());
            model.Deployments.Add(deployment);
            if (deployment.End is null && !model.Open.TryAdd(deployment.Host, i))
            {
                throw SnapshotReader.Broken();
            }
        }

        return model;
    }

    private static void Save(SnapshotWriter state, ModelVersion version)
    {
        state.Digest(version.Digest);
        state.Number((int)version.Status);
        state.Shared(version.RunId);
        state.Shared(version.Reason);
        state.Actor(version.By);
        state.Time(version.At);
        state.Number(version.Parent ?? 0);
        state.Flag(version.Parent is not null);
        state.Shared(version.Stage);
        state.Optional(version.DeletedAt);
        state.Number(version.Metrics.Count);
        foreach ((string name, MetricValue metric) in version.Metrics)
        {
            state.Shared(name);
            state.Real(metric.Value);
            state.Optional(metric.Lower);
            state.Optional(metric.Upper);
        }

        Save(state, version.Tags);
        state.Flag(version.Deprecation is not null);
        if (version.Deprecation is { } deprecation)
        {
            state.Number(deprecation.Successor ?? 0); // versions count from 1
            state.Shared(deprecation.Reason);
            state.Actor(deprecation.By);
            state.Time(deprecation.At);
        }
    }

    private static ModelVersion LoadVersion(SnapshotReader state, string model, int number)
    {
        ModelVersion version = new(model, number, state.Digest(), (VersionStatus)state.Int(least: 0), state.Shared(), state.SharedText(), state.Actor(), state.Time());
        int parent = state.Int();
        version = version with { Parent = state.Flag() ? parent : null, Stage = state.SharedText(), DeletedAt = state.OptionalTime() };
        int count = state.Count();
        Dictionary<string, MetricValue> metrics = new(count, StringComparer.Ordinal);
        for (; count > 0; count--)
        {
            if (!metrics.TryAdd(state.SharedText(), new MetricValue(state.Real(), state.OptionalReal(), state.OptionalReal())))
            {
                throw SnapshotReader.Broken();
            }
        }

        version = version with { Metrics = metrics, Tags = LoadTags(state) };
        if (!state.Flag())
        {
            return version;
        }

        int successor = state.Int(least: 0);
        return version with { Deprecation = new VersionDeprecation(successor == 0 ? null : successor, state.SharedText(), state.Actor(), state.Time()) };
    }

    private static AliasTrack LoadAlias(SnapshotReader state, ModelState model, string alias)
    {
        AliasTrack track = new();
        int count = state.Count();
        track.Steps.Capacity = count;
        long last = 0;
        for (; count > 0; count--)
        {
            last = Later(state, last, first: track.Steps.Count == 0);
            int to = state.Int(least: 0);
            if (to > model.Versions.Count)
            {
                throw SnapshotReader.Broken();
            }

            track.Steps.Add(new AliasStep(last, to, state.Time()));
        }

        if (track.Steps.Count == 0)
        {
            throw SnapshotReader.Broken();
        }

        int from = track.Steps.Count > 1 ? track.Steps[^2].To : 0;
        track.Last = new AliasMove(model.Name, alias, from == 0 ? null : from, track.Steps[^1].To, state.SharedText(), state.Actor(), track.Steps[^1].At);
        return track;
    }

    private static void Save(SnapshotWriter state, RunState run)
    {
        state.Text(run.Id);
        Save(state, run.Newer);
        state.Flag(run.Record is not null);
        if (run.Record is not { } record)
        {
            return;
        }

        state.Number(run.StartEntry);
        state.Shared(record.Experiment);
        state.Number((int)record.Status);
        state.Shared(record.Trigger);
        state.Shared(record.Reason);
        state.Actor(record.By);
        state.Time(record.Started);
        state.Optional(record.Ended);
        state.Number(record.Version ?? 0);
        state.Shared(record.Message);
    }

    private static RunState LoadRun(SnapshotReader state)
    {
        RunState run = new(state.Text()) { Newer = LoadNewer(state) };
        if (!state.Flag())
        {
            return run;
        }

        run.StartEntry = state.Number();
        string experiment = state.SharedText();
        var status = (RunStatus)state.Int(least: 0);
        string trigger = state.SharedText();
        string reason = state.SharedText();
        Actor by = state.Actor();
        DateTimeOffset started = state.Time();
        DateTimeOffset? ended = state.OptionalTime();
        int version = state.Int(least: 0);
        run.Record = new RunRecord(run.Id, experiment, status, trigger, reason, by, started, ended, version == 0 ? null : version, state.Shared());
        return run;
    }

    private static void Save(SnapshotWriter state, IReadOnlyDictionary<string, string> tags)
    {
        state.Number(tags.Count);
        foreach ((string key, string value) in tags)
        {
            state.Shared(key);
            state.Shared(value);
        }
    }

    private static IReadOnlyDictionary<string, string> LoadTags(SnapshotReader state)
    {
        int count = state.Count();
        if (count == 0)
        {
            return NoTags;
        }

        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        for (; count > 0; count--)
        {
            if (!tags.TryAdd(state.SharedText(), state.SharedText()))
            {
                throw SnapshotReader.Broken();
            }
        }

        return tags;
    }

    private static void Save(SnapshotWriter state, NewerEntry? newer)
    {
        state.Flag(newer is not null);
        if (newer is not null)
        {
            state.Number(newer.Number);
            state.Shared(newer.Kind);
            state.Number(newer.Format);
        }
    }

    private static NewerEntry? LoadNewer(SnapshotReader state) => state.Flag() ? new NewerEntry(state.Number(), state.SharedText(), state.Int()) : null;

    private static long Later(SnapshotReader state, long last, bool first)
    {
        long step = state.Number();
        return step >= (first ? 0 : 1) && step <= long.MaxValue - last ? last + step : throw SnapshotReader.Broken();
    }
}

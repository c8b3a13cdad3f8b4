using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <content>The state as bytes, and back.</content>
internal sealed partial class TrackingState
{
    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        SnapshotWriter state = new(writer);
        lock (_gate)
        {
            state.Number(_versions.Count);
            foreach ((string model, int count) in _versions)
            {
                state.Text(model);
                state.Number(count);
            }

            state.Number(_experiments.Count);
            foreach ((string name, ExperimentState experiment) in _experiments)
            {
                state.Shared(name);
                state.Optional(experiment.Description);
                Save(state, experiment.Tags);
                state.Time(experiment.Created);
                state.Time(experiment.Updated);
                state.Flag(experiment.Deleted);
                Save(state, experiment.Newer);
            }

            state.Number(_order.Count);
            _order.ForEach(run => Save(state, run));

            // runs that a newer writer told of before they were started
            List<TrackedRunState> unknown = [.. _runs.Values.Where(r => !r.Exists).OrderBy(r => r.RunId, StringComparer.Ordinal)];
            state.Number(unknown.Count);
            foreach (TrackedRunState run in unknown)
            {
                state.Text(run.RunId);
                Save(state, run.Newer);
            }
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        lock (_gate)
        {
            Clear();
            try
            {
                Load(new SnapshotReader(snapshot));
            }
            catch (FormatException)
            {
                Clear();
                throw;
            }
        }
    }

    private void Clear()
    {
        _runs.Clear();
        _experiments.Clear();
        _versions.Clear();
        _texts = new TextTable();
        _order.Clear();
    }

    private void Load(SnapshotReader state)
    {
        for (int models = state.Count(); models > 0; models--)
        {
            Require(_versions.TryAdd(state.Text(), state.Int(least: 0)), "a model is there twice");
        }

        for (int experiments = state.Count(); experiments > 0; experiments--)
        {
            string name = state.SharedText();
            var experiment = new ExperimentState { Description = state.OptionalText() };
            Require(_experiments.TryAdd(name, experiment), "an experiment is there twice");
            Load(state, experiment.Tags);
            experiment.Created = state.Time();
            experiment.Updated = state.Time();
            experiment.Deleted = state.Flag();
            experiment.Newer = LoadNewer(state);
        }

        for (int runs = state.Count(); runs > 0; runs--)
        {
            TrackedRunState run = LoadRun(state);
            Require(_runs.TryAdd(run.RunId, run), "a run is there twice");
            Require(_experiments.TryGetValue(run.Experiment, out ExperimentState? experiment), "a run has no experiment");
            experiment!.Runs.Add(run);
            _order.Add(run);
        }

        for (int unknown = state.Count(); unknown > 0; unknown--)
        {
            var run = new TrackedRunState(state.Text()) { Newer = LoadNewer(state) };
            Require(_runs.TryAdd(run.RunId, run), "a run is there twice");
        }

        state.End();
    }

    private static void Save(SnapshotWriter state, TrackedRunState run)
    {
        state.Text(run.RunId);
        state.Shared(run.Experiment);
        state.Number((int)run.Status);
        state.Shared(run.Trigger);
        state.Text(run.Reason);
        state.Actor(run.By);
        state.Time(run.Started);
        state.Optional(run.Ended);
        state.Optional(run.Message);
        state.Optional(run.Name);
        state.Optional(run.Parent);
        state.Optional(run.Hypothesis);
        state.Number(run.Outcome is null ? 0 : 1 + (int)run.Outcome.Verdict);
        state.Optional(run.Outcome?.Text);
        state.Optional(run.Note);
        state.Shared(run.Model);
        state.Number(run.Version ?? 0);
        state.Flag(run.Deleted);
        state.Optional(run.Environment is null ? null : JsonSerializer.Serialize(run.Environment, TrackingJson.Default.EnvironmentInfo));
        Save(state, run.Parameters);
        Save(state, run.Tags);
        state.Number(run.Metrics.Count);
        foreach ((string name, MetricSummary metric) in run.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            state.Shared(name);
            state.Real(metric.Last);
            state.Number(metric.LastStep);
            state.Time(metric.LastTime);
            state.Real(metric.Minimum);
            state.Real(metric.Maximum);
            state.Number(metric.Count);
        }

        state.Number(run.Artifacts.Count);
        foreach (RunArtifact artifact in run.Artifacts.Values.OrderBy(a => a.Path, StringComparer.Ordinal))
        {
            state.Text(artifact.Path);
            state.Digest(artifact.Digest);
            state.Number(artifact.Length);
            state.Time(artifact.Time);
        }

        state.Number(run.Datasets.Count);
        foreach (RunDataset dataset in run.Datasets)
        {
            state.Shared(dataset.Name);
            state.Digest(dataset.Digest);
            state.Shared(dataset.Source);
            state.Shared(dataset.Role);
        }

        Save(state, run.Newer);
    }

    private static TrackedRunState LoadRun(SnapshotReader state)
    {
        var run = new TrackedRunState(state.Text())
        {
            Exists = true,
            Experiment = state.SharedText(),
            Status = Defined((RunStatus)state.Int(least: 0)),
            Trigger = state.SharedText(),
            Reason = state.Text(),
            By = state.Actor(),
            Started = state.Time(),
            Ended = state.OptionalTime(),
            Message = state.OptionalText(),
            Name = state.OptionalText(),
            Parent = state.OptionalText(),
            Hypothesis = state.OptionalText(),
        };
        int verdict = state.Int(least: 0);
        string? text = state.OptionalText();
        Require((verdict == 0) == (text is null), "an outcome is half there");
        run.Outcome = text is null ? null : new HypothesisOutcome(Defined((HypothesisVerdict)(verdict - 1)), text);
        run.Note = state.OptionalText();
        run.Model = state.Shared();
        run.Version = state.Int(least: 0) is var version and > 0 ? version : null;
        run.Deleted = state.Flag();
        run.Environment = state.OptionalText() is { } environment ? EnvironmentOf(environment) : null;
        Load(state, run.Parameters);
        Load(state, run.Tags);
        for (int metrics = state.Count(); metrics > 0; metrics--)
        {
            string name = state.SharedText();
            Require(run.Metrics.TryAdd(name, new MetricSummary(state.Real(), state.Number(), state.Time(), state.Real(), state.Real(), state.Number())), "a metric is there twice");
        }

        for (int artifacts = state.Count(); artifacts > 0; artifacts--)
        {
            var artifact = new RunArtifact(state.Text(), state.Digest(), state.Number(), state.Time());
            Require(run.Artifacts.TryAdd(artifact.Path, artifact), "a file is there twice");
        }

        for (int datasets = state.Count(); datasets > 0; datasets--)
        {
            run.Datasets.Add(new RunDataset(state.SharedText(), state.Digest(), state.SharedText(), state.SharedText()));
        }

        run.Newer = LoadNewer(state);
        return run;
    }

    private static void Save(SnapshotWriter state, IDictionary<string, string> texts)
    {
        state.Number(texts.Count);
        foreach ((string key, string value) in texts.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            state.Shared(key);
            state.Text(value);
        }
    }

    private static void Load(SnapshotReader state, IDictionary<string, string> texts)
    {
        for (int count = state.Count(); count > 0; count--)
        {
            Require(texts.TryAdd(state.SharedText(), state.Text()), "a name is there twice");
        }
    }

    private static void Save(SnapshotWriter state, NewerNote? newer)
    {
        state.Shared(newer?.Kind);
        if (newer is not null)
        {
            state.Number(newer.Number);
            state.Number(newer.Format);
        }
    }

    private static NewerNote? LoadNewer(SnapshotReader state) =>
        state.Shared() is { } kind ? new NewerNote(state.Number(), kind, state.Int(least: 0)) : null;

    private static EnvironmentInfo EnvironmentOf(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, TrackingJson.Default.EnvironmentInfo) ?? throw new FormatException("an environment is null");
        }
        catch (JsonException error)
        {
            throw new FormatException("an environment does not read", error);
        }
    }

    private static T Defined<T>(T value)
        where T : struct, Enum => Enum.IsDefined(value) ? value : throw new FormatException($"a value is no {typeof(T).Name}");

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new FormatException(message);
        }
    }
}

using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <content>The state as bytes, and back.</content>
internal sealed partial class TrackingState
{
    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        lock (_gate)
        {
            writer.Count(_versions.Count);
            foreach ((string model, int count) in _versions)
            {
                writer.Text(model);
                writer.Count(count);
            }

            writer.Count(_experiments.Count);
            foreach ((string name, ExperimentState experiment) in _experiments)
            {
                writer.Text(name);
                writer.OptionalText(experiment.Description);
                Save(writer, experiment.Tags);
                writer.Signed(experiment.Created.UtcTicks);
                writer.Signed(experiment.Updated.UtcTicks);
                writer.Flag(experiment.Deleted);
                Save(writer, experiment.Newer);
            }

            writer.Count(_order.Count);
            _order.ForEach(run => Save(writer, run));

            // runs that a newer writer told of before they were started
            List<TrackedRunState> unknown = [.. _runs.Values.Where(r => !r.Exists).OrderBy(r => r.RunId, StringComparer.Ordinal)];
            writer.Count(unknown.Count);
            foreach (TrackedRunState run in unknown)
            {
                writer.Text(run.RunId);
                Save(writer, run.Newer);
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
                Load(snapshot.Span);
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
        _texts.Clear();
        _order.Clear();
    }

    private void Load(ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        for (int models = reader.Count(2); models > 0; models--)
        {
            Require(_versions.TryAdd(reader.Text(), reader.Int32()), "a model is there twice");
        }

        for (int experiments = reader.Count(7); experiments > 0; experiments--)
        {
            string name = Shared(reader.Text());
            var experiment = new ExperimentState { Description = reader.OptionalText() };
            Require(_experiments.TryAdd(name, experiment), "an experiment is there twice");
            Load(ref reader, experiment.Tags);
            experiment.Created = Time(reader.Signed());
            experiment.Updated = Time(reader.Signed());
            experiment.Deleted = reader.Flag();
            experiment.Newer = LoadNewer(ref reader);
        }

        for (int runs = reader.Count(20); runs > 0; runs--)
        {
            TrackedRunState run = LoadRun(ref reader);
            Require(_runs.TryAdd(run.RunId, run), "a run is there twice");
            Require(_experiments.TryGetValue(run.Experiment, out ExperimentState? experiment), "a run has no experiment");
            experiment!.Runs.Add(run);
            _order.Add(run);
        }

        for (int unknown = reader.Count(2); unknown > 0; unknown--)
        {
            var run = new TrackedRunState(reader.Text()) { Newer = LoadNewer(ref reader) };
            Require(_runs.TryAdd(run.RunId, run), "a run is there twice");
        }

        Require(reader.Left == 0, "it goes on after its end");
    }

    private static void Save(IBufferWriter<byte> writer, TrackedRunState run)
    {
        writer.Text(run.RunId);
        writer.Text(run.Experiment);
        writer.Count((int)run.Status);
        writer.Text(run.Trigger);
        writer.Text(run.Reason);
        writer.Text(run.By.Id);
        writer.Count((int)run.By.Kind);
        writer.OptionalText(run.By.Scheme);
        writer.OptionalText(run.By.OnBehalfOf);
        writer.Signed(run.Started.UtcTicks);
        writer.Signed(run.Ended?.UtcTicks ?? -1);
        writer.OptionalText(run.Message);
        writer.OptionalText(run.Name);
        writer.OptionalText(run.Parent);
        writer.OptionalText(run.Hypothesis);
        writer.Count(run.Outcome is null ? 0 : 1 + (int)run.Outcome.Verdict);
        writer.OptionalText(run.Outcome?.Text);
        writer.OptionalText(run.Note);
        writer.OptionalText(run.Model);
        writer.Count(run.Version ?? 0);
        writer.Flag(run.Deleted);
        writer.OptionalText(run.Environment is null ? null : JsonSerializer.Serialize(run.Environment, TrackingJson.Default.EnvironmentInfo));
        Save(writer, run.Parameters);
        Save(writer, run.Tags);
        writer.Count(run.Metrics.Count);
        foreach ((string name, MetricSummary metric) in run.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            writer.Text(name);
            writer.Real(metric.Last);
            writer.Signed(metric.LastStep);
            writer.Signed(metric.LastTime.UtcTicks);
            writer.Real(metric.Minimum);
            writer.Real(metric.Maximum);
            writer.Signed(metric.Count);
        }

        writer.Count(run.Artifacts.Count);
        foreach (RunArtifact artifact in run.Artifacts.Values.OrderBy(a => a.Path, StringComparer.Ordinal))
        {
            writer.Text(artifact.Path);
            writer.Text(artifact.Digest.Hex);
            writer.Signed(artifact.Length);
            writer.Signed(artifact.Time.UtcTicks);
        }

        writer.Count(run.Datasets.Count);
        foreach (RunDataset dataset in run.Datasets)
        {
            writer.Text(dataset.Name);
            writer.Text(dataset.Digest.Hex);
            writer.Text(dataset.Source);
            writer.Text(dataset.Role);
        }

        Save(writer, run.Newer);
    }

    private TrackedRunState LoadRun(ref CompactReader reader)
    {
        var run = new TrackedRunState(reader.Text())
        {
            Exists = true,
            Experiment = Shared(reader.Text()),
            Status = Defined((RunStatus)reader.Int32()),
            Trigger = Shared(reader.Text()),
            Reason = reader.Text(),
            By = new Actor(Shared(reader.Text()), Defined((ActorKind)reader.Int32()), reader.OptionalText(), reader.OptionalText()),
            Started = Time(reader.Signed()),
            Ended = reader.Signed() is var ended && ended == -1 ? null : Time(ended),
            Message = reader.OptionalText(),
            Name = reader.OptionalText(),
            Parent = reader.OptionalText(),
            Hypothesis = reader.OptionalText(),
        };
        int verdict = reader.Int32();
        string? text = reader.OptionalText();
        Require((verdict == 0) == (text is null), "an outcome is half there");
        run.Outcome = text is null ? null : new HypothesisOutcome(Defined((HypothesisVerdict)(verdict - 1)), text);
        run.Note = reader.OptionalText();
        run.Model = reader.OptionalText();
        run.Version = reader.Int32() is var version and > 0 ? version : null;
        run.Deleted = reader.Flag();
        run.Environment = reader.OptionalText() is { } environment ? EnvironmentOf(environment) : null;
        Load(ref reader, run.Parameters);
        Load(ref reader, run.Tags);
        for (int metrics = reader.Count(28); metrics > 0; metrics--)
        {
            string name = Shared(reader.Text());
            Require(run.Metrics.TryAdd(name, new MetricSummary(reader.Real(), reader.Signed(), Time(reader.Signed()), reader.Real(), reader.Real(), reader.Signed())), "a metric is there twice");
        }

        for (int artifacts = reader.Count(68); artifacts > 0; artifacts--)
        {
            var artifact = new RunArtifact(reader.Text(), DigestOf(reader.Text()), reader.Signed(), Time(reader.Signed()));
            Require(run.Artifacts.TryAdd(artifact.Path, artifact), "a file is there twice");
        }

        for (int datasets = reader.Count(68); datasets > 0; datasets--)
        {
            run.Datasets.Add(new RunDataset(reader.Text(), DigestOf(reader.Text()), reader.Text(), reader.Text()));
        }

        run.Newer = LoadNewer(ref reader);
        return run;
    }

    private static void Save(IBufferWriter<byte> writer, IDictionary<string, string> texts)
    {
        writer.Count(texts.Count);
        foreach ((string key, string value) in texts.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            writer.Text(key);
            writer.Text(value);
        }
    }

    private void Load(ref CompactReader reader, IDictionary<string, string> texts)
    {
        for (int count = reader.Count(2); count > 0; count--)
        {
            Require(texts.TryAdd(Shared(reader.Text()), reader.Text()), "a name is there twice");
        }
    }

    private static void Save(IBufferWriter<byte> writer, NewerNote? newer)
    {
        writer.OptionalText(newer?.Kind);
        if (newer is not null)
        {
            writer.Signed(newer.Number);
            writer.Count(newer.Format);
        }
    }

    private static NewerNote? LoadNewer(ref CompactReader reader) =>
        reader.OptionalText() is { } kind ? new NewerNote(reader.Signed(), kind, reader.Int32()) : null;

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

    private static Digest DigestOf(string hex) => Digest.TryParse("sha256:" + hex, out Digest digest) ? digest : throw new FormatException("a digest does not read");

    private static DateTimeOffset Time(long ticks) => ticks >= 0 && ticks <= DateTimeOffset.MaxValue.UtcTicks ? new DateTimeOffset(ticks, TimeSpan.Zero) : throw new FormatException("a time is none");

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

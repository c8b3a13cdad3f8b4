namespace Mlops.Sdk.Registry;

/// <summary>What the ledger says about experiments and runs. Folded under one lock; readers get immutable records.</summary>
/// <remarks>
/// A run's start and end follow the same rules as in the registry's own view: the first start counts, an end counts while the run is running,
/// a version outweighs an end. Entries that break the rules of tracking change nothing.
/// </remarks>
internal sealed partial class TrackingState : ISnapshotProjection
{
    internal const int NewestFormat = 1;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TrackedRunState> _runs = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ExperimentState> _experiments = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _versions = new(StringComparer.Ordinal); // how many versions a model has
    private TextTable _texts = new();                                                       // names that many runs share are one string
    private readonly List<TrackedRunState> _order = [];                                     // as started

    public string SnapshotName => "tracking";

    public int SnapshotFormat => 1;

    public ISnapshotProjection NewEmpty() => new TrackingState();

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        lock (_gate)
        {
            switch (entry.Kind)
            {
                case LedgerKinds.RunStarted when IsOfRun(entry) && LedgerData.TryRead(entry.Data, out RunStart? start):
                    Start(entry, start);
                    break;
                case LedgerKinds.RunEnded when IsOfRun(entry) && LedgerData.TryRead(entry.Data, out RunEnd? end) && end.RunId == entry.Resource.Name:
                    if (Find(end.RunId) is { Status: RunStatus.Running } running && end.Status is not (RunStatus.Running or RunStatus.Registered) && Enum.IsDefined(end.Status))
                    {
                        running.Change(r => (r.Status, r.Ended, r.Message) = (end.Status, entry.Time, end.Message));
                    }

                    break;
                case LedgerKinds.VersionRegistered when entry.Format <= NewestFormat && entry.Resource.Kind == "model" && LedgerData.TryRead(entry.Data, out VersionNote? version):
                    Register(entry, version);
                    break;
                case LedgerKinds.RunDataUsed when IsOfRun(entry) && LedgerData.TryRead(entry.Data, out DataUseNote? use) && use.RunId == entry.Resource.Name && use.Digest.HasValue:
                    Find(use.RunId)?.Use(new RunDataset(use.Name, use.Digest, use.Source, use.Role));
                    break;
                case TrackingKinds.RunLogged when IsOfRun(entry) && TrackingData.TryRead(entry, TrackingJson.Default.RunLogNote, out RunLogNote? note) && note.RunId == entry.Resource.Name:
                    Log(entry, note);
                    break;
                case TrackingKinds.RunDeleted when IsOfRun(entry) && TrackingData.TryRead(entry, TrackingJson.Default.RunDeletionNote, out RunDeletionNote? deletion) && deletion.RunId == entry.Resource.Name:
                    Find(deletion.RunId)?.Change(r => r.Deleted = deletion.Deleted);
                    break;
                case TrackingKinds.ExperimentDescribed when entry.Resource.Kind == "experiment" && RegistryRules.IsName(entry.Resource.Name):
                    Describe(entry);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Reads a run's state under the lock.</summary>
    internal T Read<T>(string runId, Func<TrackedRunState?, T> read)
    {
        lock (_gate)
        {
            TrackedRunState? run = _runs.GetValueOrDefault(runId);
            run?.Newer?.Throw();
            return read(run is { Exists: true } ? run : null);
        }
    }

    internal RunDetails? Run(string runId) => Read(runId, run => run?.View(IsGone(run)));

    internal T ReadExperiment<T>(string name, Func<ExperimentState?, T> read)
    {
        lock (_gate)
        {
            ExperimentState? experiment = _experiments.GetValueOrDefault(name);
            experiment?.Newer?.Throw();
            return read(experiment);
        }
    }

    internal List<Experiment> Experiments()
    {
        lock (_gate)
        {
            foreach (ExperimentState experiment in _experiments.Values)
            {
                experiment.Newer?.Throw();
            }

            return [.. _experiments.Select(e => e.Value.View(e.Key))];
        }
    }

    /// <summary>Lists runs as started; those of some experiments, or all.</summary>
    internal List<RunDetails> Runs(IReadOnlyList<string>? experiments)
    {
        lock (_gate)
        {
            IEnumerable<TrackedRunState> runs = experiments is null
                ? _order
                : experiments.Distinct(StringComparer.Ordinal).SelectMany(e => _experiments.TryGetValue(e, out ExperimentState? found) ? found.Runs : []);
            List<RunDetails> all = [];
            foreach (TrackedRunState run in runs)
            {
                run.Newer?.Throw();
                all.Add(run.View(IsGone(run)));
            }

            return all;
        }
    }

    internal List<RunDetails> Children(string runId)
    {
        lock (_gate)
        {
            return [.. _order.Where(r => r.Parent == runId).Select(r => r.View(IsGone(r)))];
        }
    }

    private bool IsGone(TrackedRunState run) => run.Deleted || (_experiments.TryGetValue(run.Experiment, out ExperimentState? experiment) && experiment.Deleted);

    private bool IsOfRun(LedgerEntry entry)
    {
        if (entry.Resource.Kind != "run" || !RegistryRules.IsName(entry.Resource.Name))
        {
            return false;
        }

        if (entry.Format <= NewestFormat)
        {
            return true;
        }

        RunOf(entry.Resource.Name).Newer ??= new NewerNote(entry.Number, entry.Kind, entry.Format);
        return false;
    }

    private TrackedRunState? Find(string runId) => _runs.GetValueOrDefault(runId) is { Exists: true } run ? run : null;

    private TrackedRunState RunOf(string runId)
    {
        if (!_runs.TryGetValue(runId, out TrackedRunState? run))
        {
            _runs.Add(runId, run = new TrackedRunState(runId));
        }

        return run;
    }

    private void Start(LedgerEntry entry, RunStart start)
    {
        if (start.RunId != entry.Resource.Name || !RegistryRules.IsName(start.Experiment) || Find(start.RunId) is not null)
        {
            return;
        }

        TrackedRunState run = RunOf(start.RunId);
        run.Exists = true;
        ExperimentState experiment = ExperimentOf(start.Experiment, entry.Time, out string name);
        run.Change(r =>
        {
            (r.Experiment, r.Trigger, r.Reason, r.By, r.Started, r.Hypothesis) = (name, _texts.Get(start.Trigger), entry.Reason, entry.Actor, entry.Time, start.Hypothesis);
            foreach ((string key, string value) in start.Parameters)
            {
                if (key is not null && value is not null)
                {
                    r.Parameters.TryAdd(_texts.Get(key), value);
                }
            }
        });
        experiment.Runs.Add(run);
        _order.Add(run);
    }

    private void Register(LedgerEntry entry, VersionNote note)
    {
        int count = _versions.GetValueOrDefault(note.Model);
        if (note.Model != entry.Resource.Name || note.Number != count + 1 || !note.Digest.HasValue || !Enum.IsDefined(note.Status) || !RegistryRules.IsName(note.Model))
        {
            return;
        }

        _versions[note.Model] = note.Number;
        if (note.RunId is not null && Find(note.RunId) is { Version: null } run)
        {
            run.Change(r =>
            {
                r.Status = note.Status == VersionStatus.Rejected ? RunStatus.Rejected : RunStatus.Registered;
                (r.Ended, r.Message, r.Model, r.Version) = (entry.Time, entry.Reason, note.Model, note.Number);
            });
        }
    }

    private void Log(LedgerEntry entry, RunLogNote note)
    {
        if (Find(note.RunId) is not { } run)
        {
            return;
        }

        run.Change(r =>
        {
            r.Name = note.Name ?? r.Name;
            r.Parent = r.Parent ?? note.Parent;
            r.Note = note.Note ?? r.Note;
            r.Outcome = note.Outcome is { Text: not null } outcome && Enum.IsDefined(outcome.Verdict) ? outcome : r.Outcome;
            r.Environment = note.Environment is { } environment ? environment with { CpuFeatures = environment.CpuFeatures ?? [] } : r.Environment;
            foreach ((string key, string value) in (note.Parameters ?? new Dictionary<string, string>()).Where(p => TrackingRules.IsKey(p.Key) && TrackingRules.IsValue(p.Value)))
            {
                r.Parameters.TryAdd(_texts.Get(key), value); // the first value holds
            }

            foreach ((string key, string? value) in (note.Tags ?? new Dictionary<string, string?>()).Where(t => TrackingRules.IsKey(t.Key)))
            {
                if (value is null)
                {
                    r.Tags.Remove(key);
                }
                else if (TrackingRules.IsValue(value))
                {
                    r.Tags[_texts.Get(key)] = value;
                }
            }

            foreach (ArtifactNote artifact in (note.Artifacts ?? []).Where(a => a is { Length: >= 0, Digest.HasValue: true } && TrackingRules.WhyNoPath(a.Path) is null))
            {
                r.Artifacts[artifact.Path] = new RunArtifact(artifact.Path, artifact.Digest, artifact.Length, entry.Time);
            }

            foreach (SeriesNote series in (note.Series ?? []).Where(s => s is { Count: > 0 } && TrackingRules.IsKey(s.Name)))
            {
                r.Metrics[_texts.Get(series.Name)] = Merge(r.Metrics.GetValueOrDefault(series.Name), series);
            }
        });
    }

    private static MetricSummary Merge(MetricSummary? before, SeriesNote note)
    {
        DateTimeOffset time = note.Time.ToUniversalTime();
        if (before is null)
        {
            return new MetricSummary(note.Last, note.Step, time, note.Min, note.Max, note.Count);
        }

        bool later = note.Step > before.LastStep || (note.Step == before.LastStep && time >= before.LastTime);
        return new MetricSummary(
            later ? note.Last : before.Last,
            later ? note.Step : before.LastStep,
            later ? time : before.LastTime,
            double.IsNaN(before.Minimum) || note.Min < before.Minimum ? note.Min : before.Minimum,
            double.IsNaN(before.Maximum) || note.Max > before.Maximum ? note.Max : before.Maximum,
            before.Count + note.Count);
    }

    private void Describe(LedgerEntry entry)
    {
        if (entry.Format > NewestFormat)
        {
            ExperimentOf(entry.Resource.Name, entry.Time, out _).Newer ??= new NewerNote(entry.Number, entry.Kind, entry.Format);
            return;
        }

        if (!TrackingData.TryRead(entry, TrackingJson.Default.ExperimentNote, out ExperimentNote? note) || note.Name != entry.Resource.Name)
        {
            return;
        }

        ExperimentState experiment = ExperimentOf(note.Name, entry.Time, out _);
        experiment.Updated = entry.Time;
        experiment.Description = note.Description ?? experiment.Description;
        if (note.Deleted is { } deleted && deleted != experiment.Deleted)
        {
            experiment.Deleted = deleted;
            experiment.Runs.ForEach(r => r.Change(_ => { }));
        }

        foreach ((string key, string? value) in (note.Tags ?? new Dictionary<string, string?>()).Where(t => TrackingRules.IsKey(t.Key)))
        {
            if (value is null)
            {
                experiment.Tags.Remove(key);
            }
            else if (TrackingRules.IsValue(value))
            {
                experiment.Tags[_texts.Get(key)] = value;
            }
        }
    }

    private ExperimentState ExperimentOf(string name, DateTimeOffset time, out string shared)
    {
        shared = _texts.Get(name);
        if (!_experiments.TryGetValue(shared, out ExperimentState? experiment))
        {
            _experiments.Add(shared, experiment = new ExperimentState { Created = time, Updated = time });
        }

        experiment.Updated = time > experiment.Updated ? time : experiment.Updated;
        return experiment;
    }
}

/// <summary>An entry that a newer version of the library wrote: nothing is answered about its subject.</summary>
internal sealed record NewerNote(long Number, string Kind, int Format)
{
    internal void Throw() => throw new MlopsIntegrityException(
        "registry.newer_format",
        $"Entry {Number} of the ledger ('{Kind}') has data of format {Format}; this version of the library reads up to {TrackingState.NewestFormat}. Update Mlops.Sdk in this process.");
}

internal sealed class ExperimentState
{
    internal List<TrackedRunState> Runs { get; } = [];

    internal string? Description { get; set; }

    internal SortedDictionary<string, string> Tags { get; } = new(StringComparer.Ordinal);

    internal DateTimeOffset Created { get; set; }

    internal DateTimeOffset Updated { get; set; }

    internal bool Deleted { get; set; }

    internal NewerNote? Newer { get; set; }

    internal Experiment View(string name) => new(name, Description, new Dictionary<string, string>(Tags, StringComparer.Ordinal), Runs.Count(r => !r.Deleted), Created, Updated, Deleted);
}

/// <summary>What is known of one run.</summary>
internal sealed class TrackedRunState(string runId)
{
    private static readonly Actor Nobody = new("unknown");
    private RunDetails? _view;

    internal string RunId { get; } = runId;

    internal bool Exists { get; set; }

    internal string Experiment { get; set; } = string.Empty;

    internal RunStatus Status { get; set; }

    internal string Trigger { get; set; } = string.Empty;

    internal string Reason { get; set; } = string.Empty;

    internal Actor By { get; set; } = Nobody;

    internal DateTimeOffset Started { get; set; }

    internal DateTimeOffset? Ended { get; set; }

    internal string? Message { get; set; }

    internal string? Name { get; set; }

    internal string? Parent { get; set; }

    internal string? Hypothesis { get; set; }

    internal HypothesisOutcome? Outcome { get; set; }

    internal string? Note { get; set; }

    internal string? Model { get; set; }

    internal int? Version { get; set; }

    internal bool Deleted { get; set; }

    internal EnvironmentInfo? Environment { get; set; }

    // a view shares these until the next change, which makes new ones
    internal Dictionary<string, string> Parameters { get; private set; } = new(StringComparer.Ordinal);

    internal Dictionary<string, string> Tags { get; private set; } = new(StringComparer.Ordinal);

    internal Dictionary<string, MetricSummary> Metrics { get; private set; } = new(StringComparer.Ordinal);

    internal Dictionary<string, RunArtifact> Artifacts { get; private set; } = new(StringComparer.Ordinal);

    internal List<RunDataset> Datasets { get; private set; } = [];

    internal NewerNote? Newer { get; set; }

    internal void Change(Action<TrackedRunState> change)
    {
        if (_view is not null)
        {
            _view = null;
            (Parameters, Tags) = (new(Parameters, StringComparer.Ordinal), new(Tags, StringComparer.Ordinal));
            (Metrics, Artifacts, Datasets) = (new(Metrics, StringComparer.Ordinal), new(Artifacts, StringComparer.Ordinal), [.. Datasets]);
        }

        change(this);
    }

    internal void Use(RunDataset dataset)
    {
        if (!Datasets.Contains(dataset))
        {
            Change(r => r.Datasets.Add(dataset));
        }
    }

    internal RunDetails View(bool gone) => _view ??= new RunDetails(RunId, Experiment, Status, Trigger, Reason, By, Started)
    {
        Name = Name,
        Ended = Ended,
        Message = Message,
        Hypothesis = Hypothesis,
        Outcome = Outcome,
        Note = Note,
        Parent = Parent,
        Model = Model,
        Version = Version,
        Deleted = gone,
        Parameters = Parameters,
        Tags = Tags,
        Metrics = Metrics,
        Artifacts = Artifacts,
        Datasets = Datasets,
        Environment = Environment,
    };
}

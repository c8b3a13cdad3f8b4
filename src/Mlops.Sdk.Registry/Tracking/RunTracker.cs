using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Tracking as a view of the ledger, with metric series in record logs <c>metrics/RUN-ID</c> and files in the artifact store. Thread-safe.</summary>
public sealed partial class RunTracker : IRunTracker, IAsyncDisposable
{
    private const int MaxOpenRuns = 32;
    private const int MaxEntryEstimate = 256 * 1024;
    private readonly ILedger _ledger;
    private readonly IArtifactStore _artifacts;
    private readonly RecordLogs _logs;
    private readonly TrackingState _state = new();
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly Dictionary<string, OpenRun> _open = new(StringComparer.Ordinal); // runs that callers without a handle log to
    private long _uses;
    private int _openCount;
    private int _closed;
    private volatile bool _attached;

    /// <summary>Creates a tracker.</summary>
    /// <param name="ledger">The ledger; not disposed.</param>
    /// <param name="artifacts">Where files of runs go; not disposed.</param>
    /// <param name="registry">Starts and ends runs, on the same ledger.</param>
    /// <param name="logs">Where metric series go, on the same ledger.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public RunTracker(ILedger ledger, IArtifactStore artifacts, IModelRegistry registry, RecordLogs logs, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(logs);
        (_ledger, _artifacts, Registry, _logs, Time) = (ledger, artifacts, registry, logs, time ?? TimeProvider.System);
    }

    internal IModelRegistry Registry { get; }

    internal TimeProvider Time { get; }

    /// <inheritdoc/>
    public async ValueTask<TrackedRun> StartRunAsync(RunStart start, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRun(start);
        options ??= new RunOptions();
        if (options.Name is not null)
        {
            TrackingRules.CheckKey("run", options.Name);
        }

        TrackingRules.CheckTags("tag", options.Tags);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        if (options.Parent is { } parent && (parent == start.RunId || _state.Run(parent) is null))
        {
            throw parent == start.RunId
                ? new MlopsDataException("tracking.invalid_value", $"Run '{parent}' cannot be a part of itself.")
                : NoRun(parent);
        }

        if (_state.ReadExperiment(start.Experiment, e => e?.Deleted ?? false))
        {
            throw new MlopsConflictException("tracking.experiment_deleted", $"Experiment '{start.Experiment}' was deleted, so no run starts in it. Restore it first, or use another one.");
        }

        await Registry.StartRunAsync(start, cancellationToken).ConfigureAwait(false);
        await DecideAsync(
            start.RunId,
            run => Notes(
                new RunLogNote(start.RunId)
                {
                    Name = options.Name != run.Name ? options.Name : null,
                    Parent = run.Parent is null ? options.Parent : null,
                    Environment = options.Environment is { } environment && !Same(environment, run.Environment) ? environment : null,
                },
                null,
                options.Tags.Where(t => run.Tags.GetValueOrDefault(t.Key) != t.Value).Select(t => KeyValuePair.Create(t.Key, (string?)t.Value))),
            cancellationToken).ConfigureAwait(false);
        return await OpenAsync(start.RunId, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<TrackedRun> ResumeAsync(string runId, CancellationToken cancellationToken = default) => OpenAsync(runId, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask LogBatchAsync(string runId, RunBatch batch, CancellationToken cancellationToken = default)
    {
        Check(batch);
        await LogTextsAsync(runId, batch, cancellationToken).ConfigureAwait(false);
        if (batch.Metrics.Count == 0)
        {
            return;
        }

        OpenRun shared = await TakeAsync(runId, cancellationToken).ConfigureAwait(false);
        try
        {
            foreach ((string name, MetricPoint point) in batch.Metrics)
            {
                shared.Run.LogMetric(name, point.Value, point.Step, point.Time);
            }

            if (batch.WaitUntilDurable)
            {
                await shared.Run.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref shared.Users);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Experiment> DescribeExperimentAsync(string name, ExperimentChange change, string reason, CancellationToken cancellationToken = default)
    {
        TrackingRules.CheckExperiment(name);
        ArgumentNullException.ThrowIfNull(change);
        RegistryRules.CheckReason(reason);
        TrackingRules.CheckTags("tag", change.Tags);
        if (change.Description is not null)
        {
            TrackingRules.CheckText("description", change.Description, TrackingRules.MaxNote);
        }

        ExperimentNote note = new(name) { Description = change.Description, Tags = change.Tags.Count == 0 ? null : change.Tags };
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.AppendAsync(
            $"experiment:{name}",
            () => _state.ReadExperiment(name, e => e is not null && (note.Description is null || note.Description == e.Description) && change.Tags.All(t => e.Tags.GetValueOrDefault(t.Key) == t.Value))
                ? []
                : [Draft(note, reason)],
            cancellationToken).ConfigureAwait(false);
        return _state.ReadExperiment(name, e => e!.View(name));
    }

    /// <inheritdoc/>
    public async ValueTask SetExperimentDeletedAsync(string name, bool deleted, string reason, CancellationToken cancellationToken = default)
    {
        TrackingRules.CheckExperiment(name);
        RegistryRules.CheckReason(reason);
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.AppendAsync(
            $"experiment:{name}",
            () => _state.ReadExperiment(name, e => e?.Deleted) switch
            {
                null => throw new MlopsNotFoundException("tracking.experiment_not_found", $"There is no experiment '{name}'. Describe it or start a run in it first."),
                { } now when now == deleted => [],
                _ => [Draft(new ExperimentNote(name) { Deleted = deleted }, reason)],
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask SetRunDeletedAsync(string runId, bool deleted, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRunId(runId);
        RegistryRules.CheckReason(reason);
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        LedgerDraft draft = new(TrackingKinds.RunDeleted, new LedgerResource("run", runId), reason, TrackingData.Of(new RunDeletionNote(runId, deleted), TrackingJson.Default.RunDeletionNote)) { Correlation = runId };
        await _ledger.AppendAsync(
            $"run:{runId}",
            () => _state.Read(runId, run => run?.Deleted) is { } now ? (now == deleted ? [] : [draft]) : throw NoRun(runId),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes runs that were logged to without a handle. Handles that were given out are their callers' to dispose.</summary>
    /// <returns>A task that ends when everything is durable.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        List<TrackedRun> runs;
        await _opening.WaitAsync().ConfigureAwait(false);
        try
        {
            runs = [.. _open.Values.Select(o => o.Run)];
            _open.Clear();
            Volatile.Write(ref _openCount, 0);
        }
        finally
        {
            _opening.Release();
        }

        foreach (TrackedRun run in runs)
        {
            await run.DisposeAsync().ConfigureAwait(false);
        }

        _opening.Dispose();
    }

    internal static void Check(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        TrackingRules.CheckTags("parameter", batch.Parameters);
        TrackingRules.CheckTags("tag", batch.Tags);
        TrackingRules.Require(batch.Metrics is not null, "RunBatch.Metrics is a list, not null.");
        foreach ((string name, MetricPoint _) in batch.Metrics!)
        {
            TrackingRules.CheckKey("metric", name);
        }
    }

    /// <summary>Writes parameters and tags that are new or other than before, all in one commit.</summary>
    internal ValueTask LogTextsAsync(string runId, RunBatch batch, CancellationToken cancellationToken) => DecideAsync(
        runId,
        run =>
        {
            foreach ((string key, string value) in batch.Parameters)
            {
                if (run.Parameters.TryGetValue(key, out string? before) && before != value)
                {
                    throw new MlopsConflictException(
                        "tracking.param_changed",
                        $"Parameter '{key}' of run '{runId}' is {RegistryRules.Show(before)} and was to become {RegistryRules.Show(value)}. A parameter is what the run was started with and does not change: start another run, or set a tag.");
                }
            }

            return Notes(
                new RunLogNote(runId),
                batch.Parameters.Where(p => !run.Parameters.ContainsKey(p.Key)),
                batch.Tags.Where(t => run.Tags.GetValueOrDefault(t.Key) != t.Value));
        },
        cancellationToken,
        mayBeNothing: batch.Parameters.Count == 0 && batch.Tags.Count == 0);

    internal ValueTask LogNoteAsync(RunLogNote note, CancellationToken cancellationToken) => DecideAsync(note.RunId, _ => [note], cancellationToken);

    internal async ValueTask<RunArtifact> LogArtifactAsync(string runId, string path, Stream content, CancellationToken cancellationToken)
    {
        TrackingRules.CheckPath(path);
        ArtifactInfo stored = await _artifacts.WriteAsync(content, cancellationToken).ConfigureAwait(false);
        await DecideAsync(
            runId,
            run =>
            {
                if (run.Artifacts.TryGetValue(path, out RunArtifact? same))
                {
                    return same.Digest == stored.Digest ? [] : [Note()];
                }

                foreach (string other in run.Artifacts.Keys)
                {
                    if (string.Equals(other, path, StringComparison.OrdinalIgnoreCase) || IsBelow(other, path) || IsBelow(path, other))
                    {
                        throw new MlopsConflictException(
                            "tracking.path_clash", $"Run '{runId}' has the file '{other}', and '{path}' cannot stand beside it: names that differ in case only, or a file that is a folder too, cannot be unpacked everywhere. Choose another path.");
                    }
                }

                return [Note()];
            },
            cancellationToken).ConfigureAwait(false);
        return _state.Read(runId, run => run!.Artifacts[path]);

        RunLogNote Note() => new(runId) { Artifacts = [new ArtifactNote(path, stored.Digest, stored.Length)] };
    }

    internal async ValueTask LogDatasetAsync(string runId, RunDataset dataset, CancellationToken cancellationToken)
    {
        RegistryRules.CheckRunId(runId);
        ArgumentNullException.ThrowIfNull(dataset);
        TrackingRules.CheckKey("dataset", dataset.Name);
        TrackingRules.CheckKey("dataset's role", dataset.Role);
        TrackingRules.CheckText("dataset's source", dataset.Source, TrackingRules.MaxText);
        TrackingRules.Require(dataset.Digest.HasValue, "A dataset has the digest of its content.");
        LedgerDraft draft = new(
            LedgerKinds.RunDataUsed, new LedgerResource("run", runId), "The run read a dataset.",
            LedgerData.Of(new DataUseNote(runId, dataset.Name, dataset.Digest, dataset.Source, dataset.Role))) { Correlation = runId };
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.AppendAsync($"run:{runId}", () => Writable(runId).Datasets.Contains(dataset) ? [] : [draft], cancellationToken).ConfigureAwait(false);
    }

    private static bool IsBelow(string path, string folder) =>
        path.Length > folder.Length && path[folder.Length] == '/' && path.AsSpan(0, folder.Length).Equals(folder, StringComparison.OrdinalIgnoreCase);

    private static bool Same(EnvironmentInfo environment, EnvironmentInfo? other) =>
        other is not null && JsonSerializer.Serialize(environment, TrackingJson.Default.EnvironmentInfo) == JsonSerializer.Serialize(other, TrackingJson.Default.EnvironmentInfo);

    /// <summary>Cuts parameters and tags into notes that fit into entries; the first one carries what else there is.</summary>
    private static List<RunLogNote> Notes(RunLogNote first, IEnumerable<KeyValuePair<string, string>>? parameters, IEnumerable<KeyValuePair<string, string?>>? tags)
    {
        List<RunLogNote> notes = [];
        RunLogNote note = first;
        SortedDictionary<string, string> taken = new(StringComparer.Ordinal);
        SortedDictionary<string, string?> tagged = new(StringComparer.Ordinal);
        int estimate = 0;
        foreach ((string key, string value) in parameters ?? [])
        {
            MakeRoom(key, value);
            taken[key] = value;
        }

        foreach ((string key, string? value) in tags ?? [])
        {
            MakeRoom(key, value);
            tagged[key] = value;
        }

        Close();
        return notes;

        void MakeRoom(string key, string? value)
        {
            int size = (6 * (key.Length + (value?.Length ?? 0))) + 16; // what escaping can make of it at worst
            if (estimate + size > MaxEntryEstimate)
            {
                Close();
            }

            estimate += size;
        }

        void Close()
        {
            note = note with { Parameters = taken.Count == 0 ? null : taken, Tags = tagged.Count == 0 ? null : tagged };
            if (note != new RunLogNote(note.RunId))
            {
                notes.Add(note);
            }

            note = new RunLogNote(note.RunId);
            taken = new(StringComparer.Ordinal);
            tagged = new(StringComparer.Ordinal);
            estimate = 0;
        }
    }

    private static LedgerDraft Draft(RunLogNote note) => new(
        TrackingKinds.RunLogged, new LedgerResource("run", note.RunId), "Logged to the run.", TrackingData.Of(note, TrackingJson.Default.RunLogNote)) { Correlation = note.RunId };

    private static LedgerDraft Draft(ExperimentNote note, string reason) => new(
        TrackingKinds.ExperimentDescribed, new LedgerResource("experiment", note.Name), reason, TrackingData.Of(note, TrackingJson.Default.ExperimentNote));

    private static MlopsNotFoundException NoRun(string runId) => new("registry.run_not_found", $"There is no run '{runId}'. Start it first.");

    /// <summary>Sums a segment of a run's series up, for the ledger entries that go along with it. Equal segments give equal entries.</summary>
    private static List<LedgerDraft> Summarise(string runId, RecordSegment segment)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        List<(string Name, SeriesSum Sum)> sums = [];
        int Number(string name)
        {
            if (!TrackingRules.IsKey(name))
            {
                return -1;
            }

            if (!numbers.TryGetValue(name, out int number))
            {
                numbers.Add(name, number = sums.Count);
                sums.Add((name, new SeriesSum()));
            }

            return number;
        }

        try
        {
            foreach (StoredRecord record in segment.Records)
            {
                MetricBlock.Read(record.Data.Span, Number, point => sums[point.Series].Sum.Add(point.Step, point.Ticks, point.Value));
            }
        }
        catch (FormatException)
        {
            return []; // somebody else wrote into the run's log: the segment is kept as it is, and readers name it
        }

        List<LedgerDraft> drafts = [];
        List<SeriesNote> series = [];
        int estimate = 0;
        string id = $"tracking-{segment.Note.Digest.Hex}";
        foreach ((string name, SeriesSum sum) in sums.Where(s => s.Sum.Count > 0).OrderBy(s => s.Name, StringComparer.Ordinal))
        {
            estimate += (6 * name.Length) + 300;
            series.Add(sum.ToNote(name));
            if (estimate > MaxEntryEstimate)
            {
                Close();
            }
        }

        Close();
        return drafts;

        void Close()
        {
            if (series.Count > 0)
            {
                drafts.Add(Draft(new RunLogNote(runId) { Segment = segment.Note.Key, Series = series }) with { Actor = Actor.System, Id = $"{id}-{drafts.Count}" });
            }

            series = [];
            estimate = 0;
        }
    }

    private async ValueTask DecideAsync(string runId, Func<RunDetails, IReadOnlyList<RunLogNote>> decide, CancellationToken cancellationToken, bool mayBeNothing = false)
    {
        RegistryRules.CheckRunId(runId);
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        if (mayBeNothing)
        {
            await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
            Writable(runId);
            return;
        }

        await _ledger.AppendAsync($"run:{runId}", () => [.. decide(Writable(runId)).Select(Draft)], cancellationToken).ConfigureAwait(false);
    }

    private RunDetails Writable(string runId) => _state.Run(runId) switch
    {
        null => throw NoRun(runId),
        { Deleted: true } => throw new MlopsConflictException("tracking.run_deleted", $"Run '{runId}' or its experiment was deleted, so nothing is logged to it. Restore it first."),
        { } run => run,
    };

    private async ValueTask<TrackedRun> OpenAsync(string runId, CancellationToken cancellationToken)
    {
        RegistryRules.CheckRunId(runId);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        string experiment = Writable(runId).Experiment;
        RecordLog log = await _logs.OpenAsync(
            TrackingRules.LogOf(runId),
            new RecordLogOptions { SegmentAge = TimeSpan.FromSeconds(5), Accompany = segment => Summarise(runId, segment) },
            cancellationToken).ConfigureAwait(false);
        return new TrackedRun(this, log, runId, experiment);
    }

    private async ValueTask AttachAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(_state, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }
    }

    private async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }
}

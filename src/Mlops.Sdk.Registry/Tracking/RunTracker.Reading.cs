using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Registry;

public sealed partial class RunTracker
{
    private const int MaxCompared = 100;

    /// <inheritdoc/>
    public async ValueTask<Experiment?> FindExperimentAsync(string name, CancellationToken cancellationToken = default)
    {
        TrackingRules.CheckExperiment(name);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _state.ReadExperiment(name, e => e?.View(name));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Experiment>> ListExperimentsAsync(RunView view = RunView.Active, CancellationToken cancellationToken = default)
    {
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return [.. _state.Experiments().Where(e => view == RunView.All || e.Deleted == (view == RunView.Deleted))];
    }

    /// <inheritdoc/>
    public async ValueTask<RunDetails?> GetRunAsync(string runId, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRunId(runId);
        await FlushOpenAsync(runId, cancellationToken).ConfigureAwait(false);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _state.Run(runId);
    }

    /// <inheritdoc/>
    public async ValueTask<RunPage> SearchRunsAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        await FlushOpenAsync(null, cancellationToken).ConfigureAwait(false);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return RunSearch.Run(_state.Runs(query.Experiments), query);
    }

    /// <summary>Lists all runs, deleted ones too.</summary>
    internal async ValueTask<List<RunDetails>> AllRunsAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _state.Runs(null);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunDetails>> ListChildrenAsync(string runId, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckRunId(runId);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _state.Children(runId);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<MetricPoint> MetricHistoryAsync(
        string runId, string metric, MetricQuery? query = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        query ??= new MetricQuery();
        if (query.MaxPoints < 4 || !Enum.IsDefined(query.Sampling))
        {
            throw new MlopsDataException("tracking.invalid_query", $"MetricQuery.MaxPoints is {query.MaxPoints} and Sampling {query.Sampling}; at least 4 points and a named sampling are needed.");
        }

        if (!(await ExistingAsync(runId, cancellationToken).ConfigureAwait(false)).Metrics.ContainsKey(metric))
        {
            yield break;
        }

        List<MetricPoint> points = await ReadSeriesAsync(runId, metric, query, cancellationToken).ConfigureAwait(false);
        foreach (MetricPoint point in query.MaxPoints is { } most ? MetricSampler.Sample(points, most, query.Sampling) : points)
        {
            yield return point;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<RunComparison> CompareRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(runIds);
        if (runIds.Count is < 1 or > MaxCompared)
        {
            throw new MlopsDataException("tracking.invalid_query", $"{runIds.Count} runs were to be compared; 1 to {MaxCompared} can be.");
        }

        await FlushOpenAsync(null, cancellationToken).ConfigureAwait(false);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        List<RunDetails> runs = [.. runIds.Select(id => _state.Run(id) ?? throw NoRun(id))];
        return new RunComparison(
            runs,
            [.. Names(runs, r => r.Parameters.Keys).Select(name => Row(name, runs.ConvertAll(r => r.Parameters.GetValueOrDefault(name))))],
            [.. Names(runs, r => r.Metrics.Keys).Select(name => Row(name, runs.ConvertAll(r => r.Metrics.GetValueOrDefault(name)?.Last)))]);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunArtifactItem>> ListArtifactsAsync(string runId, string folder = "", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (folder.Length > 0)
        {
            TrackingRules.CheckPath(folder);
        }

        string prefix = folder.Length == 0 ? string.Empty : folder + "/";
        SortedDictionary<string, RunArtifactItem> items = new(StringComparer.Ordinal);
        foreach ((string path, RunArtifact artifact) in (await ExistingAsync(runId, cancellationToken).ConfigureAwait(false)).Artifacts.Where(a => a.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            int slash = path.IndexOf('/', prefix.Length);
            string item = slash < 0 ? path : path[..slash];
            items.TryAdd(item, new RunArtifactItem(item, slash < 0 ? artifact : null));
        }

        return [.. items.Values];
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenArtifactAsync(string runId, string path, CancellationToken cancellationToken = default)
    {
        TrackingRules.CheckPath(path);
        RunDetails run = await ExistingAsync(runId, cancellationToken).ConfigureAwait(false);
        return run.Artifacts.TryGetValue(path, out RunArtifact? artifact)
            ? await _artifacts.OpenAsync(artifact.Digest, cancellationToken).ConfigureAwait(false)
            : throw new MlopsNotFoundException("tracking.artifact_not_found", $"Run '{runId}' has no file '{path}'. It has {run.Artifacts.Count}; list them.");
    }

    private static SortedSet<string> Names(List<RunDetails> runs, Func<RunDetails, IEnumerable<string>> names) => new(runs.SelectMany(names), StringComparer.Ordinal);

    private static ComparisonRow<T> Row<T>(string name, List<T?> values) => new(name, values, values.Exists(v => !EqualityComparer<T>.Default.Equals(v, values[0])));

    private async ValueTask<RunDetails> ExistingAsync(string runId, CancellationToken cancellationToken) => await GetRunAsync(runId, cancellationToken).ConfigureAwait(false) ?? throw NoRun(runId);

    /// <summary>Collects a series from all segments of the run, in order and each point once.</summary>
    private async ValueTask<List<MetricPoint>> ReadSeriesAsync(string runId, string metric, MetricQuery query, CancellationToken cancellationToken)
    {
        long from = query.FromStep ?? long.MinValue, to = query.ToStep ?? long.MaxValue;
        var points = new List<MetricPoint>();
        bool ordered = true;
        RecordLog log = _logs.Get(TrackingRules.LogOf(runId));
        await using (log.ConfigureAwait(false))
        {
            await foreach (StoredRecord record in log.ReadAsync(order: RecordOrder.Time, cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    MetricBlock.Read(record.Data.Span, name => name == metric ? 0 : -1, point =>
                    {
                        if (point.Step < from || point.Step > to)
                        {
                            return;
                        }

                        var next = new MetricPoint(point.Step, new DateTimeOffset(point.Ticks, TimeSpan.Zero), point.Value);
                        ordered &= points.Count == 0 || Compare(points[^1], next) < 0;
                        points.Add(next);
                    });
                }
                catch (FormatException error)
                {
                    throw new MlopsIntegrityException(
                        "tracking.unreadable_metrics",
                        $"A record of segment {record.Segment} of writer '{record.Writer}' in the log '{log.Name}' is intact and holds no metrics: {error.Message}. It was written by something else than this library, or by a newer version of it.",
                        error);
                }
            }
        }

        if (!ordered)
        {
            points = InOrder(points);
        }

        return query.LatestOfEachStep ? LatestOfEachStep(points) : points;
    }

    private static int Compare(MetricPoint x, MetricPoint y) => x.Step != y.Step ? x.Step.CompareTo(y.Step) : x.Time.UtcTicks.CompareTo(y.Time.UtcTicks);

    /// <summary>Sorts by step and time; of points with the same of both, the one that was written last stays.</summary>
    private static List<MetricPoint> InOrder(List<MetricPoint> points)
    {
        (MetricPoint Point, int Written)[] sorted = [.. points.Select((p, i) => (p, i))];
        Array.Sort(sorted, (x, y) => Compare(x.Point, y.Point) is var order && order != 0 ? order : x.Written.CompareTo(y.Written));
        points.Clear();
        foreach ((MetricPoint point, _) in sorted)
        {
            if (points.Count > 0 && Compare(points[^1], point) == 0)
            {
                points[^1] = point;
            }
            else
            {
                points.Add(point);
            }
        }

        return points;
    }

    private static List<MetricPoint> LatestOfEachStep(List<MetricPoint> points)
    {
        List<MetricPoint> latest = [];
        foreach (MetricPoint point in points)
        {
            if (latest.Count > 0 && latest[^1].Step == point.Step)
            {
                latest[^1] = point;
            }
            else
            {
                latest.Add(point);
            }
        }

        return latest;
    }
}

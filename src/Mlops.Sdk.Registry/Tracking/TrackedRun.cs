using System.Buffers;

namespace Mlops.Sdk.Registry;

/// <summary>A run that is being logged to. Thread-safe.</summary>
/// <remarks>
/// <see cref="LogMetric"/> keeps the point in memory and returns: nothing is allocated and nothing waits. Points are written as segments of the run's record log,
/// by themselves within about ten seconds or with <see cref="FlushAsync"/>. A process that is killed loses at most what was logged since; <see cref="IRunTracker.ResumeAsync"/> goes on.
/// </remarks>
public sealed class TrackedRun : IAsyncDisposable
{
    private const int Block = 4096;
    private const int MaxBuffered = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly RunTracker _tracker;
    private readonly RecordLog _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _series = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly ITimer _timer;
    private LoggedPoint[] _points = new LoggedPoint[64];
    private int _count;
    private bool _closed;

    internal TrackedRun(RunTracker tracker, RecordLog log, string runId, string experiment)
    {
        (_tracker, _log, RunId, Experiment) = (tracker, log, runId, experiment);
        _timer = tracker.Time.CreateTimer(static run => ((TrackedRun)run!).Spill(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Gets the run's id.</summary>
    public string RunId { get; }

    /// <summary>Gets the run's experiment.</summary>
    public string Experiment { get; }

    /// <summary>Adds a point to a metric series.</summary>
    /// <param name="name">The series: 1 to 250 characters without control characters.</param>
    /// <param name="value">The value; NaN and infinities are kept.</param>
    /// <param name="step">The step, such as an epoch.</param>
    /// <param name="time">When it was measured; null for now.</param>
    /// <exception cref="MlopsDataException">The name breaks the rule, or the run has 100,000 series already; code <c>tracking.invalid_value</c>.</exception>
    /// <exception cref="MlopsStorageException">The store has been away or slow for so long that more than a million points wait; code <c>tracking.buffer_full</c>. The point was not taken.</exception>
    public void LogMetric(string name, double value, long step = 0, DateTimeOffset? time = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        long ticks = (time ?? _tracker.Time.GetUtcNow()).UtcTicks;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            AddLocked(name, step, ticks, value);
        }
    }

    /// <summary>Adds one point of the same step and time to each of several series.</summary>
    /// <param name="values">The values by series.</param>
    /// <param name="step">The step.</param>
    /// <param name="time">When they were measured; null for now.</param>
    /// <exception cref="MlopsDataException">A name breaks the rule; code <c>tracking.invalid_value</c>.</exception>
    /// <exception cref="MlopsStorageException">Too many points wait; code <c>tracking.buffer_full</c>.</exception>
    public void LogMetrics(IReadOnlyDictionary<string, double> values, long step = 0, DateTimeOffset? time = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        DateTimeOffset now = time ?? _tracker.Time.GetUtcNow();
        foreach ((string name, double value) in values)
        {
            LogMetric(name, value, step, now);
        }
    }

    /// <summary>Logs several things at once: parameters and tags in one commit. Metrics are taken as by <see cref="LogMetric"/>.</summary>
    /// <param name="batch">What to log.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when parameters and tags are durable; metrics are with <see cref="FlushAsync"/>.</returns>
    /// <exception cref="MlopsConflictException">A parameter has another value already (<c>tracking.param_changed</c>) or the run was deleted (<c>tracking.run_deleted</c>); nothing was logged.</exception>
    /// <exception cref="MlopsDataException">A name or value breaks a rule; code <c>tracking.invalid_value</c>.</exception>
    public async ValueTask LogBatchAsync(RunBatch batch, CancellationToken cancellationToken = default)
    {
        RunTracker.Check(batch);
        await _tracker.LogTextsAsync(RunId, batch, cancellationToken).ConfigureAwait(false);
        foreach ((string name, MetricPoint point) in batch.Metrics)
        {
            LogMetric(name, point.Value, point.Step, point.Time);
        }
    }

    /// <summary>Writes parameters down. The same value again changes nothing.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when they are durable.</returns>
    /// <exception cref="MlopsConflictException">One has another value already; code <c>tracking.param_changed</c>. None was written.</exception>
    public ValueTask LogParametersAsync(IReadOnlyDictionary<string, string> parameters, CancellationToken cancellationToken = default) =>
        LogBatchAsync(new RunBatch { Parameters = parameters }, cancellationToken);

    /// <summary>Sets tags, and removes those with a null value.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when they are durable.</returns>
    public ValueTask SetTagsAsync(IReadOnlyDictionary<string, string?> tags, CancellationToken cancellationToken = default) =>
        LogBatchAsync(new RunBatch { Tags = tags }, cancellationToken);

    /// <summary>Stores a file of the run. The same path again replaces it; what was there before stays in the history.</summary>
    /// <param name="path">The path within the run: names joined by <c>/</c>, 1,024 characters at most.</param>
    /// <param name="content">The bytes, read to the end; not disposed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The file.</returns>
    /// <exception cref="MlopsDataException">The path is none; code <c>tracking.invalid_path</c>.</exception>
    /// <exception cref="MlopsConflictException">Another file has the path in other case, or is a folder of it; code <c>tracking.path_clash</c>.</exception>
    public ValueTask<RunArtifact> LogArtifactAsync(string path, Stream content, CancellationToken cancellationToken = default) => _tracker.LogArtifactAsync(RunId, path, content, cancellationToken);

    /// <summary>Writes down that the run reads a dataset.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when that is durable.</returns>
    public ValueTask LogDatasetAsync(RunDataset dataset, CancellationToken cancellationToken = default) => _tracker.LogDatasetAsync(RunId, dataset, cancellationToken);

    /// <summary>Writes down where the run takes place.</summary>
    /// <param name="environment">The place; see <see cref="EnvironmentCapture.Now"/>.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when that is durable.</returns>
    public ValueTask LogEnvironmentAsync(EnvironmentInfo environment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return _tracker.LogNoteAsync(new RunLogNote(RunId) { Environment = environment }, cancellationToken);
    }

    /// <summary>Writes the run's note, in Markdown.</summary>
    /// <param name="text">The note, at most 100,000 characters; replaces the one before.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is durable.</returns>
    public ValueTask SetNoteAsync(string text, CancellationToken cancellationToken = default)
    {
        TrackingRules.CheckText("note", text, TrackingRules.MaxNote);
        return _tracker.LogNoteAsync(new RunLogNote(RunId) { Note = text }, cancellationToken);
    }

    /// <summary>Writes down what became of the run's hypothesis.</summary>
    /// <param name="outcome">The outcome; replaces the one before.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is durable.</returns>
    public ValueTask SetOutcomeAsync(HypothesisOutcome outcome, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        TrackingRules.Require(Enum.IsDefined(outcome.Verdict), $"A hypothesis is Confirmed, Refuted or Inconclusive; found {outcome.Verdict}.");
        TrackingRules.CheckText("outcome", outcome.Text, TrackingRules.MaxText);
        return _tracker.LogNoteAsync(new RunLogNote(RunId) { Outcome = outcome }, cancellationToken);
    }

    /// <summary>Tells where a series stands, as of the last flush: a resumed run goes on after it.</summary>
    /// <param name="metric">The series.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The highest step, or null when there is no such series.</returns>
    public async ValueTask<long?> LastStepAsync(string metric, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return (await _tracker.GetRunAsync(RunId, cancellationToken).ConfigureAwait(false))?.Metrics.GetValueOrDefault(metric)?.LastStep;
    }

    /// <summary>Makes every point that was logged before the call durable and visible to readers of every process.</summary>
    /// <param name="cancellationToken">Stops the waiting, not the writing.</param>
    /// <returns>A task that ends when that is done.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed. The points stay in memory and are tried again.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        List<byte[]> blocks = [];
        lock (_gate)
        {
            for (int from = 0; from < _count; from += MetricBlock.MaxPoints)
            {
                _block.ResetWrittenCount();
                MetricBlock.Write(_block, _points.AsSpan(from, Math.Min(MetricBlock.MaxPoints, _count - from)), _names);
                if (blocks.Count > 0 || !_log.TryAppend(_block.WrittenSpan))
                {
                    blocks.Add(_block.WrittenSpan.ToArray());
                }
            }

            _count = 0;
        }

        await AppendAsync(blocks, cancellationToken).ConfigureAwait(false);

        await _log.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Flushes and ends the run without a version. A run that makes one is ended by <see cref="IModelRegistry.RegisterAsync(ModelManifest, string, VersionStatus, CancellationToken)"/>: flush it before.</summary>
    /// <param name="status">Completed, rejected, failed or cancelled.</param>
    /// <param name="message">What happened, for a person; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run as recorded.</returns>
    /// <exception cref="MlopsConflictException">The run has ended another way; code <c>registry.run_ended</c>.</exception>
    public async ValueTask<RunRecord> EndAsync(RunStatus status, string message, CancellationToken cancellationToken = default)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return await _tracker.Registry.EndRunAsync(new RunEnd(RunId, status, message), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Flushes and lets go of the run. It is not ended: a run whose process dies looks the same and can be resumed.</summary>
    /// <returns>A task that ends when everything is durable.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed: what was not written is lost.</exception>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        try
        {
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            await _log.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void AddLocked(string name, long step, long ticks, double value)
    {
        if (!_series.TryGetValue(name, out int series))
        {
            TrackingRules.CheckKey("metric", name);
            TrackingRules.Require(_names.Count < TrackingRules.MaxSeries, $"Run '{RunId}' has {_names.Count} metric series here, at most {TrackingRules.MaxSeries} are allowed. Log what has so many names as a file.");
            series = _names.Count;
            _names.Add(name);
            _series.Add(name, series);
        }

        if (_count == _points.Length || (_count >= Block && _count % Block == 0))
        {
            MakeRoomLocked();
        }

        if (_count == 0)
        {
            _timer.Change(Patience, Timeout.InfiniteTimeSpan);
        }

        _points[_count++] = new LoggedPoint(series, step, ticks, value);
    }

    private void MakeRoomLocked()
    {
        if (_count >= Block && TrySpillLocked())
        {
            return;
        }

        if (_count >= MaxBuffered)
        {
            throw new MlopsStorageException("tracking.buffer_full", $"{_count} metric points of run '{RunId}' wait to be written and the store does not take them. Look at the store, then flush; the point was not taken.");
        }

        if (_count == _points.Length)
        {
            Array.Resize(ref _points, _points.Length * 2);
        }
    }

    private bool TrySpillLocked()
    {
        if (_count > MetricBlock.MaxPoints)
        {
            return false; // the store was away: the next flush writes them in parts
        }

        _block.ResetWrittenCount();
        MetricBlock.Write(_block, _points.AsSpan(0, _count), _names);
        if (!_log.TryAppend(_block.WrittenSpan))
        {
            return false;
        }

        _count = 0;
        return true;
    }

    private void Spill()
    {
        lock (_gate)
        {
            if (_count > 0 && !_closed && !TrySpillLocked())
            {
                _timer.Change(Patience, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Appends blocks that found no room at once; when even waiting fails, the points of those not taken go back into memory.</summary>
    private async ValueTask AppendAsync(List<byte[]> blocks, CancellationToken cancellationToken)
    {
        int taken = 0;
        try
        {
            for (; taken < blocks.Count; taken++)
            {
                await _log.AppendAsync(blocks[taken], cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            lock (_gate)
            {
                List<LoggedPoint> back = [];
                blocks.Skip(taken).ToList().ForEach(block => MetricBlock.Read(block, name => _series[name], back.Add));
                LoggedPoint[] all = new LoggedPoint[Math.Max(64, back.Count + _count)];
                back.CopyTo(all);
                _points.AsSpan(0, _count).CopyTo(all.AsSpan(back.Count));
                (_points, _count) = (all, back.Count + _count);
            }

            throw;
        }
    }
}

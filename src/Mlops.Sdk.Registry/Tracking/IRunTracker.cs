namespace Mlops.Sdk.Registry;

/// <summary>Experiments and their runs: parameters, metric series, tags, files, notes. Runs are those of <see cref="IModelRegistry"/>, by the same ids.</summary>
/// <remarks>
/// Thread-safe. Every reading call sees all that was committed before it, by any process. Parameters, tags and files are on the ledger when
/// a call returns; points of metric series when <see cref="TrackedRun.FlushAsync"/> returns, or by themselves within seconds.
/// </remarks>
public interface IRunTracker
{
    /// <summary>Starts a run. Starting a run id again gives a handle to the run that there is.</summary>
    /// <param name="start">The run.</param>
    /// <param name="options">What else to write down, or null.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run, to be disposed by the caller: that flushes it and does not end it.</returns>
    /// <exception cref="MlopsNotFoundException">The parent is no run; code <c>registry.run_not_found</c>.</exception>
    ValueTask<TrackedRun> StartRunAsync(RunStart start, RunOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Goes on with a run whose process ended: takes in what that process wrote and did not commit, and continues every series.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run, to be disposed by the caller. <see cref="TrackedRun.LastStepAsync"/> tells where a series stands.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such run; code <c>registry.run_not_found</c>.</exception>
    ValueTask<TrackedRun> ResumeAsync(string runId, CancellationToken cancellationToken = default);

    /// <summary>Logs several things to a run and makes them durable: for callers that keep no handle. Each call with metrics writes a segment, so log many points at once.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="batch">What to log.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when everything is durable; see <see cref="RunBatch.WaitUntilDurable"/>.</returns>
    /// <exception cref="MlopsConflictException">A parameter has another value already (<c>tracking.param_changed</c>) or the run was deleted (<c>tracking.run_deleted</c>); nothing was logged.</exception>
    /// <exception cref="MlopsDataException">A name or value breaks a rule; code <c>tracking.invalid_value</c>.</exception>
    ValueTask LogBatchAsync(string runId, RunBatch batch, CancellationToken cancellationToken = default);

    /// <summary>Describes an experiment, making it when there is none.</summary>
    /// <param name="name">The experiment's name.</param>
    /// <param name="change">What to write.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The experiment as it is now.</returns>
    ValueTask<Experiment> DescribeExperimentAsync(string name, ExperimentChange change, string reason, CancellationToken cancellationToken = default);

    /// <summary>Deletes an experiment and with it its runs from listings, or restores it. Nothing is erased.</summary>
    /// <param name="name">The experiment's name.</param>
    /// <param name="deleted">True to delete, false to restore.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when that is done; repeating it changes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such experiment; code <c>tracking.experiment_not_found</c>.</exception>
    ValueTask SetExperimentDeletedAsync(string name, bool deleted, string reason, CancellationToken cancellationToken = default);

    /// <summary>Deletes a run from listings, or restores it. Nothing is erased.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="deleted">True to delete, false to restore.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when that is done; repeating it changes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such run; code <c>registry.run_not_found</c>.</exception>
    ValueTask SetRunDeletedAsync(string runId, bool deleted, string reason, CancellationToken cancellationToken = default);

    /// <summary>Finds an experiment.</summary>
    /// <param name="name">The experiment's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The experiment, or null.</returns>
    ValueTask<Experiment?> FindExperimentAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Lists experiments.</summary>
    /// <param name="view">Which ones.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The experiments by name.</returns>
    ValueTask<IReadOnlyList<Experiment>> ListExperimentsAsync(RunView view = RunView.Active, CancellationToken cancellationToken = default);

    /// <summary>Finds a run.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The run, or null. A deleted one is found too.</returns>
    ValueTask<RunDetails?> GetRunAsync(string runId, CancellationToken cancellationToken = default);

    /// <summary>Searches runs.</summary>
    /// <param name="query">What to look for.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A page of runs.</returns>
    /// <exception cref="MlopsDataException">The filter (<c>tracking.invalid_filter</c>), the order or the page token (<c>tracking.invalid_query</c>) does not read.</exception>
    ValueTask<RunPage> SearchRunsAsync(RunQuery query, CancellationToken cancellationToken = default);

    /// <summary>Lists the runs that are a part of a run.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The runs in the order they were started.</returns>
    ValueTask<IReadOnlyList<RunDetails>> ListChildrenAsync(string runId, CancellationToken cancellationToken = default);

    /// <summary>Reads a metric series by step, then time; a point that was written twice, by a run that was resumed, comes once, as written last.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="metric">The metric's name.</param>
    /// <param name="query">Which points; null for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The points. The series is held in memory, 24 bytes a point.</returns>
    /// <exception cref="MlopsIntegrityException">A segment is damaged or missing; code <c>records.corrupt</c> or <c>records.missing</c>.</exception>
    IAsyncEnumerable<MetricPoint> MetricHistoryAsync(string runId, string metric, MetricQuery? query = null, CancellationToken cancellationToken = default);

    /// <summary>Puts runs side by side.</summary>
    /// <param name="runIds">The ids, 1 to 100.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Their parameters and metrics as a table.</returns>
    /// <exception cref="MlopsNotFoundException">One is no run; code <c>registry.run_not_found</c>.</exception>
    ValueTask<RunComparison> CompareRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken = default);

    /// <summary>Lists files and folders of a run, one level.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="folder">The folder; empty for the top.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The items by path; empty when there is no such folder.</returns>
    ValueTask<IReadOnlyList<RunArtifactItem>> ListArtifactsAsync(string runId, string folder = "", CancellationToken cancellationToken = default);

    /// <summary>Opens a file of a run.</summary>
    /// <param name="runId">The run's id.</param>
    /// <param name="path">The file's path.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The bytes, to be disposed by the caller; verified as they are read, see <see cref="IArtifactStore.OpenAsync"/>.</returns>
    /// <exception cref="MlopsNotFoundException">The run has no such file; code <c>tracking.artifact_not_found</c>.</exception>
    ValueTask<Stream> OpenArtifactAsync(string runId, string path, CancellationToken cancellationToken = default);
}

using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>Runs pipelines. Thread-safe; a run that had ended before, in any process, is answered from its record.</summary>
public sealed partial class PipelineRunner
{
    private const int MaxTurns = 3;
    private readonly IModelRegistry _registry;
    private readonly IArtifactStore _artifacts;
    private readonly IObjectStore _store;
    private readonly IEnumerable<IModelFormat> _formats;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IReferenceFileSource[] _files;

    /// <summary>Creates a runner.</summary>
    /// <param name="registry">Where runs and versions are registered.</param>
    /// <param name="artifacts">Where models and reports are stored.</param>
    /// <param name="store">Where the step cache is.</param>
    /// <param name="formats">Load the champion for comparison.</param>
    /// <param name="time">The clock of durations; null for the system's.</param>
    /// <param name="logger">Takes what a person should know; null for none.</param>
    /// <param name="files">Make files of facts that are stored with each version, such as those that its later performance is held against; null for none.</param>
    public PipelineRunner(
        IModelRegistry registry,
        IArtifactStore artifacts,
        IObjectStore store,
        IEnumerable<IModelFormat> formats,
        TimeProvider? time = null,
        ILogger<PipelineRunner>? logger = null,
        IEnumerable<IReferenceFileSource>? files = null)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(formats);
        (_registry, _artifacts, _store, _formats) = (registry, artifacts, store, formats);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<PipelineRunner>.Instance;
        _files = [.. files ?? []];
    }

    /// <summary>Gets the id of the run that a pipeline and key stand for.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="key">The key.</param>
    /// <returns>32 hexadecimal digits.</returns>
    public static string RunIdOf(string pipeline, string key)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return Digest.Of(Encoding.UTF8.GetBytes($"{pipeline.Length}:{pipeline}:{key}")).Hex[..32];
    }

    /// <summary>Runs a pipeline from source to registered version.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="definition">The pipeline.</param>
    /// <param name="options">Why, and how the run is recorded.</param>
    /// <param name="progress">Is told of every step; null for nobody.</param>
    /// <param name="cancellationToken">Stops the run, also while a model is being trained; the outcome is then <see cref="Cancelled"/>.</param>
    /// <returns>What it did. A rejected, failed or cancelled run is a result; exceptions are for misuse.</returns>
    /// <exception cref="MlopsException">The definition is incomplete, an option is wrong, or the reason is blank.</exception>
    public async Task<PipelineRun> RunAsync<T>(PipelineDefinition<T> definition, PipelineRunOptions options, IProgress<StepEvent>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.Reason))
        {
            throw new MlopsException("ledger.reason_required", $"A run of '{definition.Name}' needs a reason; none was given. Say in a few words why.");
        }

        PipelinePlan<T> plan = definition.Plan();
        foreach ((string name, CandidateOptions candidate) in plan.Candidates)
        {
            candidate.Check(name);
        }

        if (options.Key is { } key && (await FindAsync(definition.Name, key, cancellationToken).ConfigureAwait(false)).Ended is { } before)
        {
            return before;
        }

        var log = new StepLog(definition.Name, _time, progress);
        using var run = new RunInProgress<T>(definition.Name, plan, options, log, _registry, _artifacts, _formats, _time, new CandidateTraining(_store, _artifacts), _files);
        try
        {
            PipelineRun made = await RunAsync(run, definition.Name, cancellationToken).ConfigureAwait(false);
            LogEnded(definition.Name, made.RunId, made.Outcome.ToString());
            return made;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogCancelled(definition.Name, log.Current);
            return await EndAsync(run, definition.Name, new Cancelled(log.Current), RunStatus.Cancelled, $"cancelled during {log.Current}").ConfigureAwait(false);
        }
        catch (MlopsDataException error) when (error.Code == "data.contract_violated")
        {
            LogRejected(definition.Name, error.Message);
            return await EndAsync(run, definition.Name, new Rejected(error.Message, null), RunStatus.Rejected, error.Message).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // sources, labels and trainers are the caller's code and may throw anything: the outcome says what and where
            LogFailed(definition.Name, log.Current, error);
            return await EndAsync(run, definition.Name, new Failed(log.Current, error), RunStatus.Failed, $"{log.Current}: {error.Message}").ConfigureAwait(false);
        }
    }

    /// <summary>Tells whether a key was used: its run made a version, was rejected or failed. One that was cancelled or whose process died goes on.</summary>
    internal async ValueTask<bool> IsUsedAsync(string pipeline, string key, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunRecord> runs = await _registry.ListRunsAsync(pipeline, cancellationToken).ConfigureAwait(false);
        return AttemptsAt(pipeline, key, runs).Any(r => r.Record?.Status is RunStatus.Registered or RunStatus.Rejected or RunStatus.Failed);
    }

    private static string AttemptKey(string key, int attempt) => attempt == 1 ? key : FormattableString.Invariant($"{key}#{attempt}");

    /// <summary>Lists the ids of a key's attempts with their records, up to and with the one that has not ended.</summary>
    private static IEnumerable<(string RunId, RunRecord? Record)> AttemptsAt(string pipeline, string key, IReadOnlyList<RunRecord> runs)
    {
        Dictionary<string, RunRecord> byId = runs.ToDictionary(r => r.RunId, StringComparer.Ordinal);
        for (int attempt = 1; ; attempt++)
        {
            string runId = RunIdOf(pipeline, AttemptKey(key, attempt));
            RunRecord? record = byId.GetValueOrDefault(runId);
            yield return (runId, record);
            if (record is null or { Status: RunStatus.Running })
            {
                yield break;
            }
        }
    }

    private async Task<PipelineRun> RunAsync<T>(RunInProgress<T> run, string pipeline, CancellationToken cancellationToken)
    {
        await run.ReadAsync(cancellationToken).ConfigureAwait(false);
        for (int turn = 1; ; turn++)
        {
            (run.RunId, PipelineRun? ended) = await FindAsync(pipeline, run.Key, cancellationToken).ConfigureAwait(false);
            try
            {
                return ended ?? await run.MakeVersionAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (MlopsConflictException error) when (error.Code == "registry.run_ended" && turn < MaxTurns)
            {
                LogOvertaken(pipeline, run.RunId); // another process ran the same key and ended it first: its record is the answer
            }
        }
    }

    private async Task<PipelineRun> EndAsync<T>(RunInProgress<T> run, string pipeline, RunOutcome outcome, RunStatus status, string message)
    {
        (run.RunId, PipelineRun? ended) = await FindAsync(pipeline, run.Key, CancellationToken.None).ConfigureAwait(false);
        return ended ?? await run.EndAsync(outcome, status, message).ConfigureAwait(false);
    }

    /// <summary>Finds the run of a key: its record when it made a version, or else the id to run under. A run that made none, or whose version was deleted, is tried again under a new id.</summary>
    private async Task<(string RunId, PipelineRun? Ended)> FindAsync(string pipeline, string key, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunRecord> runs = await _registry.ListRunsAsync(pipeline, cancellationToken).ConfigureAwait(false);
        foreach ((string runId, RunRecord? record) in AttemptsAt(pipeline, key, runs))
        {
            if (record?.Version is { } number && await _registry.FindVersionAsync(pipeline, number, cancellationToken).ConfigureAwait(false) is { Deleted: false } version)
            {
                ModelManifest manifest = await _registry.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
                RunReport report = await RunReports.ReadAsync(manifest, _artifacts, cancellationToken).ConfigureAwait(false);
                return (runId, new PipelineRun(runId, pipeline, RunOutcome.Of(version), report, Repeated: true));
            }

            if (record is null or { Status: RunStatus.Running })
            {
                return (runId, null);
            }
        }

        throw new System.Diagnostics.UnreachableException("The attempts at a key end with one that has not ended.");
    }

    [LoggerMessage(3001, LogLevel.Error, "Pipeline {Pipeline} failed in step {Step}.")]
    private partial void LogFailed(string pipeline, string step, Exception error);

    [LoggerMessage(3002, LogLevel.Information, "Pipeline {Pipeline} was cancelled in step {Step}.")]
    private partial void LogCancelled(string pipeline, string step);

    [LoggerMessage(3003, LogLevel.Information, "Pipeline {Pipeline} ended run {RunId}: {Outcome}.")]
    private partial void LogEnded(string pipeline, string runId, string outcome);

    [LoggerMessage(3004, LogLevel.Warning, "Pipeline {Pipeline} was rejected by its contract: {Reason}")]
    private partial void LogRejected(string pipeline, string reason);

    [LoggerMessage(3005, LogLevel.Information, "Run {RunId} of pipeline {Pipeline} was ended by another process first.")]
    private partial void LogOvertaken(string pipeline, string runId);
}

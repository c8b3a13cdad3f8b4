using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Pipelines;

/// <summary>Runs pipelines. Thread-safe; a run that had ended before, in any process, is answered from its record.</summary>
public sealed partial class PipelineRunner
{
    private readonly IModelRegistry _registry;
    private readonly IArtifactStore _artifacts;
    private readonly IObjectStore _store;
    private readonly IEnumerable<IModelFormat> _formats;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Creates a runner.</summary>
    /// <param name="registry">Where runs and versions are registered.</param>
    /// <param name="artifacts">Where models and reports are stored.</param>
    /// <param name="store">Where the step cache is.</param>
    /// <param name="formats">Load the champion for comparison.</param>
    /// <param name="time">The clock of durations; null for the system's.</param>
    /// <param name="logger">Takes what a person should know; null for none.</param>
    public PipelineRunner(
        IModelRegistry registry,
        IArtifactStore artifacts,
        IObjectStore store,
        IEnumerable<IModelFormat> formats,
        TimeProvider? time = null,
        ILogger<PipelineRunner>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(formats);
        (_registry, _artifacts, _store, _formats) = (registry, artifacts, store, formats);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<PipelineRunner>.Instance;
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
        var run = new RunInProgress<T>(definition.Name, plan, options, log, _registry, _artifacts, _formats, new CandidateTraining(_store, _artifacts));
        try
        {
            await run.ReadAsync(cancellationToken).ConfigureAwait(false);
            (run.RunId, PipelineRun? ended) = await FindAsync(definition.Name, run.Key, cancellationToken).ConfigureAwait(false);
            return ended ?? await run.MakeVersionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogCancelled(definition.Name, log.Current);
            return await run.EndAsync(new Cancelled(log.Current), RunStatus.Cancelled, $"cancelled during {log.Current}").ConfigureAwait(false);
        }
        catch (MlopsDataException error) when (error.Code == "data.contract_violated")
        {
            return await run.EndAsync(new Rejected(error.Message, null), RunStatus.Rejected, error.Message).ConfigureAwait(false);
        }
        catch (Exception error) when (error is MlopsException or InvalidOperationException or ArgumentException or IOException or AggregateException or FormatException or NotSupportedException)
        {
            LogFailed(definition.Name, log.Current, error);
            return await run.EndAsync(new Failed(log.Current, error), RunStatus.Failed, $"{log.Current}: {error.Message}").ConfigureAwait(false);
        }
        finally
        {
            run.Dispose();
        }
    }

    /// <summary>Finds the run of a key: its record when it made a version, or else the id to run under. A run that failed is tried again under a new id.</summary>
    private async Task<(string RunId, PipelineRun? Ended)> FindAsync(string pipeline, string key, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunRecord> runs = await _registry.ListRunsAsync(pipeline, cancellationToken).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            string runId = RunIdOf(pipeline, attempt == 1 ? key : $"{key}#{attempt}");
            RunRecord? record = runs.FirstOrDefault(r => r.RunId == runId);
            if (record is null or { Status: RunStatus.Running })
            {
                return (runId, null);
            }

            if (record.Version is { } number && await _registry.FindVersionAsync(pipeline, number, cancellationToken).ConfigureAwait(false) is { } version)
            {
                ModelManifest manifest = await _registry.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
                RunReport report = await RunReports.ReadAsync(manifest, _artifacts, cancellationToken).ConfigureAwait(false);
                RunOutcome outcome = version.Status == VersionStatus.Validated ? new Registered(version) : new Rejected(version.Reason, version);
                return (runId, new PipelineRun(runId, pipeline, outcome, report, Repeated: true));
            }
        }
    }

    [LoggerMessage(3001, LogLevel.Error, "Pipeline {Pipeline} failed in step {Step}.")]
    private partial void LogFailed(string pipeline, string step, Exception error);

    [LoggerMessage(3002, LogLevel.Information, "Pipeline {Pipeline} was cancelled in step {Step}.")]
    private partial void LogCancelled(string pipeline, string step);
}

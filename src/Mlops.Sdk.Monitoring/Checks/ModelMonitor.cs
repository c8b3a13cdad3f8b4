using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Closes windows, compares them with the reference of the version that answered, raises alerts and starts retraining. Thread-safe.</summary>
/// <remarks>
/// A window with fewer rows than <see cref="DriftOptions.MinimumRows"/> stays open and grows. A closed one is stored and committed to the
/// ledger by digest together with the alert it raises: one commit, decided at the end of the ledger, so that of any number of hosts that
/// see the same drift one raises the alert. Disposing closes what is open.
/// </remarks>
public sealed partial class ModelMonitor : IAsyncDisposable
{
    private readonly ILedger _ledger;
    private readonly IModelCatalog _catalog;
    private readonly IArtifactStore _artifacts;
    private readonly IObjectStore _store;
    private readonly PredictionRecorder _recorder;
    private readonly IRetrainingTrigger? _trigger;
    private readonly IIdGenerator _ids;
    private readonly TimeProvider _time;
    private readonly MonitoringOptions _options;
    private readonly ILogger _logger;
    private readonly MonitoringMetrics _metrics;
    private readonly AlertBook _book = new();
    private readonly MonitorExtensions _extensions;
    private readonly WindowParts _parts;
    private readonly ConcurrentDictionary<string, ModelChecks> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WatchedModel> _watched = new(StringComparer.Ordinal);
    private int _disposed;

    /// <summary>Creates a monitor.</summary>
    /// <param name="ledger">Where windows and alerts are committed.</param>
    /// <param name="catalog">Where versions are found.</param>
    /// <param name="artifacts">Where references are read.</param>
    /// <param name="store">Where windows are written.</param>
    /// <param name="recorder">What records predictions.</param>
    /// <param name="ids">Makes ids.</param>
    /// <param name="time">The clock.</param>
    /// <param name="options">The options, or null for the defaults.</param>
    /// <param name="trigger">What starts retraining, or null for nothing.</param>
    /// <param name="logger">The log, or null.</param>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public ModelMonitor(
        ILedger ledger,
        IModelCatalog catalog,
        IArtifactStore artifacts,
        IObjectStore store,
        PredictionRecorder recorder,
        IIdGenerator ids,
        TimeProvider time,
        MonitoringOptions? options = null,
        IRetrainingTrigger? trigger = null,
        ILogger<ModelMonitor>? logger = null)
        : this(ledger, catalog, artifacts, store, recorder, ids, time, options, trigger, logger, [], MonitorExtensions.None)
    {
    }

    internal ModelMonitor(
        ILedger ledger,
        IModelCatalog catalog,
        IArtifactStore artifacts,
        IObjectStore store,
        PredictionRecorder recorder,
        IIdGenerator ids,
        TimeProvider time,
        MonitoringOptions? options,
        IRetrainingTrigger? trigger,
        ILogger<ModelMonitor>? logger,
        IEnumerable<WatchedModel> watched,
        MonitorExtensions? extensions = null)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(recorder);
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(time);
        _ledger = ledger;
        _catalog = catalog;
        _artifacts = artifacts;
        _store = store;
        _recorder = recorder;
        _ids = ids;
        _time = time;
        _options = options ?? new MonitoringOptions();
        _trigger = trigger;
        _logger = logger ?? NullLogger<ModelMonitor>.Instance;
        _extensions = extensions ?? MonitorExtensions.None;
        _metrics = new MonitoringMetrics(_book);
        _parts = new WindowParts(store, ids, time, recorder.Options, _logger);
        foreach (WatchedModel model in watched)
        {
            _watched[model.Model] = model;
            OptionsOf(model.Model).Check();
        }

        OptionsOf(string.Empty).Check();
    }

    /// <summary>Checks what a model saw since its last window was closed.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the check; what was recorded is kept for the next one.</param>
    /// <returns>The report about the version that went into service last, and the alert when it drifted.</returns>
    /// <exception cref="MlopsException">The reference cannot be read, or the store or ledger not be written; what was recorded is kept for the next check.</exception>
    public async ValueTask<MonitorCheck> CheckAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return await CheckAsync(model, actor: null, closing: false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Checks a table as if a version had just seen its rows: windows and alerts are written as for recorded rows.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version whose reference to compare with.</param>
    /// <param name="table">The rows. The model's outputs are not compared.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>The report, and the alert when it drifted. Checking the same rows again writes nothing new.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDataException">The version has no reference (<c>monitoring.no_reference</c>), or the rows do not fit (<c>data.column_missing</c>, <c>data.column_kind</c>).</exception>
    public async ValueTask<MonitorCheck> CheckAsync(string model, int version, Table table, CancellationToken cancellationToken = default)
    {
        (Reference reference, MonitorWindow window) = await CountAsync(model, version, table, cancellationToken).ConfigureAwait(false);
        ModelChecks checks = _models.GetOrAdd(model, _ => new ModelChecks());
        await checks.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await CloseAsync(reference, window, mayAlert: true, actor: null, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            checks.Gate.Release();
        }
    }

    /// <summary>Compares a table with a version's reference. Nothing is written.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="table">The rows. The model's outputs are not compared.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDataException">The version has no reference (<c>monitoring.no_reference</c>), or the rows do not fit (<c>data.column_missing</c>, <c>data.column_kind</c>).</exception>
    public async ValueTask<DriftReport> CompareAsync(string model, int version, Table table, CancellationToken cancellationToken = default)
    {
        (Reference reference, MonitorWindow window) = await CountAsync(model, version, table, cancellationToken).ConfigureAwait(false);
        MonitoringOptions options = OptionsOf(model);
        return DriftDetector.Compare(reference.Profile, window, options.Drift, options.Alerts);
    }

    /// <summary>Closes and stores every window, however few rows it has, so that a clean stop loses nothing.</summary>
    /// <returns>A task that ends when all that could be stored is. A failure is logged.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await StopAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    internal async Task StopAsync()
    {
        foreach (string model in _recorder.Models.Concat(_models.Keys).Distinct(StringComparer.Ordinal).ToArray())
        {
            try
            {
                await CheckAsync(model, Actor.System, closing: true, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is MlopsException or IOException or ObjectDisposedException)
            {
                _logger.CheckFailed(model, (e as MlopsException)?.Code ?? e.GetType().Name, e);
            }
        }
    }

    internal WatchedModel? WatchOf(string model) => _watched.GetValueOrDefault(model);

    internal MonitoringOptions OptionsOf(string model)
    {
        var options = new MonitoringOptions { Interval = _options.Interval, Drift = _options.Drift.Copy(), Alerts = _options.Alerts.Copy() };
        if (_watched.TryGetValue(model, out WatchedModel? watched))
        {
            options.Interval = watched.Interval ?? options.Interval;
            watched.Drift?.Invoke(options.Drift);
            watched.Alerts?.Invoke(options.Alerts);
        }

        return options;
    }

    /// <summary>What is kept of a model between two checks.</summary>
    private sealed class ModelChecks
    {
        internal SemaphoreSlim Gate { get; } = new(1, 1);

        /// <summary>Gets the windows that are not in the ledger yet.</summary>
        internal List<OpenWindow> Open { get; } = [];
    }

    /// <summary>A version's reference.</summary>
    private sealed record Reference(ModelVersion Version, ModelSchema Schema, Digest Digest, ReferenceProfile Profile);
}

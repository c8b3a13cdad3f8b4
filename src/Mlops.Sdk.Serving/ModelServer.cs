using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>
/// Serves models inside this process: loads the version that an alias names, follows the alias on the ledger, and swaps new versions in
/// without a failed call. One server per process is enough for any number of models.
/// </summary>
/// <remarks>
/// Thread-safe. A new version is read, verified, loaded and warmed to the side; then one reference is swapped, and the version before is
/// freed after its last call. A version that cannot be taken into service changes nothing: it is told in <see cref="Status"/> and on
/// the ledger, and the next one is tried as if nothing had happened.
/// </remarks>
public sealed class ModelServer : IServingStatus, IAsyncDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<ServedModel> _served = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ILedger _ledger;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DeploymentLog _deployments;
    private readonly ServingMetrics _metrics;
    private readonly ServingContext _context;
    private Task? _following;
    private Task? _stopping;

    /// <summary>Creates a server. It does nothing until a predictor is asked for.</summary>
    /// <param name="catalog">Where versions and aliases are looked up.</param>
    /// <param name="ledger">The ledger to follow and to write deployments to.</param>
    /// <param name="artifacts">Where the versions' files are.</param>
    /// <param name="formats">What can be loaded.</param>
    /// <param name="verifiers">Checks that a version must pass before any loader sees it.</param>
    /// <param name="observers">Those who see every prediction.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ids">Makes the ids of ledger entries.</param>
    /// <param name="logger">The log.</param>
    /// <param name="options">The host's name and the patience when stopping; null for defaults.</param>
    public ModelServer(
        IModelCatalog catalog,
        ILedger ledger,
        IArtifactStore artifacts,
        IEnumerable<IModelFormat> formats,
        IEnumerable<IArtifactVerifier> verifiers,
        IEnumerable<IPredictionObserver> observers,
        TimeProvider time,
        IIdGenerator ids,
        ILogger<ModelServer> logger,
        ServingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(formats);
        ArgumentNullException.ThrowIfNull(verifiers);
        ArgumentNullException.ThrowIfNull(observers);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(logger);
        options ??= new ServingOptions();
        Host = options.Host ?? $"{Environment.MachineName}/{Environment.ProcessId}";
        _ledger = ledger;
        _time = time;
        _logger = logger;
        _deployments = new DeploymentLog(ledger, ids, Host, time, logger);
        var list = new ObserverList(observers, time, logger);
        _metrics = new ServingMetrics(LiveVersions, () => list.Faults);
        _context = new ServingContext(new VersionLoader(catalog, artifacts, [.. formats], [.. verifiers], list, time, logger), _deployments, list, _metrics, time, options.DrainTimeout, logger);
    }

    /// <summary>Gets the name under which this process appears in deployments.</summary>
    public string Host { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ModelStatus> Status => [.. Snapshot().Select(s => s.Status)];

    /// <summary>Gets a predictor of a model, and loads the model when this process does not serve it yet.</summary>
    /// <typeparam name="TIn">The row: a plain record.</typeparam>
    /// <typeparam name="TOut">The answer: a plain record whose members are named after the model's outputs.</typeparam>
    /// <param name="model">The model's name.</param>
    /// <param name="options">Which version; null to follow the alias <c>champion</c>.</param>
    /// <param name="cancellationToken">Stops waiting for the load.</param>
    /// <returns>
    /// The predictor, good for the server's life. When no version could be taken into service it is returned all the same: it throws
    /// <c>serving.not_ready</c> until one is, and <see cref="Status"/> says why.
    /// </returns>
    /// <exception cref="MlopsModelException">The version in service does not fit the types; code <c>serving.wrong_columns</c>.</exception>
    /// <exception cref="ObjectDisposedException">The server was stopped.</exception>
    public async Task<IPredictor<TIn, TOut>> GetPredictorAsync<TIn, TOut>(string model, ServedModelOptions? options = null, CancellationToken cancellationToken = default)
    {
        ServedModel served = Serve(model, options);
        if (served.Current is null)
        {
            await served.UpdateAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return (Predictor<TIn, TOut>)served.AddView(new Predictor<TIn, TOut>(served), check: true);
    }

    /// <summary>Brings every served model to the version that its alias names now, without waiting for the next look at the ledger. A version that was refused is tried again.</summary>
    /// <param name="cancellationToken">Stops waiting; the loading goes on.</param>
    /// <returns>A task that ends when each one is in service or was refused; <see cref="Status"/> says which.</returns>
    public Task RefreshAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(Snapshot().Select(s => s.UpdateAsync(insist: true))).WaitAsync(cancellationToken);

    /// <summary>Takes all models out of service: waits for the calls that are under way, frees the models and ends their deployments on the ledger.</summary>
    /// <returns>A task that ends when that is done. A call that does not return within the drain timeout is not waited for; its model is freed when it does.</returns>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopping ??= Task.Run(StopCoreAsync);
        }
    }

    /// <inheritdoc cref="StopAsync"/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _deployments.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
        _stop.Dispose();
    }

    /// <summary>Makes a predictor without loading: <see cref="RefreshAsync"/> does that.</summary>
    internal IPredictor<TIn, TOut> Declare<TIn, TOut>(string model, ServedModelOptions options)
    {
        // the view comes first, so that no version goes live that does not fit it
        ServedModel served = Serve(model, options, first: s => new Predictor<TIn, TOut>(s));
        return (Predictor<TIn, TOut>)served.AddView(new Predictor<TIn, TOut>(served), check: false);
    }

    /// <summary>Finds or adds a served model and follows the ledger from now on.</summary>
    internal ServedModel Serve(string model, ServedModelOptions? options, Func<ServedModel, View>? first = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        options ??= new ServedModelOptions();
        options.Check();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            ServedModel? served = _served.Find(s => s.Name == model && s.Pinned == options.Version && (s.Pinned is not null || s.Alias == options.Alias));
            if (served is null)
            {
                served = new ServedModel(_context, model, options, _stop.Token);
                if (first is not null)
                {
                    served.AddView(first(served), check: false);
                }

                _served.Add(served);
            }

            _following ??= Background.Run(() => FollowAsync(_stop.Token));
            return served;
        }
    }

    private ServedModel[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _served];
        }
    }

    private IEnumerable<LiveVersion> LiveVersions() => Snapshot().Select(s => s.Current).OfType<LiveVersion>();

    /// <summary>Follows the ledger for all models at once, and comes back whenever that breaks.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        long? cursor = null;
        TimeSpan wait = FirstWait;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (cursor is null)
                {
                    cursor = (await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false)).Entries;

                    // what moved before the cursor stood is caught by looking once more
                    foreach (ServedModel served in Snapshot())
                    {
                        _ = served.UpdateAsync();
                    }
                }

                await foreach (LedgerEntry entry in _ledger.FollowAsync(cursor.Value, cancellationToken).ConfigureAwait(false))
                {
                    cursor = entry.Number + 1;
                    wait = FirstWait;
                    Handle(entry);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _logger.FollowFailed(wait.TotalSeconds, e);
            }

            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }
    }

    private void Handle(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Kind is not (LedgerKinds.AliasMoved or LedgerKinds.VersionRegistered))
        {
            return;
        }

        string? alias = entry.Kind == LedgerKinds.AliasMoved && LedgerData.TryRead(entry.Data, out AliasNote? move) ? move.Alias : null;
        foreach (ServedModel served in Snapshot())
        {
            // an alias move whose data is newer than this library is looked into for every alias
            bool concerned = entry.Kind == LedgerKinds.AliasMoved
                ? served.Alias is not null && (alias is null || served.Alias == alias)
                : served.Pinned is not null && served.Current is null;
            if (concerned && served.Name == entry.Resource.Name)
            {
                _ = served.UpdateAsync();
            }
        }
    }

    private async Task StopCoreAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task? following;
        lock (_gate)
        {
            following = _following;
        }

        if (following is not null)
        {
            await following.ConfigureAwait(false);
        }

        await Task.WhenAll(Snapshot().Select(s => s.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _deployments.CloseAsync().ConfigureAwait(false);
    }
}

using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Pipelines;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Serving;

namespace Mlops.Sdk;

/// <summary>
/// The door without a host: opens a workspace and runs the whole life of models in it. Programs with dependency injection call
/// <c>services.AddMlops(...)</c> instead and may ask the container for this type too; the engine is the same.
/// </summary>
/// <remarks>Thread-safe. Any number of processes may have one workspace open.</remarks>
public sealed partial class MlopsWorkspace : IAsyncDisposable
{
    /// <summary>The alias that names the version in service.</summary>
    public const string Champion = "champion";

    private readonly IServiceProvider _services;
    private readonly ServiceProvider? _owned;

    /// <summary>Creates the workspace of a container.</summary>
    /// <param name="services">A container with the services of <c>AddMlops</c>.</param>
    public MlopsWorkspace(IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(services);
        _services = services;
    }

    private MlopsWorkspace(ServiceProvider services)
        : this((IServiceProvider)services) => _owned = services;

    /// <summary>Gets the store that holds everything.</summary>
    public IObjectStore Store => _services.GetRequiredService<IObjectStore>();

    /// <summary>Gets the content-addressed files.</summary>
    public IArtifactStore Artifacts => _services.GetRequiredService<IArtifactStore>();

    /// <summary>Gets the ledger of everything that happened.</summary>
    public ILedger Ledger => _services.GetRequiredService<ILedger>();

    /// <summary>Gets models, versions, aliases and runs.</summary>
    public IModelRegistry Registry => _services.GetRequiredService<IModelRegistry>();

    /// <summary>Gets the pipeline runner.</summary>
    public PipelineRunner Pipelines => _services.GetRequiredService<PipelineRunner>();

    /// <summary>Gets the model server.</summary>
    public ModelServer Server => _services.GetRequiredService<ModelServer>();

    /// <summary>Gets the monitor.</summary>
    public ModelMonitor Monitor => _services.GetRequiredService<ModelMonitor>();

    /// <summary>Gets who used which model when, how fast and at what cost.</summary>
    public UsageLog Usage => _services.GetRequiredService<UsageLog>();

    /// <summary>Gets what makes reports about watched models.</summary>
    public MonitoringReports Reports => _services.GetRequiredService<MonitoringReports>();

    /// <summary>Gets experiments and tracked runs: parameters, metric series, files.</summary>
    public IRunTracker Runs => _services.GetRequiredService<IRunTracker>();

    /// <summary>Gets catalog search, model cards and lineage.</summary>
    public ModelDiscovery Discovery => _services.GetRequiredService<ModelDiscovery>();

    /// <summary>Gets what carries versions from one workspace to another.</summary>
    public ModelBundles Bundles => _services.GetRequiredService<ModelBundles>();

    /// <summary>Gets what takes existing models in.</summary>
    public ModelImports Imports => _services.GetRequiredService<ModelImports>();

    /// <summary>Gets what removes files that nothing names any more.</summary>
    public ArtifactCollector Collector => _services.GetRequiredService<ArtifactCollector>();

    /// <summary>Opens a workspace in a folder, made when it is not there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="configure">Sets more up, as with <c>AddMlops</c>; null for defaults.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>The workspace, to be disposed by the caller.</returns>
    /// <exception cref="MlopsStorageException">The folder cannot be used.</exception>
    /// <exception cref="MlopsIntegrityException">The ledger is not what was written.</exception>
    public static Task<MlopsWorkspace> OpenAsync(string folder = "mlops-data", Action<IMlopsBuilder>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return OpenAsync(builder => configure.Then(builder.UseFolder(folder)), cancellationToken);
    }

    /// <summary>Opens a workspace in a store of your own.</summary>
    /// <param name="store">The store.</param>
    /// <param name="configure">Sets more up, as with <c>AddMlops</c>; null for defaults.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>The workspace, to be disposed by the caller.</returns>
    public static Task<MlopsWorkspace> OpenAsync(IObjectStore store, Action<IMlopsBuilder>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return OpenAsync(builder => configure.Then(builder.UseStore(store)), cancellationToken);
    }

    /// <summary>Runs a pipeline from source to registered version.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="key">What makes the run that run: the same key never makes two versions; null for the content of data and definition.</param>
    /// <param name="progress">Is told of every step; null for nobody.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>What it did; rejected, failed and cancelled runs are results too.</returns>
    public Task<PipelineRun> RunAsync<T>(PipelineDefinition<T> pipeline, string reason, string? key = null, IProgress<StepEvent>? progress = null, CancellationToken cancellationToken = default) =>
        Pipelines.RunAsync(pipeline, new PipelineRunOptions { Reason = reason, Key = key, Trigger = key ?? "manual" }, progress, cancellationToken);

    /// <summary>Puts the version of a run into service: moves the alias <c>champion</c> to it, unless that or a later version is there already.</summary>
    /// <param name="run">The run.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version in service after the call.</returns>
    /// <exception cref="MlopsDeniedException">The run made no version that may be promoted; code <c>registry.version_rejected</c>.</exception>
    public async Task<ModelVersion> PromoteAsync(PipelineRun run, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (run.Version is not { } version)
        {
            throw new MlopsDeniedException("registry.version_rejected", $"The run {run.RunId} of '{run.Pipeline}' made no version ({run.Outcome}), so there is nothing to promote.");
        }

        ModelVersion? champion = await Registry.FindAliasAsync(version.Model, Champion, cancellationToken).ConfigureAwait(false);
        if (champion is not null && champion.Number >= version.Number)
        {
            return champion;
        }

        await Registry.MoveAliasAsync(version.Model, Champion, version.Number, reason, expected: champion?.Number ?? 0, cancellationToken).ConfigureAwait(false);
        await Server.RefreshAsync(cancellationToken).ConfigureAwait(false); // other processes hear of it by following the ledger; this one need not wait
        return version;
    }

    /// <summary>Gets a predictor that follows the alias <c>champion</c> of a model, ready to answer.</summary>
    /// <typeparam name="TIn">The row.</typeparam>
    /// <typeparam name="TOut">The answer.</typeparam>
    /// <param name="model">The model's name.</param>
    /// <param name="options">Another alias, or a fixed version; null for the champion.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The predictor; it lives as long as the workspace.</returns>
    public Task<IPredictor<TIn, TOut>> ServeAsync<TIn, TOut>(string model, ServedModelOptions? options = null, CancellationToken cancellationToken = default) =>
        Server.GetPredictorAsync<TIn, TOut>(model, options, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_owned is not null)
        {
            await _owned.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<MlopsWorkspace> OpenAsync(Action<IMlopsBuilder> configure, CancellationToken cancellationToken)
    {
        ServiceProvider services = new ServiceCollection().AddMlops(configure).BuildServiceProvider();
        try
        {
            services.GetService<Microsoft.Extensions.Options.IStartupValidator>()?.Validate();
            await services.GetRequiredService<LedgerHolder>().OpenAsync(cancellationToken).ConfigureAwait(false);
            return new MlopsWorkspace(services);
        }
        catch
        {
            await services.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}

internal static class ConfigureExtensions
{
    internal static void Then(this Action<IMlopsBuilder>? configure, IMlopsBuilder builder) => configure?.Invoke(builder);
}

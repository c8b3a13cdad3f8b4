using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds monitoring to Mlops.Sdk.</summary>
public static class MonitoringMlopsBuilderExtensions
{
    /// <summary>Adds the recorder of predictions and <see cref="ModelMonitor"/>, and says which models this host watches.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Says which models are watched and how; null for none. May be called again for more.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// Every model that the process serves is recorded; a watched one is checked again and again while the host runs, any other when
    /// <see cref="ModelMonitor.CheckAsync(string, CancellationToken)"/> is called. Options come from section <c>Mlops:Monitoring</c>.
    /// </remarks>
    public static IMlopsBuilder AddMonitoring(this IMlopsBuilder builder, Action<MonitoringBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.AddUsage().Services;
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptionsWithValidateOnStart<MonitoringOptions, MonitoringOptionsRanges>().BindConfiguration(MonitoringOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MonitoringOptions>, MonitoringOptionsOrder>());
        services.TryAddSingleton(provider => new PredictionRecorder(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IIdGenerator>(),
            provider.GetService<ILogger<PredictionRecorder>>(),
            provider.GetRequiredService<IOptions<RecordingOptions>>().Value));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPredictionObserver, PredictionRecorder>(provider => provider.GetRequiredService<PredictionRecorder>()));
        services.TryAddSingleton(provider => new ModelMonitor(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IModelCatalog>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<PredictionRecorder>(),
            provider.GetRequiredService<IIdGenerator>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptions<MonitoringOptions>>().Value,
            provider.GetService<IRetrainingTrigger>(),
            provider.GetService<ILogger<ModelMonitor>>(),
            provider.GetServices<WatchedModel>(),
            new MonitorExtensions(provider.GetServices<ISignalSource>, provider.GetServices<IAlertExplainer>)));
        services.TryAddSingleton(provider => new MonitorHistory(provider.GetRequiredService<ILedger>(), provider.GetRequiredService<IObjectStore>()));
        services.TryAddSingleton(provider => new MonitoringReports(
            provider.GetRequiredService<ModelMonitor>(),
            provider.GetRequiredService<MonitorHistory>(),
            provider.GetRequiredService<IModelCatalog>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetService<QualityMonitor>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, MonitoringHostedService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, AlertHandlerService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, WindowInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, SignalInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, PartInspector>());
        RecordingMlopsBuilderExtensions.AddRecording(services);
        configure?.Invoke(new MonitoringBuilder(services));
        return builder;
    }
}

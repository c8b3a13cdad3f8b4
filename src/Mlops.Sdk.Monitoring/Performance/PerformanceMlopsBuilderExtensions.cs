using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the monitoring of performance to Mlops.Sdk.</summary>
public static class PerformanceMlopsBuilderExtensions
{
    /// <summary>Adds <see cref="PerformanceMonitor"/>: it sees what the process serves, takes in truths, and measures when windows close; and has pipelines store a version's <c>performance.json</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Says what is measured of single models besides the standard metrics; null for nothing. May be called again for more.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>Options come from section <c>Mlops:Monitoring:Performance</c>.</remarks>
    public static IMlopsBuilder AddPerformance(this IMlopsBuilder builder, Action<PerformanceBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptionsWithValidateOnStart<PerformanceOptions, PerformanceOptionsRanges>().BindConfiguration(PerformanceOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PerformanceOptions>, PerformanceOptionsOrder>());
        services.TryAddSingleton(provider => new RecordLogs(
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IIdGenerator>()));
        services.TryAddSingleton(provider => new PerformanceMonitor(
            provider.GetRequiredService<RecordLogs>(),
            provider.GetRequiredService<IModelCatalog>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptions<PerformanceOptions>>().Value,
            provider.GetServices<PerformancePlan>(),
            provider.GetService<ILogger<PerformanceMonitor>>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPredictionObserver, PerformanceMonitor>(provider => provider.GetRequiredService<PerformanceMonitor>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISignalSource, PerformanceMonitor>(provider => provider.GetRequiredService<PerformanceMonitor>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceFileSource, PerformanceFiles>());
        configure?.Invoke(new PerformanceBuilder(services));
        return builder;
    }
}

/// <summary>Says what is measured of single models.</summary>
public sealed class PerformanceBuilder
{
    private readonly IServiceCollection _services;

    internal PerformanceBuilder(IServiceCollection services) => _services = services;

    /// <summary>Says what is measured of a model besides the standard metrics. A second call for a model replaces the first.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="configure">Says what.</param>
    /// <returns>This builder.</returns>
    public PerformanceBuilder Measure(string model, Action<PerformancePlanBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var plan = new PerformancePlanBuilder(model);
        configure(plan);
        _services.AddSingleton(plan.Build());
        return this;
    }

    /// <summary>Changes the options, over what the configuration says.</summary>
    /// <param name="configure">Changes them.</param>
    /// <returns>This builder.</returns>
    public PerformanceBuilder Configure(Action<PerformanceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _services.Configure(configure);
        return this;
    }
}

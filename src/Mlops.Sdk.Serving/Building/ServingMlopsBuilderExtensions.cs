using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Serving;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds serving to Mlops.Sdk.</summary>
public static class ServingMlopsBuilderExtensions
{
    /// <summary>Adds the model server, and declares the models this host serves.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Declares models; null for none. May be called again to declare more.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// Declared models are loaded when the host starts. A model without a version yet does not stop the host: its predictor throws
    /// <c>serving.not_ready</c> and the health check says so until a version is promoted. Options come from section <c>Mlops:Serving</c>.
    /// </remarks>
    public static IMlopsBuilder AddServing(this IMlopsBuilder builder, Action<ServingBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptionsWithValidateOnStart<ServingOptions, ServingOptionsValidator>().BindConfiguration(ServingOptions.Section);
        services.TryAddSingleton(provider => new ModelServer(
            provider.GetRequiredService<IModelCatalog>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetServices<IModelFormat>(),
            provider.GetServices<IArtifactVerifier>(),
            provider.GetServices<IPredictionObserver>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IIdGenerator>(),
            provider.GetService<ILogger<ModelServer>>() ?? NullLogger<ModelServer>.Instance,
            provider.GetRequiredService<IOptions<ServingOptions>>().Value));
        services.TryAddSingleton<IServingStatus>(provider => provider.GetRequiredService<ModelServer>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ServingHostedService>());
        configure?.Invoke(new ServingBuilder(services));
        return builder;
    }

    /// <summary>Adds a health check of the served models.</summary>
    /// <param name="builder">The builder of health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What to report when a declared model does not answer; null for unhealthy.</param>
    /// <param name="tags">Tags to filter checks by, such as <c>ready</c>.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>Healthy: every model answers with its newest target. Degraded: one was refused and the version before answers. Otherwise not ready.</remarks>
    public static IHealthChecksBuilder AddMlopsServing(
        this IHealthChecksBuilder builder,
        string name = "mlops-serving",
        HealthStatus? failureStatus = null,
        params IEnumerable<string> tags)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, provider => new ServingHealthCheck(provider.GetRequiredService<IServingStatus>()), failureStatus, tags));
    }
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Registry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Turns the log of reads on.</summary>
public static class AccessLogBuilderExtensions
{
    /// <summary>Notes who read which manifest or model file and who asked which version for predictions when, in this process. Ask <see cref="AccessLog"/> for what was noted anywhere.</summary>
    /// <param name="builder">The builder; an artifact store is registered already, as <c>AddMlops</c> does.</param>
    /// <param name="configure">Sets the options; wins over configuration section <c>Mlops:AccessLog</c>. Null for none.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">No artifact store is registered; code <c>registry.invalid_access_log</c>.</exception>
    public static IMlopsBuilder AddAccessLog(this IMlopsBuilder builder, Action<AccessLogOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (configure is not null)
        {
            services.Configure(configure);
        }

        if (services.Any(s => s.ServiceType == typeof(AccessLog)))
        {
            return builder; // a second call must not log everything twice
        }

        ServiceDescriptor inner = services.LastOrDefault(s => s.ServiceType == typeof(IArtifactStore) && !s.IsKeyedService)
            ?? throw new MlopsException("registry.invalid_access_log", $"{nameof(AddAccessLog)} found no {nameof(IArtifactStore)} to stand before. Call it within AddMlops, or register the store first.");
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.TryAddSingleton<IActorAccessor, ProcessActorAccessor>();
        services.AddOptionsWithValidateOnStart<AccessLogOptions, AccessLogOptionsRanges>().BindConfiguration(AccessLogOptions.Section);
        services.AddSingleton(provider => new AccessLog(
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IActorAccessor>(),
            provider.GetRequiredService<IOptions<AccessLogOptions>>().Value,
            provider.GetService<TimeProvider>(),
            provider.GetService<IIdGenerator>()));
        services.AddSingleton<IPredictionObserver>(provider => new AccessLogObserver(provider.GetRequiredService<AccessLog>()));
        services.Remove(inner);
        services.AddSingleton<IArtifactStore>(provider => new AccessLoggingArtifactStore(
            (IArtifactStore)(inner.ImplementationInstance ?? inner.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!)),
            provider.GetRequiredService<AccessLog>(),
            provider.GetRequiredService<IActorAccessor>()));
        return builder;
    }
}

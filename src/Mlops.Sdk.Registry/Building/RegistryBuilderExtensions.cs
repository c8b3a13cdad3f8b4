using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Registry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the registry to Mlops.Sdk.</summary>
public static class RegistryBuilderExtensions
{
    /// <summary>Adds <see cref="IModelRegistry"/> and <see cref="IModelCatalog"/>: one and the same, over the <see cref="ILedger"/> and <see cref="IArtifactStore"/> of the container; and <see cref="IRunTracker"/> with <see cref="RecordLogs"/> over its <see cref="IObjectStore"/>; <see cref="ModelDiscovery"/> with its search, cards and lineage.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options; null for defaults.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder AddRegistry(this IMlopsBuilder builder, Action<RegistryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions();
        if (configure is not null)
        {
            builder.Services.Configure(configure);
        }

        builder.Services.TryAddSingleton(provider => new ModelRegistry(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetService<ILogger<ModelRegistry>>(),
            provider.GetRequiredService<IOptions<RegistryOptions>>().Value));
        builder.Services.TryAddSingleton<IModelRegistry>(provider => provider.GetRequiredService<ModelRegistry>());
        builder.Services.TryAddSingleton<IModelCatalog>(provider => provider.GetRequiredService<IModelRegistry>());
        builder.Services.AddTracking();
        builder.AddNotifications().AddBundles();
        builder.Services.AddDiscovery();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, VersionInspector>(provider => new VersionInspector(provider.GetRequiredService<ModelRegistry>(), provider.GetRequiredService<RunTracker>())));
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, DeliveryInspector>());
        return builder;
    }
}

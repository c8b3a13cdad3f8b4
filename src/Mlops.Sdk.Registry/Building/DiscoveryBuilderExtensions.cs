using Microsoft.Extensions.DependencyInjection.Extensions;
using Mlops.Sdk;
using Mlops.Sdk.Registry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds search, cards and lineage to the registry.</summary>
internal static class DiscoveryBuilderExtensions
{
    internal static void AddDiscovery(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => new ModelDiscovery(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<IModelCatalog>(),
            provider.GetService<TimeProvider>(),
            provider.GetService<IActorAccessor>()));
        services.TryAddSingleton(provider => provider.GetRequiredService<ModelDiscovery>().Catalog);
        services.TryAddSingleton(provider => provider.GetRequiredService<ModelDiscovery>().Cards);
        services.TryAddSingleton(provider => provider.GetRequiredService<ModelDiscovery>().Lineage);
    }
}

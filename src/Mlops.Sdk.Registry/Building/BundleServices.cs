using Microsoft.Extensions.DependencyInjection.Extensions;
using Mlops.Sdk;
using Mlops.Sdk.Registry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>What moves versions in and out.</summary>
internal static class BundleServices
{
    internal static IMlopsBuilder AddBundles(this IMlopsBuilder builder)
    {
        builder.Services.TryAddSingleton(provider => new ModelBundles(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<ModelRegistry>()));
        builder.Services.TryAddSingleton(provider => new ModelImports(
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<ModelRegistry>(),
            provider.GetServices<IModelImporter>()));
        return builder;
    }
}

using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class ContainerTests
{
    [Fact]
    public async Task Both_faces_are_one_registry_and_adding_it_twice_does_no_harm()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts);
        builder.AddRegistry().AddRegistry();
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        IModelRegistry registry = provider.GetRequiredService<IModelRegistry>();
        Assert.Same(registry, provider.GetRequiredService<IModelCatalog>());
        Assert.Single(provider.GetServices<IModelRegistry>());
        ModelVersion version = await registry.RegisterAsync(await workspace.ManifestAsync(), "why");
        Assert.Equal(version.Digest, (await workspace.Registry.FindVersionAsync("taxi-fare", 1))!.Digest);
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mlops.Sdk;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds Mlops.Sdk to a host.</summary>
public static class MlopsServiceCollectionExtensions
{
    /// <summary>Adds the whole of Mlops.Sdk: store, ledger, registry, pipelines, serving, monitoring, governance.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Says where the workspace is, which models are served, watched and trained; null for a folder <c>mlops-data</c> and nothing else.</param>
    /// <returns>The same services.</returns>
    /// <remarks>
    /// Options come from configuration section <c>Mlops</c> and from <paramref name="configure"/>, which wins. A wrong value stops the host
    /// when it starts, naming the key. Calling it again adds to the same workspace.
    /// </remarks>
    public static IServiceCollection AddMlops(this IServiceCollection services, Action<IMlopsBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddLogging();
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.AddOptionsWithValidateOnStart<MlopsOptions, MlopsOptionsValidator>().BindConfiguration(MlopsOptions.Section);

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IIdGenerator>(provider => new TimeOrderedIdGenerator(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<IActorAccessor, ProcessActorAccessor>();
        services.TryAddSingleton<IObjectStore>(provider =>
            new FolderObjectStore(provider.GetRequiredService<IOptions<MlopsOptions>>().Value.Folder, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<IArtifactStore>(provider => new ArtifactStore(provider.GetRequiredService<IObjectStore>()));
        services.TryAddSingleton(provider => new ArtifactCollector(
            provider.GetRequiredService<IObjectStore>(), provider.GetRequiredService<ILedger>(), provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<LedgerHolder>();
        services.TryAddSingleton<ILedger>(provider => provider.GetRequiredService<LedgerHolder>().Ledger);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, WorkspaceStarter>());
        services.TryAddSingleton<MlopsWorkspace>();
        services.AddStoreInspectors();

        var builder = new MlopsBuilder(services);
        builder.AddRegistry().AddPipelines().AddServing().AddMonitoring().AddGovernance();
        configure?.Invoke(builder);
        return services;
    }

    /// <summary>Adds what verifies the objects that Core keeps; the other packages add their own.</summary>
    private static void AddStoreInspectors(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, LedgerInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, CursorInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, ArtifactInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, RecordInspector>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, ForeignFileInspector>());
    }
}

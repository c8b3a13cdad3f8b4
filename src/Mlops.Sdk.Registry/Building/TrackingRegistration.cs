using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mlops.Sdk.Registry;

/// <summary>What tracking adds to the container.</summary>
internal static class TrackingRegistration
{
    internal static void AddTracking(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => new RecordLogs(
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetService<TimeProvider>(),
            provider.GetService<IIdGenerator>()));
        services.TryAddSingleton(provider => new RunTracker(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<IModelRegistry>(),
            provider.GetRequiredService<RecordLogs>(),
            provider.GetService<TimeProvider>()));
        services.TryAddSingleton<IRunTracker>(provider => provider.GetRequiredService<RunTracker>());
    }
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Sets up how use is counted.</summary>
public static class UsageBuilderExtensions
{
    /// <summary>Counts the calls of all models that this process serves. <c>AddMonitoring</c>, and so <c>AddMlops</c>, calls it already; call it to change options.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options; wins over configuration section <c>Mlops:Usage</c>. Null for none.</param>
    /// <returns>The same builder.</returns>
    /// <remarks><c>Mlops:Usage:Enabled=false</c> turns counting off: calls are then not timed either.</remarks>
    public static IMlopsBuilder AddUsage(this IMlopsBuilder builder, Action<UsageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptionsWithValidateOnStart<UsageOptions, UsageOptionsRanges>().BindConfiguration(UsageOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UsageOptions>, UsageOptionsRules>());
        services.TryAddSingleton(provider => new UsageLog(
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IOptions<UsageOptions>>().Value,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetService<IIdGenerator>(),
            provider.GetService<ILogger<UsageLog>>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPredictionObserver, UsageLog>(provider => provider.GetRequiredService<UsageLog>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISignalSource, UsageSignals>(provider => new UsageSignals(provider.GetRequiredService<UsageLog>())));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, UsageHostedService>());
        return builder;
    }
}

/// <summary>Writes what was counted when the host stops: before the ledger closes, and though nobody disposes the host.</summary>
internal sealed class UsageHostedService(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        UsageLog log = services.GetRequiredService<UsageLog>();
        try
        {
            await log.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException error)
        {
            services.GetService<ILogger<UsageLog>>()?.UsageNotWritten(error.Code, error); // disposing tries once more
        }
    }
}

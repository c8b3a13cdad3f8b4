using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Governance;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds governance to Mlops.Sdk.</summary>
public static class GovernanceBuilderExtensions
{
    /// <summary>Adds the approval and access rules as guards of the ledger, <see cref="ApprovalService"/> and <see cref="AuditLog"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options; wins over configuration. Null for none.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// Options come from configuration section <c>Mlops:Governance</c>; a wrong one stops the host when it starts, naming the key. Register an
    /// <see cref="IAccessPolicy"/> of your own to decide who may do what; without one everything is allowed and recorded.
    /// </remarks>
    public static IMlopsBuilder AddGovernance(this IMlopsBuilder builder, Action<GovernanceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.TryAddSingleton<IConfiguration>(_ => new ConfigurationBuilder().Build());
        services.AddOptionsWithValidateOnStart<GovernanceOptions, GovernanceOptionsRanges>().BindConfiguration(GovernanceOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GovernanceOptions>, GovernanceOptionsAliases>());
        services.TryAddSingleton<IAccessPolicy, AllowAllPolicy>();
        services.TryAddSingleton(provider => new ApprovalGuard(provider.GetRequiredService<IOptions<GovernanceOptions>>().Value));
        services.TryAddSingleton<IApprovalGate>(provider => provider.GetRequiredService<ApprovalGuard>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILedgerGuard, AccessGuard>(provider => new AccessGuard(provider.GetRequiredService<IAccessPolicy>())));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILedgerGuard, ApprovalGuard>(provider => provider.GetRequiredService<ApprovalGuard>()));
        services.TryAddSingleton(provider => new ApprovalService(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<ApprovalGuard>(),
            provider.GetRequiredService<IActorAccessor>(),
            provider.GetService<ILogger<ApprovalService>>()));
        services.TryAddSingleton(provider => new AuditLog(provider.GetRequiredService<ILedger>()));
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return builder;
    }
}

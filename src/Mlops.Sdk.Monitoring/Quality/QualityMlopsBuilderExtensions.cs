using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds data quality in service to Mlops.Sdk.</summary>
public static class QualityMlopsBuilderExtensions
{
    /// <summary>Adds <see cref="QualityMonitor"/>, which judges every window that closes, and <see cref="QualityRecorder"/> for raw rows.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options; null to take them from section <c>Mlops:Monitoring:Quality</c> alone.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder AddDataQuality(this IMlopsBuilder builder, Action<QualityOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.AddMonitoring().Services;
        services.AddOptionsWithValidateOnStart<QualityOptions, QualityOptionsRanges>().BindConfiguration(QualityOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<QualityOptions>, QualityOptionsRules>());
        services.TryAddSingleton<QualityRecorder>();
        services.TryAddSingleton(provider => new QualityMonitor(
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<QualityRecorder>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptions<QualityOptions>>().Value));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISignalSource, QualityMonitor>(provider => provider.GetRequiredService<QualityMonitor>()));
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return builder;
    }
}

[OptionsValidator]
internal sealed partial class QualityOptionsRanges : IValidateOptions<QualityOptions>;

internal sealed class QualityOptionsRules : IValidateOptions<QualityOptions>
{
    public ValidateOptionsResult Validate(string? name, QualityOptions options) =>
        options.WhyNot() is { } problem ? ValidateOptionsResult.Fail($"{QualityOptions.Section}:{problem}") : ValidateOptionsResult.Success;
}

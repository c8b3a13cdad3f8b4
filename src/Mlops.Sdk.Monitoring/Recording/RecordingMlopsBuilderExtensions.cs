using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Says what is recorded of predictions.</summary>
public static class RecordingMlopsBuilderExtensions
{
    /// <summary>Changes what is recorded, over what the configuration section <c>Mlops:Monitoring:Recording</c> says.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder ConfigureRecording(this IMlopsBuilder builder, Action<RecordingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure(configure);
        return builder;
    }

    /// <summary>Adds the options and the flushing of open windows.</summary>
    internal static void AddRecording(IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<RecordingOptions>().BindConfiguration(RecordingOptions.Section);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RecordingOptions>, RecordingOptionsRules>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RecordingFlushService>());
    }
}

using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Mlops.Sdk;
using Mlops.Sdk.Data;
using Mlops.Sdk.Pipelines;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds pipelines to a host.</summary>
public static class PipelinesBuilderExtensions
{
    /// <summary>Adds the runner, retraining and ML.NET as a model format. Calling it again adds pipelines.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Adds pipelines; null for none.</param>
    /// <returns>The same builder.</returns>
    public static IMlopsBuilder AddPipelines(this IMlopsBuilder builder, Action<PipelinesBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMLNet();
        builder.Services.TryAddSingleton(services => new PipelineRunner(
            services.GetRequiredService<IModelRegistry>(),
            services.GetRequiredService<IArtifactStore>(),
            services.GetRequiredService<IObjectStore>(),
            services.GetServices<IModelFormat>(),
            services.GetService<TimeProvider>(),
            services.GetService<ILogger<PipelineRunner>>(),
            services.GetServices<IReferenceFileSource>()));
        builder.Services.TryAddSingleton<IRetrainingTrigger, PipelineRetrainer>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreInspector, StepCacheInspector>());
        configure?.Invoke(new PipelinesBuilder(builder.Services));
        return builder;
    }
}

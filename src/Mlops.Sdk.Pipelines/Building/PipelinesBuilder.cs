using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mlops.Sdk.Pipelines;

/// <summary>Adds pipelines that a host can run and that monitoring can start.</summary>
public sealed class PipelinesBuilder
{
    private readonly IServiceCollection _services;

    internal PipelinesBuilder(IServiceCollection services) => _services = services;

    /// <summary>Adds a pipeline whose constructor takes services, scoped ones too: it is made anew in a scope of its own for every run. Adding it again does nothing.</summary>
    /// <typeparam name="TPipeline">The pipeline's class.</typeparam>
    /// <returns>The same builder.</returns>
    public PipelinesBuilder Add<TPipeline>()
        where TPipeline : PipelineDefinition
    {
        _services.TryAddEnumerable(ServiceDescriptor.Transient<PipelineDefinition, TPipeline>());
        return this;
    }

    /// <summary>Adds a pipeline that is made anew for every run, so that it sees the data of that moment.</summary>
    /// <param name="make">Makes it.</param>
    /// <returns>The same builder.</returns>
    public PipelinesBuilder Add(Func<IServiceProvider, PipelineDefinition> make)
    {
        _services.AddTransient(make);
        return this;
    }
}

using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk.Pipelines;

/// <summary>Adds pipelines that a host can run and that monitoring can start.</summary>
public sealed class PipelinesBuilder
{
    private readonly IServiceCollection _services;

    internal PipelinesBuilder(IServiceCollection services) => _services = services;

    /// <summary>Adds a pipeline whose constructor takes services.</summary>
    /// <typeparam name="TPipeline">The pipeline's class.</typeparam>
    /// <returns>The same builder.</returns>
    public PipelinesBuilder Add<TPipeline>()
        where TPipeline : PipelineDefinition
    {
        _services.AddTransient<PipelineDefinition, TPipeline>();
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

/// <summary>Starts the pipeline that makes a model, once per key.</summary>
internal sealed class PipelineRetrainer(IServiceProvider services, PipelineRunner runner, IModelRegistry registry) : IRetrainingTrigger
{
    public async ValueTask<RunRecord?> TriggerAsync(string model, string key, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentException.ThrowIfNullOrEmpty(key);
        string runId = PipelineRunner.RunIdOf(model, key);
        if ((await registry.ListRunsAsync(model, cancellationToken).ConfigureAwait(false)).Any(r => r.RunId == runId && r.Status != RunStatus.Running))
        {
            return null;
        }

        PipelineDefinition definition = services.GetServices<PipelineDefinition>().FirstOrDefault(p => p.Name == model)
            ?? throw new MlopsNotFoundException("pipeline.not_found", $"No pipeline named '{model}' was added, so it cannot be retrained. Add it with AddPipelines(p => p.Add<YourPipeline>()).");
        await definition.RunOnAsync(runner, new PipelineRunOptions { Reason = reason, Trigger = key, Key = key }, null, cancellationToken).ConfigureAwait(false);
        return (await registry.ListRunsAsync(model, cancellationToken).ConfigureAwait(false)).FirstOrDefault(r => r.RunId == runId);
    }
}

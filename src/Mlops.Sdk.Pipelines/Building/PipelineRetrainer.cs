using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk.Pipelines;

/// <summary>Starts the pipeline that makes a model, once per key.</summary>
/// <remarks>
/// A key that made a version, was rejected or failed is used. A run that was cancelled, such as by the host's stop, or whose process died,
/// goes on with the next call. Two processes that call at the same moment may both train; only one of them ends the run.
/// </remarks>
internal sealed class PipelineRetrainer(IServiceScopeFactory scopes, PipelineRunner runner, IModelRegistry registry) : IRetrainingTrigger
{
    public async ValueTask<RunRecord?> TriggerAsync(string model, string key, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (await runner.IsUsedAsync(model, key, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        AsyncServiceScope scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            PipelineDefinition definition = scope.ServiceProvider.GetServices<PipelineDefinition>().FirstOrDefault(p => p.Name == model)
                ?? throw new MlopsNotFoundException("pipeline.not_found", $"No pipeline named '{model}' was added, so it cannot be retrained. Add it with AddPipelines(p => p.Add<YourPipeline>()).");
            PipelineRun run = await definition.RunOnAsync(runner, new PipelineRunOptions { Reason = reason, Trigger = key, Key = key }, null, cancellationToken).ConfigureAwait(false);
            return (await registry.ListRunsAsync(model, cancellationToken).ConfigureAwait(false)).FirstOrDefault(r => r.RunId == run.RunId);
        }
    }
}

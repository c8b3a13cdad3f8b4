using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class PipelineRetrainerTests
{
    [Fact]
    public async Task A_trigger_runs_the_pipeline_of_the_model_once_per_key_also_across_processes()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await using ServiceProvider services = Services(workspace, p => p.Add<Scheduled>());
        IRetrainingTrigger trigger = services.GetRequiredService<IRetrainingTrigger>();
        RunRecord? run = await trigger.TriggerAsync("late-rides", "drift:1", "speed has drifted");
        Assert.Equal((RunStatus.Registered, "drift:1", "speed has drifted", 1), (run!.Status, run.Trigger, run.Reason, run.Version));
        Assert.Null(await trigger.TriggerAsync("late-rides", "drift:1", "speed has drifted"));

        await using Workspace other = await Workspace.OpenAsync(workspace.Store);
        await using ServiceProvider elsewhere = Services(other, p => p.Add<Scheduled>());
        Assert.Null(await elsewhere.GetRequiredService<IRetrainingTrigger>().TriggerAsync("late-rides", "drift:1", "speed has drifted"));
        Assert.Equal(2, (await elsewhere.GetRequiredService<IRetrainingTrigger>().TriggerAsync("late-rides", "drift:2", "again"))!.Version);
    }

    [Fact]
    public async Task A_run_that_the_stop_of_a_host_cancelled_goes_on_with_the_next_call()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await using ServiceProvider services = Services(workspace, p => p.Add(_ => new LateRides(Rides.Make(900))));
        IRetrainingTrigger trigger = services.GetRequiredService<IRetrainingTrigger>();
        await workspace.RunAsync(new LateRides(Rides.Make(900)), key: "drift:1", progress: new Collected { On = e => Cancel(e) }, stop: Stop.Token);
        Assert.Equal(RunStatus.Cancelled, Assert.Single(await workspace.Registry.ListRunsAsync("late-rides")).Status);
        Assert.Equal(RunStatus.Registered, (await trigger.TriggerAsync("late-rides", "drift:1", "drift"))!.Status);
    }

    [Fact]
    public async Task A_model_without_a_pipeline_is_an_error_that_says_how_to_add_one()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await using ServiceProvider services = Services(workspace, p => p.Add<Scheduled>().Add<Scheduled>());
        Assert.Single(services.CreateScope().ServiceProvider.GetServices<PipelineDefinition>());
        MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await services.GetRequiredService<IRetrainingTrigger>().TriggerAsync("fares", "drift:1", "drift"));
        Assert.Equal("pipeline.not_found", error.Code);
        Assert.Contains("AddPipelines", error.Message, StringComparison.Ordinal);
    }

    private CancellationTokenSource Stop { get; } = new();

    private void Cancel(StepEvent step)
    {
        if (step.Step == "screen")
        {
            Stop.Cancel();
        }
    }

    private static ServiceProvider Services(Workspace workspace, Action<PipelinesBuilder> pipelines)
    {
        var services = new ServiceCollection();
        services.AddSingleton(workspace.Store);
        services.AddSingleton<IArtifactStore>(workspace.Artifacts);
        services.AddSingleton<IModelRegistry>(workspace.Registry);
        services.AddScoped<Today>();
        new Builder(services).AddPipelines(pipelines).AddPipelines();
        return services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true });
    }

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }

    /// <summary>What a database context would be: it lives as long as one run.</summary>
    private sealed class Today
    {
        internal IReadOnlyList<Ride> Rides { get; } = Pipelines.Tests.Rides.Make(900);
    }

    private sealed class Scheduled(Today today) : PipelineDefinition<Ride>("late-rides")
    {
        protected override void Configure(PipelineBuilder<Ride> p) => p
            .Extract(Data.DataSource.Enumerable("today", today.Rides))
            .SplitByTime(r => r.Day)
            .Binary(r => r.Outcome != "fine", t => t.Without(r => r.Minutes).Candidate("trees", new FastTreeOptions { Trees = 8, Leaves = 4 }))
            .Evaluate()
            .Gate(g => g.BeatsBaseline())
            .Register();
    }
}

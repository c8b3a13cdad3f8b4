using Microsoft.ML;
using Microsoft.ML.Trainers.FastTree;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class CancellationTests
{
    private static readonly Ride[] Rows = Rides.Make(900);

    [Theory]
    [InlineData("extract+validate")]
    [InlineData("screen")]
    [InlineData("train trees")]
    [InlineData("refit")]
    public async Task A_cancelled_run_is_recorded_as_that_and_the_same_key_goes_on_later(string step)
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        using var stop = new CancellationTokenSource();
        var progress = new Collected
        {
            On = e =>
            {
                if (e == new StepEvent(step, "started"))
                {
                    stop.Cancel();
                }
            },
        };
        PipelineRun run = await workspace.RunAsync(new LateRides(Rows), key: "monday", progress: progress, stop: stop.Token);
        Assert.IsType<Cancelled>(run.Outcome);
        Assert.Equal(RunStatus.Cancelled, Assert.Single(await workspace.Registry.ListRunsAsync("late-rides")).Status);
        Assert.Empty(await workspace.Registry.ListVersionsAsync("late-rides"));

        PipelineRun next = await workspace.RunAsync(new LateRides(Rows), key: "monday");
        Assert.IsType<Registered>(next.Outcome);
        Assert.False(next.Repeated);
        Assert.NotEqual(run.RunId, next.RunId);
    }

    [Fact]
    public async Task Endless_training_ends_when_it_is_cancelled()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        using var stop = new CancellationTokenSource();
        var progress = new Collected
        {
            On = e =>
            {
                if (e.Step == "train endless" && e.State == "started")
                {
                    stop.CancelAfter(TimeSpan.FromMilliseconds(200)); // by then it is under way; earlier is a case too
                }
            },
        };
        PipelineRun run = await workspace.RunAsync(
            new LateRides(Rows) { Training = t => t.Candidate("endless", new Endless()).Candidate("trees", new FastTreeOptions { Trees = 5, Leaves = 4 }) },
            progress: progress,
            stop: stop.Token);
        Assert.Equal("train endless", Assert.IsType<Cancelled>(run.Outcome).Step);
    }

    private sealed record Endless : CandidateOptions
    {
        protected internal override IEstimator<ITransformer> Build(TrainerContext context) => context.Context.BinaryClassification.Trainers.FastTree(new FastTreeBinaryTrainer.Options
        {
            LabelColumnName = context.Label,
            FeatureColumnName = context.Features,
            NumberOfTrees = 10_000_000,
            NumberOfThreads = 1,
        });
    }
}

using Microsoft.ML;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.MLNet.Tests;

/// <summary>Every trainer here would run for hours; a test ends because the fit was stopped, or not at all.</summary>
public sealed class CancellableFitTests
{
    private static readonly Visit[] Rows = Trained.Rows(3_000);

    public static TheoryData<string> Trainers => [.. Endless.Keys];

    private static readonly Dictionary<string, Func<MLContext, IEstimator<ITransformer>>> Endless = new(StringComparer.Ordinal)
    {
        ["FastTree"] = c => c.BinaryClassification.Trainers.FastTree(new FastTreeBinaryTrainer.Options { NumberOfTrees = 10_000_000, NumberOfThreads = 1 }),
        ["FastForest"] = c => c.BinaryClassification.Trainers.FastForest(new FastForestBinaryTrainer.Options { NumberOfTrees = 10_000_000, NumberOfThreads = 1 }),
        ["Sdca"] = c => c.BinaryClassification.Trainers.SdcaLogisticRegression(new SdcaLogisticRegressionBinaryTrainer.Options { MaximumNumberOfIterations = 100_000, ConvergenceTolerance = 1e-30f, NumberOfThreads = 1 }), // it makes one random generator per iteration first
        ["AveragedPerceptron"] = c => c.BinaryClassification.Trainers.AveragedPerceptron(new AveragedPerceptronTrainer.Options { NumberOfIterations = 100_000_000 }),
    };

    [Theory]
    [MemberData(nameof(Trainers))]
    public async Task A_training_that_is_under_way_ends_when_it_is_cancelled(string trainer)
    {
        using var stop = new CancellationTokenSource();
        Task fit = Task.Run(() => Fit(Endless[trainer], () => { }, stop.Token), CancellationToken.None);
        stop.CancelAfter(TimeSpan.FromMilliseconds(300)); // by then it trains; earlier is a case too, and ends the same way
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fit);
        Assert.True(stop.IsCancellationRequested && error.CancellationToken == stop.Token);
    }

    [Fact]
    public async Task A_training_ends_when_its_own_log_is_what_cancels_it()
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => Fit(Endless["FastTree"], stop.Cancel, stop.Token), CancellationToken.None));
    }

    [Fact]
    public void A_token_that_is_set_already_trains_nothing()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        int messages = 0;
        Assert.Throws<OperationCanceledException>(() => Fit(Endless["FastTree"], () => messages++, stop.Token));
        Assert.Equal(0, messages);
    }

    [Fact]
    public void An_error_of_the_trainer_is_not_taken_for_a_cancellation()
    {
        using var stop = new CancellationTokenSource();
        Exception? error = Record.Exception(() => Fit(c => c.BinaryClassification.Trainers.FastTree(labelColumnName: "no such column"), () => { }, stop.Token));
        Assert.NotNull(error);
        Assert.IsNotType<OperationCanceledException>(error);
    }

    [Fact]
    public void A_fit_that_is_left_alone_gives_the_model()
    {
        ITransformer model = Fit(c => c.BinaryClassification.Trainers.FastTree(numberOfTrees: 5), () => { }, CancellationToken.None);
        Assert.NotNull(model.Transform(new SlotView(Trained.Encode(Rows), Trained.Labels(Rows))).Schema.GetColumnOrNull("Probability"));
    }

    private static ITransformer Fit(Func<MLContext, IEstimator<ITransformer>> trainer, Action onMessage, CancellationToken stop)
    {
        var context = new MLContext(1);
        context.Log += (_, _) => onMessage();
        EncodedTable table = Trained.Encode(Rows);
        return CancellableFit.Fit(context, Trained.Prepare(context).Append(trainer(context)), new SlotView(table, Trained.Labels(Rows), cancellation: stop), stop);
    }
}

using System.ComponentModel.DataAnnotations;
using Microsoft.ML;
using Microsoft.ML.Trainers.LightGbm;

namespace Mlops.Sdk.Pipelines;

/// <summary>Gradient-boosted trees by LightGBM.</summary>
public sealed record LightGbmOptions : CandidateOptions
{
    /// <summary>Gets the number of trees.</summary>
    /// <value>From 1 to 10,000. The default is 100.</value>
    [Range(1, 10_000)]
    public int Trees { get; init; } = 100;

    /// <summary>Gets the leaves per tree.</summary>
    /// <value>From 2 to 1,024. The default is 31.</value>
    [Range(2, 1_024)]
    public int Leaves { get; init; } = 31;

    /// <summary>Gets the fewest rows in a leaf.</summary>
    /// <value>From 1 to 100,000. The default is 20.</value>
    [Range(1, 100_000)]
    public int MinRowsPerLeaf { get; init; } = 20;

    /// <summary>Gets the learning rate.</summary>
    /// <value>From 0.001 to 1. The default is 0.1.</value>
    [Range(0.001, 1.0)]
    public double LearningRate { get; init; } = 0.1;

    /// <inheritdoc/>
    protected override IEstimator<ITransformer> Build(TrainerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Task == ModelTask.Binary
            ? context.Context.BinaryClassification.Trainers.LightGbm(new LightGbmBinaryTrainer.Options
            {
                LabelColumnName = context.Label,
                FeatureColumnName = context.Features,
                NumberOfIterations = Trees,
                NumberOfLeaves = Leaves,
                MinimumExampleCountPerLeaf = MinRowsPerLeaf,
                LearningRate = LearningRate,
                NumberOfThreads = 1,
                Deterministic = true,
                Seed = context.Seed,
            })
            : context.Context.Regression.Trainers.LightGbm(new LightGbmRegressionTrainer.Options
            {
                LabelColumnName = context.Label,
                FeatureColumnName = context.Features,
                NumberOfIterations = Trees,
                NumberOfLeaves = Leaves,
                MinimumExampleCountPerLeaf = MinRowsPerLeaf,
                LearningRate = LearningRate,
                NumberOfThreads = 1,
                Deterministic = true,
                Seed = context.Seed,
            });
    }
}

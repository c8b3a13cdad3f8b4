using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;

namespace Mlops.Sdk.MLNet;

/// <summary>Reads the last stage: trees or weights, the calibrator, the threshold.</summary>
internal static class PredictorReader
{
    internal static ModelProgram Read(ISingleFeaturePredictionTransformer<object> stage, Symbol features)
    {
        IReadOnlyList<ProgramFeature> parts = features switch
        {
            VectorSymbol vector => vector.Parts,
            UnknownSymbol unknown => throw new NotExtractableException(unknown.Why),
            _ => throw new NotExtractableException($"the features '{stage.FeatureColumnName}' are no vector"),
        };
        (object model, PlattLink? link) = stage.Model switch
        {
            CalibratedModelParametersBase { Calibrator: PlattCalibrator platt } calibrated => (calibrated.SubModel, new PlattLink(platt.Slope, platt.Offset)),
            CalibratedModelParametersBase other => throw new NotExtractableException($"{other.Calibrator.GetType().Name} is not supported"),
            object plain => (plain, (PlattLink?)null),
        };
        ProgramPredictor predictor = model switch
        {
            FastTreeTweedieModelParameters => throw new NotExtractableException("the exponential link of a Tweedie regression is not supported"),
            PoissonRegressionModelParameters => throw new NotExtractableException("the exponential link of a Poisson regression is not supported"),
            FastForestRegressionModelParameters forest => Trees(forest.TrainedTreeEnsemble.Trees, missingGoesRight: true) with { Divisor = forest.TrainedTreeEnsemble.Trees.Count },
            TreeEnsembleModelParametersBasedOnQuantileRegressionTree forest => Trees(forest.TrainedTreeEnsemble.Trees, missingGoesRight: true),
            TreeEnsembleModelParametersBasedOnRegressionTree trees => Trees(trees.TrainedTreeEnsemble.Trees, missingGoesRight: !IsLightGbm(trees)),
            LinearModelParameters linear => Linear(linear, (VectorSymbol)features),
            _ => throw new NotExtractableException($"the predictor {model.GetType().Name} is not supported"),
        };
        bool binary = stage.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(BinaryPredictionTransformer<>);
        return new ModelProgram(parts, predictor) { Link = link, Threshold = binary ? 0f : null };
    }

    // LightGBM learns for each node where a missing value goes, and ML.NET's public face does not tell; its own trees compare with NaN, which is never below
    private static bool IsLightGbm(object model) => model.GetType().Namespace?.EndsWith("LightGbm", StringComparison.Ordinal) == true;

    private static TreeProgram Trees(IEnumerable<RegressionTreeBase> trees, bool missingGoesRight) => new([.. trees.Where(t => t.NumberOfLeaves > 1).Select(t => Tree(t, missingGoesRight))]);

    private static ProgramTree Tree(RegressionTreeBase tree, bool missingGoesRight)
    {
        int nodes = tree.NumberOfNodes;
        bool categorical = tree.CategoricalSplitFlags.Any(f => f);
        int[]?[]? slots = categorical ? new int[]?[nodes] : null;
        int[] feature = [.. tree.NumericalSplitFeatureIndexes];
        for (int i = 0; slots is not null && i < nodes; i++)
        {
            if (tree.CategoricalSplitFlags[i])
            {
                slots[i] = [.. tree.GetCategoricalSplitFeaturesAt(i)];
                feature[i] = -1;
            }
        }

        return new ProgramTree([.. tree.LeftChild], [.. tree.RightChild], feature, [.. tree.NumericalSplitThresholds], [.. tree.LeafValues])
        {
            Slots = slots,
            MissingLeft = missingGoesRight ? new bool[nodes] : null,
        };
    }

    private static LinearProgram Linear(LinearModelParameters model, VectorSymbol features)
    {
        if (features.Density is { } why)
        {
            throw new NotExtractableException($"the order of the sum depends on how ML.NET stores the features: {why}");
        }

        return new LinearProgram([.. model.Weights], model.Bias);
    }
}

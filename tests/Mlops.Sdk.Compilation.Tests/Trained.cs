using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.FastTree;
using Microsoft.ML.Trainers.LightGbm;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Compilation.Tests;

/// <summary>Models trained once, saved and loaded as serving would.</summary>
internal static class Trained
{
    private static readonly Dictionary<string, Func<(TestData Data, ILoadedModel Model)>> Recipes = new(StringComparer.Ordinal)
    {
        ["lightgbm"] = () => Binary(new TestData(3_000, 6, 8, 20, 0.02, 1, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LightGbm(Light(31, 100))),
        ["lightgbm-missing"] = () => Binary(new TestData(2_000, 5, 3, 8, 0.2, 2, ModelTask.Binary), Mixed(impute: false), c => c.BinaryClassification.Trainers.LightGbm(Light(20, 50))),
        ["lightgbm-categorical"] = () => Binary(new TestData(2_500, 4, 6, 30, 0.05, 3, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LightGbm(Light(31, 60, categorical: true))),
        ["lightgbm-64-leaves"] = () => Binary(new TestData(3_000, 6, 2, 6, 0.02, 4, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LightGbm(Light(64, 30, leafRows: 5))),
        ["lightgbm-200-leaves"] = () => Binary(new TestData(4_000, 6, 2, 6, 0.02, 5, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LightGbm(Light(200, 20, leafRows: 2))),
        ["lightgbm-regression"] = () => Regression(new TestData(2_000, 7, 2, 12, 0.1, 6, ModelTask.Regression), Mixed(impute: true), c => c.Regression.Trainers.LightGbm(new LightGbmRegressionTrainer.Options { LabelColumnName = SlotView.BinaryLabel, NumberOfLeaves = 31, NumberOfIterations = 80, NumberOfThreads = 1 })),
        ["fasttree"] = () => Binary(new TestData(3_000, 6, 8, 20, 0.02, 7, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.FastTree(SlotView.BinaryLabel, numberOfLeaves: 31, numberOfTrees: 100)),
        ["fasttree-missing"] = () => Binary(new TestData(2_000, 5, 3, 8, 0.2, 8, ModelTask.Binary), Mixed(impute: false), c => c.BinaryClassification.Trainers.FastTree(SlotView.BinaryLabel, numberOfLeaves: 20, numberOfTrees: 40)),
        ["fasttree-regression"] = () => Regression(new TestData(2_000, 9, 0, 0, 0.05, 9, ModelTask.Regression), Numbers(), c => c.Regression.Trainers.FastTree(SlotView.BinaryLabel, numberOfLeaves: 40, numberOfTrees: 30)),
        ["fastforest"] = () => Binary(new TestData(2_000, 4, 4, 10, 0.05, 10, ModelTask.Binary), Mixed(impute: true), Forest),
        ["fastforest-regression"] = () => Regression(new TestData(2_000, 4, 4, 10, 0.05, 11, ModelTask.Regression), Mixed(impute: true), c => c.Regression.Trainers.FastForest(SlotView.BinaryLabel, numberOfLeaves: 20, numberOfTrees: 30)),
        ["lbfgs"] = () => Binary(new TestData(2_000, 6, 8, 20, 0.05, 12, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LbfgsLogisticRegression(SlotView.BinaryLabel)),
        ["lbfgs-sparse-weights"] = () => Binary(new TestData(2_000, 12, 1, 2, 0.05, 13, ModelTask.Binary), Numbers(), c => c.BinaryClassification.Trainers.LbfgsLogisticRegression(SlotView.BinaryLabel, l1Regularization: 8)),
        ["lbfgs-wide"] = () => Binary(new TestData(2_000, 5, 24, 12, 0.05, 14, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.LbfgsLogisticRegression(SlotView.BinaryLabel)),
        ["sdca"] = () => Binary(new TestData(2_000, 6, 8, 20, 0.05, 15, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.SdcaLogisticRegression(SlotView.BinaryLabel, maximumNumberOfIterations: 10)),
        ["sdca-dense"] = () => Binary(new TestData(2_000, 20, 1, 2, 0.05, 16, ModelTask.Binary), Mixed(impute: true), c => c.BinaryClassification.Trainers.SdcaLogisticRegression(SlotView.BinaryLabel, maximumNumberOfIterations: 10)),
        ["sdca-regression"] = () => Regression(new TestData(2_000, 6, 4, 20, 0.05, 17, ModelTask.Regression), Mixed(impute: true), c => c.Regression.Trainers.Sdca(SlotView.BinaryLabel, maximumNumberOfIterations: 10)),
        ["numbers-as-they-are"] = () => Binary(new TestData(2_000, 8, 0, 0, 0, 18, ModelTask.Binary), (c, d) => c.Transforms.Concatenate("Features", Names(d, InputKind.Number)), c => c.BinaryClassification.Trainers.LightGbm(Light(15, 30))),
        ["texts-only"] = () => Binary(new TestData(2_000, 0, 3, 200, 0.1, 19, ModelTask.Binary), Texts(), c => c.BinaryClassification.Trainers.FastTree(SlotView.BinaryLabel, numberOfTrees: 30)),
    };

    private static readonly Dictionary<string, Lazy<(TestData Data, ILoadedModel Model)>> Models = Recipes.ToDictionary(r => r.Key, r => new Lazy<(TestData, ILoadedModel)>(r.Value), StringComparer.Ordinal);

    internal static IEnumerable<string> Names() => Recipes.Keys;

    internal static (TestData Data, ILoadedModel Model) Get(string name) => Models[name].Value;

    /// <summary>A model with a normaliser that no program can tell.</summary>
    internal static (TestData Data, ILoadedModel Model) Unknown() => Binary(
        new TestData(400, 2, 1, 3, 0, 30, ModelTask.Binary),
        (c, d) => c.Transforms.NormalizeLogMeanVariance("N0.norm", "N0").Append(c.Transforms.Concatenate("Features", "N0.norm", "N1")),
        c => c.BinaryClassification.Trainers.FastTree(SlotView.BinaryLabel, numberOfTrees: 5));

    private static LightGbmBinaryTrainer.Options Light(int leaves, int trees, bool categorical = false, int leafRows = 20) => new()
    {
        LabelColumnName = SlotView.BinaryLabel,
        NumberOfLeaves = leaves,
        NumberOfIterations = trees,
        MinimumExampleCountPerLeaf = leafRows,
        UseCategoricalSplit = categorical,
        NumberOfThreads = 1,
        Verbose = false,
    };

    private static IEstimator<ITransformer> Forest(MLContext c) => c.BinaryClassification.Trainers
        .FastForest(new FastForestBinaryTrainer.Options { LabelColumnName = SlotView.BinaryLabel, NumberOfLeaves = 20, NumberOfTrees = 40, NumberOfThreads = 1 })
        .Append(c.BinaryClassification.Calibrators.Platt(SlotView.BinaryLabel));

    private static string[] Names(TestData data, InputKind kind) => [.. data.Schema.Inputs.Where(i => i.Kind == kind).Select(i => i.Name)];

    private static InputOutputColumnPair[] Pairs(IEnumerable<string> names, string to, string from) => [.. names.Select(n => new InputOutputColumnPair(n + to, n + from))];

    private static Func<MLContext, TestData, IEstimator<ITransformer>> Mixed(bool impute) => (c, d) =>
    {
        string[] numbers = Names(d, InputKind.Number);
        string[] texts = Names(d, InputKind.Text);
        IEstimator<ITransformer> chain = c.Transforms.Categorical.OneHotEncoding(Pairs(texts, ".hot", ""));
        string[] last = numbers;
        if (impute)
        {
            chain = chain.Append(c.Transforms.ReplaceMissingValues(Pairs(numbers, ".full", ""), MissingValueReplacingEstimatorMode))
                .Append(c.Transforms.NormalizeMinMax(Pairs(numbers, ".norm", ".full")));
            last = [.. numbers.Select(n => n + ".norm")];
        }

        return chain.Append(c.Transforms.Concatenate("Features", [.. last, .. texts.Select(t => t + ".hot")]));
    };

    private static Func<MLContext, TestData, IEstimator<ITransformer>> Numbers() => (c, d) =>
    {
        // columns overwritten in place, and a flag for each missing value
        string[] numbers = Names(d, InputKind.Number);
        return c.Transforms.IndicateMissingValues(Pairs(numbers, ".none", ""))
            .Append(c.Transforms.Conversion.ConvertType(Pairs(numbers, ".flag", ".none"), DataKind.Single))
            .Append(c.Transforms.ReplaceMissingValues(Pairs(numbers, "", ""), MissingValueReplacingEstimatorMode))
            .Append(c.Transforms.NormalizeMeanVariance(Pairs(numbers, "", ""), fixZero: false))
            .Append(c.Transforms.Concatenate("Features", [.. numbers.SelectMany(n => new[] { n, n + ".flag" })]));
    };

    private static Func<MLContext, TestData, IEstimator<ITransformer>> Texts() => (c, d) =>
        c.Transforms.Categorical.OneHotEncoding(Pairs(Names(d, InputKind.Text), "", "")).Append(c.Transforms.Concatenate("Features", Names(d, InputKind.Text)));

    private static Microsoft.ML.Transforms.MissingValueReplacingEstimator.ReplacementMode MissingValueReplacingEstimatorMode =>
        Microsoft.ML.Transforms.MissingValueReplacingEstimator.ReplacementMode.Mean;

    private static (TestData Data, ILoadedModel Model) Binary(TestData data, Func<MLContext, TestData, IEstimator<ITransformer>> features, Func<MLContext, IEstimator<ITransformer>> trainer) =>
        Fit(data, new SlotView(data.Train, binaryLabel: data.Labels), features, trainer);

    private static (TestData Data, ILoadedModel Model) Regression(TestData data, Func<MLContext, TestData, IEstimator<ITransformer>> features, Func<MLContext, IEstimator<ITransformer>> trainer) =>
        Fit(data, new SlotView(data.Train, numberLabel: data.Truth), features, trainer);

    private static (TestData Data, ILoadedModel Model) Fit(TestData data, SlotView view, Func<MLContext, TestData, IEstimator<ITransformer>> features, Func<MLContext, IEstimator<ITransformer>> trainer)
    {
        var context = new MLContext(seed: 1);
        ITransformer model = features(context, data).Append(trainer(context)).Fit(view);
        using var stream = new MemoryStream();
        context.Model.Save(model, view.Schema, stream);
        stream.Position = 0;
        return (data, new MLNetModel(new MLContext().Model.Load(stream, out _), data.Schema));
    }
}

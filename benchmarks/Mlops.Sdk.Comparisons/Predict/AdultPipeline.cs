using Microsoft.ML;
using Microsoft.ML.Transforms;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Comparisons;

/// <summary>Trains a model by plain ML.NET, as a user of it would, and registers it.</summary>
internal static class AdultPipeline
{
    private static readonly string[] Numbers =
        [nameof(AdultRow.Age), nameof(AdultRow.Weight), nameof(AdultRow.EducationYears), nameof(AdultRow.CapitalGain), nameof(AdultRow.CapitalLoss), nameof(AdultRow.HoursPerWeek)];

    private static readonly string[] Texts =
    [
        nameof(AdultRow.Workclass), nameof(AdultRow.Education), nameof(AdultRow.MaritalStatus), nameof(AdultRow.Occupation),
        nameof(AdultRow.Relationship), nameof(AdultRow.Ethnicity), nameof(AdultRow.Sex), nameof(AdultRow.Country),
    ];

    public static byte[] Train(MLContext ml, IEstimator<ITransformer> trainer, AdultRow[] rows)
    {
        IDataView data = ml.Data.LoadFromEnumerable(rows);
        InputOutputColumnPair[] numbers = [.. Numbers.Select(n => new InputOutputColumnPair(n))];
        ITransformer model = ml.Transforms.Categorical.OneHotEncoding([.. Texts.Select(t => new InputOutputColumnPair(t))])
            .Append(ml.Transforms.ReplaceMissingValues(numbers, MissingValueReplacingEstimator.ReplacementMode.Mean))
            .Append(ml.Transforms.NormalizeMinMax(numbers))
            .Append(ml.Transforms.Concatenate("Features", [.. Numbers, .. Texts]))
            .Append(trainer)
            .Fit(data);
        using var zip = new MemoryStream();
        ml.Model.Save(model, data.Schema, zip);
        return zip.ToArray();
    }

    public static async Task RegisterAsync(byte[] zip, string name, IModelRegistry registry, IArtifactStore artifacts)
    {
        using var content = new MemoryStream(zip, writable: false);
        ArtifactInfo file = await artifacts.WriteAsync(content);
        var manifest = new ModelManifest
        {
            Model = name,
            ModelFormat = MLNetModelFormat.FormatName,
            Files = [new ModelFile(MLNetModelFormat.FileName, file.Digest, file.Length)],
            Schema = new ModelSchema(
                ModelTask.Binary,
                [.. Numbers.Select(n => new ModelInput(n, InputKind.Number, n)), .. Texts.Select(t => new ModelInput(t, InputKind.Text, t))],
                [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel],
                nameof(AdultRow.Label)),
            Algorithm = name,
        };
        ModelVersion version = await registry.RegisterAsync(manifest, "to be compared");
        await registry.MoveAliasAsync(name, "champion", version.Number, "to be compared");
    }
}

using Microsoft.ML;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.MLNet.Tests;

/// <summary>A row with every kind of input, missing values included.</summary>
internal sealed record Visit(float? Miles, int Stops, bool Rain, string? Vendor, string? Zone);

/// <summary>Rows, a model trained on them, and a store it can be registered in.</summary>
internal static class Trained
{
    internal static readonly ModelSchema Schema = SchemaOf(ModelTask.Binary);

    internal static ModelSchema SchemaOf(ModelTask task) => new(
        task,
        [
            new ModelInput("Vendor", InputKind.Text, "Vendor"),
            new ModelInput("Miles", InputKind.Number, "Miles"),
            new ModelInput("Stops", InputKind.Number, "Stops"),
            new ModelInput("Rain", InputKind.Number, "Rain"),
            new ModelInput("Zone", InputKind.Text, "Zone"),
        ],
        task == ModelTask.Binary ? [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel] : [ModelOutputs.Score],
        "Late");

    internal static Visit[] Rows(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => new Visit(
            random.Next(10) == 0 ? null : random.NextSingle() * 20,
            random.Next(5),
            random.Next(3) == 0,
            random.Next(8) switch { 0 => null, 1 => "", var v => $"vendor {v % 4}" },
            random.Next(20) == 0 ? null : $"zone {random.Next(30)}"))];
    }

    internal static EncodedTable Encode(IReadOnlyList<Visit> rows) => EncodedTable.From(rows.ToTable(), Schema);

    internal static bool[] Labels(IReadOnlyList<Visit> rows) => [.. rows.Select((r, i) => (r.Miles ?? 10) + (r.Rain ? 6 : 0) + (r.Vendor == "vendor 1" ? 4 : 0) + (i % 7) > 15)];

    internal static IEstimator<ITransformer> Prepare(MLContext context) => context.Transforms.Categorical
        .OneHotEncoding([new InputOutputColumnPair("Vendor.encoded", "Vendor"), new InputOutputColumnPair("Zone.encoded", "Zone")])
        .Append(context.Transforms.ReplaceMissingValues("Miles.encoded", "Miles", Microsoft.ML.Transforms.MissingValueReplacingEstimator.ReplacementMode.Mean))
        .Append(context.Transforms.Concatenate("Features", "Vendor.encoded", "Miles.encoded", "Stops", "Rain", "Zone.encoded"));

    internal static (ITransformer Model, SlotView View, byte[] Zip) Model(int rows = 600)
    {
        Visit[] visits = Rows(rows);
        var context = new MLContext(7);
        var view = new SlotView(Encode(visits), Labels(visits));
        ITransformer model = Prepare(context)
            .Append(context.BinaryClassification.Trainers.FastTree(numberOfTrees: 20, numberOfLeaves: 8))
            .Fit(view);
        return (model, view, Save(context, model, view));
    }

    internal static byte[] Save(MLContext context, ITransformer model, IDataView view)
    {
        using var bytes = new MemoryStream();
        context.Model.Save(model, view.Schema, bytes);
        return bytes.ToArray();
    }

    internal static async Task<(ModelManifest Manifest, ArtifactStore Artifacts)> StoreAsync(byte[] zip, ModelSchema? schema = null, string file = MLNetModelFormat.FileName, Dictionary<string, string>? packages = null, IObjectStore? store = null)
    {
        var artifacts = new ArtifactStore(store ?? new InMemoryObjectStore());
        using var content = new MemoryStream(zip);
        ArtifactInfo info = await artifacts.WriteAsync(content);
        return (new ModelManifest
        {
            Model = "late",
            ModelFormat = MLNetModelFormat.FormatName,
            Files = [new ModelFile(file, info.Digest, info.Length)],
            Schema = schema ?? Schema,
            Algorithm = "trees",
            Environment = packages is null ? null : new EnvironmentInfo(".NET", "os", "x64", 1, packages, 1),
        }, artifacts);
    }

    internal static float[][] Score(ILoadedModel model, EncodedTable table)
    {
        float[] numbers = new float[table.Numbers.Count];
        string?[] texts = new string?[table.Texts.Count];
        var answers = new float[table.Rows][];
        for (int row = 0; row < answers.Length; row++)
        {
            table.ReadRow(row, numbers, texts);
            answers[row] = new float[model.Schema.Outputs.Count];
            model.Score(new ModelRow(numbers, texts), answers[row]);
        }

        return answers;
    }
}

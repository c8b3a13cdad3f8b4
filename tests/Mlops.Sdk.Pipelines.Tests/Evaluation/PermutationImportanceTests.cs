using System.Text.Json;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class PermutationImportanceTests
{
    private const int Rows = 1_500;

    [Fact]
    public void An_input_matters_by_the_error_that_dealing_it_out_adds_and_one_that_is_not_used_does_not()
    {
        (LabelledRows rows, FakeModel model) = Regression(Rows);
        Dictionary<string, double> importance = PermutationImportance.Of(model, rows, seed: 1, CancellationToken.None)!;

        // the answer is 2 A, exact: dealt out, the mean error is 2 E|A - A'|, for A uniform on 0 to 99 2 (100^2 - 1) / (3 * 100) = 66.66
        Assert.Equal(66.66, importance["A"], 3.0);
        Assert.Equal(0, importance["Unused"]);
        Assert.Equal(importance, PermutationImportance.Of(model, rows, seed: 1, CancellationToken.None)!); // a seed gives one answer
        Assert.NotEqual(importance["A"], PermutationImportance.Of(model, rows, seed: 2, CancellationToken.None)!["A"]);
    }

    [Fact]
    public void A_text_that_alone_tells_the_classes_apart_is_worth_half_an_area()
    {
        bool[] labels = [.. Enumerable.Range(0, Rows).Select(i => i % 2 == 0)];
        var schema = new ModelSchema(ModelTask.Binary, [new ModelInput("T", InputKind.Text, "T"), new ModelInput("N", InputKind.Number, "N")], [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel], "Y");
        var table = new Table([
            new TextColumn("T", [.. labels.Select(l => l ? 1 : 0)], ["no", "yes"]),
            new NumberColumn("N", [.. Enumerable.Range(0, Rows).Select(i => (double)i)]),
        ]);
        using var model = new FakeModel(schema, (row, outputs) => (outputs[0], outputs[1], outputs[2]) = row.Texts[0] == "yes" ? (1, 0.9f, 1) : (-1, 0.1f, 0));
        Dictionary<string, double> importance = PermutationImportance.Of(model, new LabelledRows(EncodedTable.From(table, schema), labels, null), 3, CancellationToken.None)!;
        Assert.Equal(0.5, importance["T"], 0.05); // from an area of 1 to one of chance, 0.5
        Assert.Equal(0, importance["N"]);
        Assert.Null(PermutationImportance.Of(model, new LabelledRows(EncodedTable.From(table, schema), new bool[Rows], null), 3, CancellationToken.None)); // one class: no area
    }

    [Fact]
    public void Many_rows_are_sampled()
    {
        (LabelledRows rows, FakeModel model) = Regression(20_000);
        PermutationImportance.Of(model, rows, seed: 1, CancellationToken.None);
        Assert.Equal(3 * 2_000, model.Scored); // once as they are, and once for each input
    }

    [Fact]
    public async Task A_run_writes_what_comparisons_of_versions_read()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        ModelVersion version = (await workspace.RunAsync(new LateRides(Rides.Make(1_200)))).Version!;
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(version);
        using JsonDocument file = JsonDocument.Parse(await workspace.Artifacts.ReadAsync(manifest.Files.Single(f => f.Name == ModelFileNames.Importance).Digest, 100_000));
        Assert.Equal((1, "permutation"), (file.RootElement.GetProperty("format").GetInt32(), file.RootElement.GetProperty("method").GetString()));
        Assert.Equal(manifest.Schema.Inputs.Select(i => i.Name).Order(StringComparer.Ordinal), file.RootElement.GetProperty("inputs").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        VersionComparison comparison = await workspace.Registry.CompareAsync(version.Model, 1, 1);
        Assert.Null(comparison.ImportanceMissing);
        Assert.Equal(manifest.Schema.Inputs.Count, comparison.Importance.Count);
    }

    private static (LabelledRows Rows, FakeModel Model) Regression(int count)
    {
        var random = new Random(5);
        double[] a = [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(100))];
        var schema = new ModelSchema(ModelTask.Regression, [new ModelInput("Unused", InputKind.Number, "Unused"), new ModelInput("A", InputKind.Number, "A")], [ModelOutputs.Score], "Y");
        var table = new Table([new NumberColumn("Unused", [.. a.Select(v => v * 3)]), new NumberColumn("A", a)]);
        return (new LabelledRows(EncodedTable.From(table, schema), null, [.. a.Select(v => (float)(2 * v))]), new FakeModel(schema, (row, outputs) => outputs[0] = 2 * row.Numbers[1]));
    }

    private delegate void Scoring(ModelRow row, Span<float> outputs);

    private sealed class FakeModel(ModelSchema schema, Scoring score) : ILoadedModel
    {
        public ModelSchema Schema => schema;

        public string Scorer => "fake";

        internal int Scored { get; private set; }

        public void Score(in ModelRow row, Span<float> outputs)
        {
            Scored++;
            score(row, outputs);
        }

        public void Dispose()
        {
        }
    }
}

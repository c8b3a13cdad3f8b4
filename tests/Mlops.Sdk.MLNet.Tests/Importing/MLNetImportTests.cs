using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Serving;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.MLNet.Tests.Importing;

/// <summary>Models that an ordinary ML.NET program made, with its own types and names, registered and served without training again.</summary>
public sealed class MLNetImportTests : IAsyncDisposable
{
    private readonly InMemoryObjectStore _store = new();
    private ObjectLedger? _ledger;

    public async ValueTask DisposeAsync()
    {
        if (_ledger is not null)
        {
            await _ledger.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_classifier_of_any_column_types_is_registered_with_its_schema_and_answers_as_MLNet_does()
    {
        var context = new MLContext(3);
        Ride[] rides = Rides(500);
        IDataView data = context.Data.LoadFromEnumerable(rides);
        var trained = context.Transforms.Categorical.OneHotEncoding("VendorEncoded", nameof(Ride.Vendor))
            .Append(context.Transforms.Conversion.ConvertType([new InputOutputColumnPair("StopsNumber", nameof(Ride.Stops)), new InputOutputColumnPair("RainNumber", nameof(Ride.Rain)), new InputOutputColumnPair("SpeedNumber", nameof(Ride.Speed))], DataKind.Single))
            .Append(context.Transforms.Concatenate("Features", "VendorEncoded", nameof(Ride.Miles), "StopsNumber", "RainNumber", "SpeedNumber"))
            .Append(context.BinaryClassification.Trainers.FastTree(nameof(Ride.Late), numberOfTrees: 10, numberOfLeaves: 6))
            .Fit(data);
        byte[] zip = Save(context, trained, data.Schema);

        ModelVersion version = await ImportAsync(zip, "late");
        ModelManifest manifest = await Registry().ReadManifestAsync(version);
        Assert.Equal((1, "mlnet", "FastTreeBinary"), (version.Number, manifest.ModelFormat, manifest.Algorithm));
        Assert.Equal(
            [("Vendor", InputKind.Text), ("Miles", InputKind.Number), ("Stops", InputKind.Number), ("Rain", InputKind.Number), ("Speed", InputKind.Number)],
            manifest.Schema.Inputs.Select(i => (i.Name, i.Kind)));
        Assert.Equal([ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel], manifest.Schema.Outputs);
        Assert.Equal((ModelTask.Binary, "Late"), (manifest.Schema.Task, manifest.Schema.Label)); // the only yes/no column that the score does not hang on
        Assert.Contains(manifest.Notes, n => n.Contains("'Stops'", StringComparison.Ordinal));
        Assert.Equal(version, await ImportAsync(zip, "late")); // again: the same version

        // through the server, as any host would
        await Registry().MoveAliasAsync("late", "champion", 1, "in service");
        await using ModelServer server = new(Registry(), _ledger!, new ArtifactStore(_store), [new MLNetModelFormat()], [], [], TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System), NullLogger<ModelServer>.Instance);
        IPredictor<Ride, Answer> predictor = await server.GetPredictorAsync<Ride, Answer>("late");
        Ride[] asked = [.. Rides(200, seed: 9), new Ride { Vendor = null, Miles = float.NaN, Stops = -3, Rain = true, Speed = 1e9 }];
        Answer[] expected = [.. context.Data.CreateEnumerable<Answer>(trained.Transform(context.Data.LoadFromEnumerable(asked)), reuseRowObject: false)];
        Answer[] answers = [.. asked.Select(r => predictor.Predict(r).Value)];
        Assert.Equal(expected.Select(e => (e.Score, e.Probability, e.PredictedLabel)), answers.Select(a => (a.Score, a.Probability, a.PredictedLabel)));
        Assert.Equal(2, answers.Select(a => a.PredictedLabel).Distinct().Count());
    }

    [Fact]
    public async Task A_regression_of_plain_columns_is_compiled_like_a_model_of_our_own()
    {
        var context = new MLContext(5);
        IDataView data = context.Data.LoadFromEnumerable(Rides(500));
        var trained = context.Transforms.Categorical.OneHotEncoding("VendorEncoded", nameof(Ride.Vendor))
            .Append(context.Transforms.Concatenate("Features", "VendorEncoded", nameof(Ride.Miles)))
            .Append(context.Regression.Trainers.FastTree(nameof(Ride.Fare), numberOfTrees: 10, numberOfLeaves: 6))
            .Fit(data);
        ModelVersion version = await ImportAsync(Save(context, trained, data.Schema), "fare");
        ModelManifest manifest = await Registry().ReadManifestAsync(version);
        Assert.Equal(["Vendor", "Miles"], manifest.Schema.Inputs.Select(i => i.Name));
        Assert.Equal((ModelTask.Regression, "Fare"), (manifest.Schema.Task, manifest.Schema.Label));
        using ILoadedModel loaded = await new MLNetModelFormat().LoadAsync(manifest, new ArtifactStore(_store));
        Assert.True(loaded.Program is not null, loaded.ProgramProblem);
        Ride[] asked = Rides(100, seed: 4);
        float[] expected = [.. trained.Transform(context.Data.LoadFromEnumerable(asked)).GetColumn<float>("Score")];
        float[] answers = [.. asked.Select(r =>
        {
            float[] score = new float[1];
            loaded.Score(new ModelRow([r.Miles], [r.Vendor]), score);
            return score[0];
        })];
        Assert.Equal(expected, answers);
    }

    [Fact]
    public async Task What_the_file_does_not_say_can_be_given_and_what_it_says_otherwise_is_refused()
    {
        var context = new MLContext(5);
        IDataView data = context.Data.LoadFromEnumerable(Rides(300));
        byte[] zip = Save(context, context.Transforms.Concatenate("Features", nameof(Ride.Miles)).Append(context.Regression.Trainers.FastTree(nameof(Ride.Fare), numberOfTrees: 3)).Fit(data), data.Schema);
        ModelVersion version = await ImportAsync(zip, "fare", new ModelImportOptions { Label = "Fare", Metrics = new Dictionary<string, MetricValue> { ["rmse"] = new(3) } });
        ModelManifest told = await Registry().ReadManifestAsync(version);
        Assert.Equal(("Fare", 3.0), (told.Schema.Label, told.Metrics["rmse"].Value));
        MlopsModelException wrong = await Assert.ThrowsAsync<MlopsModelException>(() => ImportAsync(zip, "fare", new ModelImportOptions { Label = "Miles" }));
        Assert.Equal("model.not_importable", wrong.Code);
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_with_the_reason_and_nothing_is_stored()
    {
        var context = new MLContext(5);
        Ride[] rides = Rides(200);
        IDataView data = context.Data.LoadFromEnumerable(rides);
        IDataView vectors = context.Data.LoadFromEnumerable(rides.Select(r => new Wide { Features = [r.Miles, r.Stops], Fare = r.Fare }));
        (byte[] Zip, string Says)[] refused =
        [
            (Save(context, context.Regression.Trainers.FastTree(nameof(Wide.Fare), numberOfTrees: 2).Fit(vectors), vectors.Schema), "'Features' is Vector"),
            (Save(context, context.Transforms.Conversion.MapValueToKey("Key", nameof(Ride.Vendor)).Append(context.Transforms.Concatenate("Features", nameof(Ride.Miles))).Append(context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key", maximumNumberOfIterations: 2)).Fit(data), data.Schema), "several classes"),
            (Save(context, context.Transforms.Concatenate("Features", nameof(Ride.Miles)).Fit(data), data.Schema), "no output 'Score'"),
            (Save(context, context.Transforms.Concatenate("Features", nameof(Ride.Miles)).Append(context.Regression.Trainers.FastTree(nameof(Ride.Fare), numberOfTrees: 2)).Fit(data), null), "without the schema"),
        ];
        await OpenAsync();
        foreach ((byte[] zip, string says) in refused)
        {
            MlopsModelException error = await Assert.ThrowsAsync<MlopsModelException>(() => ImportAsync(zip, "m"));
            Assert.Equal("model.not_importable", error.Code);
            Assert.Contains(says, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("model.unknown_file", (await Assert.ThrowsAsync<MlopsDataException>(() => ImportAsync("no zip"u8.ToArray(), "m"))).Code);
        byte[] damaged = [.. refused[0].Zip];
        damaged[damaged.Length / 3] ^= 16;
        Assert.Contains((await Assert.ThrowsAsync<MlopsModelException>(() => ImportAsync(damaged, "m"))).Code, (string[])["model.unsafe_file", "model.unloadable"]);
        Assert.Empty(await _store.ListAsync("").ToArrayAsync());
        Assert.Equal("data.unreadable", (await Assert.ThrowsAsync<MlopsDataException>(async () => await Imports().ImportAsync(Path.Combine(Path.GetTempPath(), "not-there-" + Path.GetRandomFileName()), "m", "why"))).Code);
    }

    private ModelRegistry? _registry;

    private ModelRegistry Registry() => _registry!;

    private ModelImports Imports() => new(new ArtifactStore(_store), Registry(), [new MLNetModelImporter()]);

    private async Task OpenAsync()
    {
        _ledger ??= await ObjectLedger.OpenAsync(_store);
        _registry ??= await ModelRegistry.CreateAsync(_ledger, new ArtifactStore(_store));
    }

    private async Task<ModelVersion> ImportAsync(byte[] zip, string model, ModelImportOptions? options = null)
    {
        await OpenAsync();
        using var file = new MemoryStream(zip);
        return await Imports().ImportAsync(file, model, "made before", options);
    }

    private static byte[] Save(MLContext context, ITransformer model, DataViewSchema? schema)
    {
        using var bytes = new MemoryStream();
        context.Model.Save(model, schema, bytes);
        return bytes.ToArray();
    }

    private static Ride[] Rides(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var ride = new Ride { Vendor = $"v{random.Next(4)}", Miles = random.NextSingle() * 20, Stops = random.Next(6), Rain = random.Next(3) == 0, Speed = random.NextDouble() * 60 };
            ride.Fare = 3 + (ride.Miles * 2) + (ride.Rain ? 2 : 0) + (ride.Vendor == "v1" ? 1 : 0);
            ride.Late = ride.Miles + (ride.Stops * 2) + (ride.Rain ? 5 : 0) - (ride.Speed / 10) > 14;
            return ride;
        })];
    }

    private sealed class Ride
    {
        public string? Vendor { get; set; }

        public float Miles { get; set; }

        public int Stops { get; set; }

        public bool Rain { get; set; }

        public double Speed { get; set; }

        public bool Late { get; set; }

        public float Fare { get; set; }
    }

    private sealed class Answer
    {
        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }
    }

    private sealed class Wide
    {
        [VectorType(2)]
        public float[] Features { get; set; } = [];

        public float Fare { get; set; }
    }
}

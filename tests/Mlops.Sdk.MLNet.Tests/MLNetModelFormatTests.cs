using Microsoft.ML;
using Microsoft.ML.Data;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.MLNet.Tests;

public sealed class MLNetModelFormatTests
{
    [Fact]
    public async Task Answers_bit_for_bit_as_a_transform_of_the_whole_table_does()
    {
        (ITransformer model, SlotView _, byte[] zip) = Trained.Model();
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(zip);
        using ILoadedModel loaded = await new MLNetModelFormat().LoadAsync(manifest, artifacts);
        Visit[] rows = [.. Trained.Rows(300, seed: 9), new Visit(null, 0, false, null, null), new Visit(float.NaN, 9, true, "never seen", "nowhere"), new Visit(float.PositiveInfinity, 0, true, "vendor 1", "zone 1")];
        EncodedTable table = Trained.Encode(rows);
        IDataView transformed = model.Transform(new SlotView(table, new bool[rows.Length]));
        float[][] answers = Trained.Score(loaded, table);
        Assert.Equal("row-mapper", loaded.Scorer);
        Assert.Equal(transformed.GetColumn<float>("Score"), answers.Select(a => a[0]));
        Assert.Equal(transformed.GetColumn<float>("Probability"), answers.Select(a => a[1]));
        Assert.Equal(transformed.GetColumn<bool>("PredictedLabel"), answers.Select(a => a[2] == 1));
        Assert.Equal(2, answers.Select(a => a[2]).Distinct().Count());
    }

    [Fact]
    public async Task Eight_threads_get_the_answers_that_one_gets()
    {
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(Trained.Model().Zip);
        using ILoadedModel loaded = await new MLNetModelFormat().LoadAsync(manifest, artifacts);
        EncodedTable table = Trained.Encode(Trained.Rows(500, seed: 3));
        float[][] alone = Trained.Score(loaded, table);
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() => Seen[i] = Trained.Score(loaded, table)))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.All(Seen, answers => Assert.Equal(alone, answers));
    }

    private float[][][] Seen { get; } = new float[8][][];

    [Fact]
    public async Task A_call_allocates_nothing()
    {
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(Trained.Model().Zip);
        using ILoadedModel loaded = await new MLNetModelFormat().LoadAsync(manifest, artifacts);
        float[] numbers = [3, 1, 0];
        string?[] texts = ["vendor 1", "zone 4"];
        float[] outputs = new float[3];
        for (int i = 0; i < 1_000; i++)
        {
            loaded.Score(new ModelRow(numbers, texts), outputs);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            loaded.Score(new ModelRow(numbers, texts), outputs);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task A_flipped_bit_is_found_by_digest_before_anything_is_parsed()
    {
        var store = new InMemoryObjectStore();
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(Trained.Model().Zip, store: store);
        string hex = manifest.Files[0].Digest.Hex;
        var key = ObjectKey.Parse($"artifacts/sha256/{hex[..2]}/{hex}");
        byte[] bytes = await artifacts.ReadAsync(manifest.Files[0].Digest, long.MaxValue);
        bytes[bytes.Length / 2] ^= 4;
        using var damaged = new MemoryStream(bytes);
        await store.PutAsync(key, damaged);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await new MLNetModelFormat().LoadAsync(manifest, artifacts));
        Assert.Equal("artifact.corrupt", error.Code);
    }

    [Fact]
    public async Task Damage_from_before_registration_is_found_by_the_checksums_of_the_zip()
    {
        // digests protect what was registered; a file that was damaged earlier has a right digest
        byte[] sound = Trained.Model(200).Zip;
        var random = new Random(5);
        int refused = 0;
        for (int i = 0; i < 60; i++)
        {
            byte[] zip = [.. sound];
            zip[random.Next(zip.Length)] ^= (byte)(1 << random.Next(8));
            (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(zip);
            try
            {
                (await new MLNetModelFormat().LoadAsync(manifest, artifacts)).Dispose();
            }
            catch (MlopsModelException error)
            {
                Assert.Contains(error.Code, (string[])["model.unsafe_file", "model.unloadable"]);
                refused++;
            }
        }

        Assert.InRange(refused, 40, 60); // what remains are bits that mean nothing, such as times
    }

    [Fact]
    public async Task A_model_of_a_newer_major_version_is_refused_with_both_versions_named()
    {
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync([1], packages: new() { ["Microsoft.ML.Data"] = "99.1.0" });
        MlopsModelException error = await Assert.ThrowsAsync<MlopsModelException>(async () => await new MLNetModelFormat().LoadAsync(manifest, artifacts));
        Assert.Equal("model.incompatible_runtime", error.Code);
        Assert.Contains("99.1.0", error.Message, StringComparison.Ordinal);
        Assert.Contains(" 5.0.1,", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_of_this_version_as_the_environment_records_it_loads()
    {
        (ITransformer _, SlotView _, byte[] zip) = Trained.Model(200);
        EnvironmentInfo here = EnvironmentCapture.Now(1, MLNetModelFormat.RuntimeAssembly);
        Assert.StartsWith("5.", here.Packages[MLNetModelFormat.RuntimeAssembly], StringComparison.Ordinal);
        (ModelManifest manifest, ArtifactStore artifacts) = await Trained.StoreAsync(zip);
        using ILoadedModel loaded = await new MLNetModelFormat().LoadAsync(manifest with { Environment = here }, artifacts);
        Assert.Equal(3, loaded.Schema.Outputs.Count);
    }

    [Fact]
    public async Task A_version_without_the_file_and_one_of_another_schema_are_unloadable_and_say_why()
    {
        byte[] zip = Trained.Model(200).Zip;
        (ModelManifest other, ArtifactStore artifacts) = await Trained.StoreAsync(zip, file: "model.onnx");
        MlopsModelException missing = await Assert.ThrowsAsync<MlopsModelException>(async () => await new MLNetModelFormat().LoadAsync(other, artifacts));
        (ModelManifest output, ArtifactStore second) = await Trained.StoreAsync(zip, Trained.Schema with { Outputs = ["Score", "Fare"] });
        MlopsModelException unknown = await Assert.ThrowsAsync<MlopsModelException>(async () => await new MLNetModelFormat().LoadAsync(output, second));
        (ModelManifest input, ArtifactStore third) = await Trained.StoreAsync(zip, Trained.Schema with { Inputs = [Trained.Schema.Inputs[1]] });
        MlopsModelException absent = await Assert.ThrowsAsync<MlopsModelException>(async () => await new MLNetModelFormat().LoadAsync(input, third));
        (ModelManifest kind, ArtifactStore fourth) = await Trained.StoreAsync(zip, Trained.Schema with { Inputs = [.. Trained.Schema.Inputs.Select(i => i with { Kind = InputKind.Text })] });
        MlopsModelException text = await Assert.ThrowsAsync<MlopsModelException>(async () => await new MLNetModelFormat().LoadAsync(kind, fourth));
        Assert.All([missing, unknown, absent, text], e => Assert.Equal("model.unloadable", e.Code));
        Assert.Contains("model.onnx", missing.Message, StringComparison.Ordinal);
        Assert.Contains("Fare", unknown.Message, StringComparison.Ordinal);
    }
}

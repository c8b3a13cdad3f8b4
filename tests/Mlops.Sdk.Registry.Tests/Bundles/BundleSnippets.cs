using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Bundles;

/// <summary>The code of docs/guides/bundles.md.</summary>
public sealed class BundleSnippets
{
    [Fact]
    public async Task A_version_goes_from_development_to_production()
    {
        await using TestWorkspace one = await new TestStore().OpenAsync();
        await one.RegisterAsync();
        await using TestWorkspace two = await new TestStore().OpenAsync();
        ModelBundles development = ModelBundlesTests.Bundles(one);
        ModelBundles production = ModelBundlesTests.Bundles(two);
        ModelRegistry registry = two.Registry;
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            #region export
            await using (FileStream zip = File.Create(path))
            {
                BundleExport export = await development.ExportAsync("taxi-fare", 1, zip);
                Console.WriteLine($"{export.Info.Manifest} in {export.Length} bytes; the file is {export.Digest}");
            }
            #endregion

            #region import
            await using (FileStream zip = File.OpenRead(path))
            {
                BundleImport import = await production.ImportAsync(zip, reason: "release 12");
                Console.WriteLine($"{import.Version} came from version {import.Info.Source.Version}, made by {import.Info.Source.By}");
                await registry.MoveAliasAsync("taxi-fare", "champion", import.Version.Number, "release 12");
            }
            #endregion
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Equal((await one.Registry.FindVersionAsync("taxi-fare", 1))!.Digest, (await two.Registry.FindAliasAsync("taxi-fare", "champion"))!.Digest);
    }

    [Fact]
    public async Task An_importer_of_a_container_is_asked()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        ModelImports imports = new(workspace.Artifacts, workspace.Registry, [new TextImporter()]);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(path, "model: miles * 2");
        try
        {
            #region import-model
            ModelVersion version = await imports.ImportAsync(path, "taxi-fare", reason: "made before Mlops.Sdk", new ModelImportOptions
            {
                Label = "Fare",
                Metrics = new Dictionary<string, MetricValue> { ["rmse"] = new(3.4) },
            });
            ModelManifest manifest = await workspace.Registry.ReadManifestAsync(version);
            Console.WriteLine(string.Join('\n', manifest.Notes)); // what the file did not say
            #endregion
            Assert.Equal(("text", "Fare", "one note"), (manifest.ModelFormat, manifest.Schema.Label, manifest.Notes[0]));
            Assert.Equal(version, await imports.ImportAsync(path, "taxi-fare", "again", new ModelImportOptions { Label = "Fare", Metrics = new Dictionary<string, MetricValue> { ["rmse"] = new(3.4) } }));
            Assert.Equal("model.unknown_file", (await Assert.ThrowsAsync<MlopsDataException>(async () => await imports.ImportAsync(new MemoryStream("other"u8.ToArray()), "taxi-fare", "why"))).Code);
            Assert.Equal("model.unknown_file", (await Assert.ThrowsAsync<MlopsDataException>(async () => await imports.ImportAsync(new MemoryStream(new byte[2_000]), "taxi-fare", "why"))).Code);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task The_access_log_answers()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync();
        Builder mlops = new();
        mlops.Services.AddSingleton(workspace.Ledger).AddSingleton(store.Store).AddSingleton<IActorAccessor>(workspace.Actors).AddSingleton(workspace.Artifacts);
        mlops.AddRegistry();
        #region add-access-log
        mlops.AddAccessLog(log => log.SampleRate = 1.0);
        #endregion
        await using ServiceProvider services = mlops.Services.BuildServiceProvider();
        await services.GetRequiredService<IModelCatalog>().ReadManifestAsync(version);
        int found = 0;
        #region query-access-log
        AccessLog log = services.GetRequiredService<AccessLog>();
        await foreach (AccessRecord read in log.QueryAsync(new AccessFilter { Model = "taxi-fare" }))
        {
            Console.WriteLine($"{read.Time:u} {read.Actor} read {string.Join(", ", read.Versions)}: {read.Outcome}");
            found++;
        }
        #endregion
        Assert.Equal(1, found);
    }

    private sealed class TextImporter : IModelImporter
    {
        public string ModelFormat => "text";

        public string FileName => "model.txt";

        public long MaxBytes => 1_000;

        public bool Recognises(ReadOnlyMemory<byte> file) => file.Span.StartsWith("model:"u8);

        public ValueTask<ImportedModel> ReadAsync(ReadOnlyMemory<byte> file, string model, ModelImportOptions options, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(new ImportedModel(new ModelSchema(ModelTask.Regression, [new ModelInput("miles", InputKind.Number, "miles")], ["Score"], options.Label ?? ""), "hand", ["one note"]));
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}

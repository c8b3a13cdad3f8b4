using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Data;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>One store, and hosts on it: each with a ledger, registry and performance monitor of its own.</summary>
internal sealed class PerformanceWorld : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero);
    private readonly List<Host> _hosts = [];

    public FakeTimeProvider Time { get; } = new(Start);

    public InMemoryObjectStore Store { get; } = new();

    public static ModelSchema Numbers { get; } = new(ModelTask.Regression, [new ModelInput("Size", InputKind.Number, "Size")], [ModelOutputs.Score], "Price");

    public static ModelSchema Classes { get; } = new(ModelTask.Multiclass, [new ModelInput("Size", InputKind.Number, "Size")], ["cat", "dog", "emu"], "Animal");

    public async Task<Host> HostAsync(PerformanceOptions? options = null, params PerformancePlan[] plans)
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(Store, ids: new TimeOrderedIdGenerator(TimeProvider.System), actors: new FixedActorAccessor(new Actor("tester")));
        var artifacts = new ArtifactStore(Store);
        ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
        var host = new Host(ledger, artifacts, registry, new PerformanceMonitor(new RecordLogs(Store, ledger, Time), registry, artifacts, Time, options, plans));
        _hosts.Add(host);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Host host in _hosts)
        {
            await host.Monitor.DisposeAsync();
            await host.Ledger.DisposeAsync();
        }
    }

    internal sealed record Host(ObjectLedger Ledger, ArtifactStore Artifacts, ModelRegistry Registry, PerformanceMonitor Monitor)
    {
        public async Task<ModelVersion> RegisterAsync(ModelSchema? schema = null, params ReferenceFile[] more)
        {
            var files = new List<ModelFile>();
            foreach (ReferenceFile file in more.Append(new ReferenceFile("model.bin", [1, (byte)more.Length])))
            {
                ArtifactInfo info = await Artifacts.WriteAsync(new MemoryStream(file.Content));
                files.Add(new ModelFile(file.Name, info.Digest, info.Length));
            }

            int before = (await Registry.FindVersionAsync("m", 1)) is null ? 0 : 1;
            return await Registry.RegisterAsync(new ModelManifest { Model = "m", ModelFormat = "fake", Files = files, Schema = schema ?? TestData.Schema, Algorithm = $"a{before}" }, "for the test");
        }

        public async Task ServeAsync(int version = 1)
        {
            ModelVersion found = (await Registry.FindVersionAsync("m", version))!;
            await Monitor.PrepareAsync(found, await Registry.ReadManifestAsync(found), Artifacts);
        }

        public void Predict(string? id, float probability, string op = "ACME", int version = 1) =>
            Monitor.OnPredicted("m", version, new ModelRow([1f, 2f], [op]), [probability], new PredictionContext(id));

        public ValueTask<PerformanceWindow> MeasureAsync(int version = 1, double days = 1) => Monitor.MeasureAsync("m", version, Start, Start.AddDays(days));
    }
}

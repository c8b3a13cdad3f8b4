using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Tests;

/// <summary>One store that several registries, as in several processes, stand on.</summary>
internal sealed class TestStore
{
    internal static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    internal TestStore(bool writersMeet = false) => Clock = writersMeet ? TimeProvider.System : Time;

    internal FakeTimeProvider Time { get; } = new(Start);

    /// <summary>Gets the clock the ledgers use: a still one, or the real one where writers meet and have to wait for each other.</summary>
    internal TimeProvider Clock { get; }

    internal IObjectStore Store { get; init; } = new InMemoryObjectStore();

    internal async Task<TestWorkspace> OpenAsync(Actor? actor = null, params ILedgerGuard[] guards)
    {
        TestActors actors = new(actor ?? new Actor("ada"));
        ObjectLedger ledger = await ObjectLedger.OpenAsync(Store, time: Clock, actors: actors, guards: guards);
        ArtifactStore artifacts = new(Store);
        return new TestWorkspace(ledger, artifacts, await ModelRegistry.CreateAsync(ledger, artifacts), actors);
    }
}

internal sealed record TestWorkspace(ILedger Ledger, IArtifactStore Artifacts, ModelRegistry Registry, TestActors Actors) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Ledger is IAsyncDisposable owned ? owned.DisposeAsync() : default;

    internal async Task<ModelManifest> ManifestAsync(string model = "taxi-fare", string content = "model", string? runId = null)
    {
        using MemoryStream bytes = new(System.Text.Encoding.UTF8.GetBytes(content));
        ArtifactInfo file = await Artifacts.WriteAsync(bytes);
        return new ModelManifest
        {
            Model = model,
            ModelFormat = "mlnet",
            Algorithm = "lightgbm",
            Files = [new ModelFile("model.zip", file.Digest, file.Length)],
            Schema = new ModelSchema(ModelTask.Binary, [new ModelInput("Distance", InputKind.Number, "Distance") { Minimum = 0, Maximum = 9 }], ["Score"], "Damage"),
            Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(0.76, 0.74, 0.78) },
            RunId = runId,
        };
    }

    internal async Task<ModelVersion> RegisterAsync(string model = "taxi-fare", string content = "model", VersionStatus status = VersionStatus.Validated) =>
        await Registry.RegisterAsync(await ManifestAsync(model, content), "trained", status);

    internal async Task<List<LedgerEntry>> EntriesAsync()
    {
        await Ledger.RefreshAsync();
        List<LedgerEntry> all = [];
        await foreach (LedgerEntry entry in Ledger.ReadAsync())
        {
            all.Add(entry);
        }

        return all;
    }

    internal async Task AppendAsync<T>(string kind, T data, LedgerResource resource, int format = 1) =>
        await Ledger.AppendAsync([new LedgerDraft(kind, resource, "test", LedgerData.Of(data)) { Format = format }]);
}

/// <summary>Tells who acts; a test changes it.</summary>
internal sealed class TestActors(Actor current) : IActorAccessor
{
    public Actor Current { get; set; } = current;
}

using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Data;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>One store with a registered model, and hosts on it: each with a ledger, registry, recorder and monitor of its own.</summary>
internal sealed class MonitorWorld : IAsyncDisposable
{
    private readonly List<Host> _hosts = [];

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public InMemoryObjectStore Store { get; } = new();

    public SequentialIdGenerator Ids { get; } = new();

    public EncodedTable Trained { get; } = TestData.Sample(1, 4000);

    /// <summary>How every host watches the model.</summary>
    public Action<WatchBuilder>? Watch { get; set; }

    /// <summary>What every host measures besides drift.</summary>
    public List<ISignalSource> Sources { get; } = [];

    public List<IAlertExplainer> Explainers { get; } = [];

    /// <summary>Whether ledgers opened from now on go by <see cref="Time"/> too, for tests in which one host writes at a time.</summary>
    public bool OneClock { get; init; }

    public static async Task<(MonitorWorld World, Host Host)> OpenAsync(MonitoringOptions? options = null, bool withProfile = true, Action<WatchBuilder>? watch = null, bool oneClock = false)
    {
        var world = new MonitorWorld { Watch = watch, OneClock = oneClock };
        Host host = await world.HostAsync(options);
        await host.RegisterAsync(world.Trained, withProfile);
        return (world, host);
    }

    public async Task<Host> HostAsync(MonitoringOptions? options = null, IObjectStore? store = null)
    {
        IObjectStore on = store ?? Store;
        ObjectLedger ledger = await ObjectLedger.OpenAsync(on, time: OneClock ? Time : null, ids: new TimeOrderedIdGenerator(TimeProvider.System), actors: new FixedActorAccessor(new Actor("tester")));
        var artifacts = new ArtifactStore(on);
        var recorder = new PredictionRecorder(Time, Ids);
        var trigger = new FakeTrigger();
        ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
        var watch = new WatchBuilder("m");
        Watch?.Invoke(watch);
        var monitor = new ModelMonitor(ledger, registry, artifacts, on, recorder, Ids, Time, options, trigger, null, [watch.Build()], new MonitorExtensions(() => Sources, () => Explainers));
        var host = new Host(ledger, artifacts, registry, recorder, trigger, monitor);
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

    internal sealed record Host(ObjectLedger Ledger, ArtifactStore Artifacts, ModelRegistry Registry, PredictionRecorder Recorder, FakeTrigger Trigger, ModelMonitor Monitor)
    {
        public async Task<ModelVersion> RegisterAsync(EncodedTable trained, bool withProfile = true, string? importance = null)
        {
            ArtifactInfo model = await Artifacts.WriteAsync(new MemoryStream([1, 2, 3]));
            var files = new List<ModelFile> { new("model.bin", model.Digest, model.Length) };
            if (withProfile)
            {
                ArtifactInfo profile = await Artifacts.WriteAsync(new MemoryStream(ReferenceProfile.Of(trained, TestData.Answers(trained)).Serialize()));
                files.Add(new ModelFile(ReferenceProfile.FileName, profile.Digest, profile.Length));
            }

            if (importance is not null)
            {
                ArtifactInfo file = await Artifacts.WriteAsync(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(importance)));
                files.Add(new ModelFile(ModelFileNames.Importance, file.Digest, file.Length));
            }

            return await Registry.RegisterAsync(
                new ModelManifest { Model = "m", ModelFormat = "fake", Files = files, Schema = TestData.Schema, Algorithm = $"a{trained.Rows}-{trained.Numbers[0][0]}" },
                "for the test");
        }

        public async Task ServeAsync(int version)
        {
            ModelVersion found = (await Registry.FindVersionAsync("m", version))!;
            ModelManifest manifest = await Registry.ReadManifestAsync(found);
            await Recorder.PrepareAsync(found, manifest, Artifacts);
            Recorder.OnVersionActivated(found, manifest);
        }

        public void Predict(EncodedTable rows, int version = 1)
        {
            float[] numbers = new float[2];
            string?[] texts = new string?[1];
            var random = new Random(BitConverter.SingleToInt32Bits(rows.Numbers[1][0]));
            for (int i = 0; i < rows.Rows; i++)
            {
                rows.ReadRow(i, numbers, texts);
                Recorder.OnPredicted("m", version, new ModelRow(numbers, texts), [random.NextSingle()]);
            }
        }

        public async Task<LedgerEntry[]> EntriesAsync(params string[] kinds)
        {
            await Ledger.RefreshAsync();
            var entries = new List<LedgerEntry>();
            await foreach (LedgerEntry entry in Ledger.ReadAsync())
            {
                if (kinds.Length == 0 ? entry.Kind.StartsWith("monitor.", StringComparison.Ordinal) : kinds.Contains(entry.Kind))
                {
                    entries.Add(entry);
                }
            }

            return [.. entries];
        }

        public async Task<string[]> KindsAsync() => [.. (await EntriesAsync()).Select(e => e.Kind["monitor.".Length..])];
    }
}

/// <summary>Runs nothing, once a key.</summary>
internal sealed class FakeTrigger : IRetrainingTrigger
{
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public List<(string Model, string Key, string Reason)> Calls { get; } = [];

    public bool Fails { get; set; }

    public RunStatus Status { get; set; } = RunStatus.Registered;

    public ValueTask<RunRecord?> TriggerAsync(string model, string key, string reason, CancellationToken cancellationToken = default)
    {
        if (Fails)
        {
            throw new InvalidOperationException("gone");
        }

        Calls.Add((model, key, reason));
        return ValueTask.FromResult(_used.Add(key)
            ? new RunRecord($"run-{_used.Count}", "p", Status, key, reason, Actor.System, default, default(DateTimeOffset), Status == RunStatus.Failed ? null : 2, null)
            : null);
    }
}

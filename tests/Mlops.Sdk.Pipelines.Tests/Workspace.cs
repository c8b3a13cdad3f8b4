using Mlops.Sdk.Data;
using Mlops.Sdk.MLNet;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Pipelines.Tests;

/// <summary>Registry, artifacts and runner on one store; several of them on one store are several processes.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private Workspace(IObjectStore store, ObjectLedger ledger, ArtifactStore artifacts, ModelRegistry registry, IReferenceFileSource[] files) =>
        (Store, Ledger, Artifacts, Registry, Runner) = (store, ledger, artifacts, registry, new PipelineRunner(registry, artifacts, store, [new MLNetModelFormat()], files: files));

    internal IObjectStore Store { get; }

    internal ObjectLedger Ledger { get; }

    internal ArtifactStore Artifacts { get; }

    internal ModelRegistry Registry { get; }

    internal PipelineRunner Runner { get; }

    internal static async Task<Workspace> OpenAsync(IObjectStore? store = null, params IReferenceFileSource[] files)
    {
        store ??= new InMemoryObjectStore();
        ObjectLedger ledger = await ObjectLedger.OpenAsync(store, time: TimeProvider.System, actors: new Ada());
        var artifacts = new ArtifactStore(store);
        return new Workspace(store, ledger, artifacts, await ModelRegistry.CreateAsync(ledger, artifacts), files);
    }

    public ValueTask DisposeAsync() => Ledger.DisposeAsync();

    internal Task<PipelineRun> RunAsync<T>(PipelineDefinition<T> pipeline, string? key = null, int seed = 1, IProgress<StepEvent>? progress = null, CancellationToken stop = default) =>
        Runner.RunAsync(pipeline, new PipelineRunOptions { Reason = "test", Key = key, Seed = seed }, progress, stop);

    internal async Task<Digest> ContentAsync(ModelVersion version)
    {
        ModelManifest manifest = await Registry.ReadManifestAsync(version);
        return ModelZip.ContentDigest(await Artifacts.ReadAsync(manifest.Files.Single(f => f.Name == MLNetModelFormat.FileName).Digest, ModelZip.MaxBytes));
    }

    private sealed class Ada : IActorAccessor
    {
        public Actor Current { get; } = new("ada");
    }
}

/// <summary>A ride with a known truth: late depends on the miles, rain and vendor; the refund is written afterwards.</summary>
internal sealed record Ride(DateOnly Day, float? Miles, bool Rain, string? Vendor, string Driver, decimal? Refund, string Outcome, float Minutes);

internal static class Rides
{
    internal static Ride[] Make(int count, int seed = 1, double signal = 1)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                float miles = random.NextSingle() * 20;
                bool rain = random.Next(3) == 0;
                string vendor = $"vendor {random.Next(4)}";
                double score = signal * (((miles - 10) / 4) + (rain ? 1.2 : -0.6) + (vendor == "vendor 1" ? 1 : 0)) - 2.4;
                bool late = random.NextDouble() < 1 / (1 + Math.Exp(-score));
                float minutes = 8 + (2 * miles) + (rain ? 6 : 0) + random.NextSingle();
                return new Ride(
                    new DateOnly(2024, 1, 1).AddDays(i * 700 / count),
                    random.Next(12) == 0 ? null : miles,
                    rain,
                    random.Next(15) == 0 ? null : vendor,
                    $"driver {random.Next(30)}",
                    late && random.Next(3) == 0 ? random.Next(5, 50) : 0,
                    late ? random.Next(2) == 0 ? "late" : "very late" : "fine",
                    minutes);
            }),
        ];
    }
}

/// <summary>The pipeline of most tests; each changes what it is about.</summary>
internal sealed class LateRides(IReadOnlyList<Ride> rides) : PipelineDefinition<Ride>("late-rides")
{
    internal Action<GateBuilder> Rules { get; init; } = g => g.BeatsBaseline().NotWorseThanChampion(0.03);

    internal Action<TrainingBuilder<Ride>> Training { get; init; } = t => t
        .Candidate("linear", new LinearOptions { MaxIterations = 20 })
        .Candidate("trees", new FastTreeOptions { Trees = 12, Leaves = 6 });

    internal IDataSource<Ride>? Source { get; init; }

    internal Action<DataContractBuilder<Ride>> Contract { get; init; } = v => v.Between(r => r.Miles, 0, 100);

    internal System.Linq.Expressions.Expression<Func<Ride, bool>> Label { get; init; } = r => r.Outcome != "fine";

    internal Action<GoalBuilder> Criteria { get; init; } = g => g.AtLeast("auc", 0.6).AtMost("logLoss", 0.7);

    protected override void Configure(PipelineBuilder<Ride> p) => p
        .Goal("warn before a ride is late", Criteria)
        .Extract(Source ?? DataSource.Enumerable("rides", rides))
        .Validate(Contract)
        .SplitByTime(r => r.Day, test: 0.25)
        .Binary(Label, t => Training(t.Without(r => r.Minutes).DatePart(r => r.Day, DatePart.DayOfWeek)), name: "Late")
        .Evaluate(r => r.Vendor)
        .Gate(Rules)
        .Register();
}

internal sealed class Collected : IProgress<StepEvent>
{
    private readonly Lock _gate = new();
    private readonly List<StepEvent> _events = [];

    internal Action<StepEvent>? On { get; init; }

    internal IReadOnlyList<StepEvent> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public void Report(StepEvent value)
    {
        lock (_gate)
        {
            _events.Add(value);
        }

        On?.Invoke(value);
    }
}

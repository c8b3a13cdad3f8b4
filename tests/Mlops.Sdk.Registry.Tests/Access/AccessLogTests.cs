using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Access;

public sealed class AccessLogTests
{
    [Fact]
    public async Task Who_read_which_version_when_is_told_by_any_process_after_one_call_turned_it_on()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync(new Actor("ann"));
        ModelVersion version = await workspace.RegisterAsync();
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(version); // before it was turned on: not noted
        TestActors actors = new(new Actor("bob", ActorKind.Service, OnBehalfOf: "carl"));
        await using (ServiceProvider provider = Container(workspace, store.Store, actors))
        {
            IModelCatalog catalog = provider.GetRequiredService<IModelCatalog>();
            IArtifactStore artifacts = provider.GetRequiredService<IArtifactStore>();
            await catalog.ReadManifestAsync(version);
            await using (Stream file = await artifacts.OpenAsync(manifest.Files[0].Digest))
            {
                await file.CopyToAsync(Stream.Null);
            }

            actors.Current = new Actor("dora");
            await using (Stream file = await artifacts.OpenAsync(manifest.Files[0].Digest))
            {
                _ = file.ReadByte();
            }

            await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await artifacts.ReadAsync(Digest.Of("nothing"u8), 10));
            provider.GetRequiredService<AccessLog>().Record("http.predict", "taxi-fare/1");
        }

        await using AccessLog elsewhere = new(store.Store, workspace.Ledger, actors);
        AccessRecord[] all = await elsewhere.QueryAsync().ToArrayAsync();
        Assert.Equal(
            [("bob", "ok", "taxi-fare/1/manifest.json"), ("bob", "ok", "taxi-fare/1/model.zip"), ("dora", "partial", "taxi-fare/1/model.zip"), ("dora", "artifact.not_found", ""), ("dora", "ok", "")],
            all.Select(r => (r.Actor, r.Outcome, string.Join(",", r.Versions))));
        Assert.Equal(("carl", 5L, 1L, 1.0), (all[0].OnBehalfOf, all[1].Bytes, all[2].Bytes, all[0].SampleRate));
        Assert.Equal(("http.predict", "taxi-fare/1"), (all[4].Action, all[4].Resource));
        Assert.Equal(2, await elsewhere.QueryAsync(new AccessFilter { Actor = "bob" }).CountAsync());
        Assert.Equal(3, await elsewhere.QueryAsync(new AccessFilter { Model = "taxi-fare", Version = 1 }).CountAsync());
        Assert.Equal(0, await elsewhere.QueryAsync(new AccessFilter { Model = "taxi-fare", Version = 2 }).CountAsync());
        Assert.Equal(2, await elsewhere.QueryAsync(new AccessFilter { Digest = manifest.Files[0].Digest, Action = "artifact.read" }).CountAsync());
        Assert.Equal(0, await elsewhere.QueryAsync(new AccessFilter { To = all[0].Time.AddDays(-1) }).CountAsync());
        Assert.Contains(await workspace.EntriesAsync(), e => e.Kind == LedgerKinds.RecordsRolled); // tamper-evident through the ledger
    }

    [Fact]
    public async Task Predictions_are_counted_by_caller_version_and_hour_and_found_beside_the_reads_of_a_version()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 10, 0, 0, TimeSpan.Zero));
        await using AccessLog log = new(store.Store, workspace.Ledger, new TestActors(new Actor("host")), time: time);
        AccessLogObserver observer = new(log);
        Assert.True(observer.ObservesCalls);
        Parallel.For(0, 1_000, i => observer.OnCalled(new PredictionCall("taxi-fare", 1 + (i % 2), 3, TimeSpan.Zero, null, new PredictionContext(Caller: i % 4 == 0 ? "shop" : null))));
        observer.OnCalled(new PredictionCall("taxi-fare", 0, 1, TimeSpan.Zero, "serving.not_ready", new PredictionContext(Caller: new string('x', 1_000_000))));
        await log.FlushAsync();
        time.Advance(TimeSpan.FromHours(1));
        observer.OnCalled(new PredictionCall("taxi-fare", 1, 3, TimeSpan.Zero, null, new PredictionContext(Caller: "shop")));
        await using AccessLog elsewhere = new(store.Store, workspace.Ledger, new TestActors(new Actor("auditor")));
        await log.FlushAsync();
        AccessRecord[] all = await elsewhere.QueryAsync(new AccessFilter { Action = AccessLog.Predicted }).ToArrayAsync();
        Assert.True(all.Length < 100, "Counts are rolled: not a record for each call.");
        Assert.Equal(
            [("(other)", "taxi-fare/0", "serving.not_ready", 10, 1L, 1L), ("host", "taxi-fare/1", "ok", 10, 250, 750), ("host", "taxi-fare/2", "ok", 10, 500, 1_500), ("shop", "taxi-fare/1", "ok", 10, 250, 750), ("shop", "taxi-fare/1", "ok", 11, 1, 3)],
            all.GroupBy(r => (r.Actor, r.Versions[0], r.Outcome, r.Time.Hour)).Select(g => (g.Key.Actor, g.Key.Item2, g.Key.Outcome, g.Key.Hour, g.Sum(r => r.Count), g.Sum(r => r.Rows))).Order());
        Assert.Equal(501, await elsewhere.QueryAsync(new AccessFilter { Model = "taxi-fare", Version = 1 }).Select(r => r.Count).SumAsync());
        Assert.Equal(0, await elsewhere.QueryAsync(new AccessFilter { Model = "taxi" }).CountAsync());
        Assert.Equal(251, await elsewhere.QueryAsync(new AccessFilter { Actor = "shop" }).Select(r => r.Count).SumAsync());
    }

    [Fact]
    public async Task A_million_callers_are_counted_in_bounded_memory()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        await using AccessLog log = new(store.Store, workspace.Ledger, new TestActors(new Actor("host")), new AccessLogOptions { SegmentAge = TimeSpan.FromDays(1) });
        for (int i = 0; i < 1_000_000; i++)
        {
            log.RecordCall(new PredictionCall("m", 1, 1, TimeSpan.Zero, null, new PredictionContext(Caller: $"caller {i}")));
        }

        Assert.InRange(log.Counters, 10_000, 10_100);
        Assert.Equal(1_000_000, await log.QueryAsync().Select(r => r.Count).SumAsync());
    }

    [Theory]
    [InlineData(PredictionNotes.None, 0, 0)]
    [InlineData(PredictionNotes.Sampled, 200, 800)]
    public async Task Predictions_are_sampled_one_by_one_or_left_out_when_that_is_asked_for(PredictionNotes notes, int least, int most)
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        await using AccessLog log = new(store.Store, workspace.Ledger, new TestActors(new Actor("host")), new AccessLogOptions { Predictions = notes, SampleRate = 0.5 });
        AccessLogObserver observer = new(log);
        Assert.Equal(notes == PredictionNotes.Sampled, observer.ObservesCalls);
        for (int i = 0; i < 1_000; i++)
        {
            observer.OnCalled(new PredictionCall("m", 1, 2, TimeSpan.Zero, null, default));
        }

        AccessRecord[] all = await log.QueryAsync().ToArrayAsync();
        Assert.InRange(all.Length, least, most);
        Assert.All(all, r => Assert.Equal((1L, 2L, 0.5, "m/1"), (r.Count, r.Rows, r.SampleRate, r.Versions.Single())));
    }

    [Fact]
    public async Task A_share_of_reads_is_written_and_says_which()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        await using AccessLog log = new(store.Store, workspace.Ledger, new TestActors(new Actor("ann")), new AccessLogOptions { SampleRate = 0.25, Seed = 7 });
        for (int i = 0; i < 2_000; i++)
        {
            log.Record("read");
        }

        AccessRecord[] all = await log.QueryAsync().ToArrayAsync();
        Assert.InRange(all.Length, 400, 600);
        Assert.All(all, r => Assert.Equal(0.25, r.SampleRate));
        Assert.Equal(0, log.Dropped);
    }

    [Fact]
    public async Task A_store_that_is_away_fails_no_read()
    {
        InMemoryObjectStore objects = new();
        FaultInjectingObjectStore away = new(objects);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(objects);
        ArtifactStore artifacts = new(objects);
        using MemoryStream content = new("model"u8.ToArray());
        Digest digest = (await artifacts.WriteAsync(content)).Digest;
        TestActors actors = new(new Actor("ann"));
        AccessLog log = new(away, ledger, actors);
        AccessLoggingArtifactStore noted = new(artifacts, log, actors);
        away.Sometimes(StoreFault.Unavailable, 1);
        Assert.Equal(5, (await noted.ReadAsync(digest, 100)).Length);
        away.Heal();
        AccessRecord record = Assert.Single(await log.QueryAsync().ToArrayAsync());
        Assert.Equal(digest, record.Digest);
        await log.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public async Task A_rate_that_is_none_is_refused(double rate)
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        Assert.Equal("registry.invalid_access_log", Assert.Throws<MlopsException>(() => new AccessLog(new InMemoryObjectStore(), workspace.Ledger, workspace.Actors, new AccessLogOptions { SampleRate = rate })).Code);
    }

    [Fact]
    public void Turned_on_twice_it_notes_once_and_before_any_store_it_says_so()
    {
        Builder builder = new();
        Assert.Equal("registry.invalid_access_log", Assert.Throws<MlopsException>(() => builder.AddAccessLog()).Code);
        builder.Services.AddSingleton<IArtifactStore>(new ArtifactStore(new InMemoryObjectStore()));
        builder.AddAccessLog().AddAccessLog();
        Assert.Single(builder.Services, s => s.ServiceType == typeof(IArtifactStore));
    }

    private static ServiceProvider Container(TestWorkspace workspace, IObjectStore store, IActorAccessor actors)
    {
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(store).AddSingleton(actors).AddSingleton(workspace.Artifacts);
        builder.AddRegistry().AddAccessLog();
        return builder.Services.BuildServiceProvider();
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}

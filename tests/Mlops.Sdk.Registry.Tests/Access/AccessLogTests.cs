using Microsoft.Extensions.DependencyInjection;
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

using System.Globalization;
using System.Text;
using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Artifacts;

/// <summary>What a collection takes and what it leaves.</summary>
public sealed class ArtifactCollectorTests : IAsyncDisposable
{
    private static readonly TimeSpan Later = TimeSpan.FromDays(8);
    private readonly JumpingTime _time = new();
    private readonly InMemoryObjectStore _store;
    private readonly ArtifactStore _artifacts;
    private ObjectLedger? _ledger;

    public ArtifactCollectorTests()
    {
        _store = new InMemoryObjectStore(_time);
        _artifacts = new ArtifactStore(_store);
    }

    public ValueTask DisposeAsync() => _ledger?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task What_nothing_names_goes_after_the_grace_period_and_the_ledger_tells()
    {
        ArtifactCollector collector = await CollectorAsync();
        Digest named = await Registering.WriteAsync(_artifacts, "named by a manifest");
        Digest unused = await Registering.WriteAsync(_artifacts, "named by nobody");
        await Registering.RegisterAsync(_artifacts, _ledger!, "m", 1, named);
        Assert.Equal((3, 2, 1, 0), Counts(await collector.CollectAsync("too early")));
        _time.Jump(Later);
        Digest young = await Registering.WriteAsync(_artifacts, "just written");

        UnusedArtifact found = Assert.Single(await collector.FindUnusedAsync().ToArrayAsync());
        Assert.Equal((unused, 15), (found.Digest, found.Length));
        Assert.True(await _artifacts.ExistsAsync(unused), "a dry run removes nothing");

        #region collect
        ArtifactCollection done = await collector.CollectAsync("the disk is nearly full");
        #endregion
        Assert.Equal((4, 2, 1, 1), Counts(done));
        Assert.Equal((15, 0, true), (done.RemovedBytes, done.Rescued, done.Complete));
        Assert.False(await _artifacts.ExistsAsync(unused));
        Assert.True(await _artifacts.ExistsAsync(named) && await _artifacts.ExistsAsync(young));

        LedgerEntry[] told = await _ledger!.ReadAsync().Where(e => e.Kind.StartsWith("artifacts.", StringComparison.Ordinal)).ToArrayAsync();
        Assert.Equal([ArtifactCollector.CollectedKind, ArtifactCollector.StartedKind, ArtifactCollector.CollectedKind], told.Select(e => e.Kind));
        Assert.Equal(["too early", "the disk is nearly full", "the disk is nearly full"], told.Select(e => e.Reason));
        Assert.Equal(told[1].Id, told[2].Correlation);
        Assert.Equal((1, 15), (told[2].Data.GetProperty("removed").GetInt32(), told[2].Data.GetProperty("removedBytes").GetInt32()));
    }

    [Fact]
    public async Task Whatever_part_of_an_entry_names_an_artifact_keeps_it()
    {
        ArtifactCollector collector = await CollectorAsync();
        var kept = new List<Digest>();
        async Task<Digest> NewAsync()
        {
            kept.Add(await Registering.WriteAsync(_artifacts, $"file {kept.Count}"));
            return kept[^1];
        }

        string escaped = (await NewAsync()).ToString().Replace("sha256:", "\\u0073ha256\\u003a", StringComparison.Ordinal);
        await AppendAsync(new LedgerResource("thing", "t", null, await NewAsync()), "why", "{}");
        await AppendAsync(new LedgerResource("thing", "t"), $"because of {await NewAsync()}.", "{}");
        await AppendAsync(new LedgerResource("thing", "t"), "why", $$"""{"a":[{"b":"see {{await NewAsync()}}, {{await NewAsync()}}"}],"{{await NewAsync()}}":1}""");
        await AppendAsync(new LedgerResource("thing", "t"), "why", $$"""{"a":["{{escaped}}"]}""");
        await PutAsync("monitoring/w1", $$"""{"profile":"{{await NewAsync()}}"}""");
        await PutAsync("records/r1", new string(' ', 65_500) + await NewAsync() + new string(' ', 65_470) + await NewAsync()); // across the edges of what is read at once
        _time.Jump(Later);
        Assert.Empty(await collector.FindUnusedAsync().ToArrayAsync());
        await collector.CollectAsync("nothing to take");
        foreach (Digest digest in kept)
        {
            Assert.True(await _artifacts.ExistsAsync(digest));
        }

        async Task AppendAsync(LedgerResource resource, string reason, string data) =>
            await _ledger!.AppendAsync([new LedgerDraft("test.named", resource, reason, JsonDocument.Parse(data).RootElement)]);
    }

    [Fact]
    public async Task A_deleted_version_keeps_nothing_that_no_other_one_names()
    {
        ArtifactCollector collector = await CollectorAsync();
        Digest shared = await Registering.WriteAsync(_artifacts, "in both");
        Digest own = await Registering.WriteAsync(_artifacts, "in the deleted one");
        Digest first = await Registering.RegisterAsync(_artifacts, _ledger!, "m", 1, shared, own);
        Digest second = await Registering.RegisterAsync(_artifacts, _ledger!, "m", 2, shared);
        Digest third = await Registering.RegisterAsync(_artifacts, _ledger!, "other", 1, Digest.Of("not there"u8));
        await Registering.DeleteAsync(_ledger!, "m", 1, first);
        _time.Jump(Later);
        ArtifactCollection done = await collector.CollectAsync("after a deletion");
        Assert.Equal((5, 3, 0, 2), Counts(done));
        Assert.False(await _artifacts.ExistsAsync(own) || await _artifacts.ExistsAsync(first));
        Assert.True(await _artifacts.ExistsAsync(shared) && await _artifacts.ExistsAsync(second) && await _artifacts.ExistsAsync(third));
    }

    [Fact]
    public async Task A_record_of_the_step_cache_keeps_its_artifacts_while_it_is_young()
    {
        ArtifactCollector collector = await CollectorAsync();
        Digest model = await Registering.WriteAsync(_artifacts, "a trained candidate");
        await PutAsync("cache/steps/one", $$"""{"model":"{{model}}"}""");
        _time.Jump(Later);
        Assert.Empty(await collector.FindUnusedAsync().ToArrayAsync());
        _time.Jump(TimeSpan.FromDays(30));
        Assert.Equal(model, Assert.Single(await collector.FindUnusedAsync().ToArrayAsync()).Digest);
    }

    [Fact]
    public async Task A_damaged_manifest_of_a_live_version_stops_the_collection_and_an_absent_one_is_told()
    {
        ArtifactCollector collector = await CollectorAsync();
        Digest file = await Registering.WriteAsync(_artifacts, "file");
        Digest unused = await Registering.WriteAsync(_artifacts, "unused");
        Digest manifest = await Registering.RegisterAsync(_artifacts, _ledger!, "m", 1, file);
        _time.Jump(Later);
        ObjectKey key = ObjectKey.Parse($"artifacts/sha256/{manifest.Hex[..2]}/{manifest.Hex}");
        await PutAsync(key.Value, "{}");
        Assert.Equal("artifact.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await collector.CollectAsync("why"))).Code);
        Assert.True(await _artifacts.ExistsAsync(file) && await _artifacts.ExistsAsync(unused));

        await _store.DeleteAsync(key);
        ArtifactCollection done = await collector.CollectAsync("why");
        Assert.Equal(1, done.MissingManifests);
        Assert.False(await _artifacts.ExistsAsync(unused));
    }

    [Fact]
    public async Task What_is_touched_or_written_again_between_listing_and_removal_is_rescued()
    {
        ArtifactCollector collector = await CollectorAsync();
        Digest[] unused = [await Registering.WriteAsync(_artifacts, "one"), await Registering.WriteAsync(_artifacts, "two"), await Registering.WriteAsync(_artifacts, "three")];
        _time.Jump(Later);
        var hooked = new HookedStore(_store) { BeforeDelete = async _ =>
        {
            await _artifacts.TouchAsync(unused[0]);
            await Registering.WriteAsync(_artifacts, "two");
        } };
        ArtifactCollection done = await new ArtifactCollector(hooked, _ledger!, _time).CollectAsync("why");
        Assert.Equal((1, 2), (done.Removed, done.Rescued));
        Assert.True(await _artifacts.ExistsAsync(unused[0]) && await _artifacts.ExistsAsync(unused[1]));
        Assert.False(await _artifacts.ExistsAsync(unused[2]));
        Assert.Empty(await collector.FindUnusedAsync().ToArrayAsync()); // both are young again
    }

    [Fact]
    public async Task What_is_named_between_marking_and_removal_is_kept()
    {
        _ = await CollectorAsync();
        Digest file = await Registering.WriteAsync(_artifacts, "old, and used again at the last moment");
        _time.Jump(Later);
        await using ObjectLedger elsewhere = await ObjectLedger.OpenAsync(_store);
        var hooked = new HookedStore(_store) { AfterList = async () => await Registering.RegisterAsync(_artifacts, elsewhere, "m", 1, file) };
        ArtifactCollection done = await new ArtifactCollector(hooked, _ledger!, _time).CollectAsync("why");
        Assert.Equal(0, done.Removed);
        Assert.True(await _artifacts.ExistsAsync(file));
    }

    [Theory]
    [InlineData(StoreFault.Unavailable)]
    [InlineData(StoreFault.LostAnswer)]
    public async Task A_collection_that_breaks_off_anywhere_is_simply_run_again(StoreFault fault)
    {
        for (int at = 0; at < 12; at++)
        {
            await using var test = new ArtifactCollectorTests();
            ArtifactCollector collector = await test.CollectorAsync();
            Digest kept = await Registering.WriteAsync(test._artifacts, "kept");
            await Registering.RegisterAsync(test._artifacts, test._ledger!, "m", 1, kept);
            for (int i = 0; i < 8; i++)
            {
                await Registering.WriteAsync(test._artifacts, $"unused {i}");
            }

            test._time.Jump(Later);
            var faulty = new FaultInjectingObjectStore(test._store, seed: at);
            faulty.Next(fault, StoreCalls.Delete | StoreCalls.List | StoreCalls.Open, skip: at);
            Exception? broken = await Record.ExceptionAsync(async () => await new ArtifactCollector(faulty, test._ledger!, test._time).CollectAsync("breaks off"));
            Assert.True(broken is MlopsStorageException || at > 10, $"fault {at} was not met");
            await collector.CollectAsync("again");
            Assert.Equal(2, await test._store.ListAsync("artifacts/").CountAsync());
            Assert.Equal("kept"u8.ToArray(), await test._artifacts.ReadAsync(kept, 100));
        }
    }

    [Fact]
    public async Task A_collection_without_a_reason_that_is_denied_or_too_eager_removes_nothing()
    {
        ArtifactCollector collector = await CollectorAsync(new No());
        Digest unused = await Registering.WriteAsync(_artifacts, "unused");
        _time.Jump(Later);
        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await collector.CollectAsync(" "))).Code);
        Assert.Equal("test.no", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await collector.CollectAsync("please"))).Code);
        foreach (ArtifactCollectionOptions eager in new[] { new ArtifactCollectionOptions { GracePeriod = TimeSpan.FromMinutes(59) }, new ArtifactCollectionOptions { CacheLifetime = TimeSpan.Zero } })
        {
            Assert.Equal("artifact.invalid_option", (await Assert.ThrowsAsync<MlopsException>(async () => await collector.CollectAsync("now", eager))).Code);
        }

        Assert.True(await _artifacts.ExistsAsync(unused));
    }

    [Fact]
    public async Task Objects_that_are_no_artifacts_are_left_alone()
    {
        ArtifactCollector collector = await CollectorAsync();
        foreach (string key in new[] { "artifacts/sha256/ab/short", $"artifacts/sha256/00/{new string('f', 64)}", "artifacts/other", $"artifacts/sha256/ff/{new string('f', 64)}/below" })
        {
            await PutAsync(key, "not ours");
        }

        _time.Jump(Later);
        await collector.CollectAsync("why");
        Assert.Equal(4, await _store.ListAsync("artifacts/").CountAsync());
    }

    [Fact]
    public async Task The_artifacts_of_15000_runs_are_collected_in_one_go_and_the_named_ones_stay()
    {
        const int runs = 15_000;
        ArtifactCollector collector = await CollectorAsync();
        var drafts = new List<LedgerDraft>();
        for (int i = 0; i < runs; i++)
        {
            Digest digest = await Registering.WriteAsync(_artifacts, i.ToString(CultureInfo.InvariantCulture));
            if (i % 10 == 0)
            {
                drafts.Add(new LedgerDraft("test.named", new LedgerResource("run", $"r{i}"), "why", JsonDocument.Parse($$"""{"report":"{{digest}}"}""").RootElement));
            }
        }

        foreach (LedgerDraft[] some in drafts.Chunk(1_000))
        {
            await _ledger!.AppendAsync(some);
        }

        _time.Jump(Later);
        ArtifactCollection done = await collector.CollectAsync("a big cleaning");
        Assert.Equal((runs, runs / 10, 0, runs * 9 / 10), Counts(done));
    }

    private static (long Examined, long Named, long Young, long Removed) Counts(ArtifactCollection done) => (done.Examined, done.Named, done.Young, done.Removed);

    private async Task<ArtifactCollector> CollectorAsync(params ILedgerGuard[] guards)
    {
        _ledger = await ObjectLedger.OpenAsync(_store, guards: guards);
        return new ArtifactCollector(_store, _ledger, _time);
    }

    private async Task PutAsync(string key, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        await _store.PutAsync(ObjectKey.Parse(key), content);
    }

    private sealed class No : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft.Kind == ArtifactCollector.StartedKind)
            {
                throw new MlopsDeniedException("test.no", "No.");
            }
        }
    }

    /// <summary>A store that lets the test do something at the worst moment.</summary>
    private sealed class HookedStore(IObjectStore inner) : IObjectStore
    {
        private int _once;

        public string Description => inner.Description;

        internal Func<ObjectKey, Task> BeforeDelete { get; init; } = _ => Task.CompletedTask;

        internal Func<Task> AfterList { get; init; } = () => Task.CompletedTask;

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default) => inner.PutAsync(key, content, condition, cancellationToken);

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (ObjectInfo info in await inner.ListAsync(prefix, after, cancellationToken).ToArrayAsync(cancellationToken))
            {
                yield return info;
            }

            if (prefix == "artifacts/sha256/")
            {
                await AfterList();
            }
        }

        public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Exchange(ref _once, 1) == 0)
            {
                await BeforeDelete(key);
                _first.SetResult();
            }

            await _first.Task;
            return await inner.DeleteAsync(key, ifMatch, cancellationToken);
        }

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);

        private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

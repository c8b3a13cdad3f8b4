using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Core.Tests.Artifacts;

/// <summary>Collections that race registering writers. MLOPS_TEST_COLLECT_SECONDS asks for more time than a test run has.</summary>
public sealed class CollectionRaceTests : IDisposable
{
    private const int Writers = 8;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_COLLECT_SECONDS") ?? "3", CultureInfo.InvariantCulture));
    private readonly TemporaryFolder _folder = new();
    private readonly JumpingTime _time = new();

    // the clock jumps past the grace period only while nobody is between touching its files and naming them: that is what the grace period promises to be longer than
    private readonly SemaphoreSlim _registering = new(Writers, Writers);
    private long _registered;
    private long _rewritten;

    public void Dispose()
    {
        _registering.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Collections_that_race_registering_writers_take_nothing_that_is_named()
    {
        using var stop = new CancellationTokenSource(Duration, TimeProvider.System);
        var removed = new List<ArtifactCollection>();

        // all are open before the clock jumps: opening sweeps what a put left an hour ago, and a put under way would look like that
        FolderObjectStore[] stores = [.. Enumerable.Range(0, Writers + 1).Select(_ => Open())];
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(w, stores[w], stop.Token)))];
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(stores[Writers]))
        {
            var collector = new ArtifactCollector(stores[Writers], ledger, _time);
            while (!stop.IsCancellationRequested)
            {
                for (int i = 0; i < Writers; i++)
                {
                    await _registering.WaitAsync();
                }

                _time.Jump(TimeSpan.FromMinutes(61));
                _registering.Release(Writers);
                removed.Add(await collector.CollectAsync("racing", new ArtifactCollectionOptions { GracePeriod = TimeSpan.FromHours(1) }));
            }
        }

        await Task.WhenAll(writers);
        (int versions, int files) = await ExpectAllThereAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Duration.TotalSeconds} s: {_registered} versions registered, {versions} live with {files} files, {removed.Count} collections removed {removed.Sum(r => r.Removed)} artifacts, {removed.Sum(r => r.Rescued)} rescued at the last moment, {_rewritten} written again by their writers"));
        Assert.True(removed.Sum(r => r.Removed) > 0, "Nothing was removed: the race was none.");
        Assert.True(versions > 0);
    }

    private FolderObjectStore Open() => new(_folder.Path, _time);

    /// <summary>As another process: own store, own ledger. Contents come from a small pool, so what was collected is written again all the time.</summary>
    private async Task WriteAsync(int writer, FolderObjectStore store, CancellationToken stop)
    {
        var random = new Random(writer);
        var artifacts = new ArtifactStore(store);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, ct: CancellationToken.None);
        var live = new Queue<(int Number, Digest Manifest)>();
        for (int number = 1; !stop.IsCancellationRequested; number++)
        {
            string[] texts = [Content(random.Next(40)), Content(random.Next(40)), Content(40 + random.Next(3))];
            Digest[] files = await Task.WhenAll(texts.Select(t => Registering.WriteAsync(artifacts, t)));
            await Task.Yield(); // here a collection may come, and the clock may jump
            await _registering.WaitAsync(CancellationToken.None);
            try
            {
                for (int i = 0; i < files.Length; i++)
                {
                    while (!await artifacts.TouchAsync(files[i], CancellationToken.None))
                    {
                        await Registering.WriteAsync(artifacts, texts[i]);
                        Interlocked.Increment(ref _rewritten);
                    }
                }

                live.Enqueue((number, await Registering.RegisterAsync(artifacts, ledger, $"m{writer}", number, files)));
                Interlocked.Increment(ref _registered);
            }
            finally
            {
                _registering.Release();
            }

            if (live.Count > 2)
            {
                (int old, Digest manifest) = live.Dequeue();
                await Registering.DeleteAsync(ledger, $"m{writer}", old, manifest);
            }
        }
    }

    private static string Content(int i) => i < 40 ? $"content {i}" : new string((char)('a' + i - 40), 1_200_000); // the last are staged, not kept in memory

    private async Task<(int Versions, int Files)> ExpectAllThereAsync()
    {
        FolderObjectStore store = Open();
        var artifacts = new ArtifactStore(store);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        LedgerVerification verification = await ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
        var live = new Dictionary<(string, int), Digest>();
        await foreach (LedgerEntry entry in ledger.ReadAsync())
        {
            if (entry.Kind == LedgerKinds.VersionRegistered)
            {
                live[(entry.Resource.Name, entry.Resource.Version!.Value)] = entry.Resource.Digest!.Value;
            }
            else if (entry.Kind == LedgerKinds.VersionDeleted)
            {
                live.Remove((entry.Resource.Name, entry.Resource.Version!.Value));
            }
        }

        int files = 0;
        foreach (Digest manifest in live.Values)
        {
            string text = Encoding.UTF8.GetString(await artifacts.ReadAsync(manifest, 10_000));
            foreach (string digest in text.Split('"').Where(t => t.StartsWith("sha256:", StringComparison.Ordinal)))
            {
                await artifacts.ReadAsync(Digest.Parse(digest), 2_000_000);
                files++;
            }
        }

        return (live.Count, files);
    }
}

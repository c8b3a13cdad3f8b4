using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Data;
using Mlops.Sdk.Integration.Worker;
using Mlops.Sdk.Pipelines;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Integration.Tests.Verification;

/// <summary>A small workspace that holds an object of every kind that the library writes, made once on a folder by the library itself.</summary>
public sealed class Everything : IAsyncLifetime
{
    internal const string Model = "houses";
    private const int SegmentCommits = 6;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Gets the objects by key. Not to be changed.</summary>
    internal SortedDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    internal string Folder => _folder["workspace"];

    /// <summary>Gets the ledger as it was at the end.</summary>
    internal LedgerCheckpoint Checkpoint { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await WriteAsync(Folder, runs: 2, versions: 3, points: 40);
        Checkpoint = await FoldAsync(Folder);
        await ReadAsync(Folder, Objects);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }

    /// <summary>Copies the workspace into memory, where it can be damaged quickly.</summary>
    internal async Task<InMemoryObjectStore> CopyAsync(string? without = null) => await CopyAsync(Objects, without);

    internal static async Task<InMemoryObjectStore> CopyAsync(SortedDictionary<string, byte[]> objects, string? without = null)
    {
        var store = new InMemoryObjectStore();
        foreach ((string key, byte[] bytes) in objects.Where(o => o.Key != without))
        {
            await PutAsync(store, key, bytes);
        }

        return store;
    }

    internal static async Task PutAsync(IObjectStore store, string key, byte[] bytes)
    {
        using var content = new MemoryStream(bytes, writable: false);
        await store.PutAsync(ObjectKey.Parse(key), content);
    }

    /// <summary>Tells what kind of object a key is of.</summary>
    internal static string KindOf(string key) => key.Split('/') switch
    {
        ["ledger", var kind, ..] => kind,
        ["records", "access", ..] => "access",
        ["monitoring", "parts", ..] => "parts",
        [var area, ..] => area,
        _ => key,
    };

    internal static async Task ReadAsync(string folder, SortedDictionary<string, byte[]> objects)
    {
        var store = new FolderObjectStore(folder);
        await foreach (ObjectInfo info in store.ListAsync(string.Empty))
        {
            objects.Add(info.Key.Value, await File.ReadAllBytesAsync(Path.Combine(folder, info.Key.Value)));
        }
    }

    /// <summary>Uses everything that writes objects.</summary>
    internal static async Task WriteAsync(string folder, int runs, int versions, int points)
    {
        SortedDictionary<string, byte[]> open = await WriteAndCloseAsync(folder, runs, versions, points);
        foreach ((string key, byte[] bytes) in open)
        {
            await PutAsync(new FolderObjectStore(folder), key, bytes); // as a host leaves it that is killed right after it closed the window
        }
    }

    private static async Task<SortedDictionary<string, byte[]>> WriteAndCloseAsync(string folder, int runs, int versions, int points)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder, m => m.AddAccessLog());
        PipelineRun run = await mlops.RunAsync(new HousePrices(trees: 20), "first");
        await mlops.PromoteAsync(run, "the only one");
        await mlops.Monitor.CheckAsync(Model, 1, Enumerable.Repeat(HousePrices.Questions, 20).SelectMany(q => q).ToArray().ToTable());
        await mlops.Monitor.CheckAsync(Model, 1, HousePrices.Questions.Take(40).ToArray().ToTable());
        for (int i = 0; i < runs; i++)
        {
            await using TrackedRun tracked = await mlops.Runs.StartRunAsync(new RunStart($"run-{i}", "tracked", "test", "to hold series"));
            for (int flush = 0; flush < 3; flush++)
            {
                for (int step = 0; step < points; step++)
                {
                    tracked.LogMetric("loss", 1.0 / (step + 1), (flush * points) + step);
                }

                await tracked.FlushAsync();
            }

            using var notes = new MemoryStream(Encoding.UTF8.GetBytes($"notes of run {i}"));
            await tracked.LogArtifactAsync("notes.txt", notes);
            await tracked.EndAsync(RunStatus.Completed, "done");
        }

        for (int i = 0; i < versions; i++)
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"model {i}: {new string('x', i % 50 * 100)}")));
            ArtifactInfo file = await mlops.Artifacts.WriteAsync(content);
            ModelVersion version = await mlops.Registry.RegisterAsync(
                new ModelManifest
                {
                    Model = "plain",
                    ModelFormat = "none",
                    Algorithm = "none",
                    Files = [new ModelFile("model.bin", file.Digest, file.Length)],
                    Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
                },
                "by hand");
            await mlops.Registry.SetTagAsync("plain", version.Number, "lot", $"{i}", "to see");
        }

        await mlops.Registry.DeleteVersionAsync("plain", 1, "not needed");
        await DeliverAsync(mlops.Store);
        await FollowAsync(mlops);
        return await OpenWindowsAsync(mlops);
    }

    private static async Task<SortedDictionary<string, byte[]>> OpenWindowsAsync(MlopsWorkspace mlops)
    {
        IPredictor<House, Quote> predictor = await mlops.ServeAsync<House, Quote>(Model);
        foreach (House house in HousePrices.Questions)
        {
            predictor.Predict(house);
        }

        await mlops.Monitor.FlushAsync();
        var open = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        await foreach (ObjectInfo part in mlops.Store.ListAsync("monitoring/parts/"))
        {
            await using Stream content = (await mlops.Store.OpenAsync(part.Key))!;
            using var bytes = new MemoryStream();
            await content.CopyToAsync(bytes);
            open.Add(part.Key.Value, bytes.ToArray());
        }

        return open;
    }

    /// <summary>Folds commits into segments and saves views, as a busy ledger does by itself; then removes the commits of the first segment, as happens after the grace.</summary>
    internal static async Task<LedgerCheckpoint> FoldAsync(string folder)
    {
        var store = new FolderObjectStore(folder);
        long folded;
        LedgerCheckpoint checkpoint;
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(store, new LedgerOptions { SegmentCommits = SegmentCommits, SnapshotEntries = 8 }))
        {
            await new RecordLogs(store, ledger).ListAsync();
            await ModelRegistry.CreateAsync(ledger, new ArtifactStore(store));
            for (int i = 0; i < SegmentCommits + 1; i++)
            {
                await ledger.AppendAsync([new LedgerDraft("test.noted", new LedgerResource("test", "t"), $"note {i}", LedgerData.Of(new RunStart($"r{i}", "e", "t", "r")))]);
                await ledger.WhenFoldedAsync();
            }

            await ledger.AppendAsync([new LedgerDraft("test.noted", new LedgerResource("test", "t"), "the last one", LedgerData.Of(new RunStart("r", "e", "t", "r")))]);
            checkpoint = await ledger.CheckpointAsync();
            folded = SegmentCommits;
        }

        for (long commit = 0; commit < folded; commit++)
        {
            await store.DeleteAsync(LedgerKeys.Commit(commit));
        }

        return checkpoint;
    }

    /// <summary>Three pages of deliveries.</summary>
    private static async Task DeliverAsync(IObjectStore store)
    {
        var history = new DeliveryHistory(store, "hook", 1_000);
        for (int i = 0; i < (2 * DeliveryPage.Size) + 2; i++)
        {
            await history.PutAsync(new WebhookDelivery($"d{i}", 0, $"e{i}", i, RegistryEventKind.VersionRegistered, Model, WebhookDeliveryState.Delivered, 1, DateTimeOffset.UnixEpoch), CancellationToken.None);
        }
    }

    private static async Task FollowAsync(MlopsWorkspace mlops)
    {
        using var stop = new CancellationTokenSource();
        var subscription = new LedgerSubscription(mlops.Store, mlops.Ledger, new LedgerSubscriptionOptions("follower") { SaveEvery = 1 });
        int handled = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscription.RunAsync(
            async (_, _) =>
            {
                if (++handled == 5)
                {
                    await stop.CancelAsync();
                }
            },
            stop.Token));
    }
}

using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Integration.Tests.Verification;

/// <summary>A verification takes what others are writing for neither damage nor loss.</summary>
public sealed class VerifyingWhileWritingTests
{
    [Fact]
    public async Task A_workspace_that_is_worked_in_verifies()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, 3).Select(w => Task.Run(() => WriteAsync(folder["w"], w, stop.Token))), Task.Run(() => FoldAsync(folder["w"], stop.Token))];
        try
        {
            await VerifyAsync(folder["w"]);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        Assert.Empty((await MlopsWorkspace.VerifyFolderAsync(folder["w"])).Findings);
    }

    private static async Task VerifyAsync(string folder)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);
        while ((await mlops.Registry.ListModelsAsync()).Count < 3)
        {
            await Task.Yield();
        }

        long objects = 0;
        for (int round = 0; round < 6 || objects < 60; round++)
        {
            WorkspaceVerification found = round % 2 == 0 ? await mlops.VerifyAsync() : await MlopsWorkspace.VerifyFolderAsync(folder);
            Assert.True(found.Ok, string.Join('\n', found.Findings));
            Assert.DoesNotContain(found.Findings, f => f.Kind is StoreFindingKind.Unknown or StoreFindingKind.Surplus);
            objects = found.Objects;
        }
    }

    private static async Task WriteAsync(string folder, int writer, CancellationToken stop)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder, m => m.AddAccessLog(o => o.SegmentAge = TimeSpan.FromSeconds(1)), CancellationToken.None);
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes($"file {writer} {i}"));
            ArtifactInfo file = await mlops.Artifacts.WriteAsync(content, CancellationToken.None);
            ModelVersion version = await mlops.Registry.RegisterAsync(
                new ModelManifest
                {
                    Model = $"model-{writer}",
                    ModelFormat = "none",
                    Algorithm = "none",
                    Files = [new ModelFile("model.bin", file.Digest, file.Length)],
                    Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
                },
                "to see",
                cancellationToken: CancellationToken.None);
            await mlops.Registry.ReadManifestAsync(version, CancellationToken.None); // noted by the access log
            await using TrackedRun run = await mlops.Runs.StartRunAsync(new RunStart($"run-{writer}-{i}", "tracked", "test", "to see"), cancellationToken: CancellationToken.None);
            run.LogMetric("loss", 1.0 / (i + 1), i);
            await run.FlushAsync(CancellationToken.None);
        }
    }

    /// <summary>Folds and saves views all the time, as a ledger of a hundred thousand entries does.</summary>
    private static async Task FoldAsync(string folder, CancellationToken stop)
    {
        var store = new FolderObjectStore(folder);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, new LedgerOptions { SegmentCommits = 8, SnapshotEntries = 16 }, ct: CancellationToken.None);
        await ModelRegistry.CreateAsync(ledger, new ArtifactStore(store), cancellationToken: CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            await ledger.RefreshAsync(CancellationToken.None);
            await ledger.WhenFoldedAsync();
            await Task.Yield();
        }
    }
}

using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>The real ledger and registry, opened twice on one store: what one promotes, the other serves.</summary>
public sealed class TwoHostsTests
{
    [Fact]
    public async Task A_hundred_promotions_by_one_host_reach_the_other_and_no_answer_mixes_two_versions()
    {
        const int Promotions = 100;
        var store = new InMemoryObjectStore();
        await using ObjectLedger promoting = await ObjectLedger.OpenAsync(store);
        await using ObjectLedger serving = await ObjectLedger.OpenAsync(store, new LedgerOptions { PollInterval = TimeSpan.FromMilliseconds(20) });
        var artifacts = new ArtifactStore(store);
        ModelRegistry registry = await ModelRegistry.CreateAsync(promoting, artifacts);
        ModelRegistry catalog = await ModelRegistry.CreateAsync(serving, artifacts);
        var format = new FakeFormat();
        await using var server = new ModelServer(catalog, serving, artifacts, [format], [], [], TimeProvider.System, new CountingIds(), NullLogger<ModelServer>.Instance, new ServingOptions { Host = "b" });
        for (int number = 1; number <= Promotions; number++)
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)));
            ArtifactInfo file = await artifacts.WriteAsync(content);
            var manifest = new ModelManifest { Model = "m", ModelFormat = "fake", Files = [new ModelFile("model.txt", file.Digest, file.Length)], Schema = FakeModel.Plain, Algorithm = "fake" };
            Assert.Equal(number, (await registry.RegisterAsync(manifest, "trained")).Number);
        }

        await registry.MoveAliasAsync("m", "champion", 1, "first");
        IPredictor<Row, Answer> predictor = await server.GetPredictorAsync<Row, Answer>("m");
        using var stop = new CancellationTokenSource();
        long calls = 0;
        long wrong = 0;
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Prediction<Answer> answer = predictor.Predict(new Row(3, "red"));
                Interlocked.Add(ref wrong, answer.Value == new Answer(3 * answer.Version, answer.Version) ? 0 : 1);
                Interlocked.Increment(ref calls);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        for (int number = 2; number <= Promotions; number++)
        {
            await registry.MoveAliasAsync("m", "champion", number, $"promotion {number}");
        }

        await World.Until(() => server.Status[0].Version == Promotions && Interlocked.Read(ref calls) > 1_000, "the last promotion is in service");
        await registry.RollbackAsync("m", "champion", "it was too good to be true");
        await World.Until(() => server.Status[0].Version == Promotions - 1, "the rollback is in service");
        await stop.CancelAsync();
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(0, wrong);
        Assert.All(format.Loaded, m => Assert.Equal(0, m.Misuses));

        await server.DisposeAsync();
        IReadOnlyList<DeploymentInterval> deployments = await registry.DeploymentsAsync("m");
        Assert.Equal((1, Promotions - 1), (deployments[0].Version, deployments[^1].Version));
        Assert.All(deployments, d => Assert.Equal(("b", true), (d.Host, d.End is not null)));
        Assert.Equal(
            "it was too good to be true",
            (await registry.HistoryAsync("m")).Last(e => e.Kind == LedgerKinds.DeploymentStarted).Reason);
    }
}

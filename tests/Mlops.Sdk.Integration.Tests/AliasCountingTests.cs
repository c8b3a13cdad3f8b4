using System.Text;
using Mlops.Sdk.Integration.Worker;

namespace Mlops.Sdk.Integration.Tests;

public sealed class AliasCountingTests
{
    [Fact]
    public async Task Sixteen_writers_in_four_processes_move_an_alias_on_ten_times_each_and_it_ends_at_exactly_160()
    {
        const int processes = 4;
        const int tasks = 4;
        const int each = 10;
        const int total = processes * tasks * each;
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        await using (MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace))
        {
            ModelManifest[] manifests = await Task.WhenAll(Enumerable.Range(0, total + 1).Select(i => ManifestAsync(mlops, i)));
            await Task.WhenAll(manifests.Select(m => mlops.Registry.RegisterAsync(m, "to count by").AsTask()));
        }

        ProgramUnderTest[] workers = [.. Enumerable.Range(0, processes).Select(_ => ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, "count", workspace, $"{tasks}", $"{each}"))];
        await Task.WhenAll(workers.Select(w => w.LineAsync(line => line == "ready")));
        await Task.WhenAll(workers.Select(w => w.Process.StandardInput.WriteLineAsync("go")));
        var told = new List<int>();
        int refused = 0;
        foreach (ProgramUnderTest worker in workers)
        {
            Assert.True(await worker.EndAsync() == 0, worker.Output + worker.Errors);
            told.AddRange(Numbers(worker, "moved"));
            refused += Numbers(worker, "refused").Single();
            await worker.DisposeAsync();
        }

        Assert.Equal(Enumerable.Range(1, total), told.Order()); // each increment was made once and told once
        await using MlopsWorkspace after = await MlopsWorkspace.OpenAsync(workspace);
        Assert.Equal(total, (await after.Registry.FindAliasAsync(AliasCounter.Model, MlopsWorkspace.Champion))!.Number);
        IReadOnlyList<AliasMove> history = await after.Registry.AliasHistoryAsync(AliasCounter.Model, MlopsWorkspace.Champion);
        Assert.Equal(Enumerable.Range(1, total), history.Select(m => m.To));
        Assert.Equal(Enumerable.Range(0, total), history.Select(m => m.From ?? 0));
        Assert.Equal(total, history.Select(m => m.Reason).Distinct(StringComparer.Ordinal).Count());
        LedgerVerification verification = await after.Ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
        TestContext.Current.TestOutputHelper?.WriteLine($"{refused} increments were refused because somebody was first, and made again");
    }

    private static IEnumerable<int> Numbers(ProgramUnderTest worker, string what) =>
        worker.Output.Split('\n').Select(l => l.Split(' ')).Where(w => w[0] == what).Select(w => int.Parse(w[1], System.Globalization.CultureInfo.InvariantCulture));

    private static async Task<ModelManifest> ManifestAsync(MlopsWorkspace mlops, int i)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes($"model {i}"));
        ArtifactInfo file = await mlops.Artifacts.WriteAsync(content);
        return new ModelManifest
        {
            Model = AliasCounter.Model,
            ModelFormat = "none",
            Algorithm = "none",
            Files = [new ModelFile("model.bin", file.Digest, file.Length)],
            Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
        };
    }
}

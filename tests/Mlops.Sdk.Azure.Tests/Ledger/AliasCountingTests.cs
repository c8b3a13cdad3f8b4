using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mlops.Sdk.Azure.Tests.Emulator;

namespace Mlops.Sdk.Azure.Tests.Ledger;

/// <summary>An alias in a container that many writers in several processes move on by one.</summary>
public sealed class AliasCountingTests(Azurite azurite)
{
    private const string Model = "counted";

    [Fact]
    public async Task Sixteen_writers_in_four_processes_move_an_alias_on_ten_times_each_and_it_ends_at_exactly_160()
    {
        const int processes = 4;
        const int tasks = 4;
        const int each = 10;
        const int total = processes * tasks * each;
        string container = azurite.NewName();
        await using (MlopsWorkspace mlops = await OpenAsync(container))
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes("a model"));
            ArtifactInfo file = await mlops.Artifacts.WriteAsync(content);
            var manifest = new ModelManifest
            {
                Model = Model,
                ModelFormat = "none",
                Algorithm = "none",
                Files = [new ModelFile("model.bin", file.Digest, file.Length)],
                Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
            };
            await Task.WhenAll(Enumerable.Range(0, total).Select(_ => mlops.Registry.RegisterAsync(manifest, "to count by").AsTask()));
        }

        Process[] workers = [.. Enumerable.Range(0, processes).Select(_ => WorkerProcess.Start(azurite.ConnectionString, [container, "count", Model, $"{tasks}", $"{each}"]))];
        try
        {
            Task<string>[] errors = [.. workers.Select(w => w.StandardError.ReadToEndAsync())];
            Assert.All(await Task.WhenAll(workers.Select(w => w.StandardOutput.ReadLineAsync())), line => Assert.Equal("ready", line));
            await Task.WhenAll(workers.Select(w => w.StandardInput.WriteLineAsync("go")));
            string[] said = await Task.WhenAll(workers.Select(w => w.StandardOutput.ReadToEndAsync()));
            Assert.All(await Task.WhenAll(errors), Assert.Empty);
            IEnumerable<int> told = said.SelectMany(s => s.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(l => int.Parse(l.Split(' ')[1], CultureInfo.InvariantCulture));
            Assert.Equal(Enumerable.Range(1, total), told.Order()); // each increment was made once and told once
        }
        finally
        {
            foreach (Process worker in workers)
            {
                if (!worker.HasExited)
                {
                    worker.Kill();
                }

                worker.Dispose();
            }
        }

        await using MlopsWorkspace after = await OpenAsync(container);
        IReadOnlyList<AliasMove> history = await after.Registry.AliasHistoryAsync(Model, MlopsWorkspace.Champion);
        Assert.Equal(Enumerable.Range(1, total), history.Select(m => m.To));
        Assert.Equal(Enumerable.Range(0, total), history.Select(m => m.From ?? 0));
        Assert.Equal(total, (await after.Registry.FindAliasAsync(Model, MlopsWorkspace.Champion))!.Number);
        LedgerVerification verification = await after.Ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
    }

    private Task<MlopsWorkspace> OpenAsync(string container) => MlopsWorkspace.OpenAsync(new AzureBlobObjectStore(azurite.ConnectionString, container));
}

using System.Globalization;
using Mlops.Sdk.Integration.Worker;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Processes that register versions, move aliases and log metrics on one folder, killed by kill -9. MLOPS_TEST_KILL_ROUNDS asks for more rounds than a test run has time for.</summary>
public sealed class KilledRegistryTests
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_KILL_ROUNDS") ?? "2", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task No_version_number_is_used_twice_and_nothing_acknowledged_is_lost(int processes)
    {
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        var random = new Random(processes);
        var versions = new Dictionary<int, string>();
        var moves = new Dictionary<string, int>(StringComparer.Ordinal);
        var tags = new Dictionary<int, string>();
        var points = new Dictionary<string, long>(StringComparer.Ordinal);
        for (int round = 0; round < Rounds; round++)
        {
            ProgramUnderTest[] workers = [.. Enumerable.Range(0, processes).Select(w => ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, "registry", workspace, $"r{round}w{w}"))];
            await Task.WhenAll(workers.Select(w => KillAsync(w, random.Next(1, 25))));
            foreach (ProgramUnderTest worker in workers)
            {
                // the last line may be torn: only what ends with a line end was said
                foreach (string[] words in worker.Output.Split('\n').Select(l => l.Split(' ')))
                {
                    switch (words)
                    {
                        case ["version", var number, { Length: 71 } digest]:
                            Assert.True(versions.TryAdd(int.Parse(number, CultureInfo.InvariantCulture), digest), $"Version {number} was told twice.");
                            break;
                        case ["tag", var number, var value]:
                            tags[int.Parse(number, CultureInfo.InvariantCulture)] = value;
                            break;
                        case ["alias", var to, var reason]:
                            moves.Add(reason, int.Parse(to, CultureInfo.InvariantCulture));
                            break;
                        case ["points", var run, var last]:
                            points[run] = long.Parse(last, CultureInfo.InvariantCulture);
                            break;
                    }
                }

                await worker.DisposeAsync();
            }

            await CheckAsync(workspace, versions, tags, moves, points);
        }
    }

    /// <summary>Waits until it has said so much, then kills it.</summary>
    private static async Task KillAsync(ProgramUnderTest worker, int lines)
    {
        int seen = 0;
        await worker.LineAsync(line => line.Contains(' ', StringComparison.Ordinal) && (seen = worker.Output.Count(c => c == '\n') + 1) >= lines);
        worker.Process.Kill();
        await worker.EndAsync();
        Assert.True(seen >= lines);
    }

    private static async Task CheckAsync(string workspace, Dictionary<int, string> told, Dictionary<int, string> tags, Dictionary<string, int> moves, Dictionary<string, long> points)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace);
        IReadOnlyList<ModelVersion> versions = await mlops.Registry.ListVersionsAsync(RegistryWriter.Model);
        Assert.Equal(Enumerable.Range(1, versions.Count), versions.Select(v => v.Number));
        Assert.All(told, t => Assert.Equal(t.Value, versions[t.Key - 1].Digest.ToString()));
        Assert.All(tags, t => Assert.Equal(t.Value, versions[t.Key - 1].Tags["by"]));
        foreach (ModelVersion version in versions)
        {
            ModelManifest manifest = await mlops.Registry.ReadManifestAsync(version);
            Assert.All(manifest.Files, f => Assert.Equal(f.Length, mlops.Artifacts.ReadAsync(f.Digest, 1_000).AsTask().GetAwaiter().GetResult().Length));
        }

        IReadOnlyList<AliasMove> history = await mlops.Registry.AliasHistoryAsync(RegistryWriter.Model, "champion");
        Assert.All(history, m => Assert.InRange(m.To, 1, versions.Count));
        Assert.Equal(history.Count == 0 ? null : history[^1].To, (await mlops.Registry.FindAliasAsync(RegistryWriter.Model, "champion"))?.Number);
        for (int i = 1; i < history.Count; i++)
        {
            Assert.Equal(history[i - 1].To, history[i].From);
        }

        var byReason = history.ToDictionary(m => m.Reason, StringComparer.Ordinal); // every move has a reason of its own: none was written twice
        Assert.All(moves, m => Assert.Equal(m.Value, byReason[m.Key].To));
        foreach ((string run, long last) in points)
        {
            MetricPoint[] series = await mlops.Runs.MetricHistoryAsync(run, "loss").ToArrayAsync();
            Assert.True(series.Length > last, $"{run} said that step {last} is durable; it has {series.Length} points.");
            Assert.Equal(Enumerable.Range(0, series.Length).Select(i => (long)i), series.Select(p => p.Step));
        }

        LedgerVerification verification = await mlops.Ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
    }
}

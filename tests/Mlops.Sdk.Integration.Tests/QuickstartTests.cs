using System.Globalization;
using Mlops.Sdk.Samples.Quickstart;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Runs the program of README's first command as a process and reads what it prints and writes.</summary>
public sealed class QuickstartTests
{
    private const int Kills = 20;

    [Fact]
    public async Task It_tells_the_whole_life_of_the_model_and_a_second_run_goes_on_from_there()
    {
        using var folder = new TemporaryFolder();
        await using ProgramUnderTest first = ProgramUnderTest.StartAssembly(typeof(StrikeDamage), folder.Path);
        Assert.True(await first.EndAsync() == 0, first.Output + first.Errors);
        string[] expected =
        [
            "Unknown bird",
            "== Trained: CSV birdstrikes.csv.gz where before 1996",
            "excluded CostTotal: filled in afterwards",
            "passed beats-baseline: AUC 0.",
            "=> strike-damage v1, Validated",
            "SpeedIasInKnots",
            "=> alert ",
            "== Trained: CSV birdstrikes.csv.gz where before 1999",
            "passed not-worse-than-champion: AUC 0.",
            "=> strike-damage v2, Validated",
            "== Trained: CSV birdstrikes.csv.gz where before 2002",
            "=> strike-damage v3, Validated",
            "? strike-damage v2. And now? strike-damage v3.",
            "are proven unchanged",
        ];
        Assert.All(expected, line => Assert.Contains(line, first.Output, StringComparison.Ordinal));

        string html = await File.ReadAllTextAsync(folder["mlops-data/report.html"]);
        Assert.StartsWith("<!doctype html>", html, StringComparison.Ordinal);
        Assert.EndsWith("</html>", html, StringComparison.Ordinal);
        Assert.Contains("<svg", html, StringComparison.Ordinal);
        Assert.Contains("ROC curve", html, StringComparison.Ordinal);
        Assert.Contains("model.alias_moved v2", html, StringComparison.Ordinal);
        foreach (string outside in new[] { "http:", "https:", "<script", "<link", "url(" })
        {
            Assert.DoesNotContain(outside, html, StringComparison.OrdinalIgnoreCase);
        }

        string after = await StateOfAsync(folder["mlops-data"]);
        await using ProgramUnderTest second = ProgramUnderTest.StartAssembly(typeof(StrikeDamage), folder.Path);
        Assert.True(await second.EndAsync() == 0, second.Output + second.Errors);
        Assert.Contains("== Remembered: CSV birdstrikes.csv.gz where before 1996", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("== Trained", second.Output, StringComparison.Ordinal);
        Assert.Equal(after, await StateOfAsync(folder["mlops-data"]));
    }

    [Fact]
    public async Task Killed_at_twenty_random_points_and_run_again_it_ends_in_the_same_state()
    {
        using var untouched = new TemporaryFolder();
        long start = TimeProvider.System.GetTimestamp();
        await RunAsync(untouched);
        TimeSpan whole = TimeProvider.System.GetElapsedTime(start);
        string expected = await StateOfAsync(untouched["mlops-data"]);

        var random = new Random(20_021_231);
        double[] moments = [.. Enumerable.Range(0, Kills).Select(_ => random.NextDouble())];
        int killed = 0;
        await Parallel.ForEachAsync(moments, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (moment, _) =>
        {
            using var folder = new TemporaryFolder();
            await using (ProgramUnderTest victim = ProgramUnderTest.StartAssembly(typeof(StrikeDamage), folder.Path))
            {
                Interlocked.Add(ref killed, await victim.KillAfterAsync(whole * moment) ? 1 : 0);
            }

            await RunAsync(folder);
            Assert.Equal(expected, await StateOfAsync(folder["mlops-data"]));
        });
        Assert.True(killed > Kills / 2, $"Only {killed} of {Kills} runs were killed before they ended by themselves.");
    }

    private static async Task RunAsync(TemporaryFolder folder)
    {
        await using ProgramUnderTest program = ProgramUnderTest.StartAssembly(typeof(StrikeDamage), folder.Path);
        Assert.True(await program.EndAsync() == 0, program.Output + program.Errors);
    }

    /// <summary>What must be the same whatever happened on the way: versions with all they hold, aliases, how runs stand, and an intact ledger.</summary>
    private static async Task<string> StateOfAsync(string workspace)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace);
        LedgerVerification verified = await mlops.Ledger.VerifyAsync();
        Assert.True(verified.Ok, verified.Problem);
        var lines = new List<string>();
        foreach (ModelVersion version in await mlops.Registry.ListVersionsAsync("strike-damage"))
        {
            ModelManifest manifest = await mlops.Registry.ReadManifestAsync(version);
            string metrics = string.Join(' ', manifest.Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key}={m.Value.Value:R}")));
            lines.Add($"{version} {version.Status} {manifest.Algorithm} {manifest.Dataset!.Fingerprint} {string.Join(' ', manifest.Schema.Inputs.Select(i => i.Name))} {metrics}");
            foreach (ModelFile file in manifest.Files)
            {
                Assert.True(await mlops.Artifacts.ExistsAsync(file.Digest), $"{file.Name} of {version} is missing.");
            }
        }

        lines.Add($"champion {await mlops.Registry.FindAliasAsync("strike-damage", "champion")}");
        lines.AddRange((await mlops.Registry.ListRunsAsync("strike-damage")).Select(r => $"run {r.Status} version {r.Version}"));
        return string.Join('\n', lines);
    }
}

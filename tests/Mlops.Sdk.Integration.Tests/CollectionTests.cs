using System.Globalization;
using Mlops.Sdk.Integration.Worker;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>A process that collects unused artifacts while others register. MLOPS_TEST_COLLECT_SECONDS asks for more time than a test run has.</summary>
public sealed class CollectionTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_COLLECT_SECONDS") ?? "2", CultureInfo.InvariantCulture));

    [Fact]
    public async Task Whatever_a_live_version_names_is_there_after_a_process_collected_while_others_registered()
    {
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        await using (await MlopsWorkspace.OpenAsync(workspace))
        {
            // the ledger is there before anybody races
        }

        ProgramUnderTest collecting = ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, "collect", workspace);
        ProgramUnderTest[] churning = [.. Enumerable.Range(0, 4).Select(p => ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, "churn", workspace, $"m{p}", "2"))];
        ProgramUnderTest[] all = [collecting, .. churning];
        await Task.WhenAll(churning.Select(w => w.LineAsync(line => line.StartsWith("deleted ", StringComparison.Ordinal))));
        await collecting.LineAsync(line => line.StartsWith("collected ", StringComparison.Ordinal) && !line.StartsWith("collected 0 ", StringComparison.Ordinal)); // and the race is one
        using (var stop = new CancellationTokenSource(Duration, TimeProvider.System))
        {
            await Task.WhenAny(all.Select(w => w.Process.WaitForExitAsync(stop.Token))); // they race on; none ends by itself
        }

        foreach (ProgramUnderTest worker in all)
        {
            await worker.Process.StandardInput.WriteLineAsync("enough");
        }

        foreach (ProgramUnderTest worker in all)
        {
            Assert.True(await worker.EndAsync() == 0, worker.Output + worker.Errors);
        }

        await using MlopsWorkspace after = await MlopsWorkspace.OpenAsync(workspace);
        int live = 0, files = 0, registered = 0;
        foreach (string[] said in churning.SelectMany(w => w.Output.Split('\n')).Select(l => l.Split(' ')).Where(w => w[0] == "version"))
        {
            ModelVersion? version = await after.Registry.FindVersionAsync(said[1], int.Parse(said[2], CultureInfo.InvariantCulture));
            Assert.Equal(said[3], version?.Digest.ToString()); // what was told is on the ledger
            registered++;
        }

        foreach (string model in churning.SelectMany((_, p) => new[] { $"m{p}-0", $"m{p}-1" }))
        {
            foreach (ModelVersion version in (await after.Registry.ListVersionsAsync(model)).Where(v => !v.Deleted))
            {
                live++;
                foreach (ModelFile file in (await after.Registry.ReadManifestAsync(version)).Files)
                {
                    Assert.Equal(file.Length, (await after.Artifacts.ReadAsync(file.Digest, 1_000)).Length); // read and verified
                    files++;
                }
            }
        }

        Assert.InRange(live, churning.Length, 3 * 2 * churning.Length);
        LedgerVerification verification = await after.Ledger.VerifyAsync();
        Assert.True(verification.Ok, verification.Problem);
        int[][] collected = [.. collecting.Output.Split('\n').Select(l => l.Split(' ')).Where(w => w[0] == "collected").Select(w => w[1..].Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray())];
        string rewritten = string.Join('+', churning.Select(w => w.Output.Split('\n')[^1].Split(' ')[1]));
        foreach (ProgramUnderTest worker in all)
        {
            await worker.DisposeAsync();
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Duration.TotalSeconds} s: {registered} versions registered, {live} live with {files} files, {collected.Length} collections removed {collected.Sum(c => c[0])} artifacts, {collected.Sum(c => c[1])} rescued at the last moment, {rewritten} registrations begun again"));
    }
}

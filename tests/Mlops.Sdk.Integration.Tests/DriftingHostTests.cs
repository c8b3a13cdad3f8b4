using System.Text.Json;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Starts the sample whose world changes, throws the switch over HTTP, and waits for what the sample promises.</summary>
public sealed class DriftingHostTests
{
    [Fact]
    public async Task A_world_that_changes_is_noticed_explained_and_answered_by_a_new_version_in_service()
    {
        using var folder = new TemporaryFolder();
        await using ProgramUnderTest host = ProgramUnderTest.StartAssembly(
            typeof(Samples.DriftingHost.World), folder.Path, "--Mlops:Folder", folder["workspace"], "--urls", "http://127.0.0.1:0", "--Watch:Every", "00:00:02", "--Traffic:Burst", "30", "--Retrain:CoolDown", "00:00:05");
        string listening = await host.LineAsync(line => line.Contains("Now listening on:", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new Uri(listening[listening.IndexOf("http://", StringComparison.Ordinal)..].Trim()) };
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));

        // in summer the first version answers, and what it sees is what it was trained on
        await UntilAsync(async () => (await client.GetStringAsync("/status", patience.Token)).Contains("stable", StringComparison.Ordinal), patience.Token);
        Assert.Equal("[]", await client.GetStringAsync("/loop", patience.Token));
        Assert.Contains("<title>Monitoring of late-parcels version 1", await client.GetStringAsync("/report", patience.Token), StringComparison.Ordinal);

        (await client.PostAsync("/winter", null, patience.Token)).EnsureSuccessStatusCode();
        JsonElement[] loops = [];
        await UntilAsync(
            async () =>
            {
                loops = [.. JsonDocument.Parse(await client.GetStringAsync("/loop", patience.Token)).RootElement.EnumerateArray()];
                return loops.Any(l => l.TryGetProperty("promotedTo", out JsonElement alias) && alias.GetString() == "champion");
            },
            patience.Token);

        // the alert, the run it started, the version that came of it
        JsonElement first = loops[0];
        Assert.Equal(1, first.GetProperty("version").GetInt32());
        Assert.Equal("drift", first.GetProperty("policy").GetString());
        Assert.Equal(2, first.GetProperty("newVersion").GetInt32());
        string before = await client.GetStringAsync("/report?version=1", patience.Token);
        Assert.Contains("Weather", before, StringComparison.Ordinal);

        // and a version in service to which winter is nothing new
        await UntilAsync(
            async () =>
            {
                string status = await client.GetStringAsync("/status", patience.Token);
                return status.Contains("stable", StringComparison.Ordinal) && !status.Contains(" v1 ", StringComparison.Ordinal);
            },
            patience.Token);
        Assert.DoesNotContain("<title>Monitoring of late-parcels version 1", await client.GetStringAsync("/report", patience.Token), StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, CancellationToken patience)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!await holds())
        {
            await tick.WaitForNextTickAsync(patience);
        }
    }
}

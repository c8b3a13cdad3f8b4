using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mlops.Sdk.Samples.Quickstart;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Starts the web sample as a process and talks to it with a real HTTP client.</summary>
public sealed class WebServingTests
{
    [Fact]
    public async Task The_host_becomes_ready_and_answers_once_another_process_promotes()
    {
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        await using ProgramUnderTest host = ProgramUnderTest.StartAssembly(typeof(Samples.WebServing.Strike), folder.Path, "--Mlops:Folder", workspace, "--urls", "http://127.0.0.1:0");
        string listening = await host.LineAsync(line => line.Contains("Now listening on:", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new Uri(listening[listening.IndexOf("http://", StringComparison.Ordinal)..].Trim()) };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health")).StatusCode);

        await using (MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace))
        {
            var run = await mlops.RunAsync(new StrikeDamage(StrikeReports.Until(1996)), "first model");
            await mlops.PromoteAsync(run, "it passed");
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await client.GetAsync("/health", patience.Token)).StatusCode != HttpStatusCode.OK)
        {
            await tick.WaitForNextTickAsync(patience.Token);
        }

        HttpResponseMessage response = await client.PostAsJsonAsync("/strike-damage", new { WildlifeSize = "Large", PhaseOfFlight = "Climb", SpeedIasInKnots = 250 });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(1, answer.GetProperty("version").GetInt32());
        Assert.InRange(answer.GetProperty("value").GetProperty("probability").GetDouble(), 0.0, 1.0);
    }

    [Fact]
    public async Task A_wrong_option_stops_the_host_at_start_and_names_the_key()
    {
        using var folder = new TemporaryFolder();
        await using ProgramUnderTest host = ProgramUnderTest.StartAssembly(typeof(Samples.WebServing.Strike), folder.Path, "--Mlops:PollInterval", "00:00:00.001", "--urls", "http://127.0.0.1:0");
        Assert.NotEqual(0, await host.EndAsync());
        Assert.Contains("PollInterval", host.Output + host.Errors, StringComparison.Ordinal);
    }
}

using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>What people and time do with alerts.</summary>
public sealed class AlertDeskTests
{
    private static readonly AlertPolicy Auc = AlertPolicy.Create("auc", p => p.On("performance.roc_auc").Below(0.8).EscalateAfter(TimeSpan.FromHours(1)).RemindEvery(TimeSpan.FromHours(4)));

    [Fact]
    public async Task An_alert_that_nobody_takes_up_escalates_once_and_is_told_of_again()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(0.7);
        await using MonitorWorld _ = world;
        MonitorWorld.Host second = await world.HostAsync();
        foreach (int minutes in new[] { 30, 60, 1, 200, 39, 1, 100, 100, 100 })
        {
            world.Time.Advance(TimeSpan.FromMinutes(minutes));
            await host.Monitor.TendAsync("m");
            await second.Monitor.TendAsync("m");
        }

        Assert.Equal(["alert_raised", "signals_reported", "alert_escalated"], (await host.KindsAsync()).Take(3));
        Assert.Single(await host.EntriesAsync(MonitoringKinds.AlertEscalated));
        MonitorAlert alert = Assert.Single(await second.Monitor.OpenAlertsAsync());
        Assert.Equal((AlertSeverity.Critical, true), (alert.Severity, alert.EscalatedAt is not null));
        Assert.Equal(["alert_reminded", "alert_reminded"], (await host.KindsAsync()).Skip(3)); // four hours after the escalation, and four after that
    }

    [Fact]
    public async Task An_alert_that_was_taken_up_is_quiet()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(0.7);
        await using MonitorWorld _ = world;
        string id = (await host.Monitor.OpenAlertsAsync("m")).Single().Id;
        MonitorAlert taken = await host.Monitor.AcknowledgeAsync(id, "looking at it");
        Assert.Equal(("tester", true), (taken.AcknowledgedBy, taken.AcknowledgedAt is not null));
        await (await world.HostAsync()).Monitor.AcknowledgeAsync(id, "me too");
        world.Time.Advance(TimeSpan.FromDays(2));
        await host.Monitor.TendAsync("m");
        Assert.Single(await host.EntriesAsync(MonitoringKinds.AlertAcknowledged));
        Assert.Empty(await host.EntriesAsync(MonitoringKinds.AlertEscalated, MonitoringKinds.AlertReminded));
        Assert.Equal("monitoring.alert_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await host.Monitor.AcknowledgeAsync("no-such", "x"))).Code);
        await Assert.ThrowsAsync<ArgumentException>(async () => await host.Monitor.AcknowledgeAsync(id, " "));
    }

    [Fact]
    public async Task A_silenced_alert_is_written_and_told_of_when_the_silence_ends()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync();
        await using MonitorWorld _ = world;
        AlertSilence silence = await host.Monitor.SilenceAsync("m", world.Time.GetUtcNow().AddHours(2), "planned migration", policy: "au*");
        AlertSilence other = await host.Monitor.SilenceAsync("m", world.Time.GetUtcNow().AddDays(9), "another one", policy: "other");
        Assert.Equal([silence, other], await (await world.HostAsync()).Monitor.SilencesAsync());
        MonitorAlert alert = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.7)]));
        Assert.True(alert.Silenced);
        world.Time.Advance(TimeSpan.FromMinutes(90));
        await host.Monitor.TendAsync("m"); // due to escalate, and silenced
        Assert.Empty(await host.EntriesAsync(MonitoringKinds.AlertEscalated, MonitoringKinds.AlertReminded));
        world.Time.Advance(TimeSpan.FromMinutes(35));
        await host.Monitor.TendAsync("m");
        await host.Monitor.TendAsync("m");
        Assert.Single(await host.EntriesAsync(MonitoringKinds.AlertEscalated));
        Assert.False((await host.Monitor.OpenAlertsAsync("m")).Single().Silenced);
        await host.Monitor.EndSilenceAsync(other, "done early");
        await host.Monitor.EndSilenceAsync(other, "done early");
        Assert.Single(await host.EntriesAsync(MonitoringKinds.SilenceEnded));
        Assert.Empty(await host.Monitor.SilencesAsync("m"));
    }

    [Fact]
    public async Task An_alert_ended_by_hand_comes_again_with_the_next_breach()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(0.7);
        await using MonitorWorld _ = world;
        string id = (await host.Monitor.OpenAlertsAsync("m")).Single().Id;
        await host.Monitor.ResolveAsync(id, "the labels were wrong");
        Assert.Empty(await host.Monitor.OpenAlertsAsync("m"));
        MonitorAlert ended = Assert.Single(await host.Monitor.EndedAlertsAsync("m"));
        Assert.Equal((id, AlertState.Resolved, true), (ended.Id, ended.State, ended.ClosedAt is not null));
        Assert.Empty(await host.Monitor.ReportAsync([Signal.At(2, 0.9)]));
        Assert.NotEqual(id, Assert.Single(await host.Monitor.ReportAsync([Signal.At(3, 0.7)])).Id);
    }

    [Fact]
    public async Task An_alert_tells_where_it_stands_and_what_changed_most()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        MonitorAlert alert = (await host.Monitor.CheckAsync("m")).Alert!;
        AlertCause cause = Assert.Single(alert.Causes);
        Assert.Equal(("Speed", 1d), (cause.Name, cause.Weight));
        Assert.Equal(("drift", "drift.status", AlertState.Firing), (alert.Policy, alert.Signal, alert.State));
        Assert.Equal((alert.Id, true), (alert.WindowId, alert.To >= alert.From));
        host.Predict(TestData.Sample(3, 500));
        Assert.Equal(AlertState.Resolving, (await host.Monitor.CheckAsync("m")).Alerts.Single().State);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        Assert.Equal(AlertState.Firing, (await host.Monitor.CheckAsync("m")).Alerts.Single().State);
    }

    [Fact]
    public async Task An_explainer_is_asked_when_an_alert_is_raised_and_a_failing_one_does_no_harm()
    {
        var explainer = new Explainer();
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        world.Explainers.AddRange([new Failing(), explainer]);
        MonitorWorld.Host with = await world.HostAsync();
        await with.ServeAsync(1);
        foreach (double mean in (double[])[100, 200, 200])
        {
            with.Predict(TestData.Sample(2, 500, mean: mean));
            await with.Monitor.CheckAsync("m");
        }

        Assert.Equal(1, explainer.Asked);
        Assert.Equal(["country=SE", "Speed"], (await host.Monitor.OpenAlertsAsync("m")).Single().Causes.Select(c => c.Name));
    }

    [Fact]
    public async Task All_that_happens_to_alerts_is_saved_and_loaded_as_it_was_folded()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(0.7);
        await using MonitorWorld _ = world;
        await host.Monitor.SilenceAsync("m", world.Time.GetUtcNow().AddYears(9), "quiet", "band", "country=*");
        await host.Monitor.ReportAsync([.. Enumerable.Range(2, 12).Select(i => Signal.At(i, i, "quality.rows", segment: "country=SE")), Signal.At(14, 99, "quality.rows", segment: "country=SE")]);
        await host.Monitor.AcknowledgeAsync((await host.Monitor.OpenAlertsAsync("m"))[0].Id, "yes");
        world.Time.Advance(TimeSpan.FromDays(1));
        await host.Monitor.TendAsync("m");
        await host.Monitor.RetrainAsync((await host.Monitor.OpenAlertsAsync("m"))[0]);
        await host.Monitor.ReportAsync([Signal.At(20, 0.9), Signal.At(21, 0.9), Signal.At(22, 0.9), Signal.At(23, 0.9), Signal.At(24, 0.9), Signal.At(25, 0.9)]);
        Assert.Single(await host.Monitor.EndedAlertsAsync("m"));
        SnapshotConformance.Check(() => new AlertBook(), await host.Ledger.ReadAsync().ToArrayAsync());
    }

    [Fact]
    public async Task Windows_and_alerts_of_the_older_library_go_on()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(new MonitoringOptions { Alerts = { CloseAfter = 3 } });
        await using MonitorWorld _ = world;
        var resource = new LedgerResource("model", "m", 1);
        LedgerDraft Window(string id, string status) => new(MonitoringKinds.WindowClosed, resource, "old", System.Text.Json.JsonDocument.Parse(
            $$"""{"windowId":"{{id}}","model":"m","version":1,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:05:00Z","rows":500,"notRecorded":0,"digest":"{{Digest.Of([])}}","length":1,"status":"{{status}}","drifted":[]}""").RootElement);
        await host.Ledger.AppendAsync([Window("a", "Drifted"), new LedgerDraft(LedgerKinds.AlertRaised, resource, "old", LedgerData.Of(new AlertNote("a", "m", 1, "drift", "old alert", new Dictionary<string, double>()))), Window("b", "Stable"), Window("c", "Watch"), Window("d", "Stable")]);
        MonitorAlert alert = Assert.Single(await host.Monitor.OpenAlertsAsync("m"));
        Assert.Equal(("a", "old alert", AlertState.Resolving), (alert.Id, alert.Message, alert.State));
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500));
        await host.Monitor.CheckAsync("m"); // the third stable window
        Assert.Empty(await host.Monitor.OpenAlertsAsync("m"));
    }

    private static async Task<(MonitorWorld World, MonitorWorld.Host Host)> OpenAsync(params double[] values)
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert(Auc).Alert("band", p => p.On("quality.*").Segment("country=*").OutsideBand(3, 10)), oneClock: true);
        if (values.Length > 0)
        {
            await host.Monitor.ReportAsync(Signal.Series(values));
        }

        return (world, host);
    }

    private sealed class Explainer : IAlertExplainer
    {
        public int Asked { get; private set; }

        public ValueTask<IReadOnlyList<AlertCause>> ExplainAsync(ClosedWindow closed, IReadOnlyList<MonitorSignal> signals, CancellationToken cancellationToken = default)
        {
            Asked++;
            return ValueTask.FromResult<IReadOnlyList<AlertCause>>([new("country=SE", 0.8, "moved"), new("Speed", 0.2, "moved too")]);
        }
    }

    private sealed class Failing : IAlertExplainer
    {
        public ValueTask<IReadOnlyList<AlertCause>> ExplainAsync(ClosedWindow closed, IReadOnlyList<MonitorSignal> signals, CancellationToken cancellationToken = default) => throw new InvalidOperationException("not today");
    }
}

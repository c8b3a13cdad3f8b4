namespace Mlops.Sdk.Monitoring.Tests;

public sealed class LoopTests
{
    [Fact]
    public async Task An_alert_starts_one_run_across_hosts_and_the_history_links_alert_run_version_and_decision()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(oneClock: false); // writers meet
        await using MonitorWorld _ = world;
        MonitorWorld.Host[] hosts = [host, await world.HostAsync(), await world.HostAsync()];
        await host.Monitor.ReportAsync([Signal.At(1, 0.5)]);
        IReadOnlyList<RunRecord>[] runs = await Task.WhenAll(hosts.Select(h => Task.Run(async () => await h.Monitor.RetrainWhereDueAsync("m"))));
        RunRecord run = Assert.Single(runs.SelectMany(r => r));
        Assert.Equal(1, hosts.Sum(h => h.Trigger.Calls.Count));
        AlertLoop loop = Assert.Single(await hosts[2].Monitor.LoopHistoryAsync("m"));
        MonitorAlert alert = Assert.Single(await host.Monitor.OpenAlertsAsync("m"));
        Assert.Equal((alert.Id, "auc", run.RunId, 2, LoopOutcome.Registered), (loop.AlertId, loop.Policy, loop.RunId, loop.NewVersion, loop.Outcome));
        await host.RegisterAsync(TestData.Sample(8, 3000));
        await host.Registry.MoveAliasAsync("m", "champion", 2, "it is better");
        loop = Assert.Single(await hosts[1].Monitor.LoopHistoryAsync());
        Assert.Equal((LoopOutcome.Promoted, "champion"), (loop.Outcome, loop.PromotedTo));
        Assert.Empty(await hosts[1].Monitor.RetrainWhereDueAsync("m"));
    }

    [Fact]
    public async Task A_cool_down_and_a_budget_of_the_day_hold_for_all_policies_together()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(o => (o.CoolDown, o.MostPerDay) = (TimeSpan.FromHours(2), 2));
        await using MonitorWorld _ = world;
        await host.Monitor.ReportAsync([Signal.At(1, 0.5), Signal.At(1, 9, "quality.a"), Signal.At(1, 9, "quality.b"), Signal.At(1, 9, "quality.c")]);
        var asked = new List<int>();
        DateTimeOffset start = world.Time.GetUtcNow();
        foreach (double hours in (double[])[0, 1, 2.1, 4.2, 23, 25, 29])
        {
            world.Time.SetUtcNow(start + TimeSpan.FromHours(hours));
            await host.Monitor.RetrainWhereDueAsync("m");
            asked.Add(host.Trigger.Calls.Count);
        }

        // cool-down until 2 h, the second run fills the day until 24 h
        Assert.Equal([1, 1, 2, 2, 2, 3, 4], asked);
    }

    [Fact]
    public async Task Retraining_that_does_not_help_makes_the_alert_critical_instead_of_going_on_for_ever()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(o => (o.CoolDown, o.GiveUpAfter, o.MostPerDay) = (TimeSpan.Zero, 2, 100));
        await using MonitorWorld _ = world;
        for (int i = 0; i < 4; i++)
        {
            await host.Monitor.ReportAsync([Signal.At((i * 10) + 1, 0.5)]);
            await host.Monitor.RetrainWhereDueAsync("m");
            await host.Monitor.RetrainWhereDueAsync("m");
            if (i < 3)
            {
                await host.Monitor.ReportAsync([Signal.At((i * 10) + 2, 0.9)]);
            }
        }

        Assert.Equal(2, host.Trigger.Calls.Count);
        AlertLoop[] loops = [.. await host.Monitor.LoopHistoryAsync("m")];
        Assert.Equal([LoopOutcome.Registered, LoopOutcome.Registered, LoopOutcome.GaveUp, LoopOutcome.GaveUp], loops.Select(l => l.Outcome));
        Assert.Equal(AlertSeverity.Critical, (await host.Monitor.OpenAlertsAsync("m")).Single().Severity);
        Assert.Contains("2 runs for policy 'auc'", (await host.EntriesAsync(MonitoringKinds.AlertEscalated))[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_whose_host_died_is_linked_by_its_own_entries_and_gone_on_with_by_another()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync();
        await using MonitorWorld _ = world;
        MonitorAlert alert = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.5)]));
        host.Trigger.Fails = true;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await host.Monitor.RetrainWhereDueAsync("m")); // asked, and gone
        MonitorWorld.Host other = await world.HostAsync();
        Assert.Empty(await other.Monitor.RetrainWhereDueAsync("m")); // it may still be running
        Assert.Empty(other.Trigger.Calls);
        await host.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.RunStarted, new LedgerResource("run", "r1"), "x", LedgerData.Of(new RunStart("r1", "m", $"auc:{alert.Id}", "x")))]);
        Assert.Equal(("r1", LoopOutcome.Running), ((await other.Monitor.LoopHistoryAsync("m"))[0].RunId, (await other.Monitor.LoopHistoryAsync("m"))[0].Outcome));
        await host.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.RunEnded, new LedgerResource("run", "r1"), "x", LedgerData.Of(new RunEnd("r1", RunStatus.Cancelled, "the host stopped")))]);
        Assert.Single(await other.Monitor.RetrainWhereDueAsync("m")); // cancelled: gone on with at once
        Assert.Equal([("m", $"auc:{alert.Id}", alert.Message)], other.Trigger.Calls);
    }

    [Fact]
    public async Task A_rejected_version_and_a_failed_run_are_told_apart()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await OpenAsync(o => o.CoolDown = TimeSpan.Zero);
        await using MonitorWorld _ = world;
        await host.Monitor.ReportAsync([Signal.At(1, 0.5), Signal.At(1, 9, "quality.a"), Signal.At(1, 9, "quality.b")]);
        foreach (RunStatus status in new[] { RunStatus.Rejected, RunStatus.Failed, RunStatus.Registered })
        {
            host.Trigger.Status = status;
            MonitorAlert alert = (await host.Monitor.OpenAlertsAsync("m"))[(int)status - 1];
            await host.Monitor.RetrainAsync(alert);
        }

        Assert.Equal([LoopOutcome.Rejected, LoopOutcome.Failed, LoopOutcome.Registered], (await host.Monitor.LoopHistoryAsync("m")).Select(l => l.Outcome));
    }

    private static Task<(MonitorWorld World, MonitorWorld.Host Host)> OpenAsync(Action<RetrainOptions>? limits = null, bool oneClock = true) => MonitorWorld.OpenAsync(watch: w => w
        .Alert("auc", p => p.On("performance.roc_auc").Below(0.8).ClearAfter(1).DampFlapping(null))
        .Alert("quality", p => p.On("quality.*").Above(1).DampFlapping(null))
        .RetrainWhen(["auc", "quality"], limits), oneClock: oneClock);
}

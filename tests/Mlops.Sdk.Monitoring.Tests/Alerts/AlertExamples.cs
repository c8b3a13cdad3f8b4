using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The examples of docs/guides/alerts.md, compiled and run.</summary>
public sealed class AlertExamples
{
    [Fact]
    public async Task A_watch_says_which_policies_hold_who_is_told_and_what_starts_a_run()
    {
        var services = new ServiceCollection();
        var pager = new Pager();
        services.AddMonitoringForTest(monitoring =>
        {
            #region policies
            monitoring.Watch("fraud", watch => watch
                .Alert("auc-low", p => p
                    .On("performance.roc_auc").Below(0.80).ClearAt(0.82)
                    .For(2, outOf: 3)
                    .Severity(AlertSeverity.Critical)
                    .Owner("risk-team", "The model must earn its keep.", "wiki/fraud/auc-low")
                    .EscalateAfter(TimeSpan.FromHours(4)))
                .Alert("features-moved", p => p
                    .On("drift.psi:*").Above(0.25)
                    .FalseAlarms(perMonth: 1, every: TimeSpan.FromMinutes(5))
                    .Quorum(3))
                .Alert("errors", p => p.On("usage.error_share").OutsideBand(deviations: 4, windows: 50))
                .RetrainWhen(["auc-low", AlertPolicy.DriftName], limits => limits.MostPerDay = 2));
            #endregion

            #region handlers
            monitoring
                .LogAlerts()
                .OnAlert("pager", async (happened, cancellation) =>
                {
                    if (happened.Change is AlertChange.Raised or AlertChange.Escalated)
                    {
                        await pager.PageAsync(happened.Alert.Owner, happened.Alert.ToString(), cancellation);
                    }
                });
            #endregion
        });

        #region health
        services.AddHealthChecks().AddMlopsMonitoring();
        #endregion

        await using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal(["drift", "auc-low", "features-moved", "errors"], provider.GetRequiredService<ModelMonitor>().PoliciesOf("fraud").Select(p => p.Name));
    }

    [Fact]
    public async Task Alerts_are_taken_up_silenced_and_looked_back_at()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert("auc", p => p.On("performance.roc_auc").Below(0.8)).RetrainWhen(["auc"]));
        await using MonitorWorld _ = world;
        ModelMonitor monitor = host.Monitor;
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        MonitorSignal measured = Signal.At(1, 0.7);

        #region report
        IReadOnlyList<MonitorAlert> raised = await monitor.ReportAsync([measured]);
        #endregion

        #region desk
        foreach (MonitorAlert alert in await monitor.OpenAlertsAsync())
        {
            Console.WriteLine($"{alert}; look at {string.Join(", ", alert.Causes.Select(c => c.Name))}");
            await monitor.AcknowledgeAsync(alert.Id, "Looking at it.");
        }

        await monitor.SilenceAsync("m", until: now.AddHours(6), "The upstream system is being moved.", policy: "auc*");
        #endregion

        #region loop
        foreach (AlertLoop loop in await monitor.LoopHistoryAsync("m"))
        {
            Console.WriteLine($"alert {loop.AlertId} about v{loop.Version} -> run {loop.RunId} -> v{loop.NewVersion}: {loop.Outcome}");
        }
        #endregion

        Assert.NotNull((await monitor.OpenAlertsAsync("m")).Single().AcknowledgedAt);
        Assert.Single(raised);
    }

    [Fact]
    public async Task Policies_are_tried_on_what_happened_before_they_hold()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        ModelMonitor monitor = host.Monitor;
        await monitor.ReportAsync(Signal.Series(0.9, 0.7, 0.9, 0.9, 0.7, 0.7));

        #region simulate
        AlertPolicy today = AlertPolicy.Create("auc", p => p.On("performance.roc_auc").Below(0.8));
        AlertPolicy tried = AlertPolicy.Create("auc", p => p.On("performance.roc_auc").Below(0.8).For(2, outOf: 3));
        MonitorSignal[] history = await monitor.SignalsAsync("m", "performance.*").ToArrayAsync();
        SimulationComparison compared = AlertSimulation.Compare([today], [tried], history);
        Console.WriteLine(compared.After.ToText());
        #endregion

        Assert.Equal((1, 1), (compared.Before.Alerts.Count, compared.After.Alerts.Count));
    }

    private sealed class Pager
    {
        private readonly List<string> _pages = [];

        public ValueTask PageAsync(string? whom, string what, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _pages.Add($"{whom}: {what}");
            return ValueTask.CompletedTask;
        }
    }
}

using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class AlertHandlerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Each_event_reaches_one_host_in_order_again_after_a_failure_and_the_other_handlers_go_on()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: Watch);
        await using MonitorWorld _ = world;
        var flaky = new Recording(failures: 2);
        var steady = new Recording(failures: 0);
        void Handlers(MonitoringBuilder m) => m
            .OnAlert("flaky", flaky.HandleAsync, o => (o.RetryDelay, o.From) = (TimeSpan.FromMilliseconds(1), 0))
            .OnAlert("steady", steady.HandleAsync, o => o.From = 0)
            .LogAlerts();
        using IHost one = Build(world, host, Handlers);
        using IHost two = Build(world, await world.HostAsync(), Handlers);
        await one.StartAsync();
        await two.StartAsync();
        MonitorAlert alert = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.7)]));
        await host.Monitor.AcknowledgeAsync(alert.Id, "on it");
        await host.Monitor.ResolveAsync(alert.Id, "done");
        await flaky.UntilAsync(3 + 2, Patience);
        await steady.UntilAsync(3, Patience);
        await one.StopAsync();
        await two.StopAsync();
        Assert.Equal([AlertChange.Raised, AlertChange.Acknowledged, AlertChange.Closed], steady.Seen.Select(e => e.Change));
        Assert.Equal([AlertChange.Raised, AlertChange.Raised, AlertChange.Raised, AlertChange.Acknowledged, AlertChange.Closed], flaky.Seen.Select(e => e.Change));
        Assert.All(steady.Seen, e => Assert.Equal((alert.Id, "auc", "tester"), (e.Alert.Id, e.Alert.Policy, e.By.Id)));
        Assert.Equal("on it", steady.Seen.ElementAt(1).Reason);
    }

    [Fact]
    public async Task Silenced_alerts_and_those_of_other_models_or_less_severity_are_not_told_of()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: Watch);
        await using MonitorWorld _ = world;
        await host.Monitor.SilenceAsync("m", DateTimeOffset.MaxValue, "quiet", policy: "auc");
        MonitorAlert silenced = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.7)]));
        await host.Monitor.ReportAsync([Signal.At(1, 9, "quality.a")]);
        LedgerEntry[] entries = await host.EntriesAsync();
        AlertEvent[] events = [.. entries.Select(e => AlertHandlerService.Read(e, host.Monitor.StateOf)).OfType<AlertEvent>()];
        Assert.Equal(2, events.Length);
        var all = new Recording(0);
        var few = new Recording(0);
        using IHost one = Build(world, host, m => m
            .OnAlert("all", all.HandleAsync, o => (o.From, o.Silenced) = (0, true))
            .OnAlert("few", few.HandleAsync, o => { o.From = 0; o.Least = AlertSeverity.Warning; o.Models.Add("m"); }));
        await one.StartAsync();
        await all.UntilAsync(2, Patience);
        await host.Monitor.ReportAsync([Signal.At(2, 9, "usage.error_share")]);
        await few.UntilAsync(1, Patience);
        await one.StopAsync();
        Assert.Equal(silenced.Id, all.Seen.First().Alert.Id);
        Assert.Equal("errors", few.Seen.Single().Alert.Policy);
    }

    [Fact]
    public async Task Webhooks_and_handlers_of_the_registry_are_told_what_happens_to_alerts_with_the_facts_to_act_on()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert("auc", p => p.On("performance.roc_auc").Below(0.8).Severity(AlertSeverity.Critical).Owner("risk", runBook: "wiki/auc")));
        await using MonitorWorld _ = world;
        MonitorAlert alert = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.7)]));
        await host.Monitor.AcknowledgeAsync(alert.Id, "on it");
        await host.Monitor.ResolveAsync(alert.Id, "done");
        var events = new Registry.RegistryEvents(host.Ledger, host.Registry);
        var told = new List<Registry.RegistryEvent>();
        foreach (LedgerEntry entry in await host.EntriesAsync())
        {
            if (await events.ReadAsync(entry) is { } happened)
            {
                told.Add(happened);
            }
        }

        Assert.Equal([Registry.RegistryEventKind.AlertRaised, Registry.RegistryEventKind.AlertChanged, Registry.RegistryEventKind.AlertChanged], told.Select(t => t.Kind));
        Assert.Equal(("Critical", "risk", "wiki/auc", "performance.roc_auc"), (told[0].Details["severity"], told[0].Details["owner"], told[0].Details["runBook"], told[0].Details["signal"]));
        Assert.Equal(["acknowledged", "closed"], told.Skip(1).Select(t => t.Details["change"]));
        Assert.All(told, t => Assert.Equal((alert.Id, "m", 1), (t.Details["alert"], t.Model, t.Version)));
    }

    [Fact]
    public void A_name_used_twice_and_one_that_is_none_are_refused()
    {
        var services = new ServiceCollection();
        Assert.Equal("monitoring.invalid_handler", Assert.Throws<MlopsException>(() => services.AddMonitoringForTest(m => m.LogAlerts().LogAlerts())).Code);
        Assert.Equal("ledger.invalid_option", Assert.Throws<MlopsException>(() => services.AddMonitoringForTest(m => m.OnAlert<Typed>("Bad Name"))).Code);
        using ServiceProvider provider = new ServiceCollection().AddMonitoringForTest(m => m.OnAlert<Typed>("typed")).BuildServiceProvider();
        Assert.IsType<Typed>(provider.GetServices<DeclaredAlertHandler>().Single().Make(provider));
    }

    [Fact]
    public async Task Health_is_degraded_by_a_warning_unhealthy_by_a_critical_alert_and_well_when_somebody_took_it_up()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: Watch);
        await using MonitorWorld _ = world;
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(host.Monitor);
        services.AddHealthChecks().AddMlopsMonitoring(tags: ["models"]);
        await using ServiceProvider provider = services.BuildServiceProvider();
        HealthCheckService health = provider.GetRequiredService<HealthCheckService>();
        async Task<HealthStatus> StatusAsync() => (await health.CheckHealthAsync()).Entries["mlops-monitoring"].Status;
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());
        await host.Monitor.ReportAsync([Signal.At(1, 9, "quality.a")]); // good to know
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());
        await host.Monitor.ReportAsync([Signal.At(1, 9, "usage.error_share")]);
        Assert.Equal(HealthStatus.Degraded, await StatusAsync());
        MonitorAlert critical = Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.7)]));
        HealthReport report = await health.CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["mlops-monitoring"].Status);
        Assert.Equal(critical.ToString(), report.Entries["mlops-monitoring"].Data[critical.Id]);
        await host.Monitor.AcknowledgeAsync(critical.Id, "on it");
        Assert.Equal(HealthStatus.Degraded, await StatusAsync());
        await host.Monitor.SilenceAsync("m", DateTimeOffset.MaxValue, "known", policy: "errors");
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());
    }

    private static void Watch(WatchBuilder watch) => watch
        .Alert("auc", p => p.On("performance.roc_auc").Below(0.8).Severity(AlertSeverity.Critical))
        .Alert("quality", p => p.On("quality.*").Above(1).Severity(AlertSeverity.Info))
        .Alert("errors", p => p.On("usage.error_share").Above(0.01));

    private static IHost Build(MonitorWorld world, MonitorWorld.Host on, Action<MonitoringBuilder> configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IObjectStore>(world.Store).AddSingleton<ILedger>(on.Ledger).AddSingleton<IArtifactStore>(on.Artifacts).AddSingleton<IModelCatalog>(on.Registry)
            .AddSingleton<IIdGenerator>(new TimeOrderedIdGenerator(TimeProvider.System));
        builder.Services.AddMonitoringForTest(configure);
        return builder.Build();
    }

    private sealed class Typed : IAlertHandler
    {
        public ValueTask HandleAsync(AlertEvent happened, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    private sealed class Recording(int failures)
    {
        private readonly Channel<AlertEvent> _called = Channel.CreateUnbounded<AlertEvent>();
        private int _left = failures;

        public ConcurrentQueue<AlertEvent> Seen { get; } = new();

        public ValueTask HandleAsync(AlertEvent happened, CancellationToken cancellationToken)
        {
            Seen.Enqueue(happened);
            _called.Writer.TryWrite(happened);
            return Interlocked.Decrement(ref _left) >= 0 ? throw new InvalidOperationException("not today") : ValueTask.CompletedTask;
        }

        public async Task UntilAsync(int calls, TimeSpan patience)
        {
            for (int i = 0; i < calls; i++)
            {
                await _called.Reader.ReadAsync().AsTask().WaitAsync(patience);
            }
        }
    }
}

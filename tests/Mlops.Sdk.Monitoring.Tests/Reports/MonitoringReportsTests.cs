namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MonitoringReportsTests
{
    [Fact]
    public async Task A_report_is_made_of_what_any_host_stored_about_a_version()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld owned = world;
        await host.ServeAsync(1);
        for (int window = 0; window < 3; window++)
        {
            host.Predict(TestData.Sample(window + 10, 400, missing: window == 2 ? 0.5 : 0.1));
            world.Time.Advance(TimeSpan.FromMinutes(5));
            await host.Monitor.CheckAsync("m");
        }

        host.Predict(TestData.Sample(20, 5)); // what is left of a version is too little to judge
        await host.Monitor.StopAsync();

        MonitorWorld.Host other = await world.HostAsync();
        var reports = new MonitoringReports(other.Monitor, new MonitorHistory(other.Ledger, world.Store), other.Registry, other.Artifacts, world.Time);
        MonitoringReport report = await reports.MakeAsync("m");
        Assert.Equal(("m", 1, 3), (report.Model, report.Version, report.Drift.Count));
        Assert.Equal(DriftStatus.Drifted, report.Latest!.Status);
        Assert.Contains("Speed", report.Causes.Single().Causes[0].Name, StringComparison.Ordinal);
        Assert.Single(report.Alerts);
        Assert.Equal(MonitoringVerdict.Failed, report.Verdict);
        Assert.DoesNotContain(report.Signals, s => s.Name.StartsWith("drift.", StringComparison.Ordinal));
        Assert.Equal(2, (await reports.MakeAsync("m", to: report.Drift[2].From)).Drift.Count);
        Assert.Equal("monitoring.no_window", (await Assert.ThrowsAsync<MlopsNotFoundException>(() => reports.MakeAsync("m", version: 7).AsTask())).Code);
    }

    [Fact]
    public async Task Causes_are_weighed_by_how_much_the_version_listens_to_each_input()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld owned = world;
        await host.RegisterAsync(TestData.Sample(3, 700), importance: """{"format":1,"method":"permutation","inputs":{"Speed":-0.01,"Height":0.2,"Operator":0.1}}""");
        await host.ServeAsync(2);
        host.Predict(TestData.Sample(10, 400, missing: 0.5), version: 2);
        await host.Monitor.CheckAsync("m");
        MonitoringReport report = await new MonitoringReports(host.Monitor, new MonitorHistory(host.Ledger, world.Store), host.Registry, host.Artifacts, world.Time).MakeAsync("m");
        Cause cause = Assert.Single(Assert.Single(report.Causes).Causes);
        Assert.Equal(("Speed", 0d), (cause.Name, cause.Share)); // it moved, and the model does not care
        Assert.Contains("by importance to the model", report.Causes[0].How, StringComparison.Ordinal);
    }
}

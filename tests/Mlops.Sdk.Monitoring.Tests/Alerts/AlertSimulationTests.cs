namespace Mlops.Sdk.Monitoring.Tests;

public sealed class AlertSimulationTests
{
    private static readonly AlertPolicy Strict = AlertPolicy.Create("auc", p => p.On("performance.roc_auc").Below(0.8).ClearAfter(2));
    private static readonly AlertPolicy Lenient = AlertPolicy.Create("auc", p => p.On("performance.roc_auc").Below(0.8).For(2, outOf: 3).ClearAfter(2));

    [Fact]
    public void It_says_what_when_how_long_how_often_and_how_bad()
    {
        SimulationResult result = AlertSimulation.Run([Strict], Signal.Series(0.9, 0.7, 0.6, 0.9, 0.9, 0.9, 0.5));
        Assert.Equal([(2d, 5d, 2, 0.6), (7d, double.NaN, 1, 0.5)], result.Alerts.Select(a => ((a.RaisedAt - Signal.Start).TotalMinutes, (a.EndedAt - Signal.Start)?.TotalMinutes ?? double.NaN, a.Windows, a.Worst)));
        Assert.Equal((7, TimeSpan.FromMinutes(3)), (result.Signals, result.OpenFor("auc")));
        Assert.Equal(2 * 30 * 24 * 60 / 7.0, result.PerMonth(), 1e-6);
        Assert.Equal(
            "7 signals from 2026-01-01 00:00:00Z to 2026-01-01 00:07:00Z\n"
            + "policy  alerts  a month      open  last\n"
            + "auc          2  12342.9     0.1 h  2026-01-01 00:07 open\n",
            result.ToText());
        Assert.Equal(0, AlertSimulation.Run([Strict], []).PerMonth());
    }

    [Fact]
    public void Two_sets_of_policies_are_compared_alert_by_alert()
    {
        SimulationComparison compared = AlertSimulation.Compare([Strict], [Lenient], Signal.Series(0.7, 0.9, 0.9, 0.9, 0.7, 0.7, 0.9));
        Assert.Equal((2, 1), (compared.Before.Alerts.Count, compared.After.Alerts.Count));
        Assert.Equal(Signal.Start.AddMinutes(1), Assert.Single(compared.Lost).RaisedAt);
        Assert.Empty(compared.Won);
    }

    [Fact]
    public async Task Stored_history_replayed_tells_what_the_ledger_told_and_writes_nothing()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert(Strict));
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        foreach (double mean in (double[])[100, 200, 100, 100, 100, 200])
        {
            world.Time.Advance(TimeSpan.FromMinutes(5));
            host.Predict(TestData.Sample(2, 500, mean: mean));
            await host.Monitor.CheckAsync("m");
        }

        long before = host.Ledger.Head.Entries;
        SimulationResult result = await host.Monitor.SimulateAsync("m");
        Assert.Equal(["drift", "auc"], result.Policies);
        Assert.Equal((await host.Monitor.EndedAlertsAsync("m")).Concat(await host.Monitor.OpenAlertsAsync("m")).Select(a => (a.Policy, a.To!.Value)), result.Alerts.Select(a => (a.Policy, a.RaisedAt)));
        Assert.Empty((await host.Monitor.SimulateAsync("m", [Lenient])).Alerts);
        Assert.Equal(before, host.Ledger.Head.Entries);
    }

    [Fact]
    public void Twenty_thousand_windows_of_ten_signals_are_replayed()
    {
        var random = new Random(3);
        MonitorSignal[] signals = [.. Enumerable.Range(0, 20_000).SelectMany(i => Enumerable.Range(0, 10).Select(f => Signal.At(i, random.NextDouble(), $"drift.psi:f{f}")))];
        SimulationResult result = AlertSimulation.Run([AlertPolicy.Create("band", p => p.On("drift.*").OutsideBand(1.7)), AlertPolicy.Create("high", p => p.On("drift.*").Above(0.999).For(2, 5))], signals);
        Assert.Equal(200_000, result.Signals);
        Assert.NotEmpty(result.Alerts);
    }
}

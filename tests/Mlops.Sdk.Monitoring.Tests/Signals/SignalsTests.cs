using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class SignalsTests
{
    [Fact]
    public async Task A_closed_window_stores_what_every_source_measured_and_reads_it_back()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        world.Sources.Add(new Source(w => [Own(w, "quality.missing_share:Speed", 0.12), Own(w, "usage.error_share", 0.01)]));
        world.Sources.Add(new Source(_ => throw new InvalidOperationException("not today")));
        world.Sources.Add(new Source(w => [Own(w, "kpi.saved_eur", double.NaN), Own(w, "kpi.calls", 3), Own(w, "usage.error_share", 99)]));
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500));
        MonitorCheck check = await host.Monitor.CheckAsync("m");
        string[] names = ["drift.features_drifted", "drift.psi:", "drift.share_drifted", "drift.status", "kpi.calls", "quality.missing_share:Speed", "usage.error_share"];
        Assert.Equal(names, check.Signals.Select(s => s.Name.StartsWith("drift.psi:", StringComparison.Ordinal) ? "drift.psi:" : s.Name).Distinct().Order(StringComparer.Ordinal));
        MonitorWorld.Host other = await world.HostAsync();
        MonitorSignal[] read = await other.Monitor.SignalsAsync("m").ToArrayAsync();
        Assert.Equal(check.Signals, read);
        Assert.Equal(0.01, Assert.Single(await other.Monitor.SignalsAsync("m", "usage.*").ToArrayAsync()).Value);
        Assert.Empty(await other.Monitor.SignalsAsync("m", to: read[0].To).ToArrayAsync());
        Assert.Empty(await other.Monitor.SignalsAsync("n").ToArrayAsync());
        Assert.Single(await host.EntriesAsync()); // no entry of their own: the window's carries their digest
    }

    [Fact]
    public async Task Reported_signals_are_stored_once_and_judged()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert("auc", p => p.On("performance.roc_auc").Below(0.8).Severity(AlertSeverity.Critical).Owner("risk", "the model earns its keep", "wiki/auc")));
        await using MonitorWorld _ = world;
        MonitorSignal[] signals = [Signal.At(1, 0.9), Signal.At(2, 0.7, low: 0.65, high: 0.75, reference: 0.85)];
        MonitorAlert alert = Assert.Single(await host.Monitor.ReportAsync(signals));
        Assert.Equal(("auc", AlertSeverity.Critical, "risk", "wiki/auc", AlertState.Firing), (alert.Policy, alert.Severity, alert.Owner, alert.RunBook, alert.State));
        Assert.Equal("performance.roc_auc is 0.7 (below 0.8), 95 % interval 0.65 to 0.75, reference 0.85, over 1000 rows.", alert.Message);
        Assert.Equal((0.7, 0.85), (alert.Numbers["value"], alert.Numbers["reference"]));
        Assert.Equal(host.Monitor.PoliciesOf("m").Single(p => p.Name == "auc").Digest, alert.PolicyDigest);
        Assert.Empty(await (await world.HostAsync()).Monitor.ReportAsync(signals));
        Assert.Equal(["alert_raised", "signals_reported"], await host.KindsAsync());
        Assert.Equal(signals, await host.Monitor.SignalsAsync("m").ToArrayAsync());
        LedgerEntry[] entries = await host.Ledger.ReadAsync().ToArrayAsync();
        SnapshotConformance.Check(() => new SignalBook(), entries);
    }

    [Fact]
    public async Task Signals_of_a_version_that_left_service_are_kept_and_not_judged()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(watch: w => w.Alert("auc", p => p.On("performance.*").Below(0.8)));
        await using MonitorWorld _ = world;
        await host.RegisterAsync(TestData.Sample(7, 4000));
        await host.ServeAsync(2);
        host.Predict(TestData.Sample(2, 500), version: 2);
        await host.Monitor.CheckAsync("m");
        Assert.Empty(await host.Monitor.ReportAsync([Signal.At(1, 0.1, version: 1)]));
        Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.1, version: 2)]));
        Assert.Single(await host.Monitor.ReportAsync([Signal.At(1, 0.1, version: 0)]));
        Assert.Equal(3, await host.Monitor.SignalsAsync("m", "performance.*").CountAsync());
    }

    [Fact]
    public async Task Changed_and_newer_documents_are_refused()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.Monitor.ReportAsync([Signal.At(1, 0.5)]);
        ObjectInfo stored = await world.Store.ListAsync("signals/").SingleAsync();
        byte[] good = await ReadAsync(world, stored.Key);
        await PutAsync(world, stored.Key, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(good).Replace("0.5", "0.9", StringComparison.Ordinal)));
        Assert.Equal("monitoring.unreadable_signals", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await host.Monitor.SignalsAsync("m").ToArrayAsync())).Code);
        await world.Store.DeleteAsync(stored.Key);
        Assert.Equal("monitoring.unreadable_signals", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await host.Monitor.SignalsAsync("m").ToArrayAsync())).Code);
        string[] hostile = ["{}", "[]", "null", "{\"format\":1,\"model\":\"m\",\"signals\":[null]}", new string('[', 5000), "{\"format\":1,\"model\":\"m\",\"signals\":[{\"model\":\"other\",\"version\":1,\"name\":\"a\",\"from\":\"2026-01-01\",\"to\":\"2026-01-01\",\"rows\":1,\"value\":1}]}"];
        Assert.All(hostile, json => Assert.Equal("monitoring.unreadable_signals", Assert.Throws<MlopsIntegrityException>(() => SignalDocument.Read(Encoding.UTF8.GetBytes(json), Digest.Of(Encoding.UTF8.GetBytes(json)))).Code));
        byte[] newer = Encoding.UTF8.GetBytes("{\"format\":2,\"model\":\"m\",\"signals\":[]}");
        Assert.Equal("monitoring.newer_format", Assert.Throws<MlopsIntegrityException>(() => SignalDocument.Read(newer, Digest.Of(newer))).Code);
    }

    [Fact]
    public async Task What_is_no_signal_is_named()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        MonitorSignal good = Signal.At(1, 0.5);
        MonitorSignal[] bad = [good with { Value = double.NaN }, good with { Name = "" }, good with { To = good.From.AddHours(-1) }, good with { PValue = 2 }, good with { Rows = -1 }, good with { High = double.PositiveInfinity }];
        foreach (MonitorSignal signal in bad)
        {
            Assert.Equal("monitoring.invalid_signal", (await Assert.ThrowsAsync<MlopsException>(async () => await host.Monitor.ReportAsync([good, signal]))).Code);
        }

        Assert.Empty(await host.EntriesAsync());
    }

    private static MonitorSignal Own(ClosedWindow closed, string name, double value) =>
        new() { Model = closed.Window.Model, Version = closed.Window.Version, Name = name, From = closed.Window.From, To = closed.Window.To, Rows = closed.Window.Rows, Value = value };

    private static async Task<byte[]> ReadAsync(MonitorWorld world, ObjectKey key)
    {
        await using Stream stream = (await world.Store.OpenAsync(key))!;
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private static async Task PutAsync(MonitorWorld world, ObjectKey key, byte[] bytes) => await world.Store.PutAsync(key, new MemoryStream(bytes));

    internal sealed class Source(Func<ClosedWindow, IReadOnlyList<MonitorSignal>> measure) : ISignalSource
    {
        public ValueTask<IReadOnlyList<MonitorSignal>> MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken = default) => ValueTask.FromResult(measure(closed));
    }
}

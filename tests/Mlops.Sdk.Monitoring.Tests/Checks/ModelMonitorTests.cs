using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class ModelMonitorTests
{
    [Fact]
    public async Task A_calm_window_is_stored_and_committed_by_digest_and_raises_nothing()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 1000));
        world.Time.Advance(TimeSpan.FromMinutes(5));
        MonitorCheck check = await host.Monitor.CheckAsync("m");
        Assert.Equal((DriftStatus.Stable, 1000L, null, false), (check.Report!.Status, check.Report.Rows, check.Alert, check.Raised));
        LedgerEntry entry = Assert.Single(await host.EntriesAsync());
        Assert.Equal((MonitoringKinds.WindowClosed, "m", 1), (entry.Kind, entry.Resource.Name, entry.Resource.Version));
        await using Stream stored = (await world.Store.OpenAsync(ObjectKey.Parse($"monitoring/{check.Report.WindowId}")))!;
        using var bytes = new MemoryStream();
        await stored.CopyToAsync(bytes);
        Assert.Equal(entry.Data.GetProperty("digest").GetString(), Digest.Of(bytes.ToArray()).ToString());
        MonitorWindow window = MonitorWindow.Deserialize(bytes.ToArray());
        Assert.Equal((1000L, TimeSpan.FromMinutes(5)), (window.Rows, window.To - window.From));
    }

    [Fact]
    public async Task Drift_raises_one_alert_with_numbers_however_often_it_is_seen()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 1000, missing: 0.34));
        MonitorCheck first = await host.Monitor.CheckAsync("m");
        host.Predict(TestData.Sample(3, 1000, missing: 0.34));
        MonitorCheck second = await host.Monitor.CheckAsync("m");
        Assert.True(first.Raised);
        Assert.False(second.Raised);
        Assert.Equal(first.Alert, second.Alert);
        LedgerEntry alert = Assert.Single(await host.EntriesAsync(LedgerKinds.AlertRaised));
        AlertNote note = LedgerData.Read<AlertNote>(alert);
        Assert.Equal(("m", 1, "drift", first.Alert!.Id, first.Alert.Id), (note.Model, note.Version, note.Check, note.AlertId, alert.Correlation));
        Assert.Equal(1, note.Numbers["drifted"]);
        Assert.InRange(note.Numbers["missing.Speed"], 0.18, 0.26);
        Assert.Contains("missing 1", note.Message, StringComparison.Ordinal);
        Assert.Equal(["window_closed", "alert_raised", "window_closed"], await host.KindsAsync());
        Assert.Equal(first.Alert, Assert.Single(await host.Monitor.OpenAlertsAsync("m")));
    }

    [Fact]
    public async Task Hosts_that_see_the_same_drift_at_once_raise_one_alert()
    {
        (MonitorWorld world, MonitorWorld.Host first) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        MonitorWorld.Host[] hosts = [first, await world.HostAsync(), await world.HostAsync(), await world.HostAsync()];
        foreach (MonitorWorld.Host host in hosts)
        {
            await host.ServeAsync(1);
            host.Predict(TestData.Sample(2, 500, mean: 200));
        }

        MonitorCheck[] checks = await Task.WhenAll(hosts.Select(h => Task.Run(async () => await h.Monitor.CheckAsync("m"))));
        Assert.Equal(1, checks.Count(c => c.Raised));
        Assert.Single(checks.Select(c => c.Alert!.Id).Distinct());
        Assert.Single(await first.EntriesAsync(LedgerKinds.AlertRaised));
        Assert.Equal(4, (await first.EntriesAsync(MonitoringKinds.WindowClosed)).Length);
    }

    [Fact]
    public async Task Open_alerts_and_closed_windows_saved_and_loaded_are_those_that_were_folded()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        foreach (double missing in new[] { 0.12, 0.34, 0.34, 0.12, 0.12, 0.12, 0.5 })
        {
            host.Predict(TestData.Sample(2, 1000, missing: missing));
            await host.Monitor.CheckAsync("m");
        }

        LedgerEntry[] entries = await host.Ledger.ReadAsync().ToArrayAsync();
        Assert.Contains(entries, e => e.Kind == MonitoringKinds.AlertClosed);
        SnapshotConformance.Check(() => new AlertBook(), entries);
    }

    [Fact]
    public async Task A_small_window_stays_open_and_grows()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        Assert.Null((await host.Monitor.CheckAsync("m")).Report);
        await host.ServeAsync(1);
        for (int i = 1; i <= 3; i++)
        {
            host.Predict(TestData.Sample(10 + i, 90));
            MonitorCheck check = await host.Monitor.CheckAsync("m");
            Assert.Equal((i * 90L, i == 3 ? DriftStatus.Stable : DriftStatus.TooFew), (check.Report!.Rows, check.Report.Status));
        }

        Assert.Equal(270, (await host.EntriesAsync()).Single().Data.GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task A_clean_stop_stores_what_is_still_open()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 50));
        await host.Monitor.CheckAsync("m");
        host.Predict(TestData.Sample(3, 7));
        await host.Monitor.DisposeAsync();
        Assert.Equal(57, (await host.EntriesAsync()).Single().Data.GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task Calm_windows_close_an_alert_and_new_drift_raises_another()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(new MonitoringOptions { Alerts = { CloseAfter = 2 } });
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        foreach (double mean in (double[])[200, 100, 200, 100, 100, 200])
        {
            host.Predict(TestData.Sample(2, 500, mean: mean));
            await host.Monitor.CheckAsync("m");
        }

        Assert.Equal(
            ["window_closed", "alert_raised", "window_closed", "window_closed", "window_closed", "window_closed", "alert_closed", "window_closed", "alert_raised"],
            await host.KindsAsync());
    }

    [Fact]
    public async Task An_alert_open_too_long_gives_way_to_a_new_one_when_asked_for()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(new MonitoringOptions { Alerts = { RepeatAfter = TimeSpan.FromHours(1) } });
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        var ids = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            host.Predict(TestData.Sample(2, 500, mean: 200));
            ids.Add((await host.Monitor.CheckAsync("m")).Alert!.Id);

            // alerts are dated by the ledger's clock, which is the real one here
            world.Time.SetUtcNow(TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(i == 0 ? 30 : 90));
        }

        Assert.Equal((ids[0], 2), (ids[1], ids.Distinct().Count()));
        Assert.Equal(ids[2], Assert.Single(await host.Monitor.OpenAlertsAsync("m")).Id);
    }

    [Fact]
    public async Task A_new_version_closes_the_alerts_of_the_one_before_and_the_old_ones_rows_raise_none()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        await host.Monitor.CheckAsync("m");
        EncodedTable moved = TestData.Sample(7, 4000, mean: 200);
        await host.RegisterAsync(moved);
        host.Predict(TestData.Sample(3, 500, mean: 300)); // still version 1
        await host.ServeAsync(2);
        host.Predict(TestData.Sample(2, 500, mean: 200), version: 2);
        MonitorCheck check = await host.Monitor.CheckAsync("m");
        Assert.Equal((2, DriftStatus.Stable), (check.Report!.Version, check.Report.Status));
        Assert.Empty(await host.Monitor.OpenAlertsAsync("m"));
        Assert.Equal(["window_closed", "alert_raised", "window_closed", "window_closed", "alert_closed"], await host.KindsAsync());
    }

    [Fact]
    public async Task An_alert_starts_one_run_and_the_ledger_links_them()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        MonitorAlert alert = (await host.Monitor.CheckAsync("m")).Alert!;
        RunRecord? run = await host.Monitor.RetrainAsync(alert);
        Assert.Equal(("m", $"drift:{alert.Id}", alert.Message), host.Trigger.Calls.Single());
        LedgerEntry entry = Assert.Single(await host.EntriesAsync(MonitoringKinds.Retrained));
        Assert.Equal((run!.RunId, alert.Id), (entry.Data.GetProperty("runId").GetString(), entry.Correlation));
        Assert.Null(await host.Monitor.RetrainAsync(alert));
        Assert.Single(await host.EntriesAsync(MonitoringKinds.Retrained));
    }

    [Fact]
    public async Task Without_a_pipeline_retraining_says_what_is_missing()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await using var monitor = new ModelMonitor(host.Ledger, host.Registry, host.Artifacts, world.Store, host.Recorder, world.Ids, world.Time);
        MlopsException error = await Assert.ThrowsAsync<MlopsException>(async () => await monitor.RetrainAsync(new MonitorAlert("a", "m", 1, "drift", default)));
        Assert.Equal("monitoring.no_trigger", error.Code);
    }

    [Fact]
    public async Task What_the_store_refuses_is_kept_and_written_later_once()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        var failing = new FailingStore(world.Store);
        MonitorWorld.Host second = await world.HostAsync(store: failing);
        await second.ServeAsync(1);
        second.Predict(TestData.Sample(2, 500, mean: 200));
        failing.Fails = key => key.StartsWith("monitoring/", StringComparison.Ordinal);
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await second.Monitor.CheckAsync("m"));
        failing.Fails = key => key.StartsWith("ledger/", StringComparison.Ordinal);
        second.Predict(TestData.Sample(3, 400));
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await second.Monitor.CheckAsync("m"));
        failing.Fails = _ => false;
        MonitorCheck check = await second.Monitor.CheckAsync("m");
        Assert.Equal((400L, DriftStatus.Stable), (check.Report!.Rows, check.Report.Status));
        Assert.Equal([500L, 400L], (await host.EntriesAsync(MonitoringKinds.WindowClosed)).Select(e => e.Data.GetProperty("rows").GetInt64()));
        Assert.Single(await host.EntriesAsync(LedgerKinds.AlertRaised));
    }

    [Fact]
    public async Task A_table_is_compared_without_writing_and_checked_with_writing_once()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        Table table = Moved(800);
        DriftReport report = await host.Monitor.CompareAsync("m", 1, table);
        Assert.Equal((DriftStatus.Drifted, 800L), (report.Status, report.Rows));
        Assert.DoesNotContain(report.Features, f => f.Role == FeatureRole.Output);
        Assert.Empty(await host.EntriesAsync());
        MonitorCheck first = await host.Monitor.CheckAsync("m", 1, table);
        MonitorCheck again = await host.Monitor.CheckAsync("m", 1, table);
        MonitorCheck elsewhere = await (await world.HostAsync()).Monitor.CheckAsync("m", 1, table);
        Assert.Equal((true, false, false), (first.Raised, again.Raised, elsewhere.Raised));
        Assert.Equal((first.Alert!.Id, first.Alert.Id), (again.Alert!.Id, elsewhere.Alert!.Id));
        Assert.Equal(["window_closed", "alert_raised"], await host.KindsAsync());
    }

    [Fact]
    public async Task What_cannot_be_compared_is_named()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(withProfile: false);
        await using MonitorWorld _ = world;
        Table table = Moved(300);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await host.Monitor.CompareAsync("m", 9, table))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await host.Monitor.CompareAsync("none", 1, table))).Code);
        Assert.Equal("monitoring.no_reference", (await Assert.ThrowsAsync<MlopsDataException>(async () => await host.Monitor.CompareAsync("m", 1, table))).Code);
        await host.RegisterAsync(world.Trained);
        Assert.Equal("data.column_missing", (await Assert.ThrowsAsync<MlopsDataException>(async () => await host.Monitor.CompareAsync("m", 2, new Table([table["Speed"]])))).Code);
    }

    [Fact]
    public async Task Predictions_before_the_reference_was_read_are_told_and_later_ones_recorded()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        ModelVersion version = (await host.Registry.FindVersionAsync("m", 1))!;
        host.Recorder.OnVersionActivated(version, await host.Registry.ReadManifestAsync(version)); // never prepared
        host.Predict(TestData.Sample(2, 30));
        MonitorCheck check = await host.Monitor.CheckAsync("m");
        Assert.Equal((0L, 30L, DriftStatus.TooFew), (check.Report!.Rows, check.Report.NotRecorded, check.Report.Status));
        Assert.Contains("30 predictions were not recorded", check.Summary, StringComparison.Ordinal);
        host.Predict(TestData.Sample(2, 300));
        check = await host.Monitor.CheckAsync("m");
        Assert.Equal((300L, 30L), (check.Report!.Rows, check.Report.NotRecorded));
    }

    [Fact]
    public async Task Entries_that_only_look_like_ours_open_no_alert()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        System.Text.Json.JsonElement odd = System.Text.Json.JsonDocument.Parse("{\"alertId\":7,\"windowId\":[1]}").RootElement;
        var resource = new LedgerResource("model", "m", 1);
        await host.Ledger.AppendAsync([.. new[] { LedgerKinds.AlertRaised, MonitoringKinds.AlertClosed, MonitoringKinds.WindowClosed }.Select(kind => new LedgerDraft(kind, resource, "odd", odd))]);
        Assert.Empty(await host.Monitor.OpenAlertsAsync("m"));
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        Assert.True((await host.Monitor.CheckAsync("m")).Raised);
    }

    private static Table Moved(int rows)
    {
        EncodedTable sample = TestData.Sample(9, rows, missing: 0.34);
        return new Table(
        [
            new NumberColumn("Speed", Array.ConvertAll(sample.Numbers[0], v => (double)v)),
            new TextColumn("Operator", sample.Texts[0].Codes, sample.Texts[0].Dictionary),
            new NumberColumn("Height", Array.ConvertAll(sample.Numbers[1], v => (double)v)),
            new NumberColumn("More", new double[rows]),
        ]);
    }

    /// <summary>Refuses to write some keys.</summary>
    private sealed class FailingStore(IObjectStore inner) : IObjectStore
    {
        public Func<string, bool> Fails { get; set; } = _ => false;

        public string Description => inner.Description;

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default) =>
            Fails(key.Value) ? throw new MlopsStorageException("store.unavailable", "not today") : inner.PutAsync(key, content, condition, cancellationToken);

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

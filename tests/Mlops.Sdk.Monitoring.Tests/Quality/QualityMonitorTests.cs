using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class QualityMonitorTests
{
    [Fact]
    public async Task A_window_that_closes_is_measured_with_the_raw_rows_and_the_rows_per_hour_of_all_hosts()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld owned = world;
        await host.ServeAsync(1);
        var recorder = new QualityRecorder(world.Time);
        var quality = new QualityMonitor(host.Ledger, recorder, world.Time);

        // eight days of one window an hour, then a ninth in which nothing comes
        for (int hour = 0; hour < 8 * 24; hour++)
        {
            host.Predict(TestData.Sample(hour + 10, 210));
            world.Time.Advance(TimeSpan.FromHours(1));
            await host.Monitor.CheckAsync("m");
        }

        MonitorWindow window = MonitorWindow.Of("w", "m", 1, ReferenceProfile.Of(world.Trained), TestData.Sample(5, 400, missing: 0.5));
        var closed = new ClosedWindow(window, ReferenceProfile.Of(world.Trained), DriftDetector.Compare(ReferenceProfile.Of(world.Trained), window), (await host.Registry.FindVersionAsync("m", 1))!, TestData.Schema);
        recorder.Record("m", new Table([QualityRecorderTests.Texts("Speed", ["1", "2", "2"])]));
        IReadOnlyList<MonitorSignal> signals = await quality.MeasureAsync(closed);
        Assert.Equal(1 / 3.0, signals.Single(s => s.Name == "quality.duplicate_share").Value, 1e-12);
        MonitorSignal volume = signals.Single(s => s.Name == "quality.rows_per_hour");
        Assert.InRange(volume.Value, 150, 260);
        Assert.InRange(volume.Reference!.Value, 150, 260);
        Assert.InRange(signals.Single(s => s.Name == "quality.missing_share:Speed").Value, 0.4, 0.6);
        Assert.Equal(QualitySeverity.Failed, quality.LastReport("m")!.Verdict);

        world.Time.Advance(TimeSpan.FromHours(3));
        IReadOnlyList<QualityMeasure> arrival = await quality.CheckArrivalAsync("m");
        Assert.Equal((QualitySeverity.Failed, 0d), arrival.Single(a => a.Kind == QualityKind.Volume) switch { var v => (v.Severity, v.Value) });
        Assert.InRange(arrival.Single(a => a.Kind == QualityKind.Age).Value, 3 * 3600, 4.1 * 3600);

        // a host that watches reports it once, whoever is first
        IReadOnlyList<MonitorSignal> told = await quality.ArrivalSignalsAsync("m", default);
        Assert.Equal(0, told.Single(s => s.Name == "quality.rows_per_hour").Value);
        Assert.Equal(told, await new QualityMonitor((await world.HostAsync()).Ledger, recorder, world.Time).ArrivalSignalsAsync("m", default));
        Assert.Empty(await quality.ArrivalSignalsAsync("m", default));
        await host.Monitor.ReportAsync(told);

        // another host that starts now counts the same from the ledger
        MonitorWorld.Host other = await world.HostAsync();
        IReadOnlyList<QualityMeasure> again = await new QualityMonitor(other.Ledger, recorder, world.Time).CheckArrivalAsync("m");
        Assert.Equal(arrival, again);
    }

    [Fact]
    public void The_book_of_volumes_is_the_same_after_a_snapshot()
    {
        var book = new VolumeBook();
        DateTimeOffset at = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
        for (int hour = 0; hour < 200; hour++)
        {
            book.Apply(Closed("m", at.AddHours(hour), 100 + hour));
            book.Apply(Closed("n", at.AddHours(hour), 7));
        }

        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        book.SaveSnapshot(bytes);
        var copy = (VolumeBook)book.NewEmpty();
        copy.LoadSnapshot(bytes.WrittenMemory);
        Assert.Equal(book.Judge("m", at.AddHours(200), 5), copy.Judge("m", at.AddHours(200), 5));
        Assert.Equal(book.NewestOf("n"), copy.NewestOf("n"));
        var again = new System.Buffers.ArrayBufferWriter<byte>();
        copy.SaveSnapshot(again);
        Assert.Equal(bytes.WrittenMemory.ToArray(), again.WrittenMemory.ToArray());
        Assert.Throws<FormatException>(() => ((VolumeBook)book.NewEmpty()).LoadSnapshot(bytes.WrittenMemory[..^3]));
    }

    [Fact]
    public void It_is_one_line_in_a_host_and_options_are_checked_at_start()
    {
        var services = new ServiceCollection();
        IMlopsBuilder builder = new Builder(services);
        builder.AddDataQuality(o => o.Watch = 0.9).AddDataQuality();
        Assert.Single(services, s => s.ServiceType == typeof(QualityMonitor));
        Assert.Single(services.Where(s => s.ServiceType == typeof(ISignalSource)), s => s.ImplementationFactory?.Method.ReturnType == typeof(QualityMonitor));
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Contains("Watch (0.9)", Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptions<QualityOptions>>().Value).Message, StringComparison.Ordinal);
    }

    private static LedgerEntry Closed(string model, DateTimeOffset from, long rows)
    {
        var note = new WindowNote($"w{from.Ticks}", model, 1, from, from.AddHours(1), rows, 0, Digest.Of([1]), 1, DriftStatus.Stable, []);
        var draft = new LedgerDraft(MonitoringKinds.WindowClosed, new LedgerResource("model", model, 1), "for the test", System.Text.Json.JsonSerializer.SerializeToElement(note, MonitoringJson.Default.WindowNote));
        return new LedgerEntry
        {
            Number = 1,
            Commit = 1,
            Source = "test",
            Id = note.WindowId,
            Time = from,
            Actor = Actor.System,
            Kind = draft.Kind,
            Resource = draft.Resource,
            Reason = draft.Reason,
            Data = draft.Data,
            Outcome = LedgerOutcome.Done,
            Format = 1,
        };
    }

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class HostingTests
{
    [Fact]
    public async Task A_watched_model_is_checked_at_its_interval_and_drift_starts_one_retraining()
    {
        (MonitorWorld world, MonitorWorld.Host other) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        var trigger = new SignallingTrigger();
        using IHost host = Build(world, other, m => m.Watch("m", w => w.Every(TimeSpan.FromMinutes(5)).Retrain()), services => services.AddSingleton<IRetrainingTrigger>(trigger));
        await host.StartAsync();
        MonitorWorld.Host served = other with { Recorder = host.Services.GetRequiredService<PredictionRecorder>() };
        await served.ServeAsync(1);
        served.Predict(TestData.Sample(2, 500, mean: 200));
        world.Time.Advance(TimeSpan.FromMinutes(4));
        Assert.Empty(await other.EntriesAsync());
        world.Time.Advance(TimeSpan.FromMinutes(1));
        (string model, string key) = await trigger.Called.Task.WaitAsync(TimeSpan.FromSeconds(20));
        LedgerEntry alert = Assert.Single(await other.EntriesAsync(LedgerKinds.AlertRaised));
        Assert.Equal(("m", $"drift:{alert.Correlation}"), (model, key));
        Assert.Equal(Actor.System.Id, alert.Actor.Id);
        served.Predict(TestData.Sample(2, 10));
        await host.StopAsync();
        Assert.Equal(2, (await other.EntriesAsync(MonitoringKinds.WindowClosed)).Length); // the ten rows were not lost
    }

    [Fact]
    public async Task A_version_that_cannot_be_found_stands_in_nobodys_way_and_a_failed_tick_is_not_the_last()
    {
        (MonitorWorld world, MonitorWorld.Host other) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        var trigger = new SignallingTrigger();
        using IHost host = Build(world, other, m => m.Watch("m", w => w.Retrain()).Watch("no-such-model"), services => services.AddSingleton<IRetrainingTrigger>(trigger));
        await host.StartAsync();
        MonitorWorld.Host served = other with { Recorder = host.Services.GetRequiredService<PredictionRecorder>() };
        served.Recorder.Watch("m", 99, TestData.Schema, Data.ReferenceProfile.Of(world.Trained, TestData.Answers(world.Trained))); // the registry does not know it
        served.Predict(TestData.Sample(2, 500), version: 99);
        ModelMonitor monitor = host.Services.GetRequiredService<ModelMonitor>();
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await monitor.CheckAsync("m"));
        world.Time.Advance(TimeSpan.FromMinutes(5)); // fails as well
        await served.ServeAsync(1);
        served.Predict(TestData.Sample(2, 500, mean: 200));
        while (!trigger.Called.Task.IsCompleted)
        {
            world.Time.Advance(TimeSpan.FromMinutes(5));
            await Task.Yield();
        }

        Assert.Single(await other.EntriesAsync(LedgerKinds.AlertRaised));
        await host.StopAsync();
    }

    [Fact]
    public async Task Open_windows_are_flushed_again_and_again_and_closed_when_the_host_stops()
    {
        (MonitorWorld world, MonitorWorld.Host other) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        using IHost host = Build(world, other, m => { }, services => services.Configure<RecordingOptions>(o => o.FlushInterval = TimeSpan.FromSeconds(10)));
        await host.StartAsync();
        MonitorWorld.Host served = other with { Recorder = host.Services.GetRequiredService<PredictionRecorder>() };
        await served.ServeAsync(1);
        served.Predict(TestData.Sample(2, 20));
        world.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(await WindowPartsTests.PartsAsync(world.Store));
        world.Time.Advance(TimeSpan.FromSeconds(1));
        while ((await WindowPartsTests.PartsAsync(world.Store)).Length == 0)
        {
            await Task.Yield();
        }

        await host.StopAsync();
        Assert.Empty(await WindowPartsTests.PartsAsync(world.Store));
        Assert.Equal(20, (await new MonitorHistory(other.Ledger, world.Store).ListAsync("m").SingleAsync()).Rows);
    }

    [Fact]
    public void Options_of_recording_are_checked_and_can_be_set_in_code()
    {
        IServiceCollection services = new ServiceCollection().AddMonitoringForTest();
        new MonitoringForTest.Builder(services).ConfigureRecording(o => o.SampleRows = 7);
        Assert.Equal(7, services.BuildServiceProvider().GetRequiredService<PredictionRecorder>().Options.SampleRows);
        services.Configure<RecordingOptions>(o => o.AbandonedAfter = TimeSpan.FromSeconds(1));
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => services.BuildServiceProvider().GetRequiredService<PredictionRecorder>());
        Assert.Contains("AbandonedAfter is 00:00:01", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_recorder_is_one_and_the_same_for_serving_and_for_the_monitor()
    {
        await using ServiceProvider services = new ServiceCollection().AddMonitoringForTest().AddMonitoringForTest().BuildServiceProvider();
        Assert.Same(services.GetRequiredService<PredictionRecorder>(), services.GetServices<IPredictionObserver>().OfType<PredictionRecorder>().Single());
    }

    [Theory]
    [InlineData("Interval", "00:00:00", "Interval")]
    [InlineData("Drift:Watch", "0.5", "Drift:Watch (0.5) must be above 0 and below Alert (0.25)")]
    [InlineData("Drift:MinimumRows", "1", "MinimumRows")]
    [InlineData("Alerts:Features", "0", "Features")]
    [InlineData("Alerts:RepeatAfter", "00:00:01", "RepeatAfter")]
    public void A_wrong_option_is_named(string key, string value, string expected)
    {
        using ServiceProvider services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([new($"Mlops:Monitoring:{key}", value)]).Build())
            .AddMonitoringForTest().BuildServiceProvider();
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<MonitoringOptions>>().Value);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configuration_and_code_set_options_and_a_watch_changes_its_own()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Mlops:Monitoring:Drift:MinimumRows", "500"), new("Mlops:Monitoring:Interval", "00:01:00")]).Build();
        await using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddMonitoringForTest(m => m
            .Configure(o => o.Drift.Alert = 0.3)
            .Watch("a", w => w.Ignore("Year").DriftWhen(d => d.Watch = 0.2).AlertWhen(a => a.Features = 2))).BuildServiceProvider();
        ModelMonitor monitor = services.GetRequiredService<ModelMonitor>();
        MonitoringOptions own = monitor.OptionsOf("a");
        MonitoringOptions rest = monitor.OptionsOf("b");
        Assert.Equal((500, 0.3, 0.2, 2, TimeSpan.FromMinutes(1)), (own.Drift.MinimumRows, own.Drift.Alert, own.Drift.Watch, own.Alerts.Features, own.Interval));
        Assert.Equal(["Year"], own.Drift.Ignored);
        Assert.Equal((500, 0.3, 0.1, 1, 0), (rest.Drift.MinimumRows, rest.Drift.Alert, rest.Drift.Watch, rest.Alerts.Features, rest.Drift.Ignored.Count));
    }

    [Fact]
    public async Task A_watch_that_contradicts_itself_is_refused()
    {
        await using ServiceProvider services = new ServiceCollection().AddMonitoringForTest(m => m.Watch("a", w => w.DriftWhen(d => d.Watch = 9))).BuildServiceProvider();
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => services.GetRequiredService<ModelMonitor>()).Code);
    }

    [Fact]
    public async Task Meters_tell_drift_and_alerts_by_model()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        var seen = new System.Collections.Concurrent.ConcurrentBag<(string Instrument, double Value, object? Model)>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Meter.Name == MlopsDiagnostics.Monitoring) { l.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<long>((i, v, tags, _) => seen.Add((i.Name, v, tags[0].Value)));
        listener.SetMeasurementEventCallback<double>((i, v, tags, _) => seen.Add((i.Name, v, tags[0].Value)));
        listener.Start();
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(2, 500, mean: 200));
        await host.Monitor.CheckAsync("m");
        listener.RecordObservableInstruments();
        Assert.Contains(("mlops.monitoring.alerts", 1d, "m"), seen);
        Assert.Contains(("mlops.monitoring.drifted_features", 1d, "m"), seen);
        Assert.Contains(seen, s => s.Instrument == "mlops.monitoring.drift" && s.Value > 1);
    }

    private static IHost Build(MonitorWorld world, MonitorWorld.Host on, Action<MonitoringBuilder> configure, Action<IServiceCollection>? more = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<TimeProvider>(world.Time);
        builder.Services.AddSingleton<IIdGenerator>(world.Ids);
        builder.Services.AddSingleton<IObjectStore>(world.Store);
        builder.Services.AddSingleton<ILedger>(on.Ledger);
        builder.Services.AddSingleton<IArtifactStore>(on.Artifacts);
        builder.Services.AddSingleton<IModelCatalog>(on.Registry);
        more?.Invoke(builder.Services);
        builder.Services.AddMonitoringForTest(configure);
        return builder.Build();
    }

    private sealed class SignallingTrigger : IRetrainingTrigger
    {
        public TaskCompletionSource<(string Model, string Key)> Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<RunRecord?> TriggerAsync(string model, string key, string reason, CancellationToken cancellationToken = default)
        {
            Called.TrySetResult((model, key));
            return ValueTask.FromResult<RunRecord?>(null);
        }
    }
}

internal static class MonitoringForTest
{
    public static IServiceCollection AddMonitoringForTest(this IServiceCollection services, Action<MonitoringBuilder>? configure = null)
    {
        services.AddLogging();
        if (!services.Any(s => s.ServiceType == typeof(ILedger)))
        {
            var store = new InMemoryObjectStore();
            var artifacts = new ArtifactStore(store);
            services.AddSingleton<IObjectStore>(store).AddSingleton<IArtifactStore>(artifacts).AddSingleton<IIdGenerator>(new SequentialIdGenerator())
                .AddSingleton<ILedger>(_ => ObjectLedger.OpenAsync(store).AsTask().GetAwaiter().GetResult())
                .AddSingleton<IModelCatalog>(p => Registry.ModelRegistry.CreateAsync(p.GetRequiredService<ILedger>(), artifacts).AsTask().GetAwaiter().GetResult());
        }

        new Builder(services).AddMonitoring(configure);
        return services;
    }

    internal sealed record Builder(IServiceCollection Services) : IMlopsBuilder;
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests.Usage;

public sealed class UsageSignalsTests
{
    [Fact]
    public async Task Windows_that_follow_each_other_count_each_call_once_and_say_how_the_version_was_used()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync(new UsageOptions { Price = new UsagePrice { PerCall = 2 }, FlushInterval = TimeSpan.FromMinutes(1) });
        UsageLog other = await world.OpenAsync(new UsageOptions { FlushInterval = TimeSpan.FromHours(1) });
        var source = new UsageSignals(log);
        for (int i = 0; i < 95; i++)
        {
            log.OnCalled(UsageWorld.Call(caller: $"c{i % 3}", milliseconds: 1));
        }

        for (int i = 0; i < 5; i++)
        {
            other.OnCalled(UsageWorld.Call(error: "serving.wrong_columns", milliseconds: 100));
        }

        log.OnCalled(UsageWorld.Call(version: 2));
        log.OnCalled(UsageWorld.Call(version: 0, error: "serving.not_ready"));
        log.OnCalled(UsageWorld.Call(model: "another"));
        world.Time.Advance(TimeSpan.FromMinutes(5));
        await other.FlushAsync();
        Dictionary<string, MonitorSignal> first = await MeasureAsync(UsageWorld.Start, UsageWorld.Start.AddMinutes(5));
        Assert.Equal(100, first["usage.calls"].Value);
        Assert.Equal(1, first["usage.unanswered"].Value);
        Assert.Equal(100, first["usage.rows"].Value);
        Assert.Equal(3, first["usage.callers"].Value);
        Assert.Equal(190, first["usage.cost:EUR"].Value);
        Assert.Equal(0.05, first["usage.error_share"].Value, 1e-12);
        Assert.Equal(0.021543679154368, first["usage.error_share"].Low!.Value, 1e-12); // scipy 1.10: binomtest(5, 100).proportion_ci(method="wilson")
        Assert.Equal(0.111750469231919, first["usage.error_share"].High!.Value, 1e-12);
        Assert.Equal(1, first["usage.latency_p50_ms"].Value, 0.016);
        Assert.Equal(100, first["usage.latency_p99_ms"].Value, 1.6);
        Assert.All(first.Values, s => Assert.Equal(("m", 1, 100L), (s.Model, s.Version, s.Rows)));

        log.OnCalled(UsageWorld.Call());
        world.Time.Advance(TimeSpan.FromMinutes(5));
        Dictionary<string, MonitorSignal> second = await MeasureAsync(UsageWorld.Start.AddMinutes(5), UsageWorld.Start.AddMinutes(10));
        Assert.Equal(1, second["usage.calls"].Value);
        Dictionary<string, MonitorSignal> third = await MeasureAsync(UsageWorld.Start.AddMinutes(10), UsageWorld.Start.AddMinutes(15));
        Assert.Equal((0.0, 2), (third["usage.calls"].Value, third.Count)); // nobody asked: no shares and no times

        async Task<Dictionary<string, MonitorSignal>> MeasureAsync(DateTimeOffset from, DateTimeOffset to) =>
            (await source.MeasureAsync(Closed(from, to))).ToDictionary(s => s.Name, StringComparer.Ordinal);
    }

    [Fact]
    public async Task Monitoring_counts_use_unless_the_configuration_says_no()
    {
        await using var world = new UsageWorld();
        await using (ServiceProvider counting = Container(world, []))
        {
            UsageLog log = counting.GetRequiredService<UsageLog>();
            Assert.Contains(log, counting.GetServices<IPredictionObserver>());
            Assert.Single(counting.GetServices<ISignalSource>().OfType<UsageSignals>());
            Assert.True(log.ObservesCalls);
            log.OnCalled(UsageWorld.Call());
        }

        Assert.Equal(1, (await (await world.OpenAsync()).QueryAsync()).Rows.Single().Calls); // disposing wrote it
        await using ServiceProvider off = Container(world, new() { ["Mlops:Usage:Enabled"] = "false" });
        Assert.False(off.GetRequiredService<UsageLog>().ObservesCalls);
        Assert.Empty(await off.GetServices<ISignalSource>().OfType<UsageSignals>().Single().MeasureAsync(Closed(UsageWorld.Start, UsageWorld.Start.AddHours(1))));
        await using ServiceProvider wrong = Container(world, new() { ["Mlops:Usage:Prices:m:PerRow"] = "-1" });
        Assert.Contains("Mlops:Usage:Prices:m:PerRow", Assert.Throws<OptionsValidationException>(() => wrong.GetRequiredService<UsageLog>()).Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Container(UsageWorld world, Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddSingleton<TimeProvider>(world.Time);
        services.AddSingleton<IObjectStore>(world.Store);
        services.AddSingleton<IIdGenerator>(new Testing.SequentialIdGenerator());
        services.AddSingleton<IArtifactStore>(new ArtifactStore(world.Store));
        services.AddSingleton<ILedger>(_ => ObjectLedger.OpenAsync(world.Store).AsTask().GetAwaiter().GetResult());
        new Builder(services).AddMonitoring();
        return services.BuildServiceProvider();
    }

    private static ClosedWindow Closed(DateTimeOffset from, DateTimeOffset to)
    {
        EncodedTable trained = TestData.Sample(1, 100);
        var window = new MonitorWindow { Id = "w", Model = "m", Version = 1, Reference = default, From = from, To = to, Rows = 1, NotRecorded = 0, Features = [] };
        ReferenceProfile profile = ReferenceProfile.Of(trained, TestData.Answers(trained));
        return new ClosedWindow(window, profile, null!, null!, TestData.Schema);
    }

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

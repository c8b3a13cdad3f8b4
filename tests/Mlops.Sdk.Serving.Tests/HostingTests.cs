using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Serving.Tests;

public sealed class HostingTests
{
    [Fact]
    public async Task A_host_serves_its_declared_models_from_its_start_to_its_stop()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(2);
        using IHost host = Host(world, s => s.Model<Row, Answer>("m", m => m.Follow("champion")));
        await host.StartAsync();
        var predictor = host.Services.GetRequiredService<IPredictor<Row, Answer>>();
        Assert.Same(predictor, host.Services.GetRequiredKeyedService<IPredictor<Row, Answer>>("m"));
        Assert.Equal(2, predictor.Predict(new Row(1, null)).Version);
        Assert.Equal("from configuration", host.Services.GetRequiredService<ModelServer>().Host);

        await host.StopAsync();
        Assert.Equal("serving.not_ready", Assert.Throws<MlopsModelException>(() => predictor.Predict(new Row(1, null))).Code);
        Assert.Equal([LedgerKinds.DeploymentStarted, LedgerKinds.DeploymentEnded], world.Ledger.Deployments.Select(d => d.Kind));
        Assert.Equal(1, world.Format.Loaded[0].Disposals);
    }

    [Fact]
    public async Task A_host_starts_without_a_version_and_is_healthy_once_one_is_promoted()
    {
        await using var world = new World();
        using IHost host = Host(world, s => s.Model<Row, Answer>("m").Model<Row, Answer>("other", m => m.Pin(1)));
        await host.StartAsync();
        Assert.Equal(HealthStatus.Unhealthy, (await HealthAsync(host)).Status);

        world.Catalog.Register(1);
        world.Catalog.Move(1);
        var server = host.Services.GetRequiredService<ModelServer>();
        await World.Until(() => server.Status[0].Ready, "m is ready");
        HealthReportEntry one = await HealthAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, one.Status);
        Assert.Contains("other (v1)", one.Description, StringComparison.Ordinal);

        world.Catalog.Register(1, model: "other");
        await World.Until(() => server.Status[1].Ready, "other is ready");
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(host)).Status);
        Assert.Equal(1, host.Services.GetRequiredKeyedService<IPredictor<Row, Answer>>("other").Predict(new Row(1, null)).Version);
        await host.StopAsync();
    }

    [Fact]
    public async Task Health_is_degraded_while_the_newest_version_is_refused()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Corrupt(2);
        world.Catalog.Move(1);
        using IHost host = Host(world, s => s.Model<Row, Answer>("m"));
        await host.StartAsync();
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(host)).Status);

        world.Catalog.Move(2);
        await host.Services.GetRequiredService<ModelServer>().RefreshAsync();
        HealthReportEntry degraded = await HealthAsync(host);
        Assert.Equal(HealthStatus.Degraded, degraded.Status);
        Assert.Contains("v1 answers; a bit is wrong", degraded.Description, StringComparison.Ordinal);

        world.Catalog.Move(1);
        await host.Services.GetRequiredService<ModelServer>().RefreshAsync();
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(host)).Status);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_declared_record_that_fits_no_version_does_not_stop_the_host_and_is_told_by_its_health()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        using IHost host = Host(world, s => s.Model<Odd, Answer>("m"));
        await host.StartAsync();
        HealthReportEntry report = await HealthAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("Odd -> Answer", report.Description, StringComparison.Ordinal);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_wrong_option_stops_the_host_and_names_the_key()
    {
        await using var world = new World();
        using IHost host = Host(world, s => s.Configure(o => o.DrainTimeout = TimeSpan.FromDays(1)));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(nameof(ServingOptions.DrainTimeout), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_alias_that_cannot_be_is_refused_where_it_is_written() =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().BuildMlops().AddServing(s => s.Model<Row, Answer>("m", m => m.Follow("Not An Alias"))));

    private static async Task<HealthReportEntry> HealthAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["mlops-serving"];

    private static IHost Host(World world, Action<ServingBuilder> configure)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("Mlops:Serving:Host", "from configuration")]);
        builder.Services.AddSingleton<IModelCatalog>(world.Catalog).AddSingleton<ILedger>(world.Ledger).AddSingleton<IArtifactStore>(world.Artifacts);
        builder.Services.AddSingleton<IModelFormat>(world.Format).AddSingleton<IIdGenerator>(new CountingIds()).AddSingleton<TimeProvider>(world.Time);
        builder.Services.BuildMlops().AddServing().AddServing(configure);
        builder.Services.AddHealthChecks().AddMlopsServing();
        return builder.Build();
    }

    private sealed record Odd(float Height);
}

internal static class BuildMlopsExtensions
{
    internal static IMlopsBuilder BuildMlops(this IServiceCollection services) => new Builder(services);

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

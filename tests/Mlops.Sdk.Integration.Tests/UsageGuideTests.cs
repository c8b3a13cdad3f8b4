using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mlops.Sdk.Integration.Worker;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Integration.Tests;

public sealed class UsageGuideTests
{
    [Fact]
    public async Task Every_call_of_a_served_model_is_counted_and_there_after_the_workspace_was_closed()
    {
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        await using (MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace))
        {
            ModelVersion version = (await mlops.RunAsync(new HousePrices(trees: 60), "to have a model")).Version!;
            await mlops.Registry.MoveAliasAsync("houses", MlopsWorkspace.Champion, version.Number, "the only one");
            IPredictor<House, Quote> predictor = await mlops.ServeAsync<House, Quote>("houses");
            House house = HousePrices.Questions[0];

            #region usage-caller
            Prediction<Quote> quote = predictor.Predict(house, new PredictionContext(Caller: "web-shop"));
            #endregion

            Assert.Equal(1, quote.Version);
            predictor.Predict(house);
            predictor.Predict([.. HousePrices.Questions], new Quote[HousePrices.Questions.Count]);
        }

        await using MlopsWorkspace after = await MlopsWorkspace.OpenAsync(workspace);

        #region usage-query
        UsageTable table = await after.Usage.QueryAsync(new UsageQuery
        {
            Model = "houses",
            From = TimeProvider.System.GetUtcNow().AddDays(-1),
            By = UsageParts.Version | UsageParts.Caller,
        });
        Console.WriteLine(table.ToText());
        #endregion

        Assert.Equal([(1, null, 2L, 51L), (1, "web-shop", 1L, 1L)], table.Rows.Select(r => (r.Version, r.Caller, r.Calls, r.Rows)));
        Assert.All(table.Rows, r => Assert.InRange(r.LatencyAt(0.5), TimeSpan.FromTicks(1), r.Longest));
        Assert.Contains("web-shop", table.ToText(), StringComparison.Ordinal);

        #region usage-retention
        RecordLog log = new RecordLogs(after.Store, after.Ledger).Get(UsageLog.LogName);
        await log.DeleteBeforeAsync(TimeProvider.System.GetUtcNow().AddYears(-2), "kept for two years");
        #endregion

        Assert.True((await log.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Prices_and_limits_are_options_of_the_host()
    {
        using var folder = new TemporaryFolder();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();

        #region usage-options
        builder.Services.AddMlops(mlops => mlops
            .UseFolder(folder["workspace"])
            .AddUsage(usage =>
            {
                usage.FlushInterval = TimeSpan.FromSeconds(30);
                usage.MaxCallers = 500;
                usage.Currency = "EUR";
                usage.Prices["taxi-fare"] = new UsagePrice { PerCall = 0.001m, PerCpuSecond = 0.00002m };
            }));
        #endregion

        using IHost host = builder.Build();
        await host.StartAsync();
        UsageLog usage = host.Services.GetRequiredService<UsageLog>();
        usage.OnCalled(new PredictionCall("taxi-fare", 1, 1, TimeSpan.FromMilliseconds(2), null, default));
        await host.StopAsync();
        await using MlopsWorkspace after = await MlopsWorkspace.OpenAsync(folder["workspace"]);
        UsageRow row = Assert.Single((await after.Usage.QueryAsync()).Rows); // stopping wrote it; nobody has disposed the host yet
        Assert.Equal(new UsageCost("EUR", 0.001m + (0.00002m * 0.002m)), Assert.Single(row.Costs));
    }
}

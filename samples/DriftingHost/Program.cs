// A host whose world changes at the throw of a switch: it notices, explains, retrains, promotes and reports, before and after.
//   dotnet run --project samples/DriftingHost
//   curl -X POST localhost:5000/winter          throws the switch
//   curl localhost:5000/status                  one screen: version, drift, alerts
//   open http://localhost:5000/report?version=1 what the first version saw; version=2 what came after it
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Samples.DriftingHost;

#region host
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton(new World(seed: 7));
builder.Services.AddHostedService<Traffic>();
builder.Services.AddMlops(mlops => mlops
    .AddPipelines(p => p.Add<LateParcels>())
    .AddServing(s => s.Model<Question, Risk>("late-parcels", m => m.Follow("champion")))
    .AddMonitoring(m => m
        .Watch("late-parcels", w => w
            .Every(builder.Configuration.GetValue("Watch:Every", TimeSpan.FromSeconds(10)))
            .AlertWhen(alerts => alerts.RepeatAfter = TimeSpan.FromMinutes(1)) // a run that did not help is followed by another
            .RetrainWhen([AlertPolicy.DriftName], limits =>
            {
                // a season goes by in seconds here; the defaults are for one that takes months
                limits.CoolDown = builder.Configuration.GetValue("Retrain:CoolDown", TimeSpan.FromSeconds(15));
                (limits.MostPerDay, limits.GiveUpAfter) = (100, 100);
            }))
        .LogAlerts())
    .AddDataQuality()
    .AddPerformance()
    .AddRegistryHandler<Promotion>("promotion", h => h.Filter = new RegistryEventFilter { Kinds = [RegistryEventKind.VersionRegistered] }));
#endregion

WebApplication app = builder.Build();
app.MapPost("/winter", (World world) => world.Winter = true);
app.MapPost("/summer", (World world) => world.Winter = false);
app.MapGet("/status", async (MlopsWorkspace mlops, CancellationToken cancellation) => (await mlops.StatusAsync(cancellation)).ToText());
app.MapGet("/loop", async (ModelMonitor monitor, CancellationToken cancellation) => await monitor.LoopHistoryAsync("late-parcels", cancellation));

#region report
app.MapGet("/report", async (MlopsWorkspace mlops, int? version, CancellationToken cancellation) =>
    Results.Content((await mlops.Reports.MakeAsync("late-parcels", version, cancellationToken: cancellation)).ToHtml(), "text/html; charset=utf-8"));
#endregion
app.Run();

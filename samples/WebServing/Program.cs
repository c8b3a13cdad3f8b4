// A web host that answers with the champion of a workspace and takes up a promotion made by any other process.
// Train one first:  dotnet run --project samples/Quickstart
// Then:             dotnet run --project samples/WebServing -- --Mlops:Folder mlops-data
using Mlops.Sdk;
using Mlops.Sdk.Samples.WebServing;

#region host
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddMlops(mlops => mlops
    .AddServing(s => s.Model<Strike, Risk>("strike-damage", m => m.Follow("champion"))));
builder.Services.AddHealthChecks().AddMlopsServing();

WebApplication app = builder.Build();
app.MapPost("/strike-damage", (Strike strike, IPredictor<Strike, Risk> predictor) => predictor.Predict(strike));
app.MapHealthChecks("/health");
app.Run();
#endregion

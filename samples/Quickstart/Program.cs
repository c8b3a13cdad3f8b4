// The whole life of a model in one process, on real data: the FAA's reports of birds that met aircraft, 1990 to 2002.
using Mlops.Sdk;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Pipelines;
using Mlops.Sdk.Samples.Quickstart;

string folder = args.Length > 0 ? args[0] : "mlops-data";
var page = new HtmlReport("Bird strikes: the life of a model");

#region loop
await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);

// Train on the reports before 1996, compare candidates, gate the best, put it into service.
PipelineRun first = await mlops.RunAsync(new StrikeDamage(StrikeReports.Until(1996)), "first model", key: "reports-until-1996");
Tell.Run(first);
await mlops.PromoteAsync(first, "first model that passes its gate");

// The years go by: every new report is asked about, and recorded.
IPredictor<Strike, Risk> predictor = await mlops.ServeAsync<Strike, Risk>("strike-damage");
foreach (Strike strike in await StrikeReports.Between(1996, 2001).ToListAsync())
{
    predictor.Predict(strike);
}

// Has the world changed since training? If so: the same pipeline on the new data, gated against the version in service.
MonitorCheck check = await mlops.Monitor.CheckAsync("strike-damage");
Tell.Heading("Watched: reports of 1996 to 2000 against training");
Console.WriteLine(check.Report?.ToText() ?? check.Summary);
if (check.Alert is { } alert)
{
    PipelineRun second = await mlops.RunAsync(new StrikeDamage(StrikeReports.Until(2001)), "the watch found drift", key: $"drift:{alert.Id}");
    Tell.Run(second);
    await mlops.PromoteAsync(second, "retrained after drift, not worse than its predecessor");
    page.Add(second);
}
#endregion

IReadOnlyList<LedgerEntry> history = await mlops.Registry.HistoryAsync("strike-damage");
await Tell.HistoryAsync(mlops, history);
page.Add(first).AddFragment("What the watch saw", check.Report?.ToHtml() ?? string.Empty).AddHistory(history);
Console.WriteLine($"\nReport: {await page.WriteAsync(Path.Combine(folder, "report.html"))}");

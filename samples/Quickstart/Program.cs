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

// Look at the data before anything is trained on it.
Console.WriteLine(DataProfile.Of((await StrikeReports.Until(1996).ToListAsync()).ToTable()).ToText());

string reason = "first model";
for (int year = 1996; year <= 2002; year += 3)
{
    // Train on the reports so far, compare candidates, gate the best, put it into service.
    PipelineRun run = await mlops.RunAsync(new StrikeDamage(StrikeReports.Until(year)), reason, key: $"reports-until-{year}");
    Tell.Run(run);
    page.Add(run);
    ModelVersion champion = await mlops.PromoteAsync(run, reason);
    if (champion.Number > run.Version?.Number)
    {
        continue; // an earlier start of this program has told this chapter
    }

    // Years go by: every new report is asked about, and recorded on the way.
    int until = Math.Min(year + 3, 2003);
    IPredictor<Strike, Risk> predictor = await mlops.ServeAsync<Strike, Risk>("strike-damage");
    foreach (Strike strike in await StrikeReports.Between(year, until).ToListAsync())
    {
        predictor.Predict(strike);
    }

    // Has the world changed since training? Then the same pipeline runs on the new data, gated against the version in service.
    MonitorCheck check = await mlops.Monitor.CheckAsync("strike-damage");
    Tell.Watch(check, $"{year} to {until - 1}");
    page.AddFragment($"Watched: {year} to {until - 1}", check.Report?.ToHtml() ?? check.Summary);
    if (check.Alert is null)
    {
        break;
    }

    reason = "retrained because the watch found drift";
}
#endregion

IReadOnlyList<LedgerEntry> history = await mlops.Registry.HistoryAsync("strike-damage");
await Tell.HistoryAsync(mlops, history);
page.AddHistory(history);
Console.WriteLine($"\nReport: {await page.WriteAsync(Path.Combine(folder, "report.html"))}");

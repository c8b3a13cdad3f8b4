// A gate for a build: fails when the rows of one file are unlike those of another.
//   dotnet run --project samples/DriftGate -- reference.csv current.csv [--html report.html] [--json report.json] [--ignore column]...
// Ends with 0 when all is well, 1 on drift or failed data quality, 2 on wrong use or a file that does not read.
using Mlops.Sdk;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Samples.DriftGate;

if (GateArguments.Parse(args, Console.Error) is not { } wanted)
{
    return GateArguments.WrongUse;
}

try
{
    Table reference = await CsvTable.ReadAsync(wanted.Reference);
    Table current = await CsvTable.ReadAsync(wanted.Current);

    #region compare
    var drift = new DriftOptions();
    var quality = new QualityOptions();
    foreach (string column in wanted.Ignored)
    {
        drift.Ignored.Add(column);
        quality.Ignored.Add(column);
    }

    MonitoringReport report = MonitoringReport.Compare(reference, current, TimeProvider.System.GetUtcNow(), drift, quality, name: wanted.Name);
    Console.Write(report.ToText());
    #endregion

    if (wanted.Html is { } html)
    {
        await File.WriteAllTextAsync(html, report.ToHtml());
        Console.WriteLine($"page     {html}");
    }

    if (wanted.Json is { } json)
    {
        await File.WriteAllTextAsync(json, report.ToJson());
    }

    return report.ExitCode;
}
catch (Exception error) when (error is MlopsException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(error is MlopsException coded ? $"{coded.Code}: {error.Message}" : error.Message);
    return GateArguments.WrongUse;
}

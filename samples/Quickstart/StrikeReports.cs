using Mlops.Sdk.Data;

namespace Mlops.Sdk.Samples.Quickstart;

/// <summary>The reports of some years, as if the later ones had not come in yet.</summary>
internal static class StrikeReports
{
    private static readonly string File = Path.Combine(AppContext.BaseDirectory, "birdstrikes.csv.gz");

    internal static IDataSource<Strike> Until(int year) => DataSource.Csv<Strike>(File).Where(s => s.FlightDate.Year < year, $"before {year}");

    internal static IDataSource<Strike> Between(int from, int until) =>
        DataSource.Csv<Strike>(File).Where(s => s.FlightDate.Year >= from && s.FlightDate.Year < until, $"{from} to {until - 1}");
}

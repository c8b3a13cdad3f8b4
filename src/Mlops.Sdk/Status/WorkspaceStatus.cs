using System.Globalization;
using System.Text;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk;

/// <summary>How every model of a workspace stands.</summary>
/// <param name="At">When it was read.</param>
/// <param name="Models">The models by name.</param>
public sealed record WorkspaceStatus(DateTimeOffset At, IReadOnlyList<ModelOverview> Models)
{
    private const int NameWidth = 24;
    private const int MostAlerts = 10;

    /// <summary>Writes a table of at most 100 columns, one line a model, and under it the open alerts.</summary>
    /// <returns>Lines of text. Columns keep their width, whatever is in them, so that two tables can be compared line by line.</returns>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"model".PadRight(NameWidth)}  {"champion",8}  {"age",5}  {"latest",6}  {"last check",-16}  {"rows",8}  {"drift",-7}  alerts  approval\n");
        foreach (ModelOverview model in Models)
        {
            MonitoredModel? seen = model.Monitored;
            string last = seen?.LastWindow is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) : "-";
            string drift = seen?.Status is { } status ? status.ToString().ToLowerInvariant() : "-";
            string waits = model.WaitsForApproval.Count == 0 ? "-" : string.Join(' ', model.WaitsForApproval.Take(3).Select(v => $"v{v}")) + (model.WaitsForApproval.Count > 3 ? " ..." : string.Empty);
            text.Append(CultureInfo.InvariantCulture, $"{Fit(model.Model)}  {(model.Champion is { } c ? $"v{c}" : "-"),8}  {Short(model.Age),5}  {(model.Latest > 0 ? $"v{model.Latest}" : "-"),6}  {last,-16}  {Rows(seen?.Rows ?? 0),8}  {drift,-7}  {seen?.OpenAlerts.Count ?? 0,6}  {waits}\n");
        }

        MonitorAlert[] open = [.. Models.SelectMany(m => m.Monitored?.OpenAlerts ?? []).OrderByDescending(a => a.Severity).ThenBy(a => a.RaisedAt)];
        foreach (MonitorAlert alert in open.Take(MostAlerts))
        {
            string line = $"! {alert.Severity.ToString().ToLowerInvariant(),-8}  {Short(At - alert.RaisedAt),5}  {alert.Model} v{alert.Version} {alert.Policy}: {alert.Message.ReplaceLineEndings(" ")}";
            text.Append(line.Length <= 100 ? line : $"{line[..97]}...").Append('\n');
        }

        if (open.Length > MostAlerts)
        {
            text.Append(CultureInfo.InvariantCulture, $"! and {open.Length - MostAlerts} more\n");
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => ToText();

    private static string Fit(string name) => name.Length <= NameWidth ? name.PadRight(NameWidth) : $"{name[..(NameWidth - 3)]}...";

    private static string Short(TimeSpan? time) => time is not { } t ? "-"
        : t < TimeSpan.FromHours(1) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)t.TotalMinutes)}m")
        : t < TimeSpan.FromDays(2) ? string.Create(CultureInfo.InvariantCulture, $"{(int)t.TotalHours}h")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)t.TotalDays}d");

    private static string Rows(long rows) => rows < 100_000 ? rows.ToString(CultureInfo.InvariantCulture)
        : rows < 100_000_000 ? string.Create(CultureInfo.InvariantCulture, $"{rows / 1000.0:0}k")
        : string.Create(CultureInfo.InvariantCulture, $"{rows / 1e6:0}M");
}

/// <summary>How a model stands.</summary>
/// <param name="Model">Its name.</param>
public sealed record ModelOverview(string Model)
{
    /// <summary>Gets the newest version's number, or 0 when there is none.</summary>
    public int Latest { get; init; }

    /// <summary>Gets the version in service, or null.</summary>
    public int? Champion { get; init; }

    /// <summary>Gets how long ago the version in service was registered, or null.</summary>
    public TimeSpan? Age { get; init; }

    /// <summary>Gets its aliases and the version each one names.</summary>
    public IReadOnlyDictionary<string, int> Aliases { get; init; } = new Dictionary<string, int>();

    /// <summary>Gets what monitoring knows of it, or null when it was never checked.</summary>
    public MonitoredModel? Monitored { get; init; }

    /// <summary>Gets the versions newer than the one in service that may not go there before they are approved.</summary>
    public IReadOnlyList<int> WaitsForApproval { get; init; } = [];
}

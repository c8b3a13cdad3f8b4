using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>Says what to do next, from what was found. The order matters: broken data first, since a model that is retrained on it learns the mistake.</summary>
internal static class ReportAdvice
{
    private const int MostNamed = 4;

    internal static IReadOnlyList<string> Of(MonitoringReport report)
    {
        var steps = new List<string>();
        string[] broken = [.. (report.Skew?.Findings ?? []).Where(f => f.Kind is SkewKind.ColumnMissing or SkewKind.Type or SkewKind.Unit or SkewKind.Spelling).Select(f => f.Column).Distinct(StringComparer.Ordinal)];
        if (broken.Length > 0)
        {
            steps.Add($"Mend what feeds {Named(broken)}: it is given another way than in training. Do not retrain before; the new version would learn the mistake.");
        }

        string[] failed = [.. (report.Quality?.Findings ?? []).Where(f => f.Severity == QualitySeverity.Failed && f.Name is not null && !broken.Contains(f.Name, StringComparer.Ordinal)).Select(f => f.Name!).Distinct(StringComparer.Ordinal)];
        if (failed.Length > 0)
        {
            steps.Add($"Look at the source of {Named(failed)}: its quality failed.");
        }

        if (report.Quality?.Findings.Any(f => f.Severity == QualitySeverity.Failed && f.Name is null) == true)
        {
            steps.Add("Look at how rows arrive: the rows as a whole failed a quality check.");
        }

        AddDrift(steps, report, [.. broken, .. failed]);
        if (report.Latest is { Status: DriftStatus.TooFew } few)
        {
            steps.Add(string.Create(CultureInfo.InvariantCulture, $"Wait for more rows: {few.Rows} are too few to judge drift."));
        }

        if (report.FalseAlarmsExpected > report.FalseAlarmsAllowed)
        {
            steps.Add("Expect some of the alarms to be false: the budget of false alarms is used up. Ask for more windows in a row or a larger effect.");
        }

        if (steps.Count == 0)
        {
            steps.Add(report.Verdict == MonitoringVerdict.Watch ? "Look again after the next window: something moved, not enough to act on." : "Nothing to do.");
        }

        return steps;
    }

    private static void AddDrift(List<string> steps, MonitoringReport report, string[] explained)
    {
        bool worse = ReportMetrics.Worse(report).Count > 0;
        bool known = ReportMetrics.Of(report, SignalNames.Performance).Any(m => m.Segment is null && m.Last.Reference is not null);
        FeatureDrift[] drifted = [.. (report.Latest?.Features ?? []).Where(f => f.Status == DriftStatus.Drifted && !explained.Contains(f.Name, StringComparer.Ordinal))];
        string[] inputs = [.. drifted.Where(f => f.Role == Data.FeatureRole.Input).Select(f => f.Name)];
        string first = report.Causes.FirstOrDefault(c => c.Causes.Count > 0) is { } cause ? $" Begin with {ReportNumbers.Name(cause.Causes[0].Name, 60)}, which explains most of {ReportNumbers.Name(cause.About, 80)}." : string.Empty;
        if (worse)
        {
            steps.Add($"Retrain with rows of this window: the answers became worse by the truth that came.{first}");
        }
        else if (inputs.Length > 0 && known)
        {
            steps.Add($"{Named(inputs)} moved while the answers are as right as before: watch, or make this window the reference if the change is meant to stay.{first}");
        }
        else if (inputs.Length > 0)
        {
            steps.Add($"Find out what moved {Named(inputs)} and get the truth for some rows of this window: whether the answers became worse is not known.{first}");
        }
        else if (drifted.Length > 0)
        {
            steps.Add($"The answers moved and no input did: look for a change of version, of preparation, or of features that are not watched.{first}");
        }
    }

    private static string Named(string[] names) =>
        string.Join(", ", names.Take(MostNamed).Select(n => ReportNumbers.Name(n, 60))) + (names.Length > MostNamed ? string.Create(CultureInfo.InvariantCulture, $" and {names.Length - MostNamed} more") : string.Empty);
}

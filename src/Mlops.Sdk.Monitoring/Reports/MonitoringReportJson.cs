using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>The document that a report is written as.</summary>
internal sealed record MonitoringReportDocument(
    int Format,
    string Model,
    int Version,
    DateTimeOffset CreatedAt,
    MonitoringVerdict Verdict,
    string Summary,
    IReadOnlyList<string> NextSteps,
    DriftReport? Drift,
    IReadOnlyList<DateTimeOffset> Windows,
    IReadOnlyList<FeatureTrend> Trends,
    QualityReport? Quality,
    SkewReport? Skew,
    IReadOnlyList<RootCauses> Causes,
    IReadOnlyList<MonitorAlert> Alerts,
    double? FalseAlarmsExpected,
    double? FalseAlarmsAllowed,
    IReadOnlyList<MonitorSignal> Signals);

/// <summary>The population stability index of a feature in each window; null where the window does not have it.</summary>
internal sealed record FeatureTrend(string Feature, Data.FeatureRole Role, IReadOnlyList<double?> Psi);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MonitoringReportDocument))]
internal sealed partial class MonitoringReportJson : JsonSerializerContext
{
    internal const int Format = 1;

    internal static string Write(MonitoringReport report)
    {
        Dictionary<(string Name, Data.FeatureRole Role), double[]> trends = ReportMetrics.Trends(report, out IReadOnlyList<DateTimeOffset> times);
        var document = new MonitoringReportDocument(
            Format,
            report.Model,
            report.Version,
            report.CreatedAt,
            report.Verdict,
            report.Summary,
            report.NextSteps,
            report.Latest,
            times,
            [.. trends.Select(t => new FeatureTrend(t.Key.Name, t.Key.Role, [.. t.Value.Select(v => double.IsFinite(v) ? v : (double?)null)]))],
            report.Quality,
            report.Skew,
            report.Causes,
            report.Alerts,
            report.FalseAlarmsExpected,
            report.FalseAlarmsAllowed,
            [.. report.Signals.Where(s => double.IsFinite(s.Value))]);
        return JsonSerializer.Serialize(document, Default.MonitoringReportDocument);
    }
}

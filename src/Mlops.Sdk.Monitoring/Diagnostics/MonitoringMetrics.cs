using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Monitoring;

/// <summary>The instruments of monitoring; tags are names of models that were found, of policies, and of signals about no single feature, so they are bounded.</summary>
internal sealed class MonitoringMetrics : IDisposable
{
    private const int MostSignals = 200;
    private readonly Meter _meter = new(MlopsDiagnostics.Monitoring);
    private readonly Counter<long> _alerts;
    private readonly Counter<long> _windows;
    private readonly ConcurrentDictionary<string, DriftReport> _latest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MonitorSignal[]> _signals = new(StringComparer.Ordinal);

    internal MonitoringMetrics(AlertBook book)
    {
        _alerts = _meter.CreateCounter<long>("mlops.monitoring.alerts", "{alert}", "Alerts raised by this process.");
        _windows = _meter.CreateCounter<long>("mlops.monitoring.windows", "{window}", "Windows closed by this process.");
        _meter.CreateObservableGauge("mlops.monitoring.drift", () => Measure(r => r.Features.Where(f => f.Status != DriftStatus.Ignored).Select(f => f.Psi).DefaultIfEmpty(0).Max()), "{nat}", "The largest population stability index of a feature in the latest window.");
        _meter.CreateObservableGauge("mlops.monitoring.drifted_features", () => Measure(r => r.Drifted), "{feature}", "Features that drifted in the latest window.");
        _meter.CreateObservableGauge("mlops.monitoring.open_alerts", () => OpenAlerts(book), "{alert}", "Open alerts, raised by any host.");
        _meter.CreateObservableGauge("mlops.monitoring.signal", Signals, description: "What was measured about the latest window as a whole, by signal.");
    }

    public void Dispose() => _meter.Dispose();

    internal void Checked(DriftReport report, IReadOnlyList<MonitorSignal> signals)
    {
        _latest[report.Model] = report;
        _signals[report.Model] = [.. signals.Where(s => s.Segment is null && !s.Name.Contains(':', StringComparison.Ordinal)).Take(MostSignals)];
        _windows.Add(1, Tag(report.Model));
    }

    internal void Raised(MonitorAlert alert) => _alerts.Add(1, Tag(alert.Model), new("mlops.policy", alert.Policy), new("mlops.severity", alert.Severity.ToString()));

    private static KeyValuePair<string, object?> Tag(string model) => new(MlopsDiagnostics.ModelTag, model);

    private static Measurement<long>[] OpenAlerts(AlertBook book) =>
        [.. book.Models.SelectMany(m => Enum.GetValues<AlertSeverity>().Select(s => new Measurement<long>(m.Value.Open.Values.Count(o => o.Alert.Severity == s), Tag(m.Key), new("mlops.severity", s.ToString()))))];

    private Measurement<double>[] Signals() =>
        [.. _signals.SelectMany(m => m.Value.Select(s => new Measurement<double>(s.Value, Tag(m.Key), new("mlops.signal", s.Name))))];

    private IEnumerable<Measurement<double>> Measure(Func<DriftReport, double> value) =>
        [.. _latest.Values.Select(r => new Measurement<double>(value(r), Tag(r.Model)))];
}

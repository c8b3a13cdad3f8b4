using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Monitoring;

/// <summary>The instruments of monitoring; tags are names of models that were found, so they are bounded.</summary>
internal sealed class MonitoringMetrics : IDisposable
{
    private readonly Meter _meter = new(MlopsDiagnostics.Monitoring);
    private readonly Counter<long> _alerts;
    private readonly Counter<long> _windows;
    private readonly ConcurrentDictionary<string, DriftReport> _latest = new(StringComparer.Ordinal);

    internal MonitoringMetrics()
    {
        _alerts = _meter.CreateCounter<long>("mlops.monitoring.alerts", "{alert}", "Alerts raised by this process.");
        _windows = _meter.CreateCounter<long>("mlops.monitoring.windows", "{window}", "Windows closed by this process.");
        _meter.CreateObservableGauge("mlops.monitoring.drift", () => Measure(r => r.Features.Where(f => f.Status != DriftStatus.Ignored).Select(f => f.Psi).DefaultIfEmpty(0).Max()), "{nat}", "The largest population stability index of a feature in the latest window.");
        _meter.CreateObservableGauge("mlops.monitoring.drifted_features", () => Measure(r => r.Drifted), "{feature}", "Features that drifted in the latest window.");
    }

    public void Dispose() => _meter.Dispose();

    internal void Checked(DriftReport report, bool raised)
    {
        _latest[report.Model] = report;
        var tag = new KeyValuePair<string, object?>(MlopsDiagnostics.ModelTag, report.Model);
        _windows.Add(1, tag);
        if (raised)
        {
            _alerts.Add(1, tag);
        }
    }

    private IEnumerable<Measurement<double>> Measure(Func<DriftReport, double> value) =>
        [.. _latest.Values.Select(r => new Measurement<double>(value(r), new KeyValuePair<string, object?>(MlopsDiagnostics.ModelTag, r.Model)))];
}

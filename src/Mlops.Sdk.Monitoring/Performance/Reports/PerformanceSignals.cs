namespace Mlops.Sdk.Monitoring;

/// <summary>Writes performance as signals.</summary>
internal static class PerformanceSignals
{
    internal const string Output = "output";

    internal static IReadOnlyList<MonitorSignal> Of(PerformanceWindow window, PerformanceReference? reference, int minimumLabels)
    {
        var signals = new List<MonitorSignal>();
        MonitorSignal Template(string kind, string measure, long rows, string? segment = null) => new()
        {
            Model = window.Model, Version = window.Version, Segment = segment, Name = SignalNames.Of(kind, measure), From = window.From, To = window.To, Rows = rows, Value = 0,
        };

        if (window.Labels.Predictions > 0)
        {
            MetricValue coverage = MetricIntervals.Wilson(window.Labels.Labelled, window.Labels.Predictions);
            signals.Add(Template(SignalNames.Performance, PerformanceNames.LabelCoverage, window.Labels.Predictions) with { Value = coverage.Value, Low = coverage.Lower, High = coverage.Upper });
        }

        void AddAll(PerformanceValues values, string? segment)
        {
            foreach ((string name, MetricValue value) in values.Metrics)
            {
                Add(signals, Template(SignalNames.Performance, name, values.Rows, segment), value, reference?.Metrics.GetValueOrDefault(name)?.Value);
            }
        }

        if (window.Realised is { } realised && realised.Rows >= minimumLabels)
        {
            AddAll(realised, null);
            foreach (SegmentPerformance segment in window.Segments.Where(s => s.Values.Rows >= minimumLabels))
            {
                AddAll(segment.Values, segment.Segment);
            }

            if (window.Calibration is { } calibration)
            {
                double? before = reference is { Classes: [{ } yes, ..] } ? (yes.Map is null ? yes.Error : yes.CalibratedError) : null;
                signals.Add(Template(SignalNames.Performance, PerformanceNames.CalibrationError, calibration.Rows) with { Value = calibration.Error, Reference = before, PValue = calibration.SpiegelhalterPValue });
                if (calibration.Slope is { } slope)
                {
                    signals.Add(Template(SignalNames.Performance, "calibration_slope", calibration.Rows) with { Value = slope, Reference = 1 });
                    signals.Add(Template(SignalNames.Performance, "calibration_intercept", calibration.Rows) with { Value = calibration.Intercept!.Value, Reference = 0 });
                }
            }
        }

        foreach ((string name, MetricValue value) in window.Estimated)
        {
            Add(signals, Template(SignalNames.Estimated, name, window.Labels.Predictions), value, reference?.Metrics.GetValueOrDefault(name)?.Value);
        }

        foreach (KpiValue kpi in window.Kpis)
        {
            Add(signals, Template(SignalNames.Kpi, kpi.Name, kpi.Rows), kpi.Total, null);
        }

        return signals;
    }

    internal static void Add(List<MonitorSignal> signals, MonitorSignal template, MetricValue value, double? reference)
    {
        if (double.IsFinite(value.Value))
        {
            signals.Add(template with { Value = value.Value, Low = Finite(value.Lower), High = Finite(value.Upper), Reference = Finite(reference) });
        }
    }

    private static double? Finite(double? value) => value is { } known && double.IsFinite(known) ? known : null;
}

namespace Mlops.Sdk.Monitoring;

/// <summary>What closing windows are told.</summary>
public sealed partial class PerformanceMonitor
{
    /// <summary>Measures when a window closes: estimates and output expectations of what this process answered since the last one; realised metrics of the span before the window's end; business numbers of its UTC day.</summary>
    /// <inheritdoc cref="ISignalSource.MeasureAsync"/>
    async ValueTask<IReadOnlyList<MonitorSignal>> ISignalSource.MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(closed);
        string model = closed.Window.Model;
        int version = closed.Window.Version;
        PerformancePlan? plan = _plans.GetValueOrDefault(model);
        VersionFacts facts = await FactsAsync(model, version, cancellationToken).ConfigureAwait(false);
        var signals = new List<MonitorSignal>();
        DateTimeOffset to = closed.Window.To.ToUniversalTime();
        DateTimeOffset day = new(to.AddTicks(-1).Date, TimeSpan.Zero);
        DateTimeOffset begin = to - _options.Span;

        // the log first: when it fails, what was counted is not taken out
        PerformanceWindow span = await MeasureAsync(model, version, begin, to, cancellationToken).ConfigureAwait(false);
        if (span.Labels.Predictions > 0)
        {
            signals.AddRange((span with { Estimated = new Dictionary<string, MetricValue>(StringComparer.Ordinal), Kpis = [] }).ToSignals(facts.Reference, _options.MinimumLabels));
        }

        if (plan is { Kpis.Count: > 0 })
        {
            PerformanceWindow today = await MeasureAsync(model, version, day, to, cancellationToken).ConfigureAwait(false);
            foreach (MonitorSignal kpi in today.ToSignals(null, int.MaxValue).Where(s => s.Name.StartsWith("kpi.", StringComparison.Ordinal)))
            {
                signals.Add(kpi);
                _kpis[(model, version, kpi.Name["kpi.".Length..])] = kpi.Value;
            }
        }

        if (Find(model, version) is { } served)
        {
            ServedCounts counts;
            lock (_gate)
            {
                counts = served.Counts.Take(_time.GetUtcNow());
            }

            AddServed(signals, closed.Window, counts, facts, plan);
        }

        return signals;
    }

    private static void AddServed(List<MonitorSignal> signals, MonitorWindow window, ServedCounts counts, VersionFacts facts, PerformancePlan? plan)
    {
        if (counts.Rows == 0)
        {
            return;
        }

        MonitorSignal Template(string kind, string measure, long rows) => new()
        {
            Model = window.Model, Version = window.Version, Name = SignalNames.Of(kind, measure), From = window.From, To = window.To, Rows = rows, Value = 0,
        };
        IReadOnlyDictionary<string, MetricValue> estimated = counts.Scores is { } scores
            ? facts.Reference is { } reference ? ConfidenceEstimate.Of(reference, scores) : new Dictionary<string, MetricValue>(StringComparer.Ordinal)
            : LossModel.Estimate(facts.Reference, counts.Losses);
        long rows = counts.Scores?.Rows ?? counts.Losses.Rows;
        foreach ((string name, MetricValue value) in estimated)
        {
            PerformanceSignals.Add(signals, Template(SignalNames.Estimated, name, rows), value, facts.Reference?.Metrics.GetValueOrDefault(name)?.Value);
        }

        if (plan?.Answers is not null)
        {
            MetricValue share = MetricIntervals.Wilson(counts.Outside + counts.Unusable, counts.Rows);
            PerformanceSignals.Add(signals, Template(PerformanceSignals.Output, "out_of_range_share", counts.Rows), share, 0);
        }

        if (counts.Scores is { Classes: 1, Rows: > 0 } binary)
        {
            long yes = 0;
            foreach (long count in binary.Of(0, true))
            {
                yes += count;
            }

            MetricValue rate = MetricIntervals.Wilson(yes, binary.Rows);
            PerformanceSignals.Add(signals, Template(PerformanceSignals.Output, "positive_share", binary.Rows), rate, null);
            if (plan?.Rate is { } expected)
            {
                double outside = Math.Max(0, Math.Max(expected.Least - rate.Value, rate.Value - expected.Most));
                PerformanceSignals.Add(signals, Template(PerformanceSignals.Output, "rate_outside", binary.Rows), new MetricValue(outside), 0);
            }
        }
    }
}

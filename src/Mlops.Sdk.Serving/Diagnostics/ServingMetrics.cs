using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Serving;

/// <summary>The instruments of serving. Predictions are counted where they are leased, and read here only when somebody collects.</summary>
internal sealed class ServingMetrics : IDisposable
{
    internal static readonly ActivitySource Source = new(MlopsDiagnostics.Serving);

    /// <summary>How many retired versions of a model still report, so that the number of series stays bounded.</summary>
    private const int RetiredKept = 8;

    private readonly Meter _meter = new(MlopsDiagnostics.Serving);
    private readonly Counter<long> _reloads;
    private readonly Func<IEnumerable<LiveVersion>> _live;
    private readonly Lock _gate = new();
    private readonly List<LiveVersion> _retired = [];
    private readonly Dictionary<(string Model, int Version), (long Rows, long Failures)> _settled = [];

    internal ServingMetrics(Func<IEnumerable<LiveVersion>> live, Func<long> observerFaults)
    {
        _live = live;
        _reloads = _meter.CreateCounter<long>("mlops.serving.reloads", "{reload}", "Versions loaded or refused, by outcome.");
        _meter.CreateObservableCounter("mlops.serving.predictions", () => Measure(t => t.Rows), "{row}", "Rows answered, by model and version.");
        _meter.CreateObservableCounter("mlops.serving.failures", () => Measure(t => t.Failures), "{call}", "Calls that failed, by model and version.");
        _meter.CreateObservableCounter("mlops.serving.observer_faults", observerFaults, "{fault}", "Times an observer threw.");
    }

    public void Dispose() => _meter.Dispose();

    internal void Reloaded(string model, string outcome) =>
        _reloads.Add(1, new KeyValuePair<string, object?>(MlopsDiagnostics.ModelTag, model), new KeyValuePair<string, object?>(MlopsDiagnostics.OutcomeTag, outcome));

    /// <summary>Keeps the counts of a version that leaves service.</summary>
    internal void Retired(LiveVersion version)
    {
        lock (_gate)
        {
            _retired.Add(version);
            if (!version.Ended.IsCompleted)
            {
                _ = version.Ended.ContinueWith(_ => Settle(version), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Replaces a retired version by its two numbers, so that the model itself can be collected.</summary>
    private void Settle(LiveVersion version)
    {
        lock (_gate)
        {
            if (!_retired.Remove(version))
            {
                return;
            }

            (string Model, int) key = (version.Version.Model, version.Number);
            (long rows, long failures) = _settled.GetValueOrDefault(key);
            _settled[key] = (rows + version.Rows, failures + version.Failures);
            int[] kept = [.. _settled.Keys.Where(k => k.Model == key.Model).Select(k => k.Version).Order()];
            foreach (int old in kept.Take(Math.Max(0, kept.Length - RetiredKept)))
            {
                _settled.Remove((key.Model, old));
            }
        }
    }

    private List<Measurement<long>> Measure(Func<(long Rows, long Failures), long> pick)
    {
        Dictionary<(string Model, int Version), (long Rows, long Failures)> totals;
        lock (_gate)
        {
            totals = new(_settled);
            foreach (LiveVersion version in _live().Concat(_retired).Distinct())
            {
                (string, int) key = (version.Version.Model, version.Number);
                (long rows, long failures) = totals.GetValueOrDefault(key);
                totals[key] = (rows + version.Rows, failures + version.Failures);
            }
        }

        return [.. totals.Select(t => new Measurement<long>(
            pick(t.Value),
            new KeyValuePair<string, object?>(MlopsDiagnostics.ModelTag, t.Key.Model),
            new KeyValuePair<string, object?>(MlopsDiagnostics.VersionTag, t.Key.Version)))];
    }
}

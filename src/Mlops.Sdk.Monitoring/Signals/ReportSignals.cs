namespace Mlops.Sdk.Monitoring;

/// <summary>What a drift report says, as signals.</summary>
internal static class ReportSignals
{
    internal static IEnumerable<MonitorSignal> Of(DriftReport report)
    {
        if (report.Judged == 0)
        {
            yield break;
        }

        yield return Signal(report, AlertPolicy.DriftSignal, report.Status switch { DriftStatus.Drifted => 2, DriftStatus.Watch => 1, _ => 0 }, report.Rows) with { Reference = 0 };
        // of each feature that is judged: the index that the field knows, and what the host chose to judge it by. The report has the rest
        HashSet<string> told = [.. report.Features.Where(f => f.Status is not (DriftStatus.Ignored or DriftStatus.TooFew)).SelectMany(f =>
            f.Statistics.Where(s => s is { Threshold: not null, Method: not DriftMethod.ChiSquare }).Select(s => SignalNames.Of(SignalNames.Drift, s.Method.SignalName(), f.Name))
                .Append(SignalNames.Of(SignalNames.Drift, "psi", f.Name)))];
        foreach (MonitorSignal signal in DriftSignals.Of(report).Where(s => double.IsFinite(s.Value)))
        {
            if (!signal.Name.Contains(':', StringComparison.Ordinal) || told.Contains(signal.Name))
            {
                yield return signal with { Reference = 0 }; // nothing that moved
            }
        }
    }

    /// <summary>Ranks what moved most, for alerts that nothing else explains.</summary>
    internal static IReadOnlyList<AlertCause> CausesOf(DriftReport report)
    {
        FeatureDrift[] moved = [.. report.Features.Where(f => f.Status is DriftStatus.Drifted or DriftStatus.Watch).Take(MonitorAlert.MostCauses)];
        double all = moved.Sum(Weight);
        return [.. moved.Select(f => new AlertCause(f.Name, all > 0 ? Math.Round(Weight(f) / all, 4) : 0, f.Change))];
    }

    private static double Weight(FeatureDrift feature) =>
        Math.Max(0, double.IsFinite(feature.Psi) ? feature.Psi : 0) + feature.Shares.Where(s => s.Status is DriftStatus.Drifted or DriftStatus.Watch).Sum(s => Math.Abs(s.Current - s.Reference));

    private static MonitorSignal Signal(DriftReport report, string name, double value, long rows) =>
        new() { Model = report.Model, Version = report.Version, Name = name, From = report.From, To = report.To, Rows = rows, Value = value };
}

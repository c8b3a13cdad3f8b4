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
        yield return Signal(report, SignalNames.Of(SignalNames.Drift, "share_drifted"), (double)report.Drifted / report.Judged, report.Rows) with { Reference = 0 };
        foreach (FeatureDrift feature in report.Features.Where(f => f.Status is not (DriftStatus.Ignored or DriftStatus.TooFew) && double.IsFinite(f.Psi)))
        {
            yield return Signal(report, SignalNames.Of(SignalNames.Drift, "psi", feature.Name), feature.Psi, feature.Values) with { PValue = feature.AdjustedPValue, Reference = 0 };
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

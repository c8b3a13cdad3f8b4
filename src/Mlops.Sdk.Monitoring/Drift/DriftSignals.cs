namespace Mlops.Sdk.Monitoring;

/// <summary>The numbers of a comparison as signals, for policies to judge and reports to draw.</summary>
public static class DriftSignals
{
    /// <summary>Lists them.</summary>
    /// <param name="report">The comparison.</param>
    /// <returns>
    /// <c>drift.share_drifted</c> (of the features that were judged) and <c>drift.features_drifted</c>; then for each feature
    /// <c>drift.psi:NAME</c> and <c>drift.jensen_shannon:NAME</c> with the adjusted p-value of its test, and one for each further
    /// measure of <see cref="FeatureDrift.Statistics"/> with its own p-value, such as <c>drift.wasserstein_normalized:NAME</c>.
    /// </returns>
    public static IReadOnlyList<MonitorSignal> Of(DriftReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var signals = new List<MonitorSignal>();
        if (report.Judged > 0)
        {
            Add("share_drifted", null, report.Drifted / (double)report.Judged, report.Rows, null);
            Add("features_drifted", null, report.Drifted, report.Rows, null);
        }

        foreach (FeatureDrift feature in report.Features)
        {
            Add("psi", feature.Name, feature.Psi, feature.Values, feature.AdjustedPValue);
            Add("jensen_shannon", feature.Name, feature.JensenShannon, feature.Values, feature.AdjustedPValue);
            foreach (DriftStatistic statistic in feature.Statistics.Where(s => s.Method is not (DriftMethod.PopulationStability or DriftMethod.JensenShannon)))
            {
                Add(statistic.Method.SignalName(), feature.Name, statistic.Value, feature.Values, statistic.PValue);
            }
        }

        return signals;

        void Add(string measure, string? feature, double value, long rows, double? p) => signals.Add(new MonitorSignal
        {
            Model = report.Model,
            Version = report.Version,
            Name = SignalNames.Of(SignalNames.Drift, measure, feature),
            From = report.From,
            To = report.To,
            Rows = rows,
            Value = value,
            PValue = p,
        });
    }
}

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Makes signals for tests: one a minute.</summary>
internal static class Signal
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static MonitorSignal At(int minute, double value, string name = "performance.roc_auc", string? segment = null, int version = 1, double? p = null, double? reference = null, double? low = null, double? high = null, long rows = 1000) => new()
    {
        Model = "m",
        Version = version,
        Segment = segment,
        Name = name,
        From = Start.AddMinutes(minute - 1),
        To = Start.AddMinutes(minute),
        Rows = rows,
        Value = value,
        PValue = p,
        Reference = reference,
        Low = low,
        High = high,
    };

    public static MonitorSignal[] Series(params double[] values) => [.. values.Select((v, i) => At(i + 1, v))];

    /// <summary>Replays values a minute apart and says at which minutes alerts were raised and ended: <c>3-7</c>, or <c>3-</c> for an open one.</summary>
    public static string[] Spans(AlertPolicy policy, params double[] values) => Spans(policy, Series(values));

    public static string[] Spans(AlertPolicy policy, MonitorSignal[] signals) =>
        [.. AlertSimulation.Run([policy], signals).Alerts.Select(a => $"{(a.RaisedAt - Start).TotalMinutes}-{(a.EndedAt - Start)?.TotalMinutes}")];
}

namespace Mlops.Sdk.Monitoring;

/// <summary>What a check found.</summary>
/// <param name="Report">The comparison with the reference, or null when nothing was recorded since the last check.</param>
/// <param name="Alert">The open alert about this drift, raised now or before, by this host or another one; null when there is no drift.</param>
/// <param name="Raised">Whether this check raised the alert.</param>
public sealed record MonitorCheck(DriftReport? Report, MonitorAlert? Alert, bool Raised)
{
    /// <summary>Gets what was measured about the window; empty while it stays open.</summary>
    public IReadOnlyList<MonitorSignal> Signals { get; init; } = [];

    /// <summary>Gets the model's open alerts, of any policy and host, oldest first; empty while the window stays open.</summary>
    public IReadOnlyList<MonitorAlert> Alerts { get; init; } = [];

    /// <summary>Gets what was found in one sentence.</summary>
    public string Summary => Report?.Summary ?? "Nothing was recorded since the last check.";
}

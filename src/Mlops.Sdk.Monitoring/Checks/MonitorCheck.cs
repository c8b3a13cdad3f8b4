namespace Mlops.Sdk.Monitoring;

/// <summary>What a check found.</summary>
/// <param name="Report">The comparison with the reference, or null when nothing was recorded since the last check.</param>
/// <param name="Alert">The open alert about this drift, raised now or before, by this host or another one; null when there is no drift.</param>
/// <param name="Raised">Whether this check raised the alert.</param>
public sealed record MonitorCheck(DriftReport? Report, MonitorAlert? Alert, bool Raised)
{
    /// <summary>Gets what was found in one sentence.</summary>
    public string Summary => Report?.Summary ?? "Nothing was recorded since the last check.";
}

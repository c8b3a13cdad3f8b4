namespace Mlops.Sdk.Monitoring;

/// <summary>How a watched model stands.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The newest version that a window was of; 0 when there was none.</param>
/// <param name="LastWindow">When its last window ended, or null.</param>
/// <param name="Rows">How many rows that window had.</param>
/// <param name="Status">How that window stood against its reference, or null.</param>
/// <param name="OpenAlerts">The open alerts, oldest first.</param>
public sealed record MonitoredModel(string Model, int Version, DateTimeOffset? LastWindow, long Rows, DriftStatus? Status, IReadOnlyList<MonitorAlert> OpenAlerts);

using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>The kinds of ledger entry that only monitoring writes, besides <see cref="LedgerKinds.AlertRaised"/>. Their resource is the model's version.</summary>
public static class MonitoringKinds
{
    /// <summary>A window was closed; its counts stand in the object <c>monitoring/ID</c>, whose digest the data names.</summary>
    public const string WindowClosed = "monitor.window_closed";

    /// <summary>An alert ended: windows were calm, or another version answers now.</summary>
    public const string AlertClosed = "monitor.alert_closed";

    /// <summary>An alert started a run; the data names both.</summary>
    public const string Retrained = "monitor.retrained";
}

/// <summary>The data of a closed window.</summary>
internal sealed record WindowNote(string WindowId, string Model, int Version, DateTimeOffset From, DateTimeOffset To, long Rows, long NotRecorded, Digest Digest, long Length, DriftStatus Status, IReadOnlyList<string> Drifted);

/// <summary>The data of a closed alert.</summary>
internal sealed record AlertClosedNote(string AlertId, string Model, int Version);

/// <summary>The data of a run that an alert started.</summary>
internal sealed record RetrainedNote(string AlertId, string Model, int Version, string RunId, RunStatus Status, int? NewVersion);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WindowNote))]
[JsonSerializable(typeof(AlertClosedNote))]
[JsonSerializable(typeof(RetrainedNote))]
internal sealed partial class MonitoringJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Mlops.Sdk.Monitoring;

/// <summary>The kinds of ledger entry that only monitoring writes, besides <see cref="LedgerKinds.AlertRaised"/>. Their resource is the model's version.</summary>
public static class MonitoringKinds
{
    /// <summary>A window was closed; its counts stand in the object <c>monitoring/ID</c>, whose digest the data names, and what was measured about it in <c>signals/DIGEST</c>.</summary>
    public const string WindowClosed = "monitor.window_closed";

    /// <summary>Signals came without a window; they stand in the object <c>signals/DIGEST</c>.</summary>
    public const string SignalsReported = "monitor.signals_reported";

    /// <summary>An alert ended: windows were calm, another version answers now, or a person ended it.</summary>
    public const string AlertClosed = "monitor.alert_closed";

    /// <summary>A person took an alert up.</summary>
    public const string AlertAcknowledged = "monitor.alert_acknowledged";

    /// <summary>An alert became more severe: nobody took it up in time, or retraining did not help.</summary>
    public const string AlertEscalated = "monitor.alert_escalated";

    /// <summary>An alert is still open, and whoever is told of alerts is told again.</summary>
    public const string AlertReminded = "monitor.alert_reminded";

    /// <summary>Alerts are kept quiet until a time.</summary>
    public const string Silenced = "monitor.silenced";

    /// <summary>A silence was ended before its time.</summary>
    public const string SilenceEnded = "monitor.silence_ended";

    /// <summary>An alert asked for a run: from here on no other host does for the same alert.</summary>
    public const string RetrainingAsked = "monitor.retraining_asked";

    /// <summary>A run that an alert started ended; the data names both.</summary>
    public const string Retrained = "monitor.retrained";
}

/// <summary>The data of a closed window.</summary>
internal sealed record WindowNote(string WindowId, string Model, int Version, DateTimeOffset From, DateTimeOffset To, long Rows, long NotRecorded, Digest Digest, long Length, DriftStatus Status, IReadOnlyList<string> Drifted)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SignalsNote? Signals { get; init; }

    /// <summary>Gets how series were judged; null in entries of older writers, whose drift alerts follow <see cref="Status"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SeriesDelta>? Series { get; init; }
}

/// <summary>Where signals stand.</summary>
internal sealed record SignalsNote(Digest Digest, long Length, int Count);

/// <summary>The data of signals without a window.</summary>
internal sealed record SignalsReportedNote(string ReportId, string Model, DateTimeOffset From, DateTimeOffset To, SignalsNote Signals)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SeriesDelta>? Series { get; init; }
}

/// <summary>The data of a raised alert: an <see cref="AlertNote"/> and more.</summary>
internal sealed record AlertFacts(string AlertId, string Model, int? Version, string Check, string Message, IReadOnlyDictionary<string, double> Numbers)
{
    public Digest? Policy { get; init; }

    public AlertSeverity? Severity { get; init; }

    public string? Signal { get; init; }

    public string? Segment { get; init; }

    public string? WindowId { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? To { get; init; }

    public IReadOnlyList<AlertCause>? Causes { get; init; }

    public string? Owner { get; init; }

    public string? Description { get; init; }

    public string? RunBook { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Silenced { get; init; }

    /// <summary>Makes the alert of what stands on the ledger; null when it is none.</summary>
    internal MonitorAlert? ToAlert(DateTimeOffset at) => this is { AlertId: not null, Model: not null, Version: not null, Check: not null, Message: not null }
        ? new MonitorAlert(AlertId, Model, Version.Value, Message, at)
        {
            Policy = Check,
            PolicyDigest = Policy,
            Severity = Severity is { } s && Enum.IsDefined(s) ? s : AlertSeverity.Warning,
            Signal = Signal ?? AlertPolicy.DriftSignal,
            Segment = Segment,
            WindowId = WindowId,
            From = From,
            To = To,
            Numbers = Numbers ?? MonitorAlert.NoNumbers,
            Causes = [.. (Causes ?? []).Where(c => c is { Name: not null, Message: not null } && double.IsFinite(c.Weight)).Take(MonitorAlert.MostCauses)],
            Owner = Owner,
            Description = Description,
            RunBook = RunBook,
            Silenced = Silenced,
        }
        : null;
}

/// <summary>The data of a closed alert.</summary>
internal sealed record AlertClosedNote(string AlertId, string Model, int Version);

/// <summary>The data of an alert that was taken up, escalated or told of again.</summary>
internal sealed record AlertChangedNote(string AlertId, string Model, int Version)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AlertSeverity? Severity { get; init; }

    /// <summary>Gets whether the loop gave up on it: no run is started for it any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool GaveUp { get; init; }
}

/// <summary>The data of a silence, and of its end.</summary>
internal sealed record SilenceNote(string SilenceId, string Model, string? Policy, string? Segment, DateTimeOffset Until);

/// <summary>The data of an alert that asked for a run.</summary>
internal sealed record RetrainingAskedNote(string AlertId, string Model, int Version, string Key);

/// <summary>The data of a run that an alert started.</summary>
internal sealed record RetrainedNote(string AlertId, string Model, int Version, string RunId, RunStatus Status, int? NewVersion);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WindowNote))]
[JsonSerializable(typeof(SignalsReportedNote))]
[JsonSerializable(typeof(AlertFacts))]
[JsonSerializable(typeof(AlertClosedNote))]
[JsonSerializable(typeof(AlertChangedNote))]
[JsonSerializable(typeof(SilenceNote))]
[JsonSerializable(typeof(RetrainingAskedNote))]
[JsonSerializable(typeof(RetrainedNote))]
internal sealed partial class MonitoringJson : JsonSerializerContext
{
    /// <summary>Reads an entry's data; null when it was not written by this library, or in a form of a newer one: it then changes nothing.</summary>
    internal static T? TryRead<T>(LedgerEntry entry, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return entry.Format == 1 ? entry.Data.Deserialize(type) : null;
        }
        catch (Exception e) when (e is JsonException or MlopsIntegrityException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}

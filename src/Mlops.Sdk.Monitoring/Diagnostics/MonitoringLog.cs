using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Monitoring;

internal static partial class MonitoringLog
{
    [LoggerMessage(5001, LogLevel.Warning, "Model {Model} version {Version} has no profile.json: its predictions are not recorded")]
    internal static partial void NoReference(this ILogger logger, string model, int version);

    [LoggerMessage(5002, LogLevel.Error, "Model {Model} version {Version}: its reference cannot be used ({Code}); its predictions are not recorded")]
    internal static partial void UnusableReference(this ILogger logger, string model, int version, string code, Exception cause);

    [LoggerMessage(5003, LogLevel.Warning, "Model {Model} version {Version} went into service unannounced: its predictions are not recorded until its reference was read")]
    internal static partial void NotPrepared(this ILogger logger, string model, int version);

    [LoggerMessage(5004, LogLevel.Information, "Model {Model} version {Version}: {Rows} rows checked: {Summary}")]
    internal static partial void Checked(this ILogger logger, string model, int version, long rows, string summary);

    [LoggerMessage(5005, LogLevel.Warning, "Model {Model} version {Version}: alert {AlertId} raised. {Message}")]
    internal static partial void AlertRaised(this ILogger logger, string model, int version, string alertId, string message);

    [LoggerMessage(5006, LogLevel.Information, "Model {Model} version {Version}: alert {AlertId} closed after calm windows")]
    internal static partial void AlertClosed(this ILogger logger, string model, int version, string alertId);

    [LoggerMessage(5007, LogLevel.Error, "Model {Model} cannot be checked now ({Code}); what was recorded is kept for the next check")]
    internal static partial void CheckFailed(this ILogger logger, string model, string code, Exception cause);

    [LoggerMessage(5008, LogLevel.Information, "Model {Model}: alert {AlertId} started run {RunId}, which ended as {Status}")]
    internal static partial void Retrained(this ILogger logger, string model, string alertId, string runId, RunStatus status);

    [LoggerMessage(5009, LogLevel.Error, "Model {Model}: what its alerts ask for failed ({Code}); it is tried again")]
    internal static partial void RetrainingFailed(this ILogger logger, string model, string code, Exception cause);

    [LoggerMessage(5010, LogLevel.Error, "Model {Model}: {Source} failed; its part of the window is left out")]
    internal static partial void SourceFailed(this ILogger logger, string model, string source, Exception cause);

    [LoggerMessage(5011, LogLevel.Warning, "Model {Model}: {Source} measured '{Signal}', which is no signal of this model with finite numbers; it is left out")]
    internal static partial void BadSignal(this ILogger logger, string model, string source, string signal);

    [LoggerMessage(5012, LogLevel.Error, "Model {Model}: alert {AlertId} starts no further run. {Reason}")]
    internal static partial void LoopGaveUp(this ILogger logger, string model, string alertId, string reason);

    [LoggerMessage(5013, LogLevel.Critical, "The alert handler {Name} cannot go on; it is tried again")]
    internal static partial void HandlerEnded(this ILogger logger, string name, Exception cause);

    [LoggerMessage(EventId = 5014, Message = "Alert {AlertId} {Change}: {Alert}. {Reason}")]
    internal static partial void Alert(this ILogger logger, LogLevel level, string alertId, AlertChange change, MonitorAlert alert, string reason);

    [LoggerMessage(5020, LogLevel.Warning, "Model {Model} version {Version}: another process took this one for dead and closes window {WindowId}; what it does not have goes on in a new window")]
    internal static partial void WindowAdopted(this ILogger logger, string model, int version, string windowId);

    [LoggerMessage(5021, LogLevel.Error, "Model {Model}: the open window {Key} that a process left behind does not read; it is left as it is")]
    internal static partial void UnreadablePart(this ILogger logger, string model, string key);

    [LoggerMessage(5022, LogLevel.Error, "Model {Model}: open windows of other processes cannot be looked for now ({Code})")]
    internal static partial void AdoptionFailed(this ILogger logger, string model, string code, Exception cause);

    [LoggerMessage(5023, LogLevel.Error, "Open windows cannot be written to the store now ({Code}); what was recorded is kept for the next time")]
    internal static partial void FlushFailed(this ILogger logger, string code, Exception cause);
}

using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

internal static partial class ServingLog
{
    [LoggerMessage(4001, LogLevel.Information, "Model {Model} ({Target}): version {Version} is in service, scored by {Scorer}; before: {Previous}. Why: {Reason}")]
    internal static partial void InService(this ILogger logger, string model, string target, int version, string scorer, int? previous, string reason);

    [LoggerMessage(4002, LogLevel.Error, "Model {Model} ({Target}): version {Version} was refused ({Code}); version {Live} goes on answering. {Problem}")]
    internal static partial void Refused(this ILogger logger, string model, string target, int? version, string code, int? live, string problem, Exception cause);

    [LoggerMessage(4003, LogLevel.Warning, "Model {Model} ({Target}) names no version yet: predictions fail until one is promoted")]
    internal static partial void NoVersion(this ILogger logger, string model, string target);

    [LoggerMessage(4004, LogLevel.Warning, "The ledger cannot be followed now; the models in service go on answering. Next try in {Seconds} s")]
    internal static partial void FollowFailed(this ILogger logger, double seconds, Exception cause);

    [LoggerMessage(4005, LogLevel.Warning, "{Count} deployment entries cannot be written to the ledger now. Next try in {Seconds} s")]
    internal static partial void NoteFailed(this ILogger logger, int count, double seconds, Exception cause);

    [LoggerMessage(4006, LogLevel.Error, "{Count} deployment entries were not written to the ledger and are given up")]
    internal static partial void NotesLost(this ILogger logger, int count);

    [LoggerMessage(4007, LogLevel.Error, "The prediction observer {Observer} threw, {Faults} times so far; predictions are not affected")]
    internal static partial void ObserverFailed(this ILogger logger, string observer, long faults, Exception cause);

    [LoggerMessage(4008, LogLevel.Error, "Model {Model} version {Version} failed to dispose")]
    internal static partial void DisposeFailed(this ILogger logger, string model, int version, Exception cause);

    [LoggerMessage(4009, LogLevel.Warning, "Model {Model}: a call of version {Version} has not returned after {Seconds} s; the model is freed when it does")]
    internal static partial void DrainTimedOut(this ILogger logger, string model, int version, double seconds);

    [LoggerMessage(4010, LogLevel.Error, "{Count} deployment entries were refused by the ledger and are given up")]
    internal static partial void NotesRefused(this ILogger logger, int count, Exception cause);

    [LoggerMessage(4011, LogLevel.Warning, "Model {Model}: a load has not ended {Seconds} s after it was cancelled")]
    internal static partial void LoadHangs(this ILogger logger, string model, double seconds);

    [LoggerMessage(4012, LogLevel.Information, "Model {Model} version {Version} is scored by {Scorer}, not compiled: {Problem}")]
    internal static partial void NotCompiled(this ILogger logger, string model, int version, string scorer, string problem);
}

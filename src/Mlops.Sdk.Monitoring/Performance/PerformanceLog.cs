using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Monitoring;

internal static partial class PerformanceLog
{
    [LoggerMessage(5101, LogLevel.Warning, "Model {Model} version {Version}: its performance.json or loss model cannot be used ({Code}); there are no estimates")]
    internal static partial void UnusableFacts(this ILogger logger, string model, int version, string code, Exception cause);

    [LoggerMessage(5102, LogLevel.Warning, "Model {Model} version {Version}: no output is a score; its performance is not measured")]
    internal static partial void NoScores(this ILogger logger, string model, int version);

    [LoggerMessage(5103, LogLevel.Warning, "Model {Model} version {Version}: it has no text input {Segment}; its performance is not measured by segment")]
    internal static partial void NoSegment(this ILogger logger, string model, int version, string segment);

    [LoggerMessage(5104, LogLevel.Error, "Model {Model}: predictions and truths of this process could not be written while stopping ({Code}) and are lost")]
    internal static partial void OutcomesLost(this ILogger logger, string model, string code, Exception cause);
}

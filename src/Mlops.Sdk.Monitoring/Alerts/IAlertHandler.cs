using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Monitoring;

/// <summary>What happened to an alert.</summary>
public enum AlertChange
{
    /// <summary>It was raised.</summary>
    Raised,

    /// <summary>A person took it up.</summary>
    Acknowledged,

    /// <summary>It became more severe.</summary>
    Escalated,

    /// <summary>It is still open, or its silence ended.</summary>
    Reminded,

    /// <summary>It ended.</summary>
    Closed,
}

/// <summary>Something that happened to an alert. Made of one ledger entry.</summary>
/// <param name="Id">The id of the entry: the same however often the event is delivered.</param>
/// <param name="Number">The number of the entry: the order of all events.</param>
/// <param name="Change">What happened.</param>
/// <param name="Time">When, by the writer's clock.</param>
/// <param name="Alert">The alert, as this host knows it now.</param>
/// <param name="By">Who.</param>
/// <param name="Reason">Why.</param>
public sealed record AlertEvent(string Id, long Number, AlertChange Change, DateTimeOffset Time, MonitorAlert Alert, Actor By, string Reason);

/// <summary>Is told of alerts, by a host. Add it with <see cref="MonitoringBuilder.OnAlert{T}"/>.</summary>
public interface IAlertHandler
{
    /// <summary>Handles an event. Events come one at a time and in order, each at least once: after a crash some of the last ones come again, with the same <see cref="AlertEvent.Id"/>.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="cancellationToken">Cancelled when the host stops, or when another process took over.</param>
    /// <returns>A task that ends when it is handled. When it fails, the same event comes again after a growing wait.</returns>
    ValueTask HandleAsync(AlertEvent happened, CancellationToken cancellationToken);
}

/// <summary>How a handler of alerts is run.</summary>
public sealed class AlertHandlerOptions
{
    /// <summary>Gets or sets the least severity that the handler is told of.</summary>
    /// <value>The default is <see cref="AlertSeverity.Info"/>: all.</value>
    public AlertSeverity Least { get; set; }

    /// <summary>Gets the names of the models that the handler is told of; empty for all.</summary>
    public ICollection<string> Models { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Gets or sets whether the handler is told of silenced alerts too.</summary>
    /// <value>The default is false.</value>
    public bool Silenced { get; set; }

    /// <summary>Gets or sets the number of the first entry to look at when the handler is new to the workspace.</summary>
    /// <value>0 for the whole history, or null for what comes from now on. The default is null.</value>
    public long? From { get; set; }

    /// <summary>Gets or sets for how long a process may be silent before another one of the same handler takes over.</summary>
    /// <value>From 200 ms to 1 hour. The default is 30 seconds.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets the first wait before an event that failed comes again; doubled up to 5 minutes.</summary>
    /// <value>From 1 ms to 5 minutes. The default is 1 second.</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>Calls a function.</summary>
internal sealed class CallbackAlertHandler(Func<AlertEvent, CancellationToken, ValueTask> handle) : IAlertHandler
{
    public ValueTask HandleAsync(AlertEvent happened, CancellationToken cancellationToken) => handle(happened, cancellationToken);
}

/// <summary>Writes to the log.</summary>
internal sealed class LogAlertHandler(ILogger<LogAlertHandler> logger) : IAlertHandler
{
    public ValueTask HandleAsync(AlertEvent happened, CancellationToken cancellationToken)
    {
        LogLevel level = happened.Change is AlertChange.Acknowledged or AlertChange.Closed ? LogLevel.Information : happened.Alert.Severity switch
        {
            AlertSeverity.Info => LogLevel.Information,
            AlertSeverity.Warning => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        logger.Alert(level, happened.Alert.Id, happened.Change, happened.Alert, happened.Reason);
        return ValueTask.CompletedTask;
    }
}

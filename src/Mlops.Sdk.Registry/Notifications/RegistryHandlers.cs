using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Registry;

/// <summary>Is told of events about models, by a host. Add it with <c>AddRegistryHandler</c>.</summary>
public interface IRegistryHandler
{
    /// <summary>Handles an event. Events come one at a time and in order, each at least once: after a crash some of the last ones come again, with the same <see cref="RegistryEvent.Id"/>.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="cancellationToken">Cancelled when the host stops, or when another process took over.</param>
    /// <returns>A task that ends when it is handled. When it fails, the same event comes again after a growing wait.</returns>
    ValueTask HandleAsync(RegistryEvent happened, CancellationToken cancellationToken);
}

/// <summary>How a handler is run.</summary>
public sealed class RegistryHandlerOptions
{
    /// <summary>Gets or sets which events the handler gets.</summary>
    /// <value>The default is all.</value>
    public RegistryEventFilter Filter { get; set; } = RegistryEventFilter.All;

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

/// <summary>A handler that was added to the container.</summary>
internal sealed record DeclaredHandler(string Name, RegistryHandlerOptions Options, Func<IServiceProvider, IRegistryHandler> Make);

/// <summary>Runs the handlers of a host, each with a place of its own in the ledger: one that is slow or fails holds up only itself.</summary>
internal sealed class RegistryHandlerService(IServiceProvider services, IEnumerable<DeclaredHandler> declared) : BackgroundService
{
    private readonly ILogger _logger = services.GetService<ILogger<RegistryHandlerService>>() ?? (ILogger)NullLogger.Instance;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeclaredHandler[] handlers = [.. declared];
        return handlers.Length == 0 ? Task.CompletedTask : Task.Run(() => Task.WhenAll(handlers.Select(h => RunAsync(h, stoppingToken))), stoppingToken);
    }

    private Task RunAsync(DeclaredHandler handler, CancellationToken stop) => HostedSubscription.RunAsync(
        services,
        new LedgerSubscriptionOptions(NameOf(handler.Name))
        {
            From = handler.Options.From,
            Lease = handler.Options.Lease,
            RetryDelay = handler.Options.RetryDelay,
            SaveEvery = 20,
            Filter = entry => EventDraft.Happened(entry) && EventDraft.Of(entry) is { } draft && handler.Options.Filter.Matches(draft.Kind, draft.Model, draft.Alias),
        },
        () =>
        {
            RegistryEvents events = services.GetRequiredService<RegistryEvents>();
            IRegistryHandler target = handler.Make(services);
            return async (delivery, cancellation) =>
            {
                if (await events.ReadAsync(delivery.Entry, handler.Options.Filter, cancellation).ConfigureAwait(false) is { } happened)
                {
                    await target.HandleAsync(happened, cancellation).ConfigureAwait(false);
                }
            };
        },
        error => NotificationLog.HandlerEnded(_logger, error, handler.Name),
        stop);

    internal static string NameOf(string handler) => $"handler-{handler}";
}

internal static partial class NotificationLog
{
    [LoggerMessage(EventId = 3021, Level = LogLevel.Critical, Message = "The registry handler {Name} cannot go on; it is tried again.")]
    internal static partial void HandlerEnded(ILogger logger, Exception error, string name);

    [LoggerMessage(EventId = 3022, Level = LogLevel.Critical, Message = "Webhook {Target} cannot go on; it is tried again.")]
    internal static partial void TargetEnded(ILogger logger, Exception error, string target);

    [LoggerMessage(EventId = 3023, Level = LogLevel.Warning, Message = "Webhook {Target} did not take delivery {Delivery}, attempt {Attempt}: {Problem}")]
    internal static partial void DeliveryFailed(ILogger logger, string target, string delivery, int attempt, string problem);

    [LoggerMessage(EventId = 3024, Level = LogLevel.Warning, Message = "The delivery history of webhook {Target} could not be written; the delivery goes on.")]
    internal static partial void HistoryFailed(ILogger logger, Exception error, string target);
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Monitoring;

/// <summary>A handler that was added to the container.</summary>
internal sealed record DeclaredAlertHandler(string Name, AlertHandlerOptions Options, Func<IServiceProvider, IAlertHandler> Make);

/// <summary>Runs the handlers of a host, each with a place of its own in the ledger: one that is slow or fails holds up only itself.</summary>
internal sealed class AlertHandlerService(IServiceProvider services, IEnumerable<DeclaredAlertHandler> declared) : BackgroundService
{
    private readonly ILogger _logger = services.GetService<ILogger<AlertHandlerService>>() ?? (ILogger)NullLogger.Instance;

    internal static void Add(IServiceCollection services, string name, Action<AlertHandlerOptions>? configure, Func<IServiceProvider, IAlertHandler> make)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        AlertHandlerOptions options = new();
        configure?.Invoke(options);
        new LedgerSubscriptionOptions(NameOf(name)) { From = options.From, Lease = options.Lease, RetryDelay = options.RetryDelay }.Check();
        if (services.Any(s => s.ImplementationInstance is DeclaredAlertHandler there && there.Name == name))
        {
            throw new MlopsException("monitoring.invalid_handler", $"Two alert handlers have the name '{name}'. A name stands for one place in the ledger; give each handler its own.");
        }

        services.AddSingleton(new DeclaredAlertHandler(name, options, make));
    }

    /// <summary>Reads what an entry tells of an alert; null when it tells of none.</summary>
    internal static AlertEvent? Read(LedgerEntry entry, Func<string, AlertBook.ModelState> stateOf)
    {
        AlertChange? change = ChangeOf(entry);
        if (change is not { } happened || entry.Outcome != LedgerOutcome.Done)
        {
            return null;
        }

        MonitorAlert? alert = null;
        if (happened == AlertChange.Raised)
        {
            alert = MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertFacts)?.ToAlert(entry.Time);
        }
        else if (MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertChangedNote) is { AlertId: not null, Model: not null } note)
        {
            // the book stands behind the entry, not before it; what it has forgotten is told by its name at least
            AlertBook.ModelState state = stateOf(note.Model);
            alert = state.Open.GetValueOrDefault(note.AlertId)?.Alert ?? state.Ended.FindLast(a => a.Id == note.AlertId) ?? new MonitorAlert(note.AlertId, note.Model, note.Version, entry.Reason, entry.Time);
        }

        return alert is null ? null : new AlertEvent(entry.Id, entry.Number, happened, entry.Time, alert, entry.Actor, entry.Reason);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeclaredAlertHandler[] handlers = [.. declared];
        return handlers.Length == 0 ? Task.CompletedTask : Task.Run(() => Task.WhenAll(handlers.Select(h => RunAsync(h, stoppingToken))), stoppingToken);
    }

    private static string NameOf(string handler) => $"alerts-{handler}";

    private static AlertChange? ChangeOf(LedgerEntry entry) => entry.Kind switch
    {
        LedgerKinds.AlertRaised => AlertChange.Raised,
        MonitoringKinds.AlertAcknowledged => AlertChange.Acknowledged,
        MonitoringKinds.AlertEscalated => AlertChange.Escalated,
        MonitoringKinds.AlertReminded => AlertChange.Reminded,
        MonitoringKinds.AlertClosed => AlertChange.Closed,
        _ => null,
    };

    private static bool Wants(AlertHandlerOptions options, AlertEvent happened) =>
        happened.Alert.Severity >= options.Least
        && (options.Models.Count == 0 || options.Models.Contains(happened.Alert.Model))
        && (options.Silenced || !happened.Alert.Silenced);

    private Task RunAsync(DeclaredAlertHandler handler, CancellationToken stop) => HostedSubscription.RunAsync(
        services,
        new LedgerSubscriptionOptions(NameOf(handler.Name))
        {
            From = handler.Options.From,
            Lease = handler.Options.Lease,
            RetryDelay = handler.Options.RetryDelay,
            SaveEvery = 1,
            Filter = entry => ChangeOf(entry) is not null,
        },
        () =>
        {
            ModelMonitor monitor = services.GetRequiredService<ModelMonitor>();
            IAlertHandler target = handler.Make(services);
            return async (delivery, cancellation) =>
            {
                await monitor.ReadBookAsync(cancellation).ConfigureAwait(false);
                if (Read(delivery.Entry, monitor.StateOf) is { } happened && Wants(handler.Options, happened))
                {
                    await target.HandleAsync(happened, cancellation).ConfigureAwait(false);
                }
            };
        },
        error => _logger.HandlerEnded(handler.Name, error),
        stop);
}

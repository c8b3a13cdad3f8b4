using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mlops.Sdk;

/// <summary>Runs a subscription for as long as a host does: the shell of every kind of handler.</summary>
internal static class HostedSubscription
{
    /// <summary>Follows the ledger until the host stops. What cannot go on is told and begun anew after the length of the lease.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">The name and how to work.</param>
    /// <param name="begin">Makes what handles the entries; called at each beginning.</param>
    /// <param name="ended">Is told why a following ended.</param>
    /// <param name="stop">Cancelled when the host stops.</param>
    internal static async Task RunAsync(
        IServiceProvider services,
        LedgerSubscriptionOptions options,
        Func<Func<LedgerDelivery, CancellationToken, ValueTask>> begin,
        Action<Exception> ended,
        CancellationToken stop)
    {
        bool Told(Exception error)
        {
            ended(error);
            return true;
        }

        while (!stop.IsCancellationRequested)
        {
            try
            {
                Func<LedgerDelivery, CancellationToken, ValueTask> handler = begin();
                LedgerSubscription subscription = new(
                    services.GetRequiredService<IObjectStore>(),
                    services.GetRequiredService<ILedger>(),
                    options,
                    services.GetService<TimeProvider>(),
                    services.GetService<IIdGenerator>(),
                    services.GetService<ILogger<LedgerSubscription>>());
                await subscription.RunAsync(handler, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return; // the host stops
            }
            catch (Exception error) when (Told(error))
            {
                // one handler that cannot go on must not take the host or the other handlers along
                await Task.Delay(options.Lease, services.GetService<TimeProvider>() ?? TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}

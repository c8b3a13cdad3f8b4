using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk;

/// <summary>Opens the ledger once. Opening is asynchronous, making services is not: a host opens it when it starts, before anything needs it.</summary>
internal sealed class LedgerHolder(
    IObjectStore store,
    IOptions<MlopsOptions> options,
    TimeProvider time,
    IIdGenerator ids,
    IActorAccessor actors,
    IEnumerable<ILedgerGuard> guards,
    ILogger<ObjectLedger> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Task<ObjectLedger>? _opening;

    /// <summary>Gets the open ledger; waits for it when nobody opened it yet.</summary>
    internal ILedger Ledger => OpenAsync(CancellationToken.None).GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        if (_opening is { IsCompletedSuccessfully: true } opened)
        {
            await (await opened.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
    }

    internal Task<ObjectLedger> OpenAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // an attempt that failed is not kept, so that the next one can succeed
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _opening = Task.Run(
                    async () =>
                    {
                        ObjectLedger ledger = await ObjectLedger.OpenAsync(
                            store,
                            new LedgerOptions
                            {
                                PollInterval = options.Value.PollInterval,
                                IdlePollInterval = options.Value.IdlePollInterval,
                                FoldGrace = options.Value.FoldGrace,
                                Host = options.Value.Host ?? Environment.MachineName,
                            },
                            time,
                            ids,
                            actors,
                            guards,
                            logger,
                            cancellationToken).ConfigureAwait(false);
                        foreach (ILedgerProjection projection in guards.OfType<ILedgerProjection>())
                        {
                            await ledger.AttachAsync(projection, cancellationToken).ConfigureAwait(false); // a guard decides by what the ledger says
                        }

                        return ledger;
                    },
                    cancellationToken);
            }

            return _opening;
        }
    }
}

/// <summary>Opens the workspace when the host starts, so that a bad folder or a broken ledger is told then and not at the first prediction.</summary>
internal sealed class WorkspaceStarter(IServiceProvider services) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken) =>
        await services.GetRequiredService<LedgerHolder>().OpenAsync(cancellationToken).ConfigureAwait(false);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Monitoring;

/// <summary>Writes open windows to the store again and again while the host runs. Closing them when it stops is <see cref="MonitoringHostedService"/>'s.</summary>
internal sealed class RecordingFlushService(IServiceProvider services) : IHostedService, IAsyncDisposable
{
    private readonly ILogger _logger = services.GetService<ILogger<ModelMonitor>>() ?? NullLogger<ModelMonitor>.Instance;
    private readonly CancellationTokenSource _stopping = new();
    private Task _flushing = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // made here and not by the container, so that services that open when the host starts are open
        ModelMonitor monitor = services.GetRequiredService<ModelMonitor>();
        _flushing = FlushAsync(monitor, new PeriodicTimer(services.GetRequiredService<PredictionRecorder>().Options.FlushInterval, services.GetRequiredService<TimeProvider>()));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _flushing.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _flushing.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task FlushAsync(ModelMonitor monitor, PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
                {
                    try
                    {
                        await monitor.FlushAsync(_stopping.Token).ConfigureAwait(false);
                    }
                    catch (Exception e) when (e is not OperationCanceledException and not OutOfMemoryException)
                    {
                        _logger.FlushFailed((e as MlopsException)?.Code ?? e.GetType().Name, e);
                    }
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // the host stops
            }
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Monitoring;

/// <summary>Checks the watched models while the host runs, and closes their windows when it stops.</summary>
internal sealed class MonitoringHostedService(IServiceProvider services, IEnumerable<WatchedModel> watched) : IHostedService, IAsyncDisposable
{
    private readonly string[] _models = [.. watched.Select(w => w.Model).Distinct(StringComparer.Ordinal)];
    private readonly ILogger _logger = services.GetService<ILogger<ModelMonitor>>() ?? NullLogger<ModelMonitor>.Instance;
    private readonly CancellationTokenSource _stopping = new();
    private Func<Task> _close = () => Task.CompletedTask;
    private Task _watching = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // made here and not by the container, so that services that open when the host starts are open
        ModelMonitor monitor = services.GetRequiredService<ModelMonitor>();
        TimeProvider time = services.GetRequiredService<TimeProvider>();
        _close = monitor.StopAsync;
        _watching = Task.WhenAll(_models.Select(model => WatchAsync(monitor, model, new PeriodicTimer(monitor.OptionsOf(model).Interval, time))));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.WaitAsync(cancellationToken).ConfigureAwait(false);
        await _close().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task WatchAsync(ModelMonitor monitor, string model, PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
                {
                    await CheckAsync(monitor, model).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // the host stops
            }
        }
    }

    private async Task CheckAsync(ModelMonitor monitor, string model)
    {
        try
        {
            await monitor.CheckAsync(model, Actor.System, closing: false, _stopping.Token).ConfigureAwait(false);
            if (services.GetService<QualityMonitor>() is { } quality && await quality.ArrivalSignalsAsync(model, _stopping.Token).ConfigureAwait(false) is { Count: > 0 } arrival)
            {
                await monitor.ReportAsync(arrival, _stopping.Token).ConfigureAwait(false); // where no row comes no window closes
            }
        }
        catch (Exception e) when (e is not OperationCanceledException and not OutOfMemoryException)
        {
            _logger.CheckFailed(model, CodeOf(e), e); // the next tick tries again; what was recorded is kept
            return;
        }

        try
        {
            await monitor.TendAsync(model, _stopping.Token).ConfigureAwait(false);
            await monitor.RetrainWhereDueAsync(model, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException and not OutOfMemoryException)
        {
            _logger.RetrainingFailed(model, CodeOf(e), e);
        }
    }

    private static string CodeOf(Exception e) => (e as MlopsException)?.Code ?? e.GetType().Name;
}

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mlops.Sdk.Monitoring;

/// <summary>Healthy without open alerts; degraded with warnings; what the registration says, unhealthy by default, with critical ones. Taken-up and silenced alerts count for nothing.</summary>
internal sealed class MonitoringHealthCheck(ModelMonitor monitor) : IHealthCheck
{
    private const int MostListed = 20;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<MonitorAlert> open;
        try
        {
            open = await monitor.OpenAlertsAsync(null, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException error)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"The alerts cannot be read ({error.Code}).", error);
        }

        MonitorAlert[] count = [.. open.Where(a => a.Severity > AlertSeverity.Info && a.AcknowledgedAt is null && !monitor.IsSilenced(a)).OrderByDescending(a => a.Severity)];
        var data = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (MonitorAlert alert in count.Take(MostListed))
        {
            data[alert.Id] = alert.ToString();
        }

        return count.Length == 0 ? HealthCheckResult.Healthy($"No open alerts that nobody took up; {open.Count} open in all.")
            : new HealthCheckResult(count[0].Severity == AlertSeverity.Critical ? context.Registration.FailureStatus : HealthStatus.Degraded, $"{count.Length} open alerts, the worst: {count[0]}", data: data);
    }
}

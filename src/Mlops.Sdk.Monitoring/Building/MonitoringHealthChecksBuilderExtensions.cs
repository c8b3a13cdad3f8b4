using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mlops.Sdk.Monitoring;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds monitoring to the health checks of a host.</summary>
public static class MonitoringHealthChecksBuilderExtensions
{
    /// <summary>Adds a check of open alerts: degraded with a warning, unhealthy with a critical one; alerts that were taken up or are silenced do not count.</summary>
    /// <param name="builder">The builder of health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What a critical alert means; null for unhealthy. A model that drifted answers as well as before: do not let an orchestrator restart the host for it.</param>
    /// <param name="tags">Tags to filter checks by, or null.</param>
    /// <returns>The same builder.</returns>
    public static IHealthChecksBuilder AddMlopsMonitoring(this IHealthChecksBuilder builder, string name = "mlops-monitoring", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, provider => new MonitoringHealthCheck(provider.GetRequiredService<ModelMonitor>()), failureStatus, tags));
    }
}

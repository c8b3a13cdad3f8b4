using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mlops.Sdk.Serving;

/// <summary>Healthy when every declared model answers with its newest target; degraded when one answers with an older version because the newest was refused; unhealthy when one does not answer.</summary>
internal sealed class ServingHealthCheck(IServingStatus serving) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ModelStatus> all = serving.Status;
        var data = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (ModelStatus status in all)
        {
            data[$"{status.Model} ({Target(status)})"] = Describe(status);
        }

        ModelStatus[] silent = [.. all.Where(s => !s.Ready)];
        ModelStatus[] behind = [.. all.Where(s => s.Ready && s.Problem is not null)];
        return Task.FromResult(
            silent.Length > 0 ? new HealthCheckResult(context.Registration.FailureStatus, Tell("Not ready", silent), data: data)
            : behind.Length > 0 ? HealthCheckResult.Degraded(Tell("Behind", behind), data: data)
            : HealthCheckResult.Healthy($"{all.Count} of {all.Count} models ready.", data));
    }

    private static string Tell(string what, ModelStatus[] which) => $"{what}: {string.Join("; ", which.Select(s => $"{s.Model} ({Target(s)}): {Describe(s)}"))}";

    private static string Target(ModelStatus status) => status.Alias ?? $"v{status.Pinned}";

    private static string Describe(ModelStatus status)
    {
        string live = status.Version is { } version ? $"v{version} answers" : status.Loading ? "loading" : "no version answers";
        return status.Problem is { } problem ? $"{live}; {problem.Message}" : live;
    }
}

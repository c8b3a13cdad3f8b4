using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>What the served models of one server share.</summary>
internal sealed class ServingContext(
    VersionLoader loader,
    DeploymentLog deployments,
    ObserverList observers,
    ServingMetrics metrics,
    TimeProvider time,
    TimeSpan patience,
    ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Model, int Version), int> _inService = [];

    internal VersionLoader Loader => loader;

    internal DeploymentLog Deployments => deployments;

    internal ObserverList Observers => observers;

    internal ServingMetrics Metrics => metrics;

    internal TimeProvider Time => time;

    /// <summary>Gets how long a stop waits for the last call of a model.</summary>
    internal TimeSpan Patience => patience;

    internal ILogger Logger => logger;

    /// <summary>Notes a swap. A version that several aliases of this process serve starts with the first and ends with the last.</summary>
    internal Task SwappedAsync(LiveVersion? previous, LiveVersion next, string reason)
    {
        lock (_gate)
        {
            List<LedgerDraft> drafts = [];
            if (previous is not null && Count(previous, -1) == 0)
            {
                drafts.Add(deployments.Draft(LedgerKinds.DeploymentEnded, previous.Version, reason));
            }

            if (Count(next, +1) == 1)
            {
                drafts.Add(deployments.Draft(LedgerKinds.DeploymentStarted, next.Version, reason, next.Scorer, next.ScorerProblem));
            }

            if (previous is not null)
            {
                metrics.Retired(previous);
            }

            return drafts.Count == 0 ? Task.CompletedTask : deployments.AddAsync([.. drafts]);
        }
    }

    internal Task TakeOutAsync(LiveVersion last, string reason)
    {
        lock (_gate)
        {
            metrics.Retired(last);
            return Count(last, -1) == 0
                ? deployments.AddAsync(deployments.Draft(LedgerKinds.DeploymentEnded, last.Version, reason))
                : Task.CompletedTask;
        }
    }

    private int Count(LiveVersion version, int change)
    {
        (string, int) key = (version.Version.Model, version.Number);
        int count = _inService.GetValueOrDefault(key) + change;
        if (count == 0)
        {
            _inService.Remove(key);
        }
        else
        {
            _inService[key] = count;
        }

        return count;
    }
}

using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk;

/// <content>How everything stands.</content>
public sealed partial class MlopsWorkspace
{
    /// <summary>Tells how every model stands, on one screen: version in service, its age, the last check, drift, open alerts, what waits for approval.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The status; <see cref="WorkspaceStatus.ToText"/> makes a table of it.</returns>
    public async Task<WorkspaceStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = (_services.GetService<TimeProvider>() ?? TimeProvider.System).GetUtcNow();
        IReadOnlyList<ModelSummary> models = await Registry.ListModelsAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<string, MonitoredModel> watched = _services.GetService<ModelMonitor>() is { } monitor
            ? (await monitor.StatusAsync(null, cancellationToken).ConfigureAwait(false)).ToDictionary(m => m.Model, StringComparer.Ordinal)
            : [];
        IApprovalGate? gate = _services.GetService<IApprovalGate>();
        var rows = new List<ModelOverview>();
        foreach (ModelSummary model in models.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            int? champion = model.Aliases.TryGetValue(Champion, out int number) ? number : null;
            ModelVersion? version = champion is { } c ? await Registry.FindVersionAsync(model.Name, c, cancellationToken).ConfigureAwait(false) : null;
            rows.Add(new ModelOverview(model.Name)
            {
                Latest = model.Latest,
                Champion = champion,
                Age = version is null ? null : now - version.At,
                Aliases = model.Aliases,
                Monitored = watched.GetValueOrDefault(model.Name),
                WaitsForApproval = gate is null ? [] : await WaitingAsync(gate, model.Name, champion ?? 0, cancellationToken).ConfigureAwait(false),
            });
        }

        return new WorkspaceStatus(now, rows);
    }

    /// <summary>Finds the versions newer than the one in service that the gate would not let there yet.</summary>
    private async Task<IReadOnlyList<int>> WaitingAsync(IApprovalGate gate, string model, int champion, CancellationToken cancellationToken) =>
    [
        .. (await Registry.ListVersionsAsync(model, cancellationToken).ConfigureAwait(false))
            .Where(v => v.Number > champion && !v.Deleted && v.Status != VersionStatus.Rejected && gate.WhyNot(model, v.Number, v.Digest, Champion) is not null)
            .Select(v => v.Number)
            .Order(),
    ];
}

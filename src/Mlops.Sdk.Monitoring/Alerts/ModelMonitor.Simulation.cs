namespace Mlops.Sdk.Monitoring;

/// <content>What would have fired.</content>
public sealed partial class ModelMonitor
{
    /// <summary>Replays the stored signals of a model. Nothing is written.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="policies">The policies to try; null for those that hold now.</param>
    /// <param name="from">Signals whose span ends at or after this; null for no bound.</param>
    /// <param name="to">Signals whose span ends before this; null for no bound.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>What the policies would have raised.</returns>
    public async ValueTask<SimulationResult> SimulateAsync(string model, IReadOnlyList<AlertPolicy>? policies = null, DateTimeOffset? from = null, DateTimeOffset? to = null, CancellationToken cancellationToken = default) =>
        AlertSimulation.Run(policies ?? PoliciesOf(model), await SignalsAsync(model, null, from, to, cancellationToken).ToArrayAsync(cancellationToken).ConfigureAwait(false));
}

namespace Mlops.Sdk.Monitoring;

/// <content>Open windows: taken from the recorder, kept in the store, taken over from processes that died.</content>
public sealed partial class ModelMonitor
{
    /// <summary>Writes what was recorded and is not in a closed window yet to the store: what a killed process has flushed, another one closes.</summary>
    /// <param name="cancellationToken">Stops the writing; what was not written is kept for the next time.</param>
    /// <returns>A task that ends when all open windows of this process stand in the store.</returns>
    /// <exception cref="MlopsException">The store cannot be written to; what was recorded is kept for the next time.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        foreach (string model in _recorder.Models.Concat(_models.Keys).Distinct(StringComparer.Ordinal).ToArray())
        {
            ModelChecks checks = _models.GetOrAdd(model, _ => new ModelChecks());
            await checks.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                TakeInto(checks, model);

                // a window without features only says that rows were not recorded: it is not closed, so nobody could take it over
                foreach (OpenWindow open in checks.Open.Where(o => !o.Sealed && o.Counts.Features.Count > 0).ToArray())
                {
                    if (!await _parts.SaveAsync(open, seal: false, cancellationToken).ConfigureAwait(false))
                    {
                        checks.Open.Remove(open);
                    }
                }
            }
            finally
            {
                checks.Gate.Release();
            }
        }
    }

    /// <summary>Puts what was recorded since the last time to the windows that are open. They are kept here until they are in the ledger: what fails is tried again with them.</summary>
    private void TakeInto(ModelChecks checks, string model)
    {
        foreach (MonitorWindow taken in _recorder.TakeWindows(model))
        {
            if (checks.Open.Find(o => !o.Sealed && o.Version == taken.Version) is { } open)
            {
                open.Add(taken);
            }
            else
            {
                checks.Open.Add(new OpenWindow(taken));
            }
        }

        checks.Open.RemoveRange(0, Math.Max(0, checks.Open.Count - MostOpen)); // only versions that cannot be found pile up here
    }

    /// <summary>Takes over what processes that died had flushed; a failure is logged, and it is tried again at the next check.</summary>
    private async ValueTask AdoptAsync(ModelChecks checks, string model, CancellationToken cancellationToken)
    {
        try
        {
            checks.Open.AddRange(await _parts.AdoptAsync(model, checks.Open.Select(o => o.Id).ToHashSet(StringComparer.Ordinal), cancellationToken).ConfigureAwait(false));
        }
        catch (MlopsException e)
        {
            _logger.AdoptionFailed(model, e.Code, e);
        }
    }
}

using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Makes the report about a model from what any host of the workspace stored: closed windows, signals, alerts. Thread-safe.</summary>
/// <param name="monitor">Reads signals and alerts.</param>
/// <param name="history">Reads windows.</param>
/// <param name="catalog">Finds versions.</param>
/// <param name="artifacts">Holds their files.</param>
/// <param name="time">The clock.</param>
/// <param name="quality">Knows the quality of the newest window that closed in this process; null to leave that out.</param>
public sealed class MonitoringReports(ModelMonitor monitor, MonitorHistory history, IModelCatalog catalog, IArtifactStore artifacts, TimeProvider time, QualityMonitor? quality = null)
{
    /// <summary>The most windows of which a report shows the comparisons: the newest ones.</summary>
    public const int MostWindows = 200;

    private const int MostSignals = 200_000;

    /// <summary>Makes the report about one version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version; null for the newest one that has a window in the span.</param>
    /// <param name="from">Only what began at or after this; null for all.</param>
    /// <param name="to">Only what began before this; null for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The report: the newest <see cref="MostWindows"/> windows compared with the version's reference by the options the model is watched with. Windows with too few rows to judge are left out where there are others.</returns>
    /// <exception cref="MlopsNotFoundException">The model or version is not there (<c>registry.version_not_found</c>), or nothing of it was watched in the span (<c>monitoring.no_window</c>).</exception>
    /// <exception cref="MlopsDataException">The version has no reference; code <c>monitoring.no_reference</c>.</exception>
    /// <exception cref="MlopsIntegrityException">Something stored is not what was written.</exception>
    public async ValueTask<MonitoringReport> MakeAsync(string model, int? version = null, DateTimeOffset? from = null, DateTimeOffset? to = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        var newest = new Queue<MonitorWindow>();
        int last = version ?? 0;
        await foreach (MonitorWindow window in history.ListAsync(model, from, to, version, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (window.Features.Count == 0 || window.Version < last)
            {
                continue;
            }

            if (window.Version > last)
            {
                last = window.Version;
                newest.Clear();
            }

            newest.Enqueue(window);
            if (newest.Count > MostWindows)
            {
                newest.Dequeue();
            }
        }

        if (newest.Count == 0)
        {
            throw new MlopsNotFoundException("monitoring.no_window", string.Create(CultureInfo.InvariantCulture, $"There is no closed window of model '{model}'{(version is { } v ? $" version {v}" : string.Empty)} in the span asked for, so there is nothing to report. Watch the model, or close what was recorded with ModelMonitor.CheckAsync."));
        }

        ReferenceProfile profile = await monitor.ProfileAsync(model, last, cancellationToken).ConfigureAwait(false);
        MonitoringOptions options = monitor.OptionsOf(model);

        // what is left of a version that goes out of service tells less than the windows before it
        MonitorWindow[] whole = [.. newest.Where(w => w.Rows >= options.Drift.MinimumRows)];
        DriftReport[] drift = [.. (whole.Length > 0 ? whole : [.. newest]).Select(w => DriftDetector.Compare(profile, w, options.Drift, options.Alerts))];
        return new MonitoringReport
        {
            Model = model,
            Version = last,
            CreatedAt = time.GetUtcNow(),
            Drift = drift,
            Quality = quality?.LastReport(model) is { } rows && rows.Version == last ? rows : null,
            Signals = await SignalsAsync(model, last, from, to, cancellationToken).ConfigureAwait(false),
            Causes = drift[^1].Status is DriftStatus.Drifted or DriftStatus.Watch ? [RootCauses.Rank(drift[^1], await ImportanceAsync(model, last, cancellationToken).ConfigureAwait(false))] : [],
            Alerts = [.. (await monitor.OpenAlertsAsync(model, cancellationToken).ConfigureAwait(false)).Where(a => a.Version == last || a.Version == 0)],
        };
    }

    private async ValueTask<IReadOnlyList<MonitorSignal>> SignalsAsync(string model, int version, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellationToken)
    {
        var signals = new Queue<MonitorSignal>();
        await foreach (MonitorSignal signal in monitor.SignalsAsync(model, null, from, to, cancellationToken).ConfigureAwait(false))
        {
            // the comparisons say more of drift than its signals do
            if ((signal.Version == version || signal.Version == 0) && !signal.Name.StartsWith(SignalNames.Drift + ".", StringComparison.Ordinal))
            {
                signals.Enqueue(signal);
                if (signals.Count > MostSignals)
                {
                    signals.Dequeue();
                }
            }
        }

        return [.. signals.OrderBy(s => s.From)];
    }

    /// <summary>Reads how much the version listens to each input; what is below 0 by chance counts as 0. Null when it is not known.</summary>
    private async ValueTask<IReadOnlyDictionary<string, double>?> ImportanceAsync(string model, int version, CancellationToken cancellationToken)
    {
        if (await catalog.FindVersionAsync(model, version, cancellationToken).ConfigureAwait(false) is not { Deleted: false } found
            || (await catalog.ReadManifestAsync(found, cancellationToken).ConfigureAwait(false)).Files.FirstOrDefault(f => f.Name == ModelFileNames.Importance) is not { } file)
        {
            return null;
        }

        byte[] bytes = await artifacts.ReadAsync(file.Digest, ImportanceFile.MaxBytes, cancellationToken).ConfigureAwait(false);
        return ImportanceFile.Read(bytes)?.ToDictionary(i => i.Key, i => Math.Max(0, i.Value), StringComparer.Ordinal);
    }
}

using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Measures something about a window when it closes. Sources are services; each one of them is asked for each window.</summary>
public interface ISignalSource
{
    /// <summary>Measures.</summary>
    /// <param name="closed">The window that closed and what it is compared with.</param>
    /// <param name="cancellationToken">Stops the measuring.</param>
    /// <returns>The numbers; empty when there is nothing to say. A failure is logged, and the window closes without them.</returns>
    ValueTask<IReadOnlyList<MonitorSignal>> MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken = default);
}

/// <summary>A window that closed and what it is compared with.</summary>
/// <param name="Window">The window.</param>
/// <param name="Profile">The reference.</param>
/// <param name="Report">The comparison of both.</param>
/// <param name="Version">The version that answered.</param>
/// <param name="Schema">What the version takes and gives.</param>
public sealed record ClosedWindow(MonitorWindow Window, ReferenceProfile Profile, DriftReport Report, ModelVersion Version, ModelSchema Schema);

using System.Runtime.CompilerServices;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Reads closed windows: which there are by the ledger, their counts from the store, each verified by its digest. Thread-safe.</summary>
/// <param name="ledger">Where windows were committed.</param>
/// <param name="store">Where they stand.</param>
public sealed class MonitorHistory(ILedger ledger, IObjectStore store)
{
    private const int MaxBytes = 64 << 20;

    private readonly WindowIndex _index = new();

    /// <summary>Streams the closed windows of a model in the order of their beginnings.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="from">Only windows that begin at or after this, or null.</param>
    /// <param name="to">Only windows that begin before this, or null.</param>
    /// <param name="version">Only windows of this version, or null for all.</param>
    /// <param name="segment">Only this segment of each window, such as <c>country=SE</c>; null for the whole. Windows without it are passed over.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The windows, read one at a time.</returns>
    /// <exception cref="MlopsIntegrityException">A window is gone or its bytes changed; code <c>monitoring.window_changed</c>.</exception>
    public async IAsyncEnumerable<MonitorWindow> ListAsync(
        string model,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        int? version = null,
        string? segment = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        await ledger.AttachAsync(_index, cancellationToken).ConfigureAwait(false);
        await ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        WindowIndex.Note[] notes = [.. _index.Of(model)
            .Where(n => (from is null || n.From >= from) && (to is null || n.From < to) && (version is null || n.Version == version))
            .OrderBy(n => n.From).ThenBy(n => n.Id, StringComparer.Ordinal)];
        foreach (WindowIndex.Note note in notes)
        {
            MonitorWindow window = await ReadAsync(note, cancellationToken).ConfigureAwait(false);
            if (segment is null)
            {
                yield return window;
            }
            else if (window.Segments.FirstOrDefault(s => s.Segment == segment) is { } part)
            {
                yield return part;
            }
        }
    }

    /// <summary>Merges the closed windows of a model into windows of a kind: hours into days, hosts into one, days into sliding weeks.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="kind">The kind. A closed window counts where it began.</param>
    /// <param name="from">Only windows that begin at or after this, or null.</param>
    /// <param name="to">Only windows that begin before this, or null.</param>
    /// <param name="version">Only windows of this version, or null for all: those of one version and reference are merged.</param>
    /// <param name="segment">Only this segment, or null for the whole.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The merged windows, in order for each version. Their ids are not those of stored windows.</returns>
    /// <exception cref="MlopsIntegrityException">A window is gone or its bytes changed; code <c>monitoring.window_changed</c>.</exception>
    public async IAsyncEnumerable<MonitorWindow> RollAsync(
        string model,
        WindowKind kind,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        int? version = null,
        string? segment = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kind);
        var rollers = new Dictionary<(int, Digest), WindowRoller>();
        int made = 0;
        await foreach (MonitorWindow window in ListAsync(model, from, to, version, segment, cancellationToken).ConfigureAwait(false))
        {
            if (window.Features.Count == 0)
            {
                continue;
            }

            (int, Digest) group = (window.Version, window.Reference);
            if (!rollers.TryGetValue(group, out WindowRoller? roller))
            {
                roller = rollers[group] = new WindowRoller(kind, () => $"rolled-{++made}");
            }

            foreach (MonitorWindow done in roller.Add(window))
            {
                yield return done;
            }
        }

        foreach (MonitorWindow done in rollers.Values.SelectMany(r => r.End()))
        {
            yield return done;
        }
    }

    /// <summary>Makes what a window is to be compared with.</summary>
    /// <param name="window">The window.</param>
    /// <param name="reference">What to compare it with.</param>
    /// <param name="training">The reference by which the window was counted.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The reference, by the bins of training; null when no row was recorded in its time.</returns>
    /// <exception cref="MlopsIntegrityException">A window is gone or its bytes changed; code <c>monitoring.window_changed</c>.</exception>
    public async ValueTask<ReferenceProfile?> ReferenceAsync(MonitorWindow window, WindowReference reference, ReferenceProfile training, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(window);
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(training);
        if (reference.SpansFor(window) is not { } spans)
        {
            return training;
        }

        MonitorWindow? sum = null;
        foreach ((DateTimeOffset from, DateTimeOffset to) in spans)
        {
            await foreach (MonitorWindow before in ListAsync(window.Model, from, to, window.Version, window.Segment, cancellationToken).ConfigureAwait(false))
            {
                if (before.Id != window.Id && before.Rows > 0 && before.Reference == window.Reference && before.Features.Count == window.Features.Count)
                {
                    sum = sum is null ? before : MonitorWindow.Merge(window.Id, [sum, before]);
                }
            }
        }

        return sum is null ? null : WindowReference.Of(sum, training);
    }

    private async ValueTask<MonitorWindow> ReadAsync(WindowIndex.Note note, CancellationToken cancellationToken)
    {
        byte[]? bytes = null;
        Stream? stream = await store.OpenAsync(ObjectKey.Parse($"monitoring/{note.Id}"), null, cancellationToken).ConfigureAwait(false);
        if (stream is not null)
        {
            await using (stream.ConfigureAwait(false))
            {
                bytes = await BoundedReading.ReadAllAsync(stream, MaxBytes, cancellationToken).ConfigureAwait(false);
            }
        }

        return bytes is not null && Digest.Of(bytes) == note.Digest
            ? MonitorWindow.Deserialize(bytes)
            : throw new MlopsIntegrityException("monitoring.window_changed", $"The ledger says that window '{note.Id}' is {note.Length} bytes with digest {note.Digest}; {(bytes is null ? "it is not in the store" : $"{bytes.Length} bytes with digest {Digest.Of(bytes)} were found")}. Restore monitoring/{note.Id} from a copy.");
    }
}

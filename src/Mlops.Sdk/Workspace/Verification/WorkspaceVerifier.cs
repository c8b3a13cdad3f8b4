namespace Mlops.Sdk;

/// <summary>Walks over everything in a store once and has each object checked by the inspector of its prefix. Reads and never writes. For one walk.</summary>
internal sealed class WorkspaceVerifier
{
    private const long ProgressBytes = 64L << 20;
    private const int ProgressObjects = 256;

    private readonly IObjectStore _store;
    private readonly LedgerVerification _ledger;
    private readonly IProgress<WorkspaceVerificationProgress>? _progress;
    private readonly FindingList _findings = new();
    private readonly List<AreaWalk> _areas = [];
    private readonly List<(string Prefix, AreaWalk Area)> _prefixes = [];
    private readonly AreaWalk _unknown;
    private long _objects;
    private long _bytes;

    internal WorkspaceVerifier(IObjectStore store, LedgerVerification ledger, IEnumerable<IStoreInspector> inspectors, IProgress<WorkspaceVerificationProgress>? progress)
    {
        (_store, _ledger, _progress) = (store, ledger, progress);
        foreach (IStoreInspector inspector in inspectors.OrderBy(i => i.Area, StringComparer.Ordinal))
        {
            var area = new AreaWalk(inspector.Area, inspector, new StoreInspectionContext(store, ledger, Counted), _findings);
            _areas.Add(area);
            _prefixes.AddRange(inspector.Prefixes.Select(p => (p, area)));
        }

        _prefixes.Sort((a, b) => b.Prefix.Length.CompareTo(a.Prefix.Length)); // the longest that fits decides
        _unknown = new AreaWalk("unknown", null, new StoreInspectionContext(store, ledger, Counted), _findings);
        _areas.Add(_unknown);
    }

    internal async Task<WorkspaceVerification> RunAsync(CancellationToken cancellationToken)
    {
        await StartAsync(cancellationToken).ConfigureAwait(false);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount * 2, 4, 16), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(_store.ListAsync(string.Empty, null, cancellationToken), parallel, InspectAsync).ConfigureAwait(false);
        await FinishAsync(cancellationToken).ConfigureAwait(false);
        Tell();
        return new WorkspaceVerification(_ledger, [.. _areas.Select(a => a.Result)], _findings.Listed(), _findings.NotListed);
    }

    internal async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        foreach (AreaWalk area in _areas)
        {
            await area.StartAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Checks one object by itself: the same code as on a walk, and nothing is kept of it.</summary>
    internal ValueTask<StoreFinding?> CheckAsync(ObjectInfo found, CancellationToken cancellationToken) => AreaOf(found.Key.Value).CheckAsync(found, cancellationToken);

    private async ValueTask InspectAsync(ObjectInfo found, CancellationToken cancellationToken)
    {
        await AreaOf(found.Key.Value).InspectAsync(found, cancellationToken).ConfigureAwait(false);
        if (Interlocked.Increment(ref _objects) % ProgressObjects == 0)
        {
            Tell();
        }
    }

    private async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        foreach (AreaWalk area in _areas)
        {
            await area.FinishAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private AreaWalk AreaOf(string key)
    {
        foreach ((string prefix, AreaWalk area) in _prefixes)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal))
            {
                return area;
            }
        }

        return _unknown;
    }

    private void Counted(long bytes)
    {
        long all = Interlocked.Add(ref _bytes, bytes);
        if (all / ProgressBytes != (all - bytes) / ProgressBytes)
        {
            Tell();
        }
    }

    private void Tell() => _progress?.Report(new WorkspaceVerificationProgress(Interlocked.Read(ref _objects), Interlocked.Read(ref _bytes), _findings.Count));
}

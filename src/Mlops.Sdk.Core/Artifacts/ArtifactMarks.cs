using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>The digests that something still names. What a version names is named until every registry shows it as deleted (<see cref="LiveVersions"/>). Memory: about 50 bytes a digest; no entry is kept.</summary>
internal sealed class ArtifactMarks(IObjectStore store, ILedger ledger)
{
    private const long MaxScanned = 1L << 24; // what is larger is a segment of records, which hold no artifacts

    private readonly ArtifactStore _artifacts = new(store);
    private readonly HashSet<DigestKey> _roots = [];
    private readonly Dictionary<(string Model, int Number), HashSet<DigestKey>> _versions = [];
    private readonly Dictionary<DigestKey, int> _ofVersions = [];
    private readonly Dictionary<(string Model, int Number), List<Digest>> _unread = [];
    private readonly List<Digest> _uncounted = [];
    private readonly LiveVersions _live = new();
    private long _next;

    /// <summary>Gets how many manifests of live versions are not in the store.</summary>
    internal int MissingManifests { get; private set; }

    internal bool Contains(Digest digest) => DigestKey.Of(digest) is var key && (_roots.Contains(key) || _ofVersions.ContainsKey(key));

    /// <summary>Marks what the ledger says since the last call, and what the manifests of its versions name.</summary>
    internal async ValueTask AdvanceAsync(CancellationToken cancellationToken)
    {
        await ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        await foreach (LedgerEntry entry in ledger.ReadAsync(_next, cancellationToken).ConfigureAwait(false))
        {
            Take(entry);
            _next = entry.Number + 1;
        }

        // only now: the manifest of a version that was deleted meanwhile may be gone
        foreach (((string Model, int Number) version, List<Digest> manifests) in _unread)
        {
            HashSet<DigestKey> named = _versions[version];
            foreach (Digest manifest in manifests)
            {
                MissingManifests += await ReadManifestAsync(manifest, k => Mark(named, k), cancellationToken).ConfigureAwait(false) ? 0 : 1;
            }
        }

        // no registry shows these, or a newer one does: what they name is kept where it can be read
        foreach (Digest manifest in _uncounted)
        {
            await ReadManifestAsync(manifest, k => _roots.Add(k), cancellationToken).ConfigureAwait(false);
        }

        _unread.Clear();
        _uncounted.Clear();
    }

    /// <summary>Marks what small objects beside the ledger name.</summary>
    internal async ValueTask ScanAsync(string prefix, DateTimeOffset from, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo info in store.ListAsync(prefix, null, cancellationToken).ConfigureAwait(false))
        {
            if (info.Modified < from || info.Length > MaxScanned || await store.OpenAsync(info.Key, null, cancellationToken).ConfigureAwait(false) is not { } stream)
            {
                continue;
            }

            await using (stream.ConfigureAwait(false))
            {
                long length = await DigestScanner.ScanAsync(stream, k => _roots.Add(k), cancellationToken).ConfigureAwait(false);
                if (length != info.Length && (await store.HeadAsync(info.Key, cancellationToken).ConfigureAwait(false))?.ETag == info.ETag)
                {
                    throw new MlopsStorageException("store.unavailable", $"Of the {info.Length} bytes of '{info.Key}' in the {store.Description} {length} came. What the rest names is not known, so nothing is removed; try again.");
                }
            }
        }
    }

    private static void Scan(LedgerEntry entry, Action<DigestKey> found)
    {
        if (entry.Resource.Digest is { HasValue: true } digest)
        {
            found(DigestKey.Of(digest));
        }

        DigestScanner.Scan(entry.Resource.Name, found);
        DigestScanner.Scan(entry.Reason, found);
        DigestScanner.Scan(entry.Correlation, found);
        DigestScanner.Scan(entry.Data, found);
    }

    private void Take(LedgerEntry entry)
    {
        switch (_live.Apply(entry, out (string Model, int Number) version))
        {
            case LiveChange.Deleted:
                Forget(version); // a tombstone names what it deletes and does not keep it
                break;
            case LiveChange.Registered:
                HashSet<DigestKey> named = _versions[version] = [];
                Scan(entry, k => Mark(named, k));
                _unread[version] = ManifestsOf(entry);
                break;
            default:
                // what does not count names things all the same
                Scan(entry, k => _roots.Add(k));
                if (entry is { Kind: LedgerKinds.VersionRegistered, Outcome: LedgerOutcome.Done })
                {
                    _uncounted.AddRange(ManifestsOf(entry));
                }

                break;
        }
    }

    private static List<Digest> ManifestsOf(LedgerEntry entry)
    {
        var manifests = new List<Digest>();
        if (entry.Resource.Digest is { HasValue: true } resource)
        {
            manifests.Add(resource);
        }

        if (entry.Data.ValueKind == JsonValueKind.Object && entry.Data.TryGetProperty("digest", out JsonElement text) && text.ValueKind == JsonValueKind.String
            && Digest.TryParse(text.GetString(), out Digest manifest) && !manifests.Contains(manifest))
        {
            manifests.Add(manifest);
        }

        return manifests;
    }

    private void Mark(HashSet<DigestKey> named, DigestKey key)
    {
        if (named.Add(key))
        {
            _ofVersions[key] = _ofVersions.GetValueOrDefault(key) + 1;
        }
    }

    private void Forget((string Model, int Number) version)
    {
        _unread.Remove(version);
        if (!_versions.Remove(version, out HashSet<DigestKey>? named))
        {
            return;
        }

        foreach (DigestKey key in named)
        {
            if (--_ofVersions[key] is 0)
            {
                _ofVersions.Remove(key);
            }
        }
    }

    /// <returns>Whether there is such a manifest.</returns>
    private async ValueTask<bool> ReadManifestAsync(Digest manifest, Action<DigestKey> found, CancellationToken cancellationToken)
    {
        Stream stream;
        try
        {
            stream = await _artifacts.OpenAsync(manifest, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsNotFoundException)
        {
            return false; // what the entry itself names is marked
        }

        await using (stream.ConfigureAwait(false))
        {
            await DigestScanner.ScanAsync(stream, found, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }
}

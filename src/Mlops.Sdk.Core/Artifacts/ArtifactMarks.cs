using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>The digests that something still names. Memory: about 50 bytes a digest; no entry is kept.</summary>
internal sealed class ArtifactMarks(IObjectStore store, ILedger ledger)
{
    private const long MaxScanned = 1L << 24; // what is larger is a segment of records, which hold no artifacts

    private readonly ArtifactStore _artifacts = new(store);
    private readonly HashSet<DigestKey> _roots = [];
    private readonly Dictionary<(string Model, int Number), HashSet<DigestKey>> _versions = [];
    private readonly Dictionary<DigestKey, int> _ofVersions = [];
    private readonly Dictionary<(string Model, int Number), List<Digest>> _unread = [];
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
            foreach (Digest manifest in manifests)
            {
                await ReadManifestAsync(version, manifest, cancellationToken).ConfigureAwait(false);
            }
        }

        _unread.Clear();
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

    private static (string Model, int Number)? VersionOf(JsonElement data, string number) =>
        data.ValueKind == JsonValueKind.Object && data.TryGetProperty("model", out JsonElement model) && model.ValueKind == JsonValueKind.String
        && data.TryGetProperty(number, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int n)
            ? (model.GetString()!, n)
            : null;

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
        if (entry.Outcome == LedgerOutcome.Done && entry.Kind == LedgerKinds.VersionDeleted && VersionOf(entry.Data, "version") is { } deleted)
        {
            // a tombstone names what it deletes and does not keep it
            Forget(deleted);
        }
        else if (entry.Outcome == LedgerOutcome.Done && entry.Kind == LedgerKinds.VersionRegistered && VersionOf(entry.Data, "number") is { } version)
        {
            if (!_versions.TryGetValue(version, out HashSet<DigestKey>? named))
            {
                _versions[version] = named = [];
            }

            Scan(entry, k => Mark(named, k));
            var manifests = new List<Digest>();
            if (entry.Resource.Digest is { HasValue: true } resource)
            {
                manifests.Add(resource);
            }

            if (entry.Data.TryGetProperty("digest", out JsonElement text) && text.ValueKind == JsonValueKind.String && Digest.TryParse(text.GetString(), out Digest manifest) && !manifests.Contains(manifest))
            {
                manifests.Add(manifest);
            }

            _unread[version] = _unread.TryGetValue(version, out List<Digest>? before) ? [.. before, .. manifests] : manifests;
        }
        else
        {
            Scan(entry, k => _roots.Add(k));
        }
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

    private async ValueTask ReadManifestAsync((string Model, int Number) version, Digest manifest, CancellationToken cancellationToken)
    {
        HashSet<DigestKey> named = _versions[version];
        Stream stream;
        try
        {
            stream = await _artifacts.OpenAsync(manifest, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsNotFoundException)
        {
            MissingManifests++; // what the entry itself names is marked
            return;
        }

        await using (stream.ConfigureAwait(false))
        {
            await DigestScanner.ScanAsync(stream, k => Mark(named, k), cancellationToken).ConfigureAwait(false);
        }
    }
}

using System.Collections.Concurrent;

namespace Mlops.Sdk.Registry;

/// <summary>The schemas of versions that were looked at last, by the digest of their manifest.</summary>
internal sealed class SchemaCache(IArtifactStore artifacts)
{
    private const int Most = 64;
    private readonly ConcurrentDictionary<Digest, ModelSchema> _schemas = new();

    /// <summary>Finds a version's schema; null when its manifest cannot be read, for whatever lies in the store.</summary>
    internal async ValueTask<ModelSchema?> FindAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        if (_schemas.TryGetValue(version.Digest, out ModelSchema? schema))
        {
            return schema;
        }

        try
        {
            byte[] bytes = await artifacts.ReadAsync(version.Digest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
            schema = ManifestDocument.Read(version, bytes).Schema;
        }
        catch (Exception e) when (e is MlopsNotFoundException or MlopsIntegrityException)
        {
            return null;
        }

        if (_schemas.Count >= Most)
        {
            _schemas.Clear(); // all are cheap to read again; a schema may have a million categories
        }

        _schemas[version.Digest] = schema;
        return schema;
    }
}

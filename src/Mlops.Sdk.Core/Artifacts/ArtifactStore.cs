namespace Mlops.Sdk;

/// <summary>Artifacts on an object store, under <c>artifacts/sha256/</c>. Thread-safe.</summary>
/// <remarks>
/// On a store that is an <see cref="IStagingObjectStore"/> content is written once, hashed on the way and named at the end; on others it is
/// hashed first and then written. A file goes on after a crash where the store has an <see cref="IStagingObjectStore"/> or <see cref="IResumableObjectStore"/>.
/// </remarks>
/// <param name="store">The store.</param>
public sealed class ArtifactStore(IObjectStore store) : IArtifactStore
{
    private readonly ArtifactIntake _intake = new(store);

    /// <inheritdoc/>
    public ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _intake.WriteAsync(content, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return _intake.WriteFileAsync(path, progress, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAsync(Digest digest, CancellationToken cancellationToken = default)
    {
        ObjectKey key = ArtifactKeys.Of(digest);
        Stream stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false) ?? throw Missing(digest);
        return new ReadAheadStream(new VerifyingStream(stream, digest, found => new MlopsIntegrityException(
            "artifact.corrupt", $"The artifact {digest} in the {store.Description} is damaged or was changed: its bytes now have the digest {found}. Nothing of it may be used; restore it from a copy.")));
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]> ReadAsync(Digest digest, long maxLength, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        Stream stream = await OpenAsync(digest, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            return await BoundedReading.ReadAllAsync(stream, maxLength, cancellationToken).ConfigureAwait(false)
                ?? throw new MlopsIntegrityException("artifact.too_large", $"The artifact {digest} has more than the {maxLength} bytes that are accepted here. Raise the limit if that is right.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> ExistsAsync(Digest digest, CancellationToken cancellationToken = default) =>
        await store.HeadAsync(ArtifactKeys.Of(digest), cancellationToken).ConfigureAwait(false) is not null;

    /// <inheritdoc/>
    public ValueTask<bool> TouchAsync(Digest digest, CancellationToken cancellationToken = default) => store.TouchAsync(ArtifactKeys.Of(digest), cancellationToken);

    private MlopsNotFoundException Missing(Digest digest) =>
        new("artifact.not_found", $"The {store.Description} holds no artifact {digest}. It was removed, or it was written to another store.");
}

namespace Mlops.Sdk;

/// <summary>Content-addressed files: written once, named by their SHA-256 digest, verified whenever they are read.</summary>
public interface IArtifactStore
{
    /// <summary>Stores bytes; content that is there already is not written again.</summary>
    /// <param name="content">The bytes, read to the end from the current position; not disposed. Memory used does not depend on the length.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The digest and the length. The bytes are durable when the call returns.</returns>
    ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default);

    /// <summary>Stores a file the fastest way the store has; called again after a crash it goes on where it was durable.</summary>
    /// <param name="path">The file. It must not be written to meanwhile.</param>
    /// <param name="progress">Is told how many bytes are taken in so far; null for nobody.</param>
    /// <param name="cancellationToken">Stops the call; what was taken in so far is kept to go on with.</param>
    /// <returns>The digest and the length. The bytes are durable when the call returns.</returns>
    /// <exception cref="MlopsIntegrityException">The file changed meanwhile; code <c>artifact.changed_while_stored</c>. Nothing was stored.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Opens an artifact for reading.</summary>
    /// <param name="digest">The artifact's digest.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>
    /// The bytes, to be disposed by the caller. They are hashed on the way: the read that reaches the end throws
    /// <see cref="MlopsIntegrityException"/> (<c>artifact.corrupt</c>) when they are not what was written. Nothing read is to be trusted before.
    /// </returns>
    /// <exception cref="MlopsNotFoundException">There is no such artifact; code <c>artifact.not_found</c>.</exception>
    ValueTask<Stream> OpenAsync(Digest digest, CancellationToken cancellationToken = default);

    /// <summary>Reads a whole artifact into memory and verifies it.</summary>
    /// <param name="digest">The artifact's digest.</param>
    /// <param name="maxLength">The most bytes to accept, checked before anything is allocated.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The verified bytes.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such artifact; code <c>artifact.not_found</c>.</exception>
    /// <exception cref="MlopsIntegrityException">The bytes are not what was written (<c>artifact.corrupt</c>) or are too many (<c>artifact.too_large</c>).</exception>
    ValueTask<byte[]> ReadAsync(Digest digest, long maxLength, CancellationToken cancellationToken = default);

    /// <summary>Tells whether an artifact is there.</summary>
    /// <param name="digest">The artifact's digest.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Whether it is. Its bytes are not read.</returns>
    ValueTask<bool> ExistsAsync(Digest digest, CancellationToken cancellationToken = default);

    /// <summary>Says that an artifact is still wanted: a collection leaves it alone for its grace period from now on. Registration does it before it names an artifact.</summary>
    /// <param name="digest">The artifact's digest.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>True when it is there; false when it is not: write it again. Its bytes are not read.</returns>
    ValueTask<bool> TouchAsync(Digest digest, CancellationToken cancellationToken = default);
}

/// <summary>Names a stored artifact.</summary>
/// <param name="Digest">The SHA-256 digest of the bytes.</param>
/// <param name="Length">How many bytes.</param>
public sealed record ArtifactInfo(Digest Digest, long Length);

namespace Mlops.Sdk;

/// <summary>Content-addressed files: written once, named by their SHA-256 digest, verified whenever they are read.</summary>
public interface IArtifactStore
{
    /// <summary>Stores bytes; content that is there already is not written again.</summary>
    /// <param name="content">The bytes, read to the end from the current position; not disposed. Memory used does not depend on the length.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The digest and the length. The bytes are durable when the call returns.</returns>
    ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default);

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
}

/// <summary>Names a stored artifact.</summary>
/// <param name="Digest">The SHA-256 digest of the bytes.</param>
/// <param name="Length">How many bytes.</param>
public sealed record ArtifactInfo(Digest Digest, long Length);

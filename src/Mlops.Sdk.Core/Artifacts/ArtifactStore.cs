using System.Buffers;
using System.Security.Cryptography;

namespace Mlops.Sdk;

/// <summary>Artifacts on an object store, under <c>artifacts/sha256/</c>. Thread-safe.</summary>
/// <param name="store">The store.</param>
public sealed class ArtifactStore(IObjectStore store) : IArtifactStore
{
    private const int Block = 1 << 17;

    /// <inheritdoc/>
    public async ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (content.CanSeek)
        {
            long start = content.Position;
            ArtifactInfo found = await HashAsync(content, null, cancellationToken).ConfigureAwait(false);
            content.Position = start;
            return await StoreAsync(found, content, cancellationToken).ConfigureAwait(false);
        }

        // the name is the digest, which is known only at the end: what cannot be read twice is spooled to a file that goes with its handle
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var spool = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        await using (spool.ConfigureAwait(false))
        {
            ArtifactInfo found = await HashAsync(content, spool, cancellationToken).ConfigureAwait(false);
            spool.Position = 0;
            return await StoreAsync(found, spool, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (file.ConfigureAwait(false))
        {
            ArtifactInfo info = await WriteAsync(file, cancellationToken).ConfigureAwait(false);
            progress?.Report(info.Length);
            return info;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAsync(Digest digest, CancellationToken cancellationToken = default)
    {
        ObjectKey key = KeyOf(digest);
        Stream stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false) ?? throw Missing(digest);
        return new VerifyingStream(stream, digest, found => new MlopsIntegrityException(
            "artifact.corrupt", $"The artifact {digest} in the {store.Description} is damaged or was changed: its bytes now have the digest {found}. Nothing of it may be used; restore it from a copy."));
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
        await store.HeadAsync(KeyOf(digest), cancellationToken).ConfigureAwait(false) is not null;

    /// <inheritdoc/>
    public ValueTask<bool> TouchAsync(Digest digest, CancellationToken cancellationToken = default) => store.TouchAsync(KeyOf(digest), cancellationToken);

    private static ObjectKey KeyOf(Digest digest) => ObjectKey.Parse($"artifacts/sha256/{digest.Hex[..2]}/{digest.Hex}");

    private async ValueTask<ArtifactInfo> StoreAsync(ArtifactInfo artifact, Stream content, CancellationToken cancellationToken)
    {
        ObjectKey key = KeyOf(artifact.Digest);
        if (await store.HeadAsync(key, cancellationToken).ConfigureAwait(false) is { } there && there.Length == artifact.Length && await IsIntactAsync(artifact.Digest, cancellationToken).ConfigureAwait(false))
        {
            return artifact;
        }

        // hashed once more on its way: content that changes between the two readings must not get the name of what it was
        var checkedContent = new VerifyingStream(content, artifact.Digest, found => new MlopsIntegrityException(
            "artifact.changed_while_stored", $"The content had the digest {artifact.Digest} when it was read first and {found} when it was stored. Nothing was stored; let nobody write to it meanwhile."), leaveOpen: true);
        await using (checkedContent.ConfigureAwait(false))
        {
            // replaces: what has this name is either the same content or damaged
            await store.PutAsync(key, checkedContent, PutCondition.Any, cancellationToken).ConfigureAwait(false);
            return artifact;
        }
    }

    private async ValueTask<bool> IsIntactAsync(Digest digest, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(KeyOf(digest), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return false;
        }

        await using (stream.ConfigureAwait(false))
        {
            return (await HashAsync(stream, null, cancellationToken).ConfigureAwait(false)).Digest == digest;
        }
    }

    private static async ValueTask<ArtifactInfo> HashAsync(Stream content, Stream? copy, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            long length = 0;
            while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                hash.AppendData(buffer.AsSpan(0, read));
                length += read;
                if (copy is not null)
                {
                    await copy.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                }
            }

            return new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private MlopsNotFoundException Missing(Digest digest) =>
        new("artifact.not_found", $"The {store.Description} holds no artifact {digest}. It was removed, or it was written to another store.");
}

using System.Buffers;
using System.Security.Cryptography;

namespace Mlops.Sdk;

/// <summary>Takes content in: small content in memory, large content the best way the store has.</summary>
internal sealed partial class ArtifactIntake(IObjectStore store)
{
    private const int Small = 1 << 20;
    private const int Block = 1 << 20;

    internal async ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken)
    {
        long start = content.CanSeek ? content.Position : 0;
        int room = content.CanSeek ? (int)Math.Clamp(content.Length - start + 1, 1, Small + 1) : Small + 1;
        byte[] first = ArrayPool<byte>.Shared.Rent(room);
        try
        {
            int filled = await content.ReadAtLeastAsync(first.AsMemory(0, room), room, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (filled < room)
            {
                return await StoreSmallAsync(first.AsMemory(0, filled), cancellationToken).ConfigureAwait(false);
            }

            if (store is IStagingObjectStore staging && await staging.StageAsync(null, cancellationToken).ConfigureAwait(false) is { } staged)
            {
                await using (staged.ConfigureAwait(false))
                {
                    return await StageAsync(staged, first.AsMemory(0, filled), content, cancellationToken).ConfigureAwait(false);
                }
            }

            if (content.CanSeek)
            {
                content.Position = start;
                ArtifactInfo found = await HashAsync(content, cancellationToken).ConfigureAwait(false);
                content.Position = start;
                return await StoreAsync(found, content, cancellationToken).ConfigureAwait(false);
            }

            return await SpoolAsync(first.AsMemory(0, filled), content, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }
    }

    private async ValueTask<ArtifactInfo> StoreSmallAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var artifact = new ArtifactInfo(Digest.Of(bytes.Span), bytes.Length);
        if (!await IsThereAsync(artifact, cancellationToken).ConfigureAwait(false))
        {
            using var content = new MemoryStream(bytes.ToArray(), writable: false);
            await store.PutAsync(ArtifactKeys.Of(artifact.Digest), content, PutCondition.Any, cancellationToken).ConfigureAwait(false);
        }

        return artifact;
    }

    /// <summary>Writes once; a block is hashed by another thread while it is written and the next one is read.</summary>
    private async ValueTask<ArtifactInfo> StageAsync(IStagedObject staged, ReadOnlyMemory<byte> first, Stream content, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[][] buffers = [ArrayPool<byte>.Shared.Rent(Block), ArrayPool<byte>.Shared.Rent(Block)];
        Task hashing = Task.CompletedTask;
        try
        {
            long length = 0;
            ReadOnlyMemory<byte> block = first;
            for (int i = 0; block.Length > 0; i++)
            {
                await hashing.ConfigureAwait(false);
                ReadOnlyMemory<byte> current = block;
                hashing = Task.Run(() => hash.AppendData(current.Span), CancellationToken.None);
                await staged.AppendAsync(current, cancellationToken).ConfigureAwait(false);
                length += current.Length;
                Memory<byte> next = buffers[i % 2];
                block = next[..await content.ReadAtLeastAsync(next, next.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)];
            }

            await hashing.ConfigureAwait(false);
            return await PublishAsync(staged, new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await hashing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Array.ForEach(buffers, b => ArrayPool<byte>.Shared.Return(b));
        }
    }

    private async ValueTask<ArtifactInfo> PublishAsync(IStagedObject staged, ArtifactInfo artifact, CancellationToken cancellationToken)
    {
        if (await IsThereAsync(artifact, cancellationToken).ConfigureAwait(false))
        {
            await staged.ClearAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // replaces: what has this name is either the same content or damaged
            await staged.PublishAsync(ArtifactKeys.Of(artifact.Digest), PutCondition.Any, cancellationToken).ConfigureAwait(false);
        }

        return artifact;
    }

    /// <summary>The name is the digest, which is known only at the end: what cannot be read twice is spooled to a file that goes with its handle.</summary>
    private async ValueTask<ArtifactInfo> SpoolAsync(ReadOnlyMemory<byte> first, Stream content, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var spool = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        await using (spool.ConfigureAwait(false))
        {
            await spool.WriteAsync(first, cancellationToken).ConfigureAwait(false);
            await content.CopyToAsync(spool, Block, cancellationToken).ConfigureAwait(false);
            spool.Position = 0;
            ArtifactInfo found = await HashAsync(spool, cancellationToken).ConfigureAwait(false);
            spool.Position = 0;
            return await StoreAsync(found, spool, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<ArtifactInfo> StoreAsync(ArtifactInfo artifact, Stream content, CancellationToken cancellationToken)
    {
        if (await IsThereAsync(artifact, cancellationToken).ConfigureAwait(false))
        {
            return artifact;
        }

        // hashed once more on its way: content that changes between the two readings must not get the name of what it was
        var checkedContent = new VerifyingStream(content, artifact.Digest, found => Changed($"The content had the digest {artifact.Digest} when it was read first and {found} when it was stored."), leaveOpen: true);
        await using (checkedContent.ConfigureAwait(false))
        {
            await store.PutAsync(ArtifactKeys.Of(artifact.Digest), checkedContent, PutCondition.Any, cancellationToken).ConfigureAwait(false);
            return artifact;
        }
    }

    /// <summary>Tells whether an intact one is there, and renews its age: a collection must not take what is about to be named.</summary>
    private async ValueTask<bool> IsThereAsync(ArtifactInfo artifact, CancellationToken cancellationToken)
    {
        ObjectKey key = ArtifactKeys.Of(artifact.Digest);
        if (await store.HeadAsync(key, cancellationToken).ConfigureAwait(false) is not { } there || there.Length != artifact.Length)
        {
            return false;
        }

        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return false;
        }

        var ahead = new ReadAheadStream(stream);
        await using (ahead.ConfigureAwait(false))
        {
            return (await HashAsync(ahead, cancellationToken).ConfigureAwait(false)).Digest == artifact.Digest
                && await store.TouchAsync(key, cancellationToken).ConfigureAwait(false);
        }
    }

    private static MlopsIntegrityException Changed(string what) =>
        new("artifact.changed_while_stored", $"{what} Nothing was stored; let nobody write to it meanwhile.");

    private static async ValueTask<ArtifactInfo> HashAsync(Stream content, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            long length = 0;
            while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                hash.AppendData(buffer.AsSpan(0, read));
                length += read;
            }

            return new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

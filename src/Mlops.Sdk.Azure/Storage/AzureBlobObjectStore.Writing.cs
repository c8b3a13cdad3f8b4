using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Mlops.Sdk.Azure;

/// <content>Writing: one request for what fits into a block, blocks and a list of them for what does not.</content>
public sealed partial class AzureBlobObjectStore
{
    private const int MaxBlocks = 50_000;
    private const int FirstBuffer = 1 << 16;
    private const int MaxLeftBlocks = 1_000;
    private readonly ConcurrentDictionary<ObjectKey, byte> _leftBlocks = new(); // keys whose puts broke off after blocks had been sent

    /// <inheritdoc/>
    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        if (condition.ETag is { } wanted && !CouldMatch(wanted))
        {
            return default;
        }

        (byte[] first, int filled) = await FillAsync(content, cancellationToken).ConfigureAwait(false);
        if (filled == _blockSize)
        {
            (byte[] second, int more) = await FillOrReturnAsync(first, content, cancellationToken).ConfigureAwait(false);
            if (more > 0)
            {
                return await PutBlocksAsync(key, blob, (first, filled), (second, more), content, condition, cancellationToken).ConfigureAwait(false);
            }

            ArrayPool<byte>.Shared.Return(second);
        }

        try
        {
            return await GuardedAsync($"write '{key}' to", ct => PutWholeAsync(key, blob, first.AsMemory(0, filled), condition, ct), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }
    }

    // random and not from an injected generator: two processes with equal ids would take each other's writes for their own
    private static string NewPutId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static Dictionary<string, string> MetadataOf(string id) => new(StringComparer.Ordinal) { [PutId] = id };

    private static bool IsOf(BlobProperties? found, string id) => found is not null && found.Metadata.TryGetValue(PutId, out string? there) && there == id;

    private static BlobRequestConditions? ConditionsOf(PutCondition condition) => condition switch
    {
        { MustBeAbsent: true } => new BlobRequestConditions { IfNoneMatch = ETag.All },
        { ETag: { } etag } => new BlobRequestConditions { IfMatch = new ETag(etag) },
        _ => null,
    };

    private async Task<PutResult> PutWholeAsync(ObjectKey key, BlockBlobClient blob, ReadOnlyMemory<byte> bytes, PutCondition condition, CancellationToken cancellationToken)
    {
        string id = NewPutId();
        using var body = new AttemptStream(bytes);
        try
        {
            Response<BlobContentInfo> written = await blob.UploadAsync(
                body,
                new BlobUploadOptions
                {
                    Metadata = MetadataOf(id),
                    Conditions = ConditionsOf(condition),
                    TransferOptions = new StorageTransferOptions { InitialTransferSize = bytes.Length + 1L }, // what is shorter than this goes in one request
                },
                cancellationToken).ConfigureAwait(false);
            return new PutResult(true, TextOf(written.Value.ETag));
        }
        catch (RequestFailedException refusal) when (IsConditionNotMet(refusal) || IsAbsent(refusal))
        {
            bool mayBeOurBlocks = condition.MustBeAbsent && _leftBlocks.ContainsKey(key);
            if (body.Attempts <= 1 && !mayBeOurBlocks)
            {
                return default; // no earlier attempt that could have been the one in the way
            }

            BlobProperties? found = await PropertiesAsync(blob, cancellationToken).ConfigureAwait(false);
            if (IsOf(found, id))
            {
                return new PutResult(true, TextOf(found!.ETag));
            }

            if (condition.MustBeAbsent && found is null)
            {
                // nothing is there but blocks that wait: the emulator lets them stand in the way of a whole put, not in that of a list of blocks
                return await PutAsListAsync(key, blob, bytes, condition, cancellationToken).ConfigureAwait(false);
            }

            // whoever stands there now came instead of ours, or, with an ETag to match, perhaps after it
            return condition.MustBeAbsent && found is not null
                ? default
                : throw new MlopsStorageException("store.unavailable", $"Cannot write '{key}' to the {Description}: an answer was lost, and others have written since. Whether the write took effect is not known; read the object and decide anew.", refusal);
        }
    }

    private async ValueTask<PutResult> PutAsListAsync(ObjectKey key, BlockBlobClient blob, ReadOnlyMemory<byte> bytes, PutCondition condition, CancellationToken cancellationToken)
    {
        string what = $"write '{key}' to";
        List<string> ids = bytes.IsEmpty ? [] : [new BlockId(BlockId.OwnerOf(NewPutId()), 0, 0, default).ToString()];
        if (ids.Count > 0)
        {
            await StageAsync(what, blob, ids[0], bytes, cancellationToken).ConfigureAwait(false);
        }

        return await CommitAsync(what, blob, ids, condition, null, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<PutResult> PutBlocksAsync(
        ObjectKey key, BlockBlobClient blob, (byte[] Buffer, int Filled) first, (byte[] Buffer, int Filled) second, Stream content, PutCondition condition, CancellationToken cancellationToken)
    {
        string what = $"write '{key}' to";
        string owner = BlockId.OwnerOf(NewPutId());
        var ids = new List<string>();
        var sender = new BlockSender(_parallelism, (id, block, ct) => StageAsync(what, blob, id, block, ct));
        await using (sender.ConfigureAwait(false))
        {
            var waiting = new Queue<(byte[] Buffer, int Filled)>([first, second]);
            try
            {
                BlobProperties? before = await GuardedAsync(what, ct => PropertiesAsync(blob, ct), cancellationToken).ConfigureAwait(false);
                bool holds = condition.MustBeAbsent ? before is null : condition.ETag is null || (before is not null && TextOf(before.ETag) == condition.ETag);
                if (!holds)
                {
                    return default; // before anything is sent for nothing
                }

                while (waiting.Count > 0)
                {
                    if (ids.Count == MaxBlocks)
                    {
                        throw new MlopsStorageException("store.full", $"Cannot {what} the {Description}: it has more than {MaxBlocks} blocks of {_blockSize.ToString("N0", CultureInfo.InvariantCulture)} bytes. Set a larger AzureBlobOptions.BlockSize; nothing was written.");
                    }

                    ids.Add(new BlockId(owner, 0, ids.Count, default).ToString());
                    (byte[] buffer, int filled) = waiting.Dequeue();
                    await sender.SendAsync(ids[^1], buffer, filled, cancellationToken).ConfigureAwait(false);
                    if (waiting.Count == 0)
                    {
                        (byte[] next, int more) = await FillAsync(content, cancellationToken).ConfigureAwait(false);
                        if (more > 0)
                        {
                            waiting.Enqueue((next, more));
                        }
                        else
                        {
                            ArrayPool<byte>.Shared.Return(next);
                        }
                    }
                }

                await sender.FlushAsync(cancellationToken).ConfigureAwait(false);
                return await CommitAsync(what, blob, ids, condition, before?.ETag, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await sender.CancelAsync().ConfigureAwait(false); // what is sent already is nobody's and goes after a week
                if (_leftBlocks.Count < MaxLeftBlocks)
                {
                    _leftBlocks.TryAdd(key, 0);
                }

                throw;
            }
            finally
            {
                foreach ((byte[] buffer, _) in waiting)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
    }

    private async Task StageAsync(string what, BlockBlobClient blob, string id, ReadOnlyMemory<byte> block, CancellationToken cancellationToken) => await GuardedAsync(
        what,
        async ct =>
        {
            using var body = new AttemptStream(block);
            return await blob.StageBlockAsync(id, body, (BlockBlobStageBlockOptions?)null, ct).ConfigureAwait(false);
        },
        cancellationToken).ConfigureAwait(false);

    /// <summary>Makes an object of blocks that were sent.</summary>
    /// <param name="what">What is done, for messages.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="ids">The names of the blocks.</param>
    /// <param name="condition">What must hold.</param>
    /// <param name="before">The ETag that the blob had before the first block was sent; null when there was none.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    private ValueTask<PutResult> CommitAsync(string what, BlockBlobClient blob, List<string> ids, PutCondition condition, ETag? before, CancellationToken cancellationToken)
    {
        string id = NewPutId();
        return GuardedAsync(
            what,
            async ct =>
            {
                try
                {
                    Response<BlobContentInfo> written = await blob.CommitBlockListAsync(ids, new CommitBlockListOptions { Metadata = MetadataOf(id), Conditions = ConditionsOf(condition) }, ct).ConfigureAwait(false);
                    return new PutResult(true, TextOf(written.Value.ETag));
                }
                catch (RequestFailedException refusal) when (IsConditionNotMet(refusal) || IsAbsent(refusal))
                {
                    BlobProperties? found = await PropertiesAsync(blob, ct).ConfigureAwait(false);
                    return IsOf(found, id) ? new PutResult(true, TextOf(found!.ETag)) : default;
                }
                catch (RequestFailedException refusal) when (refusal.ErrorCode == BlobErrorCode.InvalidBlockList)
                {
                    // the service drops all blocks that wait when anybody writes or removes the blob: that somebody came after us, and we were overwritten at once
                    BlobProperties? found = await PropertiesAsync(blob, ct).ConfigureAwait(false);
                    return IsOf(found, id) ? new PutResult(true, TextOf(found!.ETag))
                        : found?.ETag == before ? throw new MlopsStorageException("store.unavailable", $"Cannot {what} the {Description}: the service no longer has the blocks that were sent. Nothing was written; try again.", refusal)
                        : condition is { MustBeAbsent: false, ETag: null } ? new PutResult(true, $"overwritten-{id}")
                        : default;
                }
            },
            cancellationToken);
    }

    /// <summary>Reads a block's worth of content into a rented buffer; less only at the end.</summary>
    private async ValueTask<(byte[] Buffer, int Filled)> FillAsync(Stream content, CancellationToken cancellationToken)
    {
        int known = content.CanSeek ? (int)Math.Clamp(content.Length - content.Position + 1, 1, _blockSize) : FirstBuffer;
        int limit = Math.Min(known, _blockSize);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(limit);
        try
        {
            for (int filled = 0; ;)
            {
                int read = await content.ReadAsync(buffer.AsMemory(filled, limit - filled), cancellationToken).ConfigureAwait(false);
                filled += read;
                if (read == 0 || filled == _blockSize)
                {
                    return (buffer, filled);
                }

                if (filled == limit)
                {
                    limit = (int)Math.Min(limit * 2L, _blockSize);
                    byte[] larger = ArrayPool<byte>.Shared.Rent(limit);
                    buffer.AsSpan(0, filled).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private async ValueTask<(byte[] Buffer, int Filled)> FillOrReturnAsync(byte[] held, Stream content, CancellationToken cancellationToken)
    {
        try
        {
            return await FillAsync(content, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(held);
            throw;
        }
    }
}

using System.Buffers;
using System.Globalization;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Mlops.Sdk.Azure;

/// <content>Reading: the first block at once, the others ahead of the reader, all of one state.</content>
public sealed partial class AzureBlobObjectStore
{
    private const long LargestBlob = 1L << 48; // beyond what the service can hold; keeps offsets it cannot read out of requests

    /// <inheritdoc/>
    public async ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        return await GuardedAsync($"read '{key}' from", ct => OpenAsync(key, blob, range ?? new ByteRange(0), ct), cancellationToken).ConfigureAwait(false);
    }

    private async Task<Stream?> OpenAsync(ObjectKey key, BlockBlobClient blob, ByteRange part, CancellationToken cancellationToken)
    {
        for (int race = 0; race < MaxRaces; race++)
        {
            if (part.Offset is >= 0 and < LargestBlob && part.Length is null or > 0)
            {
                try
                {
                    var first = new HttpRange(part.Offset, Math.Min(part.Length ?? long.MaxValue, _blockSize));
                    using BlobDownloadStreamingResult answer = await blob.DownloadStreamingAsync(new BlobDownloadOptions { Range = first }, cancellationToken).ConfigureAwait(false);
                    return await TakeAsync(key, blob, part, answer, cancellationToken).ConfigureAwait(false);
                }
                catch (RequestFailedException refusal) when (IsAbsent(refusal))
                {
                    return null;
                }
                catch (RequestFailedException refusal) when (IsConditionNotMet(refusal))
                {
                    continue; // replaced while its first bytes came
                }
                catch (RequestFailedException refusal) when (refusal.Status == 416)
                {
                    // it is empty or ends before: a look-up tells which
                }
            }

            if (await PropertiesAsync(blob, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return null;
            }

            if (part.Offset < 0 || part.Length < 0 || part.Offset > found.ContentLength)
            {
                throw new MlopsStorageException("store.invalid_range", $"'{key}' has {found.ContentLength} bytes; the range starts at {part.Offset}{(part.Length is { } length ? $" and has {length}" : string.Empty)}. Ask for a range inside the object.");
            }

            if (part.Offset == found.ContentLength || part.Length == 0)
            {
                return new MemoryStream([], 0, 0, writable: false, publiclyVisible: true);
            }
        }

        throw new MlopsStorageException("store.unavailable", $"Cannot read '{key}' from the {Description}: it was replaced {MaxRaces} times while its first bytes came. Try again.");
    }

    /// <summary>Reads the first block whole: what is not longer is of one state whatever happens then.</summary>
    private async Task<Stream> TakeAsync(ObjectKey key, BlockBlobClient blob, ByteRange part, BlobDownloadStreamingResult answer, CancellationToken cancellationToken)
    {
        BlobDownloadDetails details = answer.Details;
        string total = details.ContentRange is { } said && said.LastIndexOf('/') is var slash and >= 0 ? said[(slash + 1)..] : string.Empty;
        if (details.ContentLength < 0 || details.ContentLength > _blockSize || !long.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out long length) || length < part.Offset + details.ContentLength)
        {
            throw new MlopsStorageException("store.unavailable", $"Cannot read '{key}' from the {Description}: the answer does not say which part of the object it is. Look whether something stands between this process and the service.");
        }

        byte[] bytes = new byte[details.ContentLength];
        await answer.Content.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        long rest = Math.Min(part.Length ?? long.MaxValue, length - part.Offset) - bytes.Length;
        if (rest == 0)
        {
            return new MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true);
        }

        var pin = new Pin(details.ETag, details.Metadata.TryGetValue(PutId, out string? id) ? id : null, length);
        return new BlobReadStream(bytes, part.Offset + bytes.Length, rest, _blockSize, _parallelism, (offset, count, ct) => FetchAsync(key, blob, pin, offset, count, ct));
    }

    /// <summary>Reads one more block of a pinned state into a rented buffer.</summary>
    private async Task<byte[]> FetchAsync(ObjectKey key, BlockBlobClient blob, Pin pin, long offset, int count, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            return await GuardedAsync(
                $"read '{key}' from",
                async ct =>
                {
                    for (int race = 0; race < MaxRaces; race++)
                    {
                        try
                        {
                            using BlobDownloadStreamingResult answer = await blob.DownloadStreamingAsync(
                                new BlobDownloadOptions { Range = new HttpRange(offset, count), Conditions = new BlobRequestConditions { IfMatch = pin.ETag } }, ct).ConfigureAwait(false);
                            await answer.Content.ReadExactlyAsync(buffer.AsMemory(0, count), ct).ConfigureAwait(false);
                            return buffer;
                        }
                        catch (RequestFailedException refusal) when (IsConditionNotMet(refusal) || IsAbsent(refusal))
                        {
                            // touching changes the ETag and not the bytes: the put's id tells
                            BlobProperties? found = await PropertiesAsync(blob, ct).ConfigureAwait(false);
                            if (pin.PutId is null || !IsOf(found, pin.PutId) || found!.ContentLength != pin.Length)
                            {
                                throw new MlopsStorageException("store.changed_while_read", $"'{key}' in the {Description} was {(found is null ? "removed" : "replaced")} while it was read, at byte {offset}. What was read before is of the old state; open it again.", refusal);
                            }

                            pin.ETag = found.ETag;
                        }
                    }

                    throw new MlopsStorageException("store.unavailable", $"Cannot read '{key}' from the {Description}: it was touched {MaxRaces} times while a block came. Try again.");
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>The state that a reader holds on to.</summary>
    private sealed class Pin(ETag etag, string? putId, long length)
    {
        private string _etag = etag.ToString("H");

        internal string? PutId => putId;

        internal long Length => length;

        internal ETag ETag
        {
            get => new(Volatile.Read(ref _etag));
            set => Volatile.Write(ref _etag, value.ToString("H"));
        }
    }
}

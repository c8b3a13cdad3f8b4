using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs.Models;

namespace Mlops.Sdk.Azure;

/// <content>Listing, page by page, from where the caller wants it.</content>
public sealed partial class AzureBlobObjectStore
{
    private const int FirstPage = 500; // many callers want the first few only
    private const int LaterPages = 5000;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectKey.CheckPrefix(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        bool isInside = after is not null && after.StartsWith(prefix, StringComparison.Ordinal);
        if (after is not null && !isInside && string.CompareOrdinal(after, prefix) > 0)
        {
            yield break; // every key with this prefix comes before it
        }

        var options = new GetBlobsOptions { Prefix = _prefix + prefix, StartFrom = after is not null && isInside && IsPlain(after) ? _prefix + after : null };
        string last = string.Empty;
        string? marker = null;
        do
        {
            string? from = marker;
            Page<BlobItem>? page = await GuardedAsync("list", ct => PageAsync(options, from, ct), cancellationToken).ConfigureAwait(false);
            foreach (BlobItem blob in page?.Values ?? [])
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!blob.Name.StartsWith(options.Prefix, StringComparison.Ordinal) || !ObjectKey.TryParse(blob.Name[_prefix.Length..], out ObjectKey key)
                    || blob.Properties is not { ContentLength: { } length, ETag: { } etag, LastModified: { } modified }
                    || (after is not null && string.CompareOrdinal(key.Value, after) <= 0))
                {
                    continue; // not ours, or the service did not skip it
                }

                if (string.CompareOrdinal(key.Value, last) <= 0)
                {
                    throw new MlopsStorageException("store.unordered", $"The {Description} lists '{key}' after '{last}'; ordinal order was expected. Use a storage account without hierarchical namespace.");
                }

                last = key.Value;
                yield return new ObjectInfo(key, length, TextOf(etag), modified);
            }

            marker = page?.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(marker));
    }

    private async Task<Page<BlobItem>?> PageAsync(GetBlobsOptions options, string? marker, CancellationToken cancellationToken)
    {
        IAsyncEnumerable<Page<BlobItem>> pages = _container.GetBlobsAsync(options, cancellationToken).AsPages(marker, marker is null ? FirstPage : LaterPages);
        await foreach (Page<BlobItem> page in pages.ConfigureAwait(false))
        {
            return page;
        }

        return null;
    }

    /// <summary>Tells whether a text can go to the service as the start of a listing; any other one is compared here.</summary>
    private static bool IsPlain(string after) => after.Length is > 0 and <= ObjectKey.MaxLength && after.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.' or '/');
}

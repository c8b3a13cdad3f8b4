using Azure;
using Azure.Core;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Mlops.Sdk.Azure;

/// <summary>A container of Azure Blob Storage as a store, shared by any number of processes and machines. Thread-safe.</summary>
/// <remarks>
/// An object is one block blob. If-absent and if-match are conditions that the service checks together with the write, so exactly one of
/// many writers wins; a blob appears whole or not at all. Every write carries an id in the blob's metadata: when an answer is lost and
/// the client's own retry is refused by what the first attempt wrote, the store finds its id and tells the truth. An object longer than
/// a block is read in blocks that are pinned to what was written at once: when it is replaced meanwhile, reading on fails with
/// <c>store.changed_while_read</c>. Of writes of such objects to one key at the same time, a replacement that another one overtook
/// counts as overwritten at once: it is told as written, with an ETag that matches nothing.
/// <para>
/// Use a general-purpose account with a flat namespace. A container, unlike a folder, can hold both <c>a</c> and <c>a/b</c>. A removal
/// whose answer was lost may be told as false though it was done.
/// </para>
/// </remarks>
public sealed partial class AzureBlobObjectStore : IResumableObjectStore
{
    private const string PutId = "mlopsput";
    private const int MaxRaces = 50;

    private readonly BlobContainerClient _container;
    private readonly string _prefix;
    private readonly int _blockSize;
    private readonly int _parallelism;
    private readonly bool _createContainer;
    private volatile bool _containerSeen;

    /// <summary>Creates a store by a connection string. Nothing is sent yet.</summary>
    /// <param name="connectionString">The connection string of the storage account. Holds its key: keep it out of source code.</param>
    /// <param name="container">The name of the container.</param>
    /// <param name="options">How to work with it; null for defaults.</param>
    /// <exception cref="MlopsException">The connection string does not read, the name is no container's, or an option is out of range; code <c>store.invalid_option</c>.</exception>
    public AzureBlobObjectStore(string connectionString, string container, AzureBlobOptions? options = null)
        : this(Connect(connectionString, container, options), options)
    {
    }

    /// <summary>Creates a store by the address of a container and a credential, such as a managed identity. Nothing is sent yet.</summary>
    /// <param name="container">The address of the container, such as <c>https://account.blob.core.windows.net/mlops</c>.</param>
    /// <param name="credential">The credential. It needs the role Storage Blob Data Contributor.</param>
    /// <param name="options">How to work with it; null for defaults.</param>
    /// <exception cref="MlopsException">The address is none of a container, or an option is out of range; code <c>store.invalid_option</c>.</exception>
    public AzureBlobObjectStore(Uri container, TokenCredential credential, AzureBlobOptions? options = null)
        : this(Connect(container, credential, options), options)
    {
    }

    /// <summary>Creates a store of a client that the caller has made: with a shared access signature, another cloud, or a policy of its own. Nothing is sent yet.</summary>
    /// <param name="container">The client.</param>
    /// <param name="options">How to work with it; null for defaults.</param>
    /// <exception cref="MlopsException">An option is out of range; code <c>store.invalid_option</c>.</exception>
    public AzureBlobObjectStore(BlobContainerClient container, AzureBlobOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(container);
        options ??= new AzureBlobOptions();
        options.Check();
        _container = container;
        _prefix = options.Prefix.Length == 0 ? string.Empty : options.Prefix + "/";
        _blockSize = options.BlockSize;
        _parallelism = options.Parallelism;
        _createContainer = options.CreateContainer;
        Description = $"blob container {container.Uri.Authority}{container.Uri.AbsolutePath.TrimEnd('/')}{(_prefix.Length == 0 ? string.Empty : $" below '{_prefix}'")}";
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        BlobProperties? found = await GuardedAsync($"look '{key}' up in", ct => PropertiesAsync(blob, ct), cancellationToken).ConfigureAwait(false);
        return found is null ? null : new ObjectInfo(key, found.ContentLength, TextOf(found.ETag), found.LastModified);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        if (ifMatch is not null && !CouldMatch(ifMatch))
        {
            return false;
        }

        return await GuardedAsync(
            $"remove '{key}' from",
            async ct =>
            {
                try
                {
                    await blob.DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, ifMatch is null ? null : new BlobRequestConditions { IfMatch = new ETag(ifMatch) }, ct).ConfigureAwait(false);
                    return true;
                }
                catch (RequestFailedException refusal) when (IsAbsent(refusal) || IsConditionNotMet(refusal))
                {
                    return false;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        return await GuardedAsync($"touch '{key}' in", ct => TouchAsync(key, blob, ct), cancellationToken).ConfigureAwait(false);
    }

    private static BlobContainerClient Connect(string connectionString, string container, AzureBlobOptions? options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        ArgumentException.ThrowIfNullOrWhiteSpace(container);
        CheckName(container);
        try
        {
            return new BlobContainerClient(connectionString, container, options?.Client);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or InvalidOperationException)
        {
            // not the cause's message: it may quote the string, and with it the key
            throw new MlopsException("store.invalid_option", "The connection string does not read. Copy it from the storage account's access keys: 'DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...;EndpointSuffix=...'.");
        }
    }

    private static BlobContainerClient Connect(Uri container, TokenCredential credential, AzureBlobOptions? options)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(credential);
        if (!container.IsAbsoluteUri || container.Scheme != Uri.UriSchemeHttps || container.Query.Length > 0)
        {
            throw new MlopsException("store.invalid_option", "The address of a container with a credential is an https one without a query, such as 'https://account.blob.core.windows.net/mlops'. For a shared access signature give a BlobContainerClient.");
        }

        CheckName(new BlobUriBuilder(container).BlobContainerName);
        return new BlobContainerClient(container, credential, options?.Client);
    }

    private static void CheckName(string name)
    {
        bool ok = name.Length is >= 3 and <= 63 && !name.StartsWith('-') && !name.EndsWith('-') && !name.Contains("--", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
        if (!ok)
        {
            throw new MlopsException("store.invalid_option", $"A container's name has 3 to 63 of a-z, 0-9 and single '-' inside; '{new string([.. name.Take(64).Select(c => char.IsControl(c) ? '?' : c)])}' is none.");
        }
    }

    /// <summary>Headers carry quotes and listings do not: without them they are the same.</summary>
    private static string TextOf(ETag etag) => etag.ToString().Trim('"');

    /// <summary>Tells whether a text can be the ETag of a blob. A star would match any.</summary>
    private static bool CouldMatch(string etag) =>
        etag.Length is > 0 and <= 128 && etag != "*" && !etag.StartsWith("W/", StringComparison.Ordinal) && etag.All(c => c is > ' ' and < (char)127 and not '"');

    private BlockBlobClient BlobOf(ObjectKey key) => _container.GetBlockBlobClient(_prefix + key.Value);

    private static async Task<BlobProperties?> PropertiesAsync(BlockBlobClient blob, CancellationToken cancellationToken)
    {
        try
        {
            return await blob.GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException refusal) when (IsAbsent(refusal))
        {
            return null;
        }
    }

    private async Task<bool> TouchAsync(ObjectKey key, BlockBlobClient blob, CancellationToken cancellationToken)
    {
        ETag? first = null;
        for (int race = 0; race < MaxRaces; race++)
        {
            if (await PropertiesAsync(blob, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return false;
            }

            if (first is { } before && before != found.ETag)
            {
                return true; // somebody else gave it a new time and ETag since this call began: that is what was wanted
            }

            first = found.ETag;
            try
            {
                await blob.SetMetadataAsync(found.Metadata, new BlobRequestConditions { IfMatch = found.ETag }, cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (RequestFailedException refusal) when (IsConditionNotMet(refusal) || IsAbsent(refusal))
            {
                // somebody wrote, touched or removed it in between
            }
        }

        throw new MlopsStorageException("store.unavailable", $"Cannot touch '{key}' in the {Description}: others wrote to it {MaxRaces} times in between. Try again.");
    }
}

namespace Mlops.Sdk;

/// <summary>A store that takes in a large object in parts and, after a crash, goes on behind the last part that was durable.</summary>
/// <remarks>
/// Optional: asked for by <c>store is IResumableObjectStore</c>. Nothing of an upload is visible before it is completed. What nobody
/// goes on with is removed by the store after some days.
/// </remarks>
public interface IResumableObjectStore : IObjectStore
{
    /// <summary>Starts an upload, or goes on with one that was begun with the same key and id and not completed.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="uploadId">
    /// What tells uploads apart: 1 to 128 of <c>a-z 0-9 -</c>. Use the content's digest: two uploads with one id are taken to be of the same bytes.
    /// </param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>
    /// The upload, to be disposed by the caller; null when the store cannot do it here (a wrapper around a store that cannot): put the object then.
    /// When another process has the same upload open at this moment, a store may begin a new one instead of sharing it.
    /// </returns>
    ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default);
}

/// <summary>An object that is being sent in parts. Not thread-safe. Disposing it without completing it keeps what is durable, to go on with.</summary>
public interface IObjectUpload : IAsyncDisposable
{
    /// <summary>Gets the parts that were durable when the upload was opened: in order, from offset 0, without a gap; empty for a new upload.</summary>
    /// <remarks>The caller compares their digests with its own bytes and appends what comes after them, or abandons the upload when they differ.</remarks>
    IReadOnlyList<UploadPart> Parts { get; }

    /// <summary>Appends the next part behind <see cref="Parts"/> and the parts appended before.</summary>
    /// <param name="part">The bytes, 1 to 64 MiB; free to be used again when the call returns. At most 50,000 parts make an object.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>
    /// A task that ends when the store has taken the bytes over. They may become durable later, in the order in which they were appended
    /// or not; a failure of an earlier part may be thrown by a later call.
    /// </returns>
    ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default);

    /// <summary>Makes everything durable and gives the object its key, whole or not at all.</summary>
    /// <param name="condition">What must hold for that.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>As of <see cref="IObjectStore.PutAsync"/>. When the condition does not hold the parts are dropped; when the call fails they stay.</returns>
    ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default);

    /// <summary>Drops all parts, so that the upload starts anew at offset 0; <see cref="Parts"/> is then empty.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when they are dropped or will never be seen again.</returns>
    ValueTask AbandonAsync(CancellationToken cancellationToken = default);
}

/// <summary>A durable part of an upload.</summary>
/// <param name="Offset">Where it begins in the object.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Digest">The SHA-256 digest of its bytes.</param>
public readonly record struct UploadPart(long Offset, int Length, Digest Digest);

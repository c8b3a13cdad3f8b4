namespace Mlops.Sdk;

/// <summary>The only thing that touches a medium: a folder, a blob container, memory.</summary>
/// <remarks>
/// Every implementation is safe for concurrent callers in one and in many processes, makes writes durable before it answers,
/// and makes each write visible whole or not at all. <c>ObjectStoreConformance</c> in Mlops.Sdk.Testing is the contract as tests.
/// Errors: <see cref="MlopsStorageException"/> with <c>store.access_denied</c>, <c>store.full</c>, <c>store.unavailable</c> or <c>store.invalid_key</c>.
/// </remarks>
public interface IObjectStore
{
    /// <summary>Gets a short name of the place for messages, such as <c>folder mlops-data</c>. Holds no secret.</summary>
    string Description { get; }

    /// <summary>Writes an object whole.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="content">The bytes, read to the end from the current position; not disposed.</param>
    /// <param name="condition">What must hold for the write to happen.</param>
    /// <param name="cancellationToken">Stops the write; the object is then as it was or, if the write had taken effect, as written.</param>
    /// <returns>Whether the write happened, and the object's ETag if it did. A condition that does not hold is a result, not an error.</returns>
    ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default);

    /// <summary>Opens an object for reading.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="range">The part to read, or null for all.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The bytes, to be disposed by the caller, or null when there is no such object. A reader sees one state of the object even when it is replaced meanwhile.</returns>
    ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default);

    /// <summary>Looks an object up without reading it.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Its facts, or null when there is no such object.</returns>
    ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default);

    /// <summary>Lists objects in ordinal order of their keys.</summary>
    /// <param name="prefix">What the keys start with; empty for all.</param>
    /// <param name="after">Only keys that come after this one in ordinal order, or null.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <returns>The objects. One written or removed while the listing runs may or may not appear.</returns>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default);

    /// <summary>Removes an object.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="ifMatch">Only if the object still has this ETag, or null for any.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>True when an object was removed; false when there was none or its ETag is another one.</returns>
    ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default);

    /// <summary>Says that an object is still wanted: gives it the present time and a new ETag and leaves its bytes alone, so that a delete by the old ETag no longer finds it.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>True when the object was there; false when there is none.</returns>
    ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default);
}

/// <summary>Facts about a stored object.</summary>
/// <param name="Key">The object's key.</param>
/// <param name="Length">The length in bytes.</param>
/// <param name="ETag">A text that changes whenever the object does.</param>
/// <param name="Modified">When it was last written, by the medium's clock.</param>
public sealed record ObjectInfo(ObjectKey Key, long Length, string ETag, DateTimeOffset Modified);

/// <summary>The outcome of a put.</summary>
/// <param name="Written">True when the object was written.</param>
/// <param name="ETag">The new ETag when written, otherwise null.</param>
public readonly record struct PutResult(bool Written, string? ETag);

/// <summary>A part of an object.</summary>
/// <param name="Offset">The first byte, from 0.</param>
/// <param name="Length">How many bytes at most, or null for the rest.</param>
public readonly record struct ByteRange(long Offset, long? Length = null);

/// <summary>What must hold for a put to happen.</summary>
public readonly record struct PutCondition
{
    private PutCondition(bool ifAbsent, string? ifMatch)
    {
        MustBeAbsent = ifAbsent;
        ETag = ifMatch;
    }

    /// <summary>Gets the condition that always holds: write or replace.</summary>
    public static PutCondition Any => default;

    /// <summary>Gets the condition that no object has the key yet.</summary>
    public static PutCondition IfAbsent => new(true, null);

    /// <summary>Gets whether no object may have the key yet.</summary>
    public bool MustBeAbsent { get; }

    /// <summary>Gets the ETag that the present object must have, or null.</summary>
    public string? ETag { get; }

    /// <summary>Makes the condition that the object still has an ETag.</summary>
    /// <param name="etag">The ETag a read or an earlier put told.</param>
    /// <returns>The condition.</returns>
    public static PutCondition IfMatch(string etag)
    {
        ArgumentException.ThrowIfNullOrEmpty(etag);
        return new(false, etag);
    }
}

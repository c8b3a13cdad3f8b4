using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <summary>A store that takes content in before its key is known: written once while it is hashed, and named at the end.</summary>
/// <remarks>Optional: asked for by <c>store is IStagingObjectStore</c>. Staged content is invisible: no listing, look-up or open finds it.</remarks>
public interface IStagingObjectStore : IObjectStore
{
    /// <summary>Starts to stage content, or goes on with what was staged with the same id before.</summary>
    /// <param name="stageId">What to find it by after a crash: 1 to 128 of <c>a-z 0-9 -</c>; null for content that goes with its disposal.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>
    /// The staged content, to be disposed by the caller; null when the store cannot do it here (a wrapper around a store that cannot): put the object then.
    /// When another process is staging with the same id at this moment, it is new and goes with its disposal.
    /// </returns>
    ValueTask<IStagedObject?> StageAsync(string? stageId = null, CancellationToken cancellationToken = default);
}

/// <summary>Content without a key yet. One caller appends while another one may read what is there.</summary>
/// <remarks>Disposed without being published it goes, unless it has an id: then it stays to be gone on with and is removed by the store after some days.</remarks>
public interface IStagedObject : IAsyncDisposable
{
    /// <summary>Gets how many bytes are staged. Bytes staged before a crash are to be checked by the caller: after a power failure the last of them may be others.</summary>
    long Length { get; }

    /// <summary>Appends bytes.</summary>
    /// <param name="bytes">The bytes; free to be used again when the call returns.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when they are there, durable or not yet.</returns>
    ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default);

    /// <summary>Appends a part of a file the fastest way the medium has.</summary>
    /// <param name="source">The file, open for reading.</param>
    /// <param name="offset">Where the part begins in the file.</param>
    /// <param name="length">How many bytes it has at most.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>How many bytes were appended; fewer than asked for only when the file ends.</returns>
    ValueTask<long> AppendFileAsync(SafeFileHandle source, long offset, long length, CancellationToken cancellationToken = default);

    /// <summary>Reads what is staged.</summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="buffer">Where to put the bytes.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>How many bytes were read; 0 at the end of what is staged so far.</returns>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Drops what is staged, so that it starts anew.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when nothing is staged.</returns>
    ValueTask ClearAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes the content durable and gives it its key, whole or not at all. Nothing else than disposing it may follow a publishing that was done.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="condition">What must hold for that.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>As of <see cref="IObjectStore.PutAsync"/>.</returns>
    ValueTask<PutResult> PublishAsync(ObjectKey key, PutCondition condition = default, CancellationToken cancellationToken = default);
}

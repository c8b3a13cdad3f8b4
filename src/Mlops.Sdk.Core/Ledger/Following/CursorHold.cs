namespace Mlops.Sdk;

/// <summary>A held cursor: what this process last wrote, and what it has handled since. Every write names the ETag of the one before, so a process that was paused and lost the name cannot move the cursor back.</summary>
internal sealed class CursorHold : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly IObjectStore _store;
    private readonly TimeProvider _time;
    private readonly IIdGenerator _ids;
    private readonly TimeSpan _lease;
    private CursorDocument _written;
    private string _etag;
    private long _next;
    private long _confirmed;

    internal CursorHold(IObjectStore store, TimeProvider time, IIdGenerator ids, CursorDocument held, string etag, TimeSpan lease)
    {
        (_store, _time, _ids, _lease) = (store, time, ids, lease);
        (_written, _etag, _next, _confirmed) = (held, etag, held.Next, time.GetTimestamp());
        (Epoch, Holder) = (held.Epoch, held.Holder);
    }

    internal long Epoch { get; }

    private string? Holder { get; }

    internal long Next => Volatile.Read(ref _next);

    internal bool HasUnsaved => Next != _written.Next;

    /// <summary>Gets for how long nobody confirmed that the name is ours.</summary>
    internal TimeSpan SinceConfirmed => _time.GetElapsedTime(Volatile.Read(ref _confirmed));

    internal bool MayHaveExpired => SinceConfirmed >= _lease;

    internal void Advance(long next) => Volatile.Write(ref _next, next);

    public void Dispose() => _writing.Dispose();

    /// <summary>Writes the place and renews the lease, or gives the name up.</summary>
    /// <returns>False when another process has the name now: nothing was written.</returns>
    internal async ValueTask<bool> SaveAsync(bool release, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            long asked = _time.GetTimestamp(); // the lease counts from before the write
            CursorDocument next = _written with
            {
                Next = Next,
                Holder = release ? null : Holder,
                Until = release ? null : _time.GetUtcNow() + _lease,
                Token = _ids.NewId(),
            };
            string? written = await CursorObject.TryPutAsync(_store, next, PutCondition.IfMatch(_etag), cancellationToken).ConfigureAwait(false);
            if (written is null && await CursorObject.ReadAsync(_store, next.Name, cancellationToken).ConfigureAwait(false) is { } there && there.Cursor.Holder == Holder && there.Cursor.Epoch == Epoch)
            {
                // an earlier write of ours took effect though its answer was lost: the name is still ours
                written = await CursorObject.TryPutAsync(_store, next, PutCondition.IfMatch(there.ETag), cancellationToken).ConfigureAwait(false);
            }

            if (written is null)
            {
                return false;
            }

            (_written, _etag) = (next, written);
            Volatile.Write(ref _confirmed, asked);
            return true;
        }
        finally
        {
            _writing.Release();
        }
    }
}

/// <summary>Reads and writes cursor objects.</summary>
internal static class CursorObject
{
    private const int MaxLooks = 20;

    /// <summary>Reads a cursor together with the ETag that it has; null when there is none.</summary>
    internal static async ValueTask<(CursorDocument Cursor, string ETag)?> ReadAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        ObjectKey key = CursorDocument.KeyOf(name);
        for (int look = 0; ; look++)
        {
            ObjectInfo? before = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
            byte[]? bytes = await ReadBytesAsync(store, name, key, cancellationToken).ConfigureAwait(false);
            ObjectInfo? after = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
            if (before?.ETag == after?.ETag && before is null == bytes is null)
            {
                return bytes is null ? null : (CursorDocument.Read(name, bytes), after!.ETag);
            }

            if (look == MaxLooks)
            {
                throw new MlopsStorageException("store.unavailable", $"'{key}' in the {store.Description} changed every time it was looked at. Fewer processes should work for one subscriber.");
            }
        }
    }

    /// <summary>Writes a cursor if the condition holds.</summary>
    /// <returns>The new ETag, or null when the condition did not hold. A store that failed after it may have written is asked what is there.</returns>
    internal static async ValueTask<string?> TryPutAsync(IObjectStore store, CursorDocument cursor, PutCondition condition, CancellationToken cancellationToken)
    {
        try
        {
            using var content = new MemoryStream(cursor.Write(), writable: false);
            PutResult result = await store.PutAsync(CursorDocument.KeyOf(cursor.Name), content, condition, cancellationToken).ConfigureAwait(false);
            if (result.Written)
            {
                return result.ETag;
            }
        }
        catch (MlopsStorageException error) when (error.Code == "store.unavailable")
        {
            // the answer may have been lost after the write took effect: the token tells
            if (await ReadAsync(store, cursor.Name, cancellationToken).ConfigureAwait(false) is { } there && there.Cursor.Token == cursor.Token)
            {
                return there.ETag;
            }

            throw;
        }

        // a store's client may have tried twice and met its own first try
        return await ReadAsync(store, cursor.Name, cancellationToken).ConfigureAwait(false) is { } found && found.Cursor.Token == cursor.Token ? found.ETag : null;
    }

    private static async ValueTask<byte[]?> ReadBytesAsync(IObjectStore store, string name, ObjectKey key, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                return await BoundedReading.ReadAllAsync(stream, CursorDocument.MaxBytes, cancellationToken).ConfigureAwait(false)
                    ?? throw CursorDocument.Unreadable(name, $"it has more than {CursorDocument.MaxBytes} bytes", null);
            }
            catch (IOException error)
            {
                throw new MlopsStorageException("store.unavailable", $"Reading '{key}' of the {store.Description} broke off: {error.Message} Try again.", error);
            }
        }
    }
}

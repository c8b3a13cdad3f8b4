using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <summary>A temporary file of a <see cref="FolderObjectStore"/> that is being filled. With a lock it has an id and outlives its process.</summary>
internal sealed class FolderStagedObject(FolderObjectStore store, string path, SafeFileHandle handle, FileStream? idLock) : IStagedObject
{
    private const int CopyBlock = 1 << 24;
    private const int WriteBlock = 1 << 20;
    private const long DurableEvery = 1L << 26; // so that the last flush is short, and a power failure costs little

    private long _length = RandomAccess.GetLength(handle);
    private long _flushing = RandomAccess.GetLength(handle);
    private Task _flush = Task.CompletedTask;
    private bool _published;
    private bool _dropped;
    private bool _disposed;

    public long Length => Interlocked.Read(ref _length);

    public ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Done(store.GuardAsync("stage content in", () =>
        {
            RandomAccess.Write(handle, bytes.Span, _length);
            Advance(bytes.Length);
            return Task.FromResult(true);
        }));
    }

    public ValueTask<long> AppendFileAsync(SafeFileHandle source, long offset, long length, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return store.GuardAsync("stage content in", () => Task.Run(() => Copy(source, offset, length, cancellationToken), cancellationToken));
    }

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return store.GuardAsync("read staged content of", () =>
        {
            int count = (int)Math.Clamp(Length - offset, 0, buffer.Length);
            return Task.FromResult(count == 0 ? 0 : RandomAccess.Read(handle, buffer.Span[..count], offset));
        });
    }

    public ValueTask ClearAsync(CancellationToken cancellationToken = default) => Done(store.GuardAsync("stage content in", async () =>
    {
        await _flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        RandomAccess.SetLength(handle, 0);
        Interlocked.Exchange(ref _length, 0);
        _flushing = 0;
        return true;
    }));

    public ValueTask<PutResult> PublishAsync(ObjectKey key, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        return store.GuardAsync($"write '{key}' to", async () =>
        {
            if (!store.MayPut(key, condition))
            {
                return default;
            }

            await _flush.ConfigureAwait(false);
            DateTime written = store.Tick();
            File.SetLastWriteTimeUtc(handle, written);
            RandomAccess.FlushToDisk(handle);
            handle.Dispose(); // Windows renames no open file; the lock of the id is another file
            PutResult result = await store.PublishAsync(key, path, _length, written, condition, cancellationToken).ConfigureAwait(false);
            _published = result.Written;
            return result;
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        handle.Dispose();
        if (!_published && (_dropped || idLock is null || Length == 0))
        {
            File.Delete(path);
        }

        idLock?.Dispose();
    }

    /// <summary>Lets the file go with the disposal though it has an id.</summary>
    internal void Drop() => _dropped = true;

    /// <summary>Makes what is there durable and waits for it.</summary>
    internal ValueTask FlushAsync() => Done(store.GuardAsync("stage content in", async () =>
    {
        await _flush.ConfigureAwait(false);
        RandomAccess.FlushToDisk(handle);
        return true;
    }));

    private static async ValueTask Done(ValueTask<bool> work) => await work.ConfigureAwait(false);

    private long Copy(SafeFileHandle source, long offset, long length, CancellationToken cancellationToken)
    {
        long copied = 0;
        bool fast = true;
        byte[]? buffer = null;
        try
        {
            while (copied < length)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long step = fast ? DurableFiles.TryCopyRange(source, offset + copied, handle, _length, Math.Min(CopyBlock, length - copied)) : 0;
                if (step <= 0)
                {
                    // not here, or the end: reading tells which
                    fast = false;
                    buffer ??= ArrayPool<byte>.Shared.Rent(WriteBlock);
                    step = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - copied)), offset + copied);
                    if (step == 0)
                    {
                        break;
                    }

                    RandomAccess.Write(handle, buffer.AsSpan(0, (int)step), _length);
                }

                copied += step;
                Advance(step);
            }

            return copied;
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private void Advance(long count)
    {
        long length = Interlocked.Add(ref _length, count);
        if (length - _flushing >= DurableEvery && _flush.IsCompletedSuccessfully)
        {
            _flushing = length;
            _flush = Task.Run(() => RandomAccess.FlushToDisk(handle));
        }
    }
}

using System.Buffers;

namespace Mlops.Sdk.Azure;

/// <summary>Reads a large object: the first block is there, the others are fetched ahead, more of them as long as the reader goes on.</summary>
internal sealed class BlobReadStream : Stream
{
    private readonly int _blockSize;
    private readonly int _parallelism;
    private readonly Func<long, int, CancellationToken, Task<byte[]>> _fetch;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<(Task<byte[]> Block, int Length)> _ahead = new();
    private byte[] _current;
    private int _length;
    private int _position;
    private bool _rented;
    private long _next;
    private long _left;
    private int _window = 1;
    private bool _disposed;

    internal BlobReadStream(byte[] first, long next, long left, int blockSize, int parallelism, Func<long, int, CancellationToken, Task<byte[]>> fetch)
    {
        (_current, _length, _next, _left) = (first, first.Length, next, left);
        (_blockSize, _parallelism, _fetch) = (blockSize, parallelism, fetch);
    }

    public override bool CanRead => !_disposed;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.Length == 0)
        {
            return 0;
        }

        LookAhead();
        if (_position == _length)
        {
            if (_ahead.Count == 0)
            {
                return 0;
            }

            (Task<byte[]> block, int length) = _ahead.Peek();
            byte[] next = await block.WaitAsync(cancellationToken).ConfigureAwait(false); // one that failed stays and fails again
            _ahead.Dequeue();
            ReturnCurrent();
            (_current, _length, _position, _rented) = (next, length, 0, true);
            _window = Math.Min(_window + 1, _parallelism);
            LookAhead();
        }

        int count = Math.Min(buffer.Length, _length - _position);
        _current.AsSpan(_position, count).CopyTo(buffer.Span);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ = CloseAsync();
        }

        base.Dispose(disposing);
    }

    private void LookAhead()
    {
        while (_left > 0 && _ahead.Count < _window)
        {
            int count = (int)Math.Min(_blockSize, _left);
            _ahead.Enqueue((_fetch(_next, count, _stop.Token), count));
            _next += count;
            _left -= count;
        }
    }

    private void ReturnCurrent()
    {
        if (_rented)
        {
            ArrayPool<byte>.Shared.Return(_current);
            (_current, _length, _position, _rented) = ([], 0, 0, false);
        }
    }

    /// <summary>Stops what is on its way and gives its buffers back when it has ended.</summary>
    private async Task CloseAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        ReturnCurrent();
        _left = 0;
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach ((Task<byte[]> block, _) in _ahead)
        {
            await ((Task)block).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (block.IsCompletedSuccessfully)
            {
                ArrayPool<byte>.Shared.Return(await block.ConfigureAwait(false));
            }
        }

        _stop.Dispose();
    }
}

using System.Buffers;
using System.Threading.Channels;

namespace Mlops.Sdk;

/// <summary>Reads another stream, which it owns, on another thread once it turns out to be long: so that reading and hashing run beside what the caller does with the bytes.</summary>
/// <remarks>Holds at most <see cref="Blocks"/> + 2 blocks. The bytes come in order, and an error comes where it happened.</remarks>
internal sealed class ReadAheadStream(Stream inner) : ReadOnlyStream
{
    private const int Block = 1 << 19;
    private const int Blocks = 4;
    private const long Patience = 1 << 20; // what is shorter is read by the caller's own thread

    private readonly CancellationTokenSource _stop = new();
    private Channel<(byte[] Bytes, int Length)>? _ahead;
    private Task _reading = Task.CompletedTask;
    private (byte[] Bytes, int Length, int Taken) _current = ([], 0, 0);
    private long _direct;
    private bool _disposed;

    public override int Read(Span<byte> buffer)
    {
        if (_ahead is null && _direct < Patience)
        {
            int read = inner.Read(buffer);
            _direct += read;
            return read;
        }

        return buffer.Length == 0 || !(HasCurrent || NextAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult()) ? 0 : Take(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ahead is null && _direct < Patience)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            _direct += read;
            return read;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return buffer.Length == 0 || !(HasCurrent || await NextAsync(cancellationToken).ConfigureAwait(false)) ? 0 : Take(buffer.Span);
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            await _stop.CancelAsync().ConfigureAwait(false);
            await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Return();
            await inner.DisposeAsync().ConfigureAwait(false);
            _stop.Dispose();
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _stop.Cancel();
            _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            Return();
            inner.Dispose();
            _stop.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool HasCurrent => _current.Taken < _current.Length;

    private int Take(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _current.Length - _current.Taken);
        _current.Bytes.AsSpan(_current.Taken, count).CopyTo(buffer);
        _current.Taken += count;
        return count;
    }

    /// <summary>Waits for the next block; false at the end.</summary>
    private async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
    {
        if (_ahead is null)
        {
            _ahead = Channel.CreateBounded<(byte[], int)>(new BoundedChannelOptions(Blocks) { SingleReader = true, SingleWriter = true });
            _reading = Task.Run(() => ReadOnAsync(_ahead.Writer, _stop.Token), CancellationToken.None);
        }

        if (!await _ahead.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_ahead.Reader.TryRead(out (byte[] Bytes, int Length) next))
        {
            return false;
        }

        Return();
        _current = (next.Bytes, next.Length, 0);
        return true;
    }

    private async Task ReadOnAsync(ChannelWriter<(byte[] Bytes, int Length)> writer, CancellationToken cancellationToken)
    {
        Exception? problem = null;
        try
        {
            while (true)
            {
                byte[] block = ArrayPool<byte>.Shared.Rent(Block);
                int length = await inner.ReadAsync(block, cancellationToken).ConfigureAwait(false);
                if (length == 0)
                {
                    ArrayPool<byte>.Shared.Return(block);
                    break;
                }

                await writer.WriteAsync((block, length), cancellationToken).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // whatever it is, the reader gets it
        catch (Exception error)
#pragma warning restore CA1031
        {
            problem = error;
        }

        writer.Complete(problem);
    }

    private void Return()
    {
        if (_current.Bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_current.Bytes);
            _current = ([], 0, 0);
        }
    }
}

using System.Buffers;

namespace Mlops.Sdk.Azure;

/// <summary>Sends blocks, several at a time and no more. Not thread-safe.</summary>
internal sealed class BlockSender(int parallelism, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task> stage) : IAsyncDisposable
{
    private readonly SemaphoreSlim _slots = new(parallelism, parallelism);
    private readonly CancellationTokenSource _stop = new();
    private Exception? _failure;
    private bool _disposed;

    /// <summary>Takes over a rented buffer and sends it when there is room.</summary>
    /// <returns>A task that ends when the sending has begun. It throws what an earlier block failed with.</returns>
    internal async ValueTask SendAsync(string id, byte[] rented, int length, CancellationToken cancellationToken)
    {
        try
        {
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(rented);
            throw;
        }

        if (Volatile.Read(ref _failure) is { } failure)
        {
            _slots.Release();
            ArrayPool<byte>.Shared.Return(rented);
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        _ = StageAsync(id, rented, length);
    }

    /// <summary>Waits until everything is sent.</summary>
    /// <returns>A task that ends when all blocks are durable. It throws what one of them failed with.</returns>
    internal async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        int held = 0;
        try
        {
            for (; held < parallelism; held++)
            {
                await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (held > 0)
            {
                _slots.Release(held);
            }
        }

        if (_failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Forgets a failure, so that blocks can be sent anew; nothing is on its way then.</summary>
    internal void Reset() => _failure = null;

    /// <summary>Stops what is on its way.</summary>
    internal Task CancelAsync() => _stop.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        for (int i = 0; i < parallelism; i++)
        {
            await _slots.WaitAsync(CancellationToken.None).ConfigureAwait(false); // the buffers must not go back while they are read
        }

        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task StageAsync(string id, byte[] rented, int length)
    {
        try
        {
            await stage(id, rented.AsMemory(0, length), _stop.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // kept for whoever sends next or waits for the end
        catch (Exception error)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _failure, error, null);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
            _slots.Release();
        }
    }
}

namespace Mlops.Sdk.Testing;

/// <summary>Content on its way to a store over a bad connection: slow, or broken in the middle. Does not own the content.</summary>
internal sealed class FaultyContent(Stream content, StoreFault fault, double chance) : Stream
{
    private const int Piece = 1_000;
    private readonly long _breakAfter = fault == StoreFault.BrokenWrite ? (long)(chance * 200_000) : long.MaxValue;
    private long _sent;

    /// <summary>Gets whether the connection broke.</summary>
    internal bool HasBroken { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Count(content.Read(buffer, offset, Math.Min(count, Allowed())));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return Count(await content.ReadAsync(buffer[..Math.Min(buffer.Length, Allowed())], cancellationToken).ConfigureAwait(false));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Allowed()
    {
        if (_sent >= _breakAfter)
        {
            throw Broken();
        }

        return (int)Math.Min(fault == StoreFault.SlowWrite ? Piece : int.MaxValue, _breakAfter - _sent);
    }

    /// <summary>Counts what was sent; content that ends before the break breaks at its end, for the store must not take it for whole.</summary>
    private int Count(int read)
    {
        _sent += read;
        return read == 0 && fault == StoreFault.BrokenWrite ? throw Broken() : read;
    }

    private IOException Broken()
    {
        HasBroken = true;
        return new IOException("Injected: the connection broke while writing.");
    }
}

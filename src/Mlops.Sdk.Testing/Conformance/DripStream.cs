namespace Mlops.Sdk.Testing;

/// <summary>Thrown by a <see cref="DripStream"/>; no store makes one.</summary>
internal sealed class DripException() : Exception("The content failed, as the check wanted.");

/// <summary>Content whose length is not known beforehand, in pieces of odd sizes; fails in the middle if told so.</summary>
internal sealed class DripStream(byte[] bytes, int failAfter = int.MaxValue, Action<int>? onRead = null) : Stream
{
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_position >= failAfter)
        {
            throw new DripException();
        }

        onRead?.Invoke(_position);
        int count = Math.Min(Math.Min(buffer.Length, 70_001), Math.Min(bytes.Length, failAfter) - _position);
        bytes.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return Read(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

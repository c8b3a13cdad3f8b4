namespace Mlops.Sdk.Testing;

/// <summary>Reads everything from another stream and gives it back damaged.</summary>
internal sealed class FaultyStream : Stream
{
    private readonly StoreFault _fault;
    private readonly byte[] _bytes;
    private readonly int _where;
    private int _position;

    internal FaultyStream(Stream inner, StoreFault fault, double chance)
    {
        using var copy = new MemoryStream();
        using (inner)
        {
            inner.CopyTo(copy);
        }

        _fault = fault;
        _bytes = copy.ToArray();
        _where = (int)(chance * _bytes.Length);
        if (fault == StoreFault.TornRead)
        {
            _bytes = _bytes[.._where];
        }
        else if (fault == StoreFault.FlippedBit && _bytes.Length > 0)
        {
            _bytes[_where] ^= (byte)(1 << (int)(chance * 7919 % 8));
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_fault == StoreFault.BrokenRead && _position >= _where)
        {
            throw new IOException("Injected: the connection broke while reading.");
        }

        int end = _fault == StoreFault.BrokenRead ? _where : _bytes.Length;
        int count = Math.Min(_fault == StoreFault.SlowRead ? 1 : buffer.Length, Math.Min(buffer.Length, end - _position));
        _bytes.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

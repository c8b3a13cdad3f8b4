namespace Mlops.Sdk.Registry;

/// <summary>Notes who read which content. Stands before the artifact store, so that no reader goes round it; writes and look-ups are not reads.</summary>
internal sealed class AccessLoggingArtifactStore(IArtifactStore inner, AccessLog log, IActorAccessor actors) : IArtifactStore
{
    private const string Read = "artifact.read";

    public ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default) => inner.WriteAsync(content, cancellationToken);

    public ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default) => inner.WriteFileAsync(path, progress, cancellationToken);

    public ValueTask<bool> ExistsAsync(Digest digest, CancellationToken cancellationToken = default) => inner.ExistsAsync(digest, cancellationToken);

    public ValueTask<bool> TouchAsync(Digest digest, CancellationToken cancellationToken = default) => inner.TouchAsync(digest, cancellationToken);

    public async ValueTask<Stream> OpenAsync(Digest digest, CancellationToken cancellationToken = default)
    {
        Actor actor = actors.Current;
        try
        {
            return new NotedStream(await inner.OpenAsync(digest, cancellationToken).ConfigureAwait(false), (bytes, outcome) => log.Record(actor, Read, null, digest, bytes, outcome));
        }
        catch (MlopsException error)
        {
            log.Record(actor, Read, null, digest, 0, error.Code);
            throw;
        }
    }

    public async ValueTask<byte[]> ReadAsync(Digest digest, long maxLength, CancellationToken cancellationToken = default)
    {
        Actor actor = actors.Current;
        try
        {
            byte[] bytes = await inner.ReadAsync(digest, maxLength, cancellationToken).ConfigureAwait(false);
            log.Record(actor, Read, null, digest, bytes.Length, "ok");
            return bytes;
        }
        catch (MlopsException error)
        {
            log.Record(actor, Read, null, digest, 0, error.Code);
            throw;
        }
    }

    /// <summary>Counts what is read and notes it once: at the end, at an error, or when it is closed before.</summary>
    private sealed class NotedStream(Stream inner, Action<long, string> note) : Stream
    {
        private long _bytes;
        private int _noted;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            try
            {
                return Count(inner.Read(buffer), buffer.Length);
            }
            catch (MlopsException error)
            {
                Note(error.Code);
                throw;
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Length);
            }
            catch (MlopsException error)
            {
                Note(error.Code);
                throw;
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            Note("partial");
            await inner.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                Note("partial");
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        private int Count(int read, int asked)
        {
            _bytes += read;
            if (read == 0 && asked > 0)
            {
                Note("ok");
            }

            return read;
        }

        private void Note(string outcome)
        {
            if (Interlocked.Exchange(ref _noted, 1) == 0)
            {
                note(_bytes, outcome);
            }
        }
    }
}

namespace Mlops.Sdk.Testing;

/// <content>Uploads in parts: each part is durable, as far as memory is, when it is taken.</content>
public sealed partial class InMemoryObjectStore
{
    private readonly Dictionary<(string Key, string Id), List<byte[]>> _uploads = [];

    /// <inheritdoc/>
    public ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(uploadId);
        if (uploadId.Length > 128 || uploadId.Any(c => !(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
        {
            throw new ArgumentException("An upload's id has 1 to 128 of a-z, 0-9 and '-'.", nameof(uploadId));
        }

        return ValueTask.FromResult<IObjectUpload?>(new Upload(this, key, uploadId));
    }

    private sealed class Upload : IObjectUpload
    {
        private readonly InMemoryObjectStore _store;
        private readonly ObjectKey _key;
        private readonly string _id;
        private List<byte[]> _sent;

        internal Upload(InMemoryObjectStore store, ObjectKey key, string id)
        {
            (_store, _key, _id) = (store, key, id);
            lock (store._objects)
            {
                _sent = [.. store._uploads.GetValueOrDefault((key.Value, id)) ?? []];
            }

            Parts = PartsOf(_sent);
        }

        public IReadOnlyList<UploadPart> Parts { get; private set; }

        public ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ArgumentOutOfRangeException.ThrowIfZero(part.Length);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(part.Length, 1 << 26);
            _sent.Add(part.ToArray());
            lock (_store._objects)
            {
                _store._uploads[(_key.Value, _id)] = [.. _sent];
            }

            return ValueTask.CompletedTask;
        }

        public async ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            using var content = new MemoryStream();
            foreach (byte[] part in _sent)
            {
                content.Write(part);
            }

            content.Position = 0;
            PutResult result = await _store.PutAsync(_key, content, condition, cancellationToken).ConfigureAwait(false);
            await AbandonAsync(CancellationToken.None).ConfigureAwait(false);
            return result;
        }

        public ValueTask AbandonAsync(CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (_store._objects)
            {
                _store._uploads.Remove((_key.Value, _id));
            }

            _sent = [];
            Parts = [];
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static List<UploadPart> PartsOf(List<byte[]> sent)
        {
            var parts = new List<UploadPart>(sent.Count);
            long offset = 0;
            foreach (byte[] part in sent)
            {
                parts.Add(new UploadPart(offset, part.Length, Digest.Of(part)));
                offset += part.Length;
            }

            return parts;
        }
    }
}

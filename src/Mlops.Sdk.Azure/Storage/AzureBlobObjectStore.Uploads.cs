using System.Buffers;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Mlops.Sdk.Azure;

/// <content>Uploads that go on after a crash: blocks that wait at the service, found again by their names.</content>
public sealed partial class AzureBlobObjectStore
{
    /// <inheritdoc/>
    /// <remarks>The service keeps the parts for a week. Any other write or removal of the same key drops them.</remarks>
    public async ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(uploadId);
        if (uploadId.Length is 0 or > 128 || !uploadId.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException("An upload's id has 1 to 128 of a-z, 0-9 and '-'. Use the hexadecimal digits of the content's digest.", nameof(uploadId));
        }

        cancellationToken.ThrowIfCancellationRequested();
        BlockBlobClient blob = BlobOf(key);
        return await GuardedAsync(
            $"go on with '{key}' in",
            async ct =>
            {
                BlobProperties? before = await PropertiesAsync(blob, ct).ConfigureAwait(false);
                return new Upload(this, key, blob, BlockId.OwnerOf(uploadId), before?.ETag, await WaitingAsync(blob, ct).ConfigureAwait(false));
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IEnumerable<BlobBlock>> WaitingAsync(BlockBlobClient blob, CancellationToken cancellationToken)
    {
        try
        {
            return (await blob.GetBlockListAsync(BlockListTypes.Uncommitted, cancellationToken: cancellationToken).ConfigureAwait(false)).Value.UncommittedBlocks;
        }
        catch (RequestFailedException refusal) when (IsAbsent(refusal))
        {
            return [];
        }
    }

    private sealed class Upload : IObjectUpload
    {
        private const int MaxPart = 1 << 26;

        private readonly AzureBlobObjectStore _store;
        private readonly BlockBlobClient _blob;
        private readonly string _what;
        private readonly string _owner;
        private readonly ETag? _before;
        private readonly BlockSender _sender;
        private readonly List<string> _ids = [];
        private List<UploadPart> _parts = [];
        private int _generation;

        internal Upload(AzureBlobObjectStore store, ObjectKey key, BlockBlobClient blob, string owner, ETag? before, IEnumerable<BlobBlock> waiting)
        {
            (_store, _blob, _owner, _before) = (store, blob, owner, before);
            _what = $"write '{key}' to";
            _sender = new BlockSender(store._parallelism, (id, block, ct) => store.StageAsync(_what, blob, id, block, ct));
            TakeUp(waiting);
        }

        public IReadOnlyList<UploadPart> Parts => _parts;

        public async ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfZero(part.Length);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(part.Length, MaxPart);
            if (_ids.Count == MaxBlocks)
            {
                throw new MlopsStorageException("store.full", $"Cannot {_what} the {_store.Description}: it has more than {MaxBlocks} parts. Abandon the upload and append larger ones.");
            }

            byte[] copy = ArrayPool<byte>.Shared.Rent(part.Length);
            part.CopyTo(copy);
            string id = new BlockId(_owner, _generation, _ids.Count, Digest.Of(part.Span)).ToString();
            await _sender.SendAsync(id, copy, part.Length, cancellationToken).ConfigureAwait(false);
            _ids.Add(id);
        }

        public async ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            await _sender.FlushAsync(cancellationToken).ConfigureAwait(false);
            PutResult result = condition.ETag is { } wanted && !CouldMatch(wanted)
                ? default
                : await _store.CommitAsync(_what, _blob, _ids, condition, _before, cancellationToken).ConfigureAwait(false);
            if (!result.Written)
            {
                await AbandonAsync(cancellationToken).ConfigureAwait(false);
            }

            return result;
        }

        public async ValueTask AbandonAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await _sender.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (MlopsStorageException)
            {
                // a part that did not get there is dropped with the others
            }

            // blocks that wait cannot be removed; one of a newer generation makes them invisible
            await _store.StageAsync(_what, _blob, new BlockId(_owner, _generation + 1, BlockId.Marker, default).ToString(), new byte[1], cancellationToken).ConfigureAwait(false);
            _generation++;
            _parts = [];
            _ids.Clear();
            _sender.Reset();
        }

        public ValueTask DisposeAsync() => _sender.DisposeAsync();

        /// <summary>Finds the parts that are durable: of the newest generation, from the first one on, without a gap.</summary>
        private void TakeUp(IEnumerable<BlobBlock> waiting)
        {
            var own = new List<(BlockId Id, BlobBlock Block)>();
            foreach (BlobBlock block in waiting)
            {
                if (BlockId.TryParse(block.Name, out BlockId id) && id.Owner == _owner)
                {
                    own.Add((id, block));
                    _generation = Math.Max(_generation, id.Generation);
                }
            }

            long offset = 0;
            foreach (IGrouping<int, (BlockId Id, BlobBlock Block)> same in own.Where(b => b.Id.Generation == _generation && b.Id.Index != BlockId.Marker).GroupBy(b => b.Id.Index).OrderBy(g => g.Key))
            {
                (BlockId id, BlobBlock block) = same.First();
                if (same.Key != _parts.Count || same.Skip(1).Any() || block.SizeLong is <= 0 or > MaxPart)
                {
                    return; // a gap, or two parts that both want to be this one
                }

                _parts.Add(new UploadPart(offset, (int)block.SizeLong, id.Digest));
                _ids.Add(block.Name);
                offset += block.SizeLong;
            }
        }
    }
}

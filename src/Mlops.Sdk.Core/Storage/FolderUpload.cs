using System.Buffers;

namespace Mlops.Sdk;

/// <summary>An upload of a <see cref="FolderObjectStore"/>: a staged file whose parts are found again by reading it.</summary>
internal sealed class FolderUpload : IObjectUpload
{
    internal const int MaxPart = 1 << 26;
    private const int PartLength = 1 << 23;

    private readonly FolderStagedObject _staged;
    private readonly ObjectKey _key;
    private List<UploadPart> _parts = [];

    private FolderUpload(FolderStagedObject staged, ObjectKey key) => (_staged, _key) = (staged, key);

    public IReadOnlyList<UploadPart> Parts => _parts;

    public ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(part.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(part.Length, MaxPart);
        return _staged.AppendAsync(part, cancellationToken);
    }

    public async ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        PutResult result = await _staged.PublishAsync(_key, condition, cancellationToken).ConfigureAwait(false);
        if (!result.Written)
        {
            _staged.Drop();
        }

        return result;
    }

    public async ValueTask AbandonAsync(CancellationToken cancellationToken = default)
    {
        await _staged.ClearAsync(cancellationToken).ConfigureAwait(false);
        _parts = [];
    }

    public ValueTask DisposeAsync() => _staged.DisposeAsync();

    internal static async ValueTask<FolderUpload> OpenAsync(FolderStagedObject staged, ObjectKey key, CancellationToken cancellationToken)
    {
        var upload = new FolderUpload(staged, key);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PartLength);
        try
        {
            await staged.FlushAsync().ConfigureAwait(false); // what is told to be durable must be
            for (long offset = 0; offset < staged.Length;)
            {
                int wanted = (int)Math.Min(PartLength, staged.Length - offset);
                int read = 0;
                while (read < wanted && await staged.ReadAsync(offset + read, buffer.AsMemory(read, wanted - read), cancellationToken).ConfigureAwait(false) is var more and > 0)
                {
                    read += more;
                }

                upload._parts.Add(new UploadPart(offset, read, Digest.Of(buffer.AsSpan(0, read))));
                offset += read;
            }

            return upload;
        }
        catch
        {
            await staged.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

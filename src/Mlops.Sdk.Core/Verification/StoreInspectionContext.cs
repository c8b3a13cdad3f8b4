using System.Buffers;
using System.Security.Cryptography;

namespace Mlops.Sdk;

/// <summary>What an inspector works with: the store, the state of the ledger, and reading that is counted. Thread-safe.</summary>
/// <param name="store">The store.</param>
/// <param name="ledger">How the ledger was found.</param>
public sealed class StoreInspectionContext(IObjectStore store, LedgerVerification ledger)
{
    private const int Block = 1 << 17;
    private readonly Action<long>? _counted;
    private long _bytes;

    internal StoreInspectionContext(IObjectStore store, LedgerVerification ledger, Action<long> counted)
        : this(store, ledger) => _counted = counted;

    /// <summary>Gets the store.</summary>
    public IObjectStore Store => store;

    /// <summary>Gets how the ledger was found.</summary>
    public LedgerVerification Ledger => ledger;

    /// <summary>Gets whether the ledger was read to its end: only then does it mean something that it does not name an object.</summary>
    public bool LedgerIsWhole => ledger.IsWhole;

    /// <summary>Gets how many bytes were read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytes);

    /// <summary>Reads a small object.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="maxBytes">The most bytes to accept; memory grows only with what really comes.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The bytes, or null when there is no such object any more.</returns>
    /// <exception cref="FormatException">It has more bytes.</exception>
    /// <exception cref="MlopsStorageException">The medium failed.</exception>
    public async ValueTask<byte[]?> ReadAsync(ObjectKey key, long maxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            byte[] bytes = await BoundedReading.ReadAllAsync(stream, maxBytes, cancellationToken).ConfigureAwait(false) ?? throw new FormatException($"it has more than {maxBytes} bytes");
            Count(bytes.Length);
            return bytes;
        }
    }

    /// <summary>Hashes an object of any size, with memory that does not depend on it.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The digest of its bytes and how many there are, or null when there is no such object any more.</returns>
    /// <exception cref="MlopsStorageException">The medium failed.</exception>
    public async ValueTask<ArtifactInfo?> HashAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        long length = 0;
        try
        {
            await using (stream.ConfigureAwait(false))
            {
                while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
                {
                    hash.AppendData(buffer, 0, read);
                    length += read;
                    Count(read);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), length);
    }

    internal void Count(long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        _counted?.Invoke(bytes);
    }
}

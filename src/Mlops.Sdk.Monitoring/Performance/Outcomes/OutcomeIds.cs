using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>Hashes the ids of predictions: the first 128 bits of SHA-256 over the key, a byte of its length, and the id in UTF-8. No id is written anywhere.</summary>
internal sealed class OutcomeIds(string key)
{
    internal const int MaxKey = 32;
    internal const int MaxId = 128;
    private readonly byte[] _key = [.. Encoding.UTF8.GetBytes(key), (byte)Encoding.UTF8.GetByteCount(key)];

    /// <summary>Hashes an id of at most <see cref="MaxId"/> characters; allocates nothing.</summary>
    internal UInt128 Hash(string id)
    {
        Span<byte> bytes = stackalloc byte[MaxKey + 1 + (MaxId * 3)];
        _key.CopyTo(bytes);
        int length = _key.Length + Encoding.UTF8.GetBytes(id, bytes[_key.Length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..length], hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    internal static bool IsId(string? id) => id is { Length: >= 1 and <= MaxId };
}

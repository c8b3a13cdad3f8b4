using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Azure;

/// <summary>The name of a block: whose it is, which one, and the digest of its bytes. All names have one length, as the service demands.</summary>
/// <remarks>
/// 54 bytes, written in base64: format (1), owner (13), generation (4), index (4), SHA-256 of the bytes or zeros (32). Numbers are
/// big-endian. The owner is the start of the SHA-256 of an upload's id, or of a put's. A generation that was abandoned is older than
/// the newest one; <see cref="Marker"/> makes a generation visible that has no block yet.
/// </remarks>
internal readonly record struct BlockId(string Owner, int Generation, int Index, Digest Digest)
{
    internal const int Marker = int.MaxValue;
    private const byte Format = 1;
    private const int Length = 54;
    private const int OwnerLength = 13;

    internal static string OwnerOf(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, OwnerLength));

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        bytes.Clear();
        bytes[0] = Format;
        Convert.FromHexString(Owner).CopyTo(bytes[1..]);
        BinaryPrimitives.WriteInt32BigEndian(bytes[14..], Generation);
        BinaryPrimitives.WriteInt32BigEndian(bytes[18..], Index);
        if (Digest.HasValue)
        {
            Convert.FromHexString(Digest.Hex).CopyTo(bytes[22..]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <summary>Reads a name if it is one of ours.</summary>
    internal static bool TryParse(string? text, out BlockId id)
    {
        id = default;
        Span<byte> bytes = stackalloc byte[Length];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out int length) || length != Length || bytes[0] != Format)
        {
            return false;
        }

        id = new BlockId(
            Convert.ToHexStringLower(bytes.Slice(1, OwnerLength)),
            BinaryPrimitives.ReadInt32BigEndian(bytes[14..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[18..]),
            Digest.FromHash(bytes[22..]));
        return id is { Generation: >= 0, Index: >= 0 };
    }
}

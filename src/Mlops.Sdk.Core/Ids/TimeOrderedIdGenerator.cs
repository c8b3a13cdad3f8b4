namespace Mlops.Sdk;

/// <summary>Makes ids that sort by the time they were made: UUID version 7 (RFC 9562) without hyphens.</summary>
/// <param name="time">The clock.</param>
public sealed class TimeOrderedIdGenerator(TimeProvider time) : IIdGenerator
{
    /// <inheritdoc/>
    public string NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        long milliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (int i = 5; i >= 0; i--, milliseconds >>= 8)
        {
            bytes[i] = (byte)milliseconds;
        }

        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return Convert.ToHexStringLower(bytes);
    }
}

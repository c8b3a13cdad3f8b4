using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>A digest as 32 bytes: sets of millions of them stay small.</summary>
internal readonly record struct DigestKey(ulong A, ulong B, ulong C, ulong D)
{
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    internal static bool TryParse(ReadOnlySpan<byte> hex, out DigestKey key)
    {
        Span<byte> hash = stackalloc byte[32];
        if (hex.Length == 64 && !hex.ContainsAnyExcept(HexDigits) && Convert.FromHexString(hex, hash, out _, out _) == OperationStatus.Done)
        {
            ReadOnlySpan<ulong> parts = MemoryMarshal.Cast<byte, ulong>(hash);
            key = new DigestKey(parts[0], parts[1], parts[2], parts[3]);
            return true;
        }

        key = default;
        return false;
    }

    internal static DigestKey Of(Digest digest)
    {
        Span<byte> hex = stackalloc byte[64];
        Encoding.ASCII.GetBytes(digest.Hex, hex);
        return TryParse(hex, out DigestKey key) ? key : throw new ArgumentException("A digest has 64 hexadecimal digits.", nameof(digest));
    }
}

/// <summary>Finds every digest text in bytes, wherever it stands: a reference that is not understood is a reference all the same.</summary>
internal static class DigestScanner
{
    private const int TextLength = 71; // "sha256:" and 64 digits
    private const int Block = 1 << 16;

    internal static void Scan(ReadOnlySpan<byte> bytes, Action<DigestKey> found)
    {
        while (bytes.IndexOf("sha256:"u8) is var at and >= 0)
        {
            bytes = bytes[(at + 7)..];
            if (bytes.Length >= 64 && DigestKey.TryParse(bytes[..64], out DigestKey key))
            {
                found(key);
                bytes = bytes[64..];
            }
        }
    }

    internal static void Scan(string? text, Action<DigestKey> found)
    {
        if (text is not null && text.Contains("sha256:", StringComparison.Ordinal))
        {
            Scan(Encoding.UTF8.GetBytes(text), found);
        }
    }

    /// <summary>Scans a stream with memory that does not depend on its length.</summary>
    /// <returns>How many bytes it had.</returns>
    internal static async ValueTask<long> ScanAsync(Stream stream, Action<DigestKey> found, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            int kept = 0;
            long length = 0;
            while (await stream.ReadAsync(buffer.AsMemory(kept), cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                int filled = kept + read;
                length += read;
                Scan(buffer.AsSpan(0, filled), found);
                kept = Math.Min(TextLength - 1, filled); // a text may lie across two reads; one seen twice is one
                buffer.AsSpan(filled - kept, kept).CopyTo(buffer);
            }

            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Scans JSON; texts that are written with escapes are scanned as what they mean, too.</summary>
    internal static void Scan(JsonElement json, Action<DigestKey> found)
    {
        if (json.ValueKind == JsonValueKind.Undefined)
        {
            return;
        }

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(json);
        Scan(raw, found);
        if (raw.Contains((byte)'\\'))
        {
            ScanTexts(json, found);
        }
    }

    private static void ScanTexts(JsonElement json, Action<DigestKey> found)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                Scan(json.GetString(), found);
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in json.EnumerateArray())
                {
                    ScanTexts(item, found);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in json.EnumerateObject())
                {
                    Scan(property.Name, found);
                    ScanTexts(property.Value, found);
                }

                break;
        }
    }
}

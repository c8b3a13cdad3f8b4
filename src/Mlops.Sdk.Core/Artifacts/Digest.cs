using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>A SHA-256 digest: the name of content.</summary>
/// <remarks>Written as <c>sha256:</c> and 64 lower-case hexadecimal digits. Source: FIPS 180-4.</remarks>
[JsonConverter(typeof(DigestJsonConverter))]
public readonly record struct Digest
{
    private const string Prefix = "sha256:";
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private readonly string? _hex;

    private Digest(string hex) => _hex = hex;

    /// <summary>Gets the 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="InvalidOperationException">The digest is the default value.</exception>
    public string Hex => _hex ?? throw new InvalidOperationException("The default Digest is no digest.");

    /// <summary>Gets whether this is a digest and not the default value.</summary>
    public bool HasValue => _hex is not null;

    /// <summary>Hashes bytes.</summary>
    /// <param name="content">The bytes.</param>
    /// <returns>Their digest.</returns>
    public static Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return FromHash(hash);
    }

    /// <summary>Wraps a hash that was computed already.</summary>
    /// <param name="hash">The hash, shape [32].</param>
    /// <exception cref="ArgumentException">The hash has not 32 bytes.</exception>
    /// <returns>The digest.</returns>
    public static Digest FromHash(ReadOnlySpan<byte> hash) => hash.Length == SHA256.HashSizeInBytes
        ? new(Convert.ToHexStringLower(hash))
        : throw new ArgumentException($"A SHA-256 hash has {SHA256.HashSizeInBytes} bytes, this one has {hash.Length}.", nameof(hash));

    /// <summary>Reads a digest's text.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="MlopsIntegrityException">The text is no digest; code <c>artifact.invalid_digest</c>.</exception>
    /// <returns>The digest.</returns>
    public static Digest Parse(string text) => TryParse(text, out Digest digest)
        ? digest
        : throw new MlopsIntegrityException("artifact.invalid_digest", "A digest is 'sha256:' and 64 lower-case hexadecimal digits; the text found is not.");

    /// <summary>Reads a digest's text if it is one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="digest">The digest, or the default value.</param>
    /// <returns>Whether the text is a digest.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        bool ok = text is not null && text.Length == Prefix.Length + 64 && text.StartsWith(Prefix, StringComparison.Ordinal)
            && !text.AsSpan(Prefix.Length).ContainsAnyExcept(HexDigits);
        digest = ok ? new Digest(text![Prefix.Length..]) : default;
        return ok;
    }

    /// <summary>Returns the digest's text, or an empty text for the default value.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => _hex is null ? string.Empty : Prefix + _hex;
}

/// <summary>Writes a digest as its text. Public because generated JSON code of other packages makes it.</summary>
public sealed class DigestJsonConverter : JsonConverter<Digest>
{
    /// <inheritdoc/>
    public override Digest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() is { Length: > 0 } text ? Digest.Parse(text) : default;

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Digest value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.ToString());
    }
}

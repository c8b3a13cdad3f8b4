namespace Mlops.Sdk;

/// <summary>A line of JSON and behind it a line with its SHA-256, so that no bit of it changes unnoticed. A document may go on after that.</summary>
internal static class SealedLine
{
    /// <summary>Writes a line and its hash.</summary>
    internal static byte[] Write(ReadOnlySpan<byte> json)
    {
        byte[] bytes = new byte[json.Length + 1 + CommitCodec.TrailerLength];
        json.CopyTo(bytes);
        bytes[json.Length] = (byte)'\n';
        CommitCodec.WriteTrailer(bytes.AsSpan(json.Length + 1), Digest.Of(bytes.AsSpan(0, json.Length + 1)));
        return bytes;
    }

    /// <summary>Checks the line at the start of a document.</summary>
    /// <param name="bytes">The document.</param>
    /// <param name="most">How long the line may be, its line end included.</param>
    /// <param name="line">The line with its line end.</param>
    /// <returns>Where the document goes on.</returns>
    /// <exception cref="FormatException">There is none, or it was changed.</exception>
    internal static int Read(ReadOnlySpan<byte> bytes, int most, out ReadOnlySpan<byte> line)
    {
        int end = bytes[..Math.Min(bytes.Length, most)].IndexOf((byte)'\n') + 1;
        if (end == 0 || bytes.Length < end + CommitCodec.TrailerLength)
        {
            throw new FormatException("it does not begin with a line and the line's hash");
        }

        line = bytes[..end];
        Span<byte> trailer = stackalloc byte[CommitCodec.TrailerLength];
        CommitCodec.WriteTrailer(trailer, Digest.Of(line));
        return bytes.Slice(end, trailer.Length).SequenceEqual(trailer)
            ? end + trailer.Length
            : throw new FormatException("its first line does not have the hash that stands behind it");
    }

    /// <summary>Checks a document that is nothing but one line.</summary>
    /// <returns>The line with its line end.</returns>
    /// <exception cref="FormatException">It is none, was changed, or goes on.</exception>
    internal static ReadOnlySpan<byte> ReadWhole(ReadOnlySpan<byte> bytes) => Read(bytes, bytes.Length, out ReadOnlySpan<byte> line) == bytes.Length
        ? line
        : throw new FormatException("it goes on after its end");
}

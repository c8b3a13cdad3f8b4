using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>A commit as read: whole and in itself unchanged; whether it follows the one before is for the reader to check.</summary>
internal sealed record CommitDocument(long Number, long First, Digest Previous, Digest Hash, LedgerEntry[] Entries, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Gets how many bytes the commit has.</summary>
    internal int Length => Bytes.Length;

    /// <summary>Gets the end of a ledger whose last commit this is.</summary>
    internal LedgerHead Head => new(Number + 1, First + Entries.Length, Hash);

    /// <summary>Checks that the commit belongs behind an end.</summary>
    /// <exception cref="FormatException">It does not; the message says how.</exception>
    internal CommitDocument Follow(LedgerHead before)
    {
        if (Number != before.Commits || First != before.Entries)
        {
            throw new FormatException($"it is another commit: it says it is number {Number} with first entry {First}; {before.Commits} and {before.Entries} belong here");
        }

        return Previous == before.Hash
            ? this
            : throw new FormatException($"it does not follow the commit before it, whose hash is '{before.Hash}': it names '{Previous}'");
    }
}

/// <summary>
/// The bytes of a commit: UTF-8 lines. First a header with format, number, first entry, count and the hash of the commit before; then an
/// entry a line; last a line with the SHA-256 of all bytes above it, which is the commit's hash. See docs/store-format.md.
/// </summary>
internal static class CommitCodec
{
    internal const int Format = 1;
    internal const int MaxEntries = 1_000;

    /// <summary>The most bytes that the entries of one commit may have, line ends included.</summary>
    internal const int MaxEntryBytes = 16 << 20;

    /// <summary>The most bytes a reader takes in: the entries, and room for the header and the trailer.</summary>
    internal const int MaxCommitBytes = MaxEntryBytes + 4096;

    /// <summary>How many bytes the last line has: a SHA-256 as JSON.</summary>
    internal const int TrailerLength = 78;

    /// <summary>Puts entry lines between header and trailer.</summary>
    internal static byte[] Encode(LedgerHead before, IReadOnlyList<byte[]> lines, out Digest hash)
    {
        var buffer = new ArrayBufferWriter<byte>(lines.Sum(l => l.Length + 1) + 512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("number", before.Commits);
            json.WriteNumber("first", before.Entries);
            json.WriteNumber("count", lines.Count);
            if (before.Hash.HasValue)
            {
                json.WriteString("previous", before.Hash.ToString());
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        foreach (byte[] line in lines)
        {
            buffer.Write(line);
            buffer.Write("\n"u8);
        }

        hash = Digest.Of(buffer.WrittenSpan);
        Span<byte> trailer = stackalloc byte[TrailerLength];
        WriteTrailer(trailer, hash);
        buffer.Write(trailer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a commit and checks that its bytes are what was written.</summary>
    /// <param name="bytes">The commit's bytes.</param>
    /// <exception cref="FormatException">It is no commit or was changed; the message says how.</exception>
    /// <exception cref="MlopsIntegrityException">It is of a newer format.</exception>
    internal static CommitDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length <= TrailerLength)
        {
            throw new FormatException($"it has only {bytes.Length} bytes");
        }

        ReadOnlyMemory<byte> body = bytes[..^TrailerLength];
        Digest hash = Digest.Of(body.Span);
        Span<byte> trailer = stackalloc byte[TrailerLength];
        WriteTrailer(trailer, hash);
        if (!bytes.Span[^TrailerLength..].SequenceEqual(trailer))
        {
            throw new FormatException("its bytes do not have the hash that stands at its end");
        }

        try
        {
            return ParseBody(body, hash, bytes);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or MlopsIntegrityException { Code: not "ledger.newer_format" })
        {
            throw new FormatException($"a line does not read ({error.Message})", error);
        }
    }

    private static CommitDocument ParseBody(ReadOnlyMemory<byte> body, Digest hash, ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> rest = body;
        Header header = ParseHeader(NextLine(ref rest).Span);
        if (header.Format > Format)
        {
            throw new MlopsIntegrityException("ledger.newer_format", $"Commit {header.Number} has format {header.Format}; this version of the library reads up to {Format}. Update Mlops.Sdk in this process.");
        }

        if (header.Format < 1 || header.Number < 0 || header.First < 0 || header.Count is < 1 or > MaxEntries)
        {
            throw new FormatException($"its header is none (format {header.Format}, number {header.Number}, first {header.First}, count {header.Count}; 1 to {MaxEntries} entries are allowed)");
        }

        var entries = new LedgerEntry[header.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = EntryCodec.Read(NextLine(ref rest), header.First + i, header.Number);
        }

        return rest.IsEmpty
            ? new CommitDocument(header.Number, header.First, header.Previous, hash, entries, bytes)
            : throw new FormatException($"it has more than the {entries.Length} entries it says");
    }

    private static Header ParseHeader(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        var header = default(Header);
        EntryCodec.ExpectStart(ref reader);
        while (EntryCodec.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("format"u8))
            {
                header.Format = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("number"u8))
            {
                header.Number = EntryCodec.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("first"u8))
            {
                header.First = EntryCodec.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("count"u8))
            {
                header.Count = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("previous"u8))
            {
                header.Previous = Digest.Parse(EntryCodec.ReadText(ref reader));
            }
            else
            {
                reader.Skip();
            }
        }

        return header;
    }

    private static ReadOnlyMemory<byte> NextLine(ref ReadOnlyMemory<byte> rest)
    {
        int end = rest.Span.IndexOf((byte)'\n');
        if (end < 0)
        {
            throw new FormatException("it has fewer entries than it says");
        }

        ReadOnlyMemory<byte> line = rest[..end];
        rest = rest[(end + 1)..];
        return line;
    }

    /// <summary>Tells where the lines of the entries stand in a commit that was read before.</summary>
    internal static List<Range> EntryLines(ReadOnlySpan<byte> commit)
    {
        var lines = new List<Range>();
        int at = commit.IndexOf((byte)'\n') + 1;
        int end = commit.Length - TrailerLength;
        while (at > 0 && at < end)
        {
            int length = commit[at..end].IndexOf((byte)'\n');
            lines.Add(at..(at + length));
            at += length + 1;
        }

        return lines;
    }

    internal static void WriteTrailer(Span<byte> trailer, Digest hash)
    {
        "{\"sha256\":\""u8.CopyTo(trailer);
        Encoding.ASCII.GetBytes(hash.Hex, trailer[11..]);
        "\"}\n"u8.CopyTo(trailer[75..]);
    }

    private struct Header
    {
        internal int Format;
        internal long Number;
        internal long First;
        internal int Count;
        internal Digest Previous;
    }
}

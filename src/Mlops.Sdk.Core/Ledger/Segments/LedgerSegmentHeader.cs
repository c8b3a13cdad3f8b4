using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>What a segment says of itself, in two lines at its start: enough to open a ledger without reading what is folded.</summary>
/// <param name="Before">The end of the ledger before the segment.</param>
/// <param name="End">The end of the ledger after it.</param>
/// <param name="Body">How many bytes its commits have.</param>
/// <param name="Index">The digest of the index behind them.</param>
/// <param name="Peaks">The frontier of the Merkle tree over all entries up to its end.</param>
/// <param name="Length">How many bytes the two lines have.</param>
internal sealed record LedgerSegmentHeader(LedgerHead Before, LedgerHead End, int Body, Digest Index, IReadOnlyList<byte[]> Peaks, int Length)
{
    internal const int Format = 1;
    internal const int MaxCommits = 4096;

    /// <summary>The most bytes the commits of a segment may have: a segment is closed by the commit that reaches this less one commit.</summary>
    internal const int MaxBody = 32 << 20;

    /// <summary>The most bytes of a header, its digest included.</summary>
    internal const int MaxLength = 1 << 14;

    internal int Commits => (int)(End.Commits - Before.Commits);

    internal int Entries => (int)(End.Entries - Before.Entries);

    /// <summary>Gets how many bytes the index has: for each commit its offset and first entry, for each entry a hash of its id.</summary>
    internal int IndexBytes => (Commits * 8) + (Entries * 8);

    internal long TotalBytes => (long)Length + Body + IndexBytes;

    internal static byte[] Encode(LedgerHead before, LedgerHead end, int body, Digest index, IReadOnlyList<byte[]> peaks)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("firstCommit", before.Commits);
            json.WriteNumber("firstEntry", before.Entries);
            if (before.Hash.HasValue)
            {
                json.WriteString("previous", before.Hash.ToString());
            }

            json.WriteNumber("commits", end.Commits - before.Commits);
            json.WriteNumber("entries", end.Entries - before.Entries);
            json.WriteString("last", end.Hash.ToString());
            json.WriteNumber("body", body);
            json.WriteString("index", index.ToString());
            json.WriteStartArray("tree");
            foreach (byte[] peak in peaks)
            {
                json.WriteStringValue(Digest.FromHash(peak).ToString());
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return SealedLine.Write(buffer.WrittenSpan);
    }

    /// <summary>Reads the header at the start of a segment.</summary>
    /// <param name="start">The segment's first bytes: all of the header, and whatever follows.</param>
    /// <exception cref="FormatException">They are no header, or it was changed.</exception>
    /// <exception cref="MlopsIntegrityException">It is of a newer format.</exception>
    internal static LedgerSegmentHeader Parse(ReadOnlySpan<byte> start)
    {
        int length = SealedLine.Read(start, MaxLength, out ReadOnlySpan<byte> line);
        try
        {
            return Check(ParseLine(line), length);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or MlopsIntegrityException { Code: not "ledger.newer_format" })
        {
            throw new FormatException($"its header does not read ({error.Message})", error);
        }
    }

    private static LedgerSegmentHeader Check(Draft draft, int length)
    {
        if (draft.Format > Format)
        {
            throw new MlopsIntegrityException("ledger.newer_format", $"A ledger segment has format {draft.Format}; this version of the library reads up to {Format}. Update Mlops.Sdk in this process.");
        }

        bool sound = draft.Format >= 1 && draft.FirstCommit >= 0 && draft.FirstEntry >= 0
            && draft.Commits is >= 1 and <= MaxCommits && draft.Entries >= draft.Commits && draft.Entries <= draft.Commits * CommitCodec.MaxEntries
            && draft.Body is > 0 and <= MaxBody && draft.Last.HasValue && draft.Index.HasValue && draft.Previous.HasValue == (draft.FirstCommit > 0);
        if (!sound)
        {
            throw new FormatException("its header holds numbers that no segment has");
        }

        var before = new LedgerHead(draft.FirstCommit, draft.FirstEntry, draft.Previous);
        var end = new LedgerHead(draft.FirstCommit + draft.Commits, draft.FirstEntry + draft.Entries, draft.Last);
        _ = MerkleFrontier.From(end.Entries, draft.Peaks);
        return new LedgerSegmentHeader(before, end, (int)draft.Body, draft.Index, draft.Peaks, length);
    }

    private static Draft ParseLine(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        var draft = new Draft();
        EntryCodec.ExpectStart(ref reader);
        while (EntryCodec.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("tree"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.String)
                {
                    draft.Peaks.Add(MerkleTree.BytesOf(Digest.Parse(reader.GetString()!)));
                }

                continue;
            }

            switch (reader.GetString())
            {
                case "format": draft.Format = EntryCodec.ReadInt32(ref reader); break;
                case "firstCommit": draft.FirstCommit = EntryCodec.ReadInt64(ref reader); break;
                case "firstEntry": draft.FirstEntry = EntryCodec.ReadInt64(ref reader); break;
                case "previous": draft.Previous = Digest.Parse(EntryCodec.ReadText(ref reader)); break;
                case "commits": draft.Commits = EntryCodec.ReadInt64(ref reader); break;
                case "entries": draft.Entries = EntryCodec.ReadInt64(ref reader); break;
                case "last": draft.Last = Digest.Parse(EntryCodec.ReadText(ref reader)); break;
                case "body": draft.Body = EntryCodec.ReadInt64(ref reader); break;
                case "index": draft.Index = Digest.Parse(EntryCodec.ReadText(ref reader)); break;
                default: reader.Skip(); break;
            }
        }

        return draft;
    }

    private sealed class Draft
    {
        internal int Format { get; set; }

        internal long FirstCommit { get; set; }

        internal long FirstEntry { get; set; }

        internal Digest Previous { get; set; }

        internal long Commits { get; set; }

        internal long Entries { get; set; }

        internal Digest Last { get; set; }

        internal long Body { get; set; }

        internal Digest Index { get; set; }

        internal List<byte[]> Peaks { get; } = [];
    }
}

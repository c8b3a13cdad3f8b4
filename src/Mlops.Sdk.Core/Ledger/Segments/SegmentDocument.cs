using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk;

/// <summary>
/// Commits in a row, folded into one object: a header, the commits byte for byte, and an index. Folding changes no commit, so neither hash
/// nor leaf changes. See docs/store-format.md.
/// </summary>
internal sealed class SegmentDocument
{
    private const int LongestId = 128;
    private readonly ReadOnlyMemory<byte> _bytes;

    private SegmentDocument(LedgerSegmentHeader header, ReadOnlyMemory<byte> bytes)
    {
        Header = header;
        _bytes = bytes;
    }

    internal LedgerSegmentHeader Header { get; }

    private ReadOnlySpan<byte> Index => _bytes.Span[(Header.Length + Header.Body)..];

    /// <summary>Puts commits together. The same commits give the same bytes, whoever folds them.</summary>
    /// <param name="before">The end of the ledger before the first of them.</param>
    /// <param name="commits">The commits, each following the one before.</param>
    /// <param name="tree">The frontier before them; it is moved to their end.</param>
    internal static byte[] Encode(LedgerHead before, IReadOnlyList<CommitDocument> commits, MerkleFrontier tree)
    {
        int body = commits.Sum(c => c.Length);
        int entries = commits.Sum(c => c.Entries.Length);
        byte[] index = new byte[(commits.Count * 8) + (entries * 8)];
        Span<byte> at = index;
        int offset = 0;
        int first = 0;
        var ids = new ulong[entries];
        foreach (CommitDocument commit in commits)
        {
            BinaryPrimitives.WriteInt32LittleEndian(at, offset);
            BinaryPrimitives.WriteInt32LittleEndian(at[4..], first);
            at = at[8..];
            foreach (LedgerEntry entry in commit.Entries)
            {
                ids[first++] = HashOfId(entry.Id);
            }

            offset += commit.Length;
            tree.AddEntries(commit.Bytes.Span);
        }

        Array.Sort(ids);
        foreach (ulong id in ids)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, id);
            at = at[8..];
        }

        byte[] header = LedgerSegmentHeader.Encode(before, commits[^1].Head, body, Digest.Of(index), tree.Peaks);
        byte[] bytes = new byte[header.Length + body + index.Length];
        header.CopyTo(bytes, 0);
        int to = header.Length;
        foreach (CommitDocument commit in commits)
        {
            commit.Bytes.Span.CopyTo(bytes.AsSpan(to));
            to += commit.Length;
        }

        index.CopyTo(bytes, to);
        return bytes;
    }

    /// <summary>Reads a segment: header and index are checked here, each commit when it is read.</summary>
    /// <exception cref="FormatException">It is no segment, or was changed.</exception>
    internal static SegmentDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        LedgerSegmentHeader header = LedgerSegmentHeader.Parse(bytes.Span);
        if (bytes.Length != header.TotalBytes)
        {
            throw new FormatException($"it has {bytes.Length} bytes; its header says {header.TotalBytes}");
        }

        var document = new SegmentDocument(header, bytes);
        return Digest.Of(document.Index) == header.Index ? document : throw new FormatException("its index is not what was written");
    }

    /// <summary>Reads a commit and checks it by itself.</summary>
    /// <param name="position">Which one, from 0.</param>
    /// <exception cref="FormatException">It is not what was written.</exception>
    internal CommitDocument ReadCommit(int position)
    {
        int start = OffsetOf(position);
        int end = position + 1 < Header.Commits ? OffsetOf(position + 1) : Header.Body;
        if (start < 0 || start >= end || end > Header.Body)
        {
            throw new FormatException("its index points outside of its commits");
        }

        // a copy of its own, so that an entry somebody keeps does not keep the whole segment
        CommitDocument commit = CommitCodec.Parse(_bytes.Slice(Header.Length + start, end - start).ToArray());
        return commit.Number == Header.Before.Commits + position && commit.First == Header.Before.Entries + FirstOf(position)
            ? commit
            : throw new FormatException($"commit {commit.Number} stands where {Header.Before.Commits + position} belongs");
    }

    /// <summary>Finds the commit that carries an entry.</summary>
    /// <param name="entry">The entry's number, in the segment.</param>
    /// <returns>The commit's position, from 0.</returns>
    internal int PositionOf(long entry)
    {
        int wanted = (int)(entry - Header.Before.Entries);
        int low = 0;
        int high = Header.Commits - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = FirstOf(middle) <= wanted ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>The first eight bytes of the SHA-256 of an id, as the index has them.</summary>
    internal static ulong HashOfId(string id)
    {
        Span<byte> utf8 = stackalloc byte[3 * LongestId];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(id.Length <= LongestId ? utf8[..Encoding.UTF8.GetBytes(id, utf8)] : Encoding.UTF8.GetBytes(id), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <summary>Reads the hashes of ids out of an index.</summary>
    internal static ulong[] IdsOf(LedgerSegmentHeader header, ReadOnlySpan<byte> index)
    {
        var ids = new ulong[header.Entries];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = BinaryPrimitives.ReadUInt64LittleEndian(index[((header.Commits * 8) + (i * 8))..]);
        }

        return ids;
    }

    internal ulong[] Ids() => IdsOf(Header, Index);

    private int OffsetOf(int position) => BinaryPrimitives.ReadInt32LittleEndian(Index[(position * 8)..]);

    private int FirstOf(int position) => BinaryPrimitives.ReadInt32LittleEndian(Index[((position * 8) + 4)..]);
}

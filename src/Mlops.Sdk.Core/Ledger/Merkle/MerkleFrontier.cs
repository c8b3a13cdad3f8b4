using System.Numerics;

namespace Mlops.Sdk;

/// <summary>The right edge of a growing tree: one root per complete subtree, largest first. All that is needed to add leaves and to tell the root. Not thread-safe.</summary>
internal sealed class MerkleFrontier
{
    private readonly List<byte[]> _peaks;

    internal MerkleFrontier()
        : this(0, [])
    {
    }

    private MerkleFrontier(long size, IEnumerable<byte[]> peaks)
    {
        Size = size;
        _peaks = [.. peaks];
    }

    /// <summary>Gets how many leaves there are.</summary>
    internal long Size { get; private set; }

    /// <summary>Gets the roots of the complete subtrees, largest first: one for each bit of the size that is set.</summary>
    internal IReadOnlyList<byte[]> Peaks => _peaks;

    internal Digest Root
    {
        get
        {
            if (_peaks.Count == 0)
            {
                return MerkleTree.EmptyRoot;
            }

            byte[] root = _peaks[^1];
            for (int i = _peaks.Count - 2; i >= 0; i--)
            {
                root = MerkleTree.Node(_peaks[i], root);
            }

            return Digest.FromHash(root);
        }
    }

    /// <summary>Makes a frontier of stored peaks.</summary>
    /// <exception cref="FormatException">Their number does not fit the size.</exception>
    internal static MerkleFrontier From(long size, IReadOnlyCollection<byte[]> peaks) => size >= 0 && peaks.Count == BitOperations.PopCount((ulong)size)
        ? new MerkleFrontier(size, peaks)
        : throw new FormatException($"a tree of {size} entries has {BitOperations.PopCount((ulong)size)} complete subtrees, not {peaks.Count}");

    internal MerkleFrontier Clone() => new(Size, _peaks);

    internal void CopyFrom(MerkleFrontier other)
    {
        Size = other.Size;
        _peaks.Clear();
        _peaks.AddRange(other._peaks);
    }

    /// <summary>Adds a leaf by its hash, which is kept and must not be written to.</summary>
    internal void Add(byte[] leaf)
    {
        byte[] hash = leaf;
        for (long bits = Size; (bits & 1) == 1; bits >>= 1)
        {
            hash = MerkleTree.Node(_peaks[^1], hash);
            _peaks.RemoveAt(_peaks.Count - 1);
        }

        _peaks.Add(hash);
        Size++;
    }

    /// <summary>Adds the entries of a commit as leaves.</summary>
    internal void AddEntries(ReadOnlySpan<byte> commit)
    {
        foreach (Range line in CommitCodec.EntryLines(commit))
        {
            byte[] leaf = new byte[MerkleTree.HashBytes];
            MerkleTree.Leaf(commit[line], leaf);
            Add(leaf);
        }
    }
}

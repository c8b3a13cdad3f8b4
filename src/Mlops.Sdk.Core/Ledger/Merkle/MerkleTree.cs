using System.Numerics;
using System.Security.Cryptography;

namespace Mlops.Sdk;

/// <summary>The Merkle tree of RFC 6962, section 2.1: hashes of leaves and nodes, and the checks of proofs. Needs no ledger and no store, so an auditor can run it anywhere.</summary>
/// <remarks>
/// A leaf is SHA-256(0x00 || bytes), a node SHA-256(0x01 || left || right), the tree of no leaves SHA-256 of nothing. A tree of n leaves splits
/// at the largest power of two below n. Pure: any thread may call it. Source: RFC 6962 and RFC 9162, sections 2.1.3.2 and 2.1.4.2.
/// </remarks>
public static class MerkleTree
{
    internal const int HashBytes = SHA256.HashSizeInBytes;
    private const int MaxPath = 128;

    /// <summary>Gets the root of a tree without leaves.</summary>
    public static Digest EmptyRoot { get; } = Digest.Of([]);

    /// <summary>Hashes a leaf.</summary>
    /// <param name="content">The leaf's bytes: of a ledger, the entry's line without its line end.</param>
    /// <returns>The leaf's hash.</returns>
    public static Digest HashLeaf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[HashBytes];
        Leaf(content, hash);
        return Digest.FromHash(hash);
    }

    /// <summary>Computes the root of a whole tree.</summary>
    /// <param name="leaves">The hashes of the leaves in order, shape [leaves].</param>
    /// <returns>The root.</returns>
    public static Digest RootOf(IEnumerable<Digest> leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        var frontier = new MerkleFrontier();
        foreach (Digest leaf in leaves)
        {
            frontier.Add(BytesOf(leaf));
        }

        return frontier.Root;
    }

    /// <summary>Checks that a leaf stands in a tree.</summary>
    /// <param name="leaf">The leaf's hash.</param>
    /// <param name="index">The leaf's number, from 0.</param>
    /// <param name="size">How many leaves the tree has.</param>
    /// <param name="path">The proof: the roots of the subtrees beside the way from leaf to root, nearest first.</param>
    /// <param name="root">The tree's root.</param>
    /// <returns>Whether the proof holds. A proof of another length, or numbers out of range, do not hold.</returns>
    public static bool VerifyInclusion(Digest leaf, long index, long size, IReadOnlyList<Digest> path, Digest root)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!leaf.HasValue || !root.HasValue || index < 0 || index >= size || path.Count > MaxPath)
        {
            return false;
        }

        (long fn, long sn) = (index, size - 1);
        byte[] hash = BytesOf(leaf);
        foreach (Digest step in path)
        {
            if (sn == 0 || !step.HasValue)
            {
                return false;
            }

            if ((fn & 1) == 1 || fn == sn)
            {
                hash = Node(BytesOf(step), hash);
                while ((fn & 1) == 0 && fn != 0)
                {
                    (fn, sn) = (fn >> 1, sn >> 1);
                }
            }
            else
            {
                hash = Node(hash, BytesOf(step));
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && Digest.FromHash(hash) == root;
    }

    /// <summary>Checks that a tree is an older one with leaves added at its end: nothing before was changed, taken out or put in.</summary>
    /// <param name="olderSize">How many leaves the older tree has.</param>
    /// <param name="olderRoot">The older tree's root.</param>
    /// <param name="newerSize">How many leaves the newer tree has.</param>
    /// <param name="newerRoot">The newer tree's root.</param>
    /// <param name="path">The proof.</param>
    /// <returns>Whether the proof holds. Everything extends the empty tree, by an empty proof.</returns>
    public static bool VerifyConsistency(long olderSize, Digest olderRoot, long newerSize, Digest newerRoot, IReadOnlyList<Digest> path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (olderSize < 0 || olderSize > newerSize || !olderRoot.HasValue || !newerRoot.HasValue || path.Count > MaxPath || path.Any(p => !p.HasValue))
        {
            return false;
        }

        if (olderSize == newerSize)
        {
            return path.Count == 0 && olderRoot == newerRoot;
        }

        if (olderSize == 0)
        {
            return path.Count == 0 && olderRoot == EmptyRoot;
        }

        var steps = new Queue<byte[]>(path.Select(BytesOf));
        if (BitOperations.IsPow2(olderSize))
        {
            steps = new Queue<byte[]>(path.Select(BytesOf).Prepend(BytesOf(olderRoot)));
        }

        if (steps.Count == 0)
        {
            return false;
        }

        (long fn, long sn) = (olderSize - 1, newerSize - 1);
        while ((fn & 1) == 1)
        {
            (fn, sn) = (fn >> 1, sn >> 1);
        }

        byte[] older = steps.Dequeue();
        byte[] newer = older;
        foreach (byte[] step in steps)
        {
            if (sn == 0)
            {
                return false;
            }

            if ((fn & 1) == 1 || fn == sn)
            {
                older = Node(step, older);
                newer = Node(step, newer);
                while ((fn & 1) == 0 && fn != 0)
                {
                    (fn, sn) = (fn >> 1, sn >> 1);
                }
            }
            else
            {
                newer = Node(newer, step);
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && Digest.FromHash(older) == olderRoot && Digest.FromHash(newer) == newerRoot;
    }

    internal static byte[] BytesOf(Digest digest) => Convert.FromHexString(digest.Hex);

    internal static void Leaf(ReadOnlySpan<byte> content, Span<byte> hash)
    {
        const int small = 4096;
        byte[]? large = content.Length > small ? new byte[content.Length + 1] : null;
        Span<byte> input = large ?? stackalloc byte[content.Length + 1];
        input[0] = 0;
        content.CopyTo(input[1..]);
        SHA256.HashData(input, hash);
    }

    internal static byte[] Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> input = stackalloc byte[1 + (2 * HashBytes)];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + HashBytes)..]);
        return SHA256.HashData(input);
    }
}

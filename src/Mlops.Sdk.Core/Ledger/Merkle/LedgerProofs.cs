using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>How a ledger stood: kept in a second place, it proves later that nothing before it was changed or cut off.</summary>
/// <param name="Entries">How many entries there were.</param>
/// <param name="Root">The root of the Merkle tree over them: see <see cref="MerkleTree"/>.</param>
public sealed record LedgerCheckpoint(long Entries, Digest Root);

/// <summary>Proves that an entry stands in a ledger under its number.</summary>
/// <param name="Entry">The entry's number.</param>
/// <param name="Line">The entry as it stands in the ledger: a line of JSON in UTF-8, without its line end. The leaf of the tree.</param>
/// <param name="Checkpoint">The ledger it stands in.</param>
/// <param name="Path">The roots of the subtrees beside the way from leaf to root, nearest first.</param>
public sealed record InclusionProof(long Entry, ReadOnlyMemory<byte> Line, LedgerCheckpoint Checkpoint, IReadOnlyList<Digest> Path)
{
    /// <summary>Checks the proof against its checkpoint, which the caller must trust for a reason of its own.</summary>
    /// <returns>Whether it holds.</returns>
    public bool Verify() => MerkleTree.VerifyInclusion(MerkleTree.HashLeaf(Line.Span), Entry, Checkpoint.Entries, Path, Checkpoint.Root);

    /// <summary>Reads the entry that is proven.</summary>
    /// <returns>The entry; the number of its commit is not known here and told as -1.</returns>
    /// <exception cref="MlopsIntegrityException">The line is no entry; code <c>ledger.corrupt</c>.</exception>
    public LedgerEntry ReadEntry()
    {
        try
        {
            return EntryCodec.Read(Line, Entry, -1);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new MlopsIntegrityException("ledger.corrupt", $"The line of the proof of entry {Entry} is no entry: {error.Message}", error);
        }
    }
}

/// <summary>Proves that a ledger is an older state of it with entries added at its end.</summary>
/// <param name="Older">The older state.</param>
/// <param name="Newer">The newer state.</param>
/// <param name="Path">The proof.</param>
public sealed record ConsistencyProof(LedgerCheckpoint Older, LedgerCheckpoint Newer, IReadOnlyList<Digest> Path)
{
    /// <summary>Checks the proof. Trust in the older checkpoint then extends to the newer one.</summary>
    /// <returns>Whether it holds.</returns>
    public bool Verify() => MerkleTree.VerifyConsistency(Older.Entries, Older.Root, Newer.Entries, Newer.Root, Path);
}

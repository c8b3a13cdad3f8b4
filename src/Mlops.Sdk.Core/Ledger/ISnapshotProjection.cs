using System.Buffers;

namespace Mlops.Sdk;

/// <summary>A projection whose state can be kept beside the ledger, so that opening a long ledger does not fold every entry again.</summary>
/// <remarks>
/// A snapshot is derived: it may be deleted at any time, one that does not read is passed over, and verification folds the ledger again and
/// compares. Equal entries must therefore give equal bytes: write collections in a fixed order, and nothing of the clock or the machine.
/// </remarks>
public interface ISnapshotProjection : ILedgerProjection
{
    /// <summary>Gets the name that snapshots are kept under: 1 to 64 of <c>a-z 0-9 -</c>.</summary>
    string SnapshotName { get; }

    /// <summary>Gets the version of the snapshot's format and of the rules it was folded by; one of another version is not loaded. Raise it whenever either changes.</summary>
    int SnapshotFormat { get; }

    /// <summary>Makes an empty projection of the same kind and options, to be folded in the background.</summary>
    /// <returns>The projection.</returns>
    ISnapshotProjection NewEmpty();

    /// <summary>Writes the state. No entry is applied meanwhile.</summary>
    /// <param name="writer">Takes the bytes.</param>
    void SaveSnapshot(IBufferWriter<byte> writer);

    /// <summary>Takes a state in. Called before any entry is applied; the bytes are those that were saved, checked by digest.</summary>
    /// <param name="snapshot">What <see cref="SaveSnapshot"/> wrote.</param>
    /// <exception cref="FormatException">The bytes are no state of this projection: it is left empty and every entry is applied instead.</exception>
    void LoadSnapshot(ReadOnlyMemory<byte> snapshot);
}

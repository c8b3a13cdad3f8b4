namespace Mlops.Sdk;

/// <summary>The append-only, hash-chained record of everything that happens, shared by every process on one store.</summary>
/// <remarks>
/// A commit is one object whose key is its number, written if-absent, so appending is linearizable across threads, processes
/// and machines. Appends that wait at the same time share a commit (group commit). An append that returned is durable.
/// </remarks>
public interface ILedger
{
    /// <summary>Gets the end of the ledger as this process knows it; <see cref="RefreshAsync"/> brings it up to date.</summary>
    LedgerHead Head { get; }

    /// <summary>Appends entries that hang on nothing: all of them in one commit.</summary>
    /// <param name="drafts">The entries, 1 to 1,000.</param>
    /// <param name="cancellationToken">Stops waiting. Whether a commit under way took effect is then not known: append again with the same ids.</param>
    /// <returns>The entries as written.</returns>
    /// <exception cref="MlopsDeniedException">A guard said no; nothing was written.</exception>
    /// <exception cref="MlopsException">A draft breaks a rule; code <c>ledger.invalid_entry</c>, or <c>ledger.reason_required</c> when the reason is blank.</exception>
    ValueTask<LedgerReceipt> AppendAsync(IReadOnlyList<LedgerDraft> drafts, CancellationToken cancellationToken = default);

    /// <summary>Appends entries that hang on what the ledger says: compare and append.</summary>
    /// <param name="subject">What the decision is about, such as <c>model:taxi-fare</c>. Decisions on one subject never share a commit.</param>
    /// <param name="decide">
    /// Reads attached projections and answers with the entries to write; empty for none. It runs when every attached projection
    /// stands exactly at the end of the ledger, and runs again when another writer was faster; what it throws reaches the caller.
    /// It must be quick and must not append.
    /// </param>
    /// <param name="cancellationToken">Stops waiting; see the other overload.</param>
    /// <returns>The entries as written.</returns>
    ValueTask<LedgerReceipt> AppendAsync(string subject, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken = default);

    /// <summary>Reads what other processes have written meanwhile into the attached projections.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The end of the ledger. One cheap read when nothing is new.</returns>
    /// <exception cref="MlopsIntegrityException">A commit is not what was written; code <c>ledger.corrupt</c>.</exception>
    ValueTask<LedgerHead> RefreshAsync(CancellationToken cancellationToken = default);

    /// <summary>Attaches a projection: it is given every entry so far, and each new one before the append that wrote it returns.</summary>
    /// <param name="projection">The projection; attaching the same one again does nothing.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when the projection has caught up.</returns>
    ValueTask AttachAsync(ILedgerProjection projection, CancellationToken cancellationToken = default);

    /// <summary>Reads entries in order.</summary>
    /// <param name="from">The number of the first entry to read.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The entries up to the end of the ledger at the time of the call.</returns>
    IAsyncEnumerable<LedgerEntry> ReadAsync(long from = 0, CancellationToken cancellationToken = default);

    /// <summary>Reads entries in order and then waits for new ones, from any process, without end.</summary>
    /// <param name="from">The number of the first entry to read. Keep the number after the last one handled as a cursor and nothing is missed or seen twice.</param>
    /// <param name="cancellationToken">Ends the following.</param>
    /// <returns>The entries. Idle, it costs one cheap read per poll interval.</returns>
    IAsyncEnumerable<LedgerEntry> FollowAsync(long from, CancellationToken cancellationToken = default);

    /// <summary>Reads the whole ledger again from the store and checks every hash.</summary>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found; a bad ledger is a result, not an error.</returns>
    ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default);

    /// <summary>Reads the whole ledger again from the store, checks every hash, and checks that it extends a state that was kept elsewhere.</summary>
    /// <param name="trusted">A checkpoint from a place that whoever may write to the store cannot write to; null for none.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found. With a trusted checkpoint, a cut tail, a rewritten history and a store rolled back to an older copy are found too.</returns>
    ValueTask<LedgerVerification> VerifyAsync(LedgerCheckpoint? trusted, CancellationToken cancellationToken = default);

    /// <summary>Tells how the ledger stands, or stood: its size and the root of the Merkle tree over its entries.</summary>
    /// <param name="entries">How many entries, from 0 to those there are; null for all there are now.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The checkpoint. Keep it in a second place to find any later change of what came before it.</returns>
    ValueTask<LedgerCheckpoint> CheckpointAsync(long? entries = null, CancellationToken cancellationToken = default);

    /// <summary>Proves that an entry stands in the ledger.</summary>
    /// <param name="entry">The entry's number.</param>
    /// <param name="entries">The size of the ledger to prove it in; null for the present one.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The proof: at most 2 log2 of the size hashes, verifiable without the ledger.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such entry or size.</exception>
    ValueTask<InclusionProof> ProveInclusionAsync(long entry, long? entries = null, CancellationToken cancellationToken = default);

    /// <summary>Proves that the ledger is an older state of it with entries added at its end.</summary>
    /// <param name="olderEntries">How many entries the older state has.</param>
    /// <param name="entries">The size of the newer state; null for the present one.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The proof, verifiable without the ledger. Compare its older checkpoint with the one you kept.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size.</exception>
    ValueTask<ConsistencyProof> ProveConsistencyAsync(long olderEntries, long? entries = null, CancellationToken cancellationToken = default);
}

/// <summary>A view folded from the ledger. It is given entries in order, one at a time, never twice.</summary>
public interface ILedgerProjection
{
    /// <summary>Takes one entry in. Readers may run at the same time: publish immutable state or lock.</summary>
    /// <param name="entry">The entry. Kinds that the projection does not know are to be ignored.</param>
    void Apply(LedgerEntry entry);
}

/// <summary>Stands at the append: sees every entry before it is written and may refuse it. No entry point goes round it.</summary>
public interface ILedgerGuard
{
    /// <summary>Checks an entry that is about to be written, with every projection at the end of the ledger.</summary>
    /// <param name="draft">The entry; its actor is filled in.</param>
    /// <param name="companions">All entries of the same append, this one included.</param>
    /// <exception cref="MlopsDeniedException">The entry may not be written; nothing of the append is.</exception>
    void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions);
}

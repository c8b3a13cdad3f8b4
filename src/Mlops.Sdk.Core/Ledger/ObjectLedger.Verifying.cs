namespace Mlops.Sdk;

/// <summary>Verifying: everything is read again from the store.</summary>
public sealed partial class ObjectLedger
{
    /// <inheritdoc/>
    public async ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default)
    {
        LedgerHead expected = Head;
        LedgerHead proven = default;
        while (true)
        {
            Task<CommitDocument?>[] reads = ReadAhead(proven.Commits, proven.Commits == 0 ? 1 : MaxReadAhead, cancellationToken);
            await ((Task)Task.WhenAll(reads)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (Task<CommitDocument?> read in reads)
            {
                try
                {
                    if (await read.ConfigureAwait(false) is not { } commit)
                    {
                        return await EndOfVerificationAsync(proven, expected, cancellationToken).ConfigureAwait(false);
                    }

                    proven = commit.Follow(proven).Head;
                }
                catch (FormatException problem)
                {
                    return new LedgerVerification(false, proven, proven.Commits, proven.Entries, Explain(proven, problem));
                }
                catch (MlopsIntegrityException problem)
                {
                    return new LedgerVerification(false, proven, proven.Commits, proven.Entries, problem.Message);
                }

                if (proven.Commits == expected.Commits && proven != expected)
                {
                    return new LedgerVerification(
                        false, default, 0, 0, $"The first {expected.Commits} commits are whole, but not those this process read before: their chain ends with {proven.Hash} and ended with {expected.Hash}. The ledger was rewritten.");
                }
            }
        }
    }

    private async ValueTask<LedgerVerification> EndOfVerificationAsync(LedgerHead proven, LedgerHead expected, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo later in _store.ListAsync(LedgerKeys.Commits, KeyOf(proven.Commits).Value, cancellationToken).ConfigureAwait(false))
        {
            // written between the two looks, or is one missing before it?
            if (await _store.HeadAsync(KeyOf(proven.Commits), cancellationToken).ConfigureAwait(false) is null)
            {
                return new LedgerVerification(false, proven, proven.Commits, proven.Entries, $"Commit {proven.Commits} is missing and a later one, '{later.Key}', is there.");
            }

            break;
        }

        return proven.Commits < expected.Commits
            ? new LedgerVerification(false, proven, proven.Commits, proven.Entries, $"The ledger ends at commit {proven.Commits}; this process has seen {expected.Commits}. The tail was cut off.")
            : new LedgerVerification(true, proven);
    }
}

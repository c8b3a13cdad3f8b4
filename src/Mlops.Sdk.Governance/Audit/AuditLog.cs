using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Governance;

/// <summary>Answers who did what, when and why. The audit log is the ledger itself: nothing is copied, so nothing can differ. Thread-safe.</summary>
public sealed class AuditLog
{
    private readonly ILedger _ledger;

    /// <summary>Creates the view.</summary>
    /// <param name="ledger">The ledger; not disposed.</param>
    public AuditLog(ILedger ledger)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        _ledger = ledger;
    }

    /// <summary>Finds entries, oldest first, up to the end of the ledger at the time of the call.</summary>
    /// <param name="filter">Which entries.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The entries, read as they are asked for: memory used does not depend on their number.</returns>
    public async IAsyncEnumerable<LedgerEntry> QueryAsync(AuditFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        await foreach (LedgerEntry entry in _ledger.ReadAsync(filter.FromEntry, cancellationToken).ConfigureAwait(false))
        {
            if (filter.Matches(entry))
            {
                yield return entry;
            }
        }
    }

    /// <summary>Reads the whole ledger again from the store and checks every hash.</summary>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found; a bad ledger is a result, not an error.</returns>
    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => _ledger.VerifyAsync(cancellationToken);
}

/// <summary>Which entries of the ledger to find. What is left null does not restrict.</summary>
public sealed record AuditFilter
{
    /// <summary>Gets the number of the first entry to look at: the cursor for going on where an earlier query ended.</summary>
    public long FromEntry { get; init; }

    /// <summary>Gets the id of who did it, or on whose behalf it was done.</summary>
    public string? Actor { get; init; }

    /// <summary>Gets the kind of entry: the whole kind (<c>model.alias_moved</c>) or its area followed by a dot (<c>model.</c>).</summary>
    public string? Kind { get; init; }

    /// <summary>Gets the kind of the resource, such as <c>model</c>.</summary>
    public string? ResourceKind { get; init; }

    /// <summary>Gets the name of the resource.</summary>
    public string? ResourceName { get; init; }

    /// <summary>Gets how it ended.</summary>
    public LedgerOutcome? Outcome { get; init; }

    /// <summary>Gets what ties entries together, such as a run id.</summary>
    public string? Correlation { get; init; }

    /// <summary>Gets the earliest time, inclusive, by the writers' clocks.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Gets the latest time, exclusive, by the writers' clocks.</summary>
    public DateTimeOffset? Until { get; init; }

    internal bool Matches(LedgerEntry entry) =>
        (Actor is null || entry.Actor.Id == Actor || entry.Actor.OnBehalfOf == Actor)
        && (Kind is null || (Kind.EndsWith('.') ? entry.Kind.StartsWith(Kind, StringComparison.Ordinal) : entry.Kind == Kind))
        && (ResourceKind is null || entry.Resource.Kind == ResourceKind)
        && (ResourceName is null || entry.Resource.Name == ResourceName)
        && (Outcome is null || entry.Outcome == Outcome)
        && (Correlation is null || entry.Correlation == Correlation)
        && (From is null || entry.Time >= From)
        && (Until is null || entry.Time < Until);
}

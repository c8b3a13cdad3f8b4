namespace Mlops.Sdk.Governance;

/// <summary>Refuses to let a protected alias name a version that not enough different people have approved.</summary>
/// <remarks>
/// Stands at the append to the ledger. Give one instance to the ledger as a guard and attach the same instance as a projection, before
/// anything is written (<c>AddGovernance</c> does both); a guard that was not attached knows no version and refuses. An approval is bound to the digest of the version's
/// manifest. Thread-safe.
/// </remarks>
public sealed class ApprovalGuard : ILedgerGuard, ILedgerProjection, IApprovalGate
{
    private readonly ApprovalBook _book = new();
    private readonly HashSet<string> _protected;
    private readonly bool _authorMayApprove;

    /// <summary>Creates the guard.</summary>
    /// <param name="options">How strict it is; read once, later changes have no effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of approvals is not from 0 to 10.</exception>
    public ApprovalGuard(GovernanceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.ApprovalsRequired);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ApprovalsRequired, 10);
        Required = options.ApprovalsRequired;
        _protected = new HashSet<string>(options.ProtectedAliases, StringComparer.Ordinal);
        _authorMayApprove = options.AuthorMayApprove;
    }

    /// <summary>Gets how many approvals a protected alias asks for.</summary>
    public int Required { get; }

    /// <inheritdoc/>
    public void Apply(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        _book.Apply(entry);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDeniedException">
    /// Approvals are missing (<c>governance.approval_required</c>), the approver is the author or the library itself
    /// (<c>governance.may_not_approve</c>), or the entry does not say what its kind has to say (<c>governance.invalid_entry</c>).
    /// </exception>
    public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
    {
        ArgumentNullException.ThrowIfNull(draft);
        if (draft.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        if (draft.Kind == LedgerKinds.AliasMoved)
        {
            CheckMove(draft);
        }
        else if (draft.Kind == LedgerKinds.ApprovalGiven)
        {
            CheckApproval(draft);
        }
    }

    /// <inheritdoc/>
    public string? WhyNot(string model, int version, Digest digest, string alias)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(alias);
        if (Required == 0 || !_protected.Contains(alias))
        {
            return null;
        }

        if (_book.Find(model, version) is not { } found || found.Digest != digest)
        {
            return $"the ledger has no version {version} of model '{model}' with digest {digest}, so nothing about it can be approved";
        }

        int given = _book.List(model, version, _authorMayApprove).Count(a => a.Counts);
        int missing = Required - given;
        return missing <= 0
            ? null
            : $"alias '{alias}' asks for {Required} approval{(Required == 1 ? string.Empty : "s")} of version {version} of model '{model}', {given} counted, {missing} missing; {(_authorMayApprove ? "different people" : $"people other than its author, {found.Author},")} have to approve it first";
    }

    internal (Digest Digest, Actor Author)? Find(string model, int version) => _book.Find(model, version);

    internal List<Approval> List(string model, int version) => _book.List(model, version, _authorMayApprove);

    private void CheckMove(LedgerDraft draft)
    {
        if (draft.Format != 1 || !LedgerData.TryRead(draft.Data, out AliasNote? move) || move.Model != draft.Resource.Name || draft.Resource.Kind != "model"
            || (draft.Resource.Version is { } version && version != move.To))
        {
            throw Invalid(draft);
        }

        if (move.To == 0 && !move.Digest.HasValue)
        {
            return; // the alias is taken away: there is no version to approve, and naming one again asks for approvals
        }

        if (WhyNot(move.Model, move.To, move.Digest, move.Alias) is { } why)
        {
            throw new MlopsDeniedException("governance.approval_required", $"The alias was not moved: {why}.");
        }
    }

    private void CheckApproval(LedgerDraft draft)
    {
        if (draft.Format != 1 || !LedgerData.TryRead(draft.Data, out ApprovalNote? note) || note.Model != draft.Resource.Name || draft.Resource.Kind != "model"
            || _book.Find(note.Model, note.Version) is not { } found || found.Digest != note.Digest || draft.Actor is null)
        {
            throw Invalid(draft);
        }

        if (!ApprovalBook.MayApprove(draft.Actor, found.Author, _authorMayApprove))
        {
            throw new MlopsDeniedException(
                "governance.may_not_approve",
                draft.Actor.Kind == ActorKind.System
                    ? $"The library itself ({draft.Actor}) may not approve version {note.Version} of model '{note.Model}': approvals are people's."
                    : $"{draft.Actor} registered version {note.Version} of model '{note.Model}' (author: {found.Author}) and may not approve it: someone else has to.");
        }
    }

    private static MlopsDeniedException Invalid(LedgerDraft draft) => new(
        "governance.invalid_entry",
        $"An entry '{draft.Kind}' about {draft.Resource} has to name that same resource, an existing version and its digest in data of format 1, and who acts; this one does not. Write it through the registry or the approval service.");
}

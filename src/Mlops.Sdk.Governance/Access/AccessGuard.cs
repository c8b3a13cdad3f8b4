namespace Mlops.Sdk.Governance;

/// <summary>Asks an <see cref="IAccessPolicy"/> before anything is written to the ledger, whoever writes it. Thread-safe when the policy is.</summary>
/// <remarks>Entries that tell of a refusal or a failure change nothing and always pass, so that the refusal itself can be recorded.</remarks>
public sealed class AccessGuard : ILedgerGuard
{
    private readonly IAccessPolicy _policy;

    /// <summary>Creates the guard.</summary>
    /// <param name="policy">Who may do what. When it throws, nothing is written.</param>
    public AccessGuard(IAccessPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _policy = policy;
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDeniedException">The policy says no; code <c>governance.access_denied</c>.</exception>
    public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
    {
        ArgumentNullException.ThrowIfNull(draft);
        if (draft.Outcome != LedgerOutcome.Done)
        {
            return;
        }

        Actor actor = draft.Actor ?? throw new MlopsDeniedException("governance.access_denied", $"It is not known who wants to write '{draft.Kind}' about {draft.Resource}; an unknown actor may write nothing.");
        if (_policy.WhyNot(actor, draft.Kind, draft.Resource) is { } why)
        {
            throw new MlopsDeniedException("governance.access_denied", $"{actor} may not write '{draft.Kind}' about {draft.Resource}: {why}");
        }
    }
}

/// <summary>Allows everything: the policy of a workspace that has none.</summary>
internal sealed class AllowAllPolicy : IAccessPolicy
{
    public string? WhyNot(Actor actor, string action, LedgerResource resource) => null;
}

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Governance;

/// <summary>Gives and lists approvals of model versions. Thread-safe.</summary>
public sealed class ApprovalService
{
    private readonly ILedger _ledger;
    private readonly ApprovalGuard _guard;
    private readonly IActorAccessor _actors;
    private readonly ILogger _logger;
    private volatile bool _attached;

    /// <summary>Creates the service.</summary>
    /// <param name="ledger">The ledger; not disposed.</param>
    /// <param name="guard">The rules: the same instance that guards the ledger.</param>
    /// <param name="actors">Tells who approves.</param>
    /// <param name="logger">Where to log, or null.</param>
    public ApprovalService(ILedger ledger, ApprovalGuard guard, IActorAccessor actors, ILogger<ApprovalService>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentNullException.ThrowIfNull(actors);
        _ledger = ledger;
        _guard = guard;
        _actors = actors;
        _logger = logger ?? (ILogger)NullLogger.Instance;
    }

    /// <summary>Approves a version, as the current actor. Approving it again changes nothing and answers with the first approval.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The approval.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDeniedException">The actor may not approve it (<c>governance.may_not_approve</c>, <c>governance.access_denied</c>); who tried is recorded.</exception>
    /// <exception cref="MlopsException">The reason is blank; code <c>ledger.reason_required</c>.</exception>
    public async ValueTask<Approval> ApproveAsync(string model, int version, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (string.IsNullOrWhiteSpace(reason))
        {
            throw new MlopsException("ledger.reason_required", "Every approval says why, for whoever reads the history: give a reason that is not blank.");
        }

        if (model.Length is 0 or > 128)
        {
            throw new MlopsNotFoundException("registry.version_not_found", $"A model's name has 1 to 128 characters; the one given has {model.Length}, so there is no such model to approve.");
        }

        await AttachAsync(cancellationToken).ConfigureAwait(false);
        Actor actor = _actors.Current;
        LedgerDraft? attempt = null;
        try
        {
            await _ledger.AppendAsync(
                $"model:{model}",
                () =>
                {
                    (Digest digest, _) = _guard.Find(model, version) ?? throw new MlopsNotFoundException("registry.version_not_found", $"There is no version {version} of model '{model}' to approve.");
                    attempt = new LedgerDraft(
                        LedgerKinds.ApprovalGiven,
                        new LedgerResource("model", model, version, digest),
                        reason,
                        LedgerData.Of(new ApprovalNote(model, version, digest)))
                    {
                        Actor = actor,
                    };
                    _guard.Check(attempt, [attempt]); // also where the ledger was opened without the guard
                    return Given(model, version, actor) is null ? [attempt] : [];
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsDeniedException denied) when (attempt is not null)
        {
            await RecordDenialAsync(attempt, denied).ConfigureAwait(false);
            throw;
        }

        return Given(model, version, actor)!;
    }

    /// <summary>Lists a version's approvals, oldest first.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The approvals, each with whether it counts; empty when there is none or no such version.</returns>
    public async ValueTask<IReadOnlyList<Approval>> ListApprovalsAsync(string model, int version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _guard.List(model, version);
    }

    private Approval? Given(string model, int version, Actor actor) => _guard.List(model, version).Find(a => a.Counts && ApprovalBook.SamePerson(a.By, actor));

    private async ValueTask RecordDenialAsync(LedgerDraft attempt, MlopsDeniedException denied)
    {
        const int MaxReason = 4_000;
        string reason = $"Denied ({denied.Code}): {denied.Message} Asked for because: {attempt.Reason}";
        int cut = char.IsHighSurrogate(reason[Math.Min(reason.Length, MaxReason) - 1]) ? MaxReason - 1 : MaxReason;
        LedgerDraft draft = attempt with { Outcome = LedgerOutcome.Denied, Reason = reason.Length <= MaxReason ? reason : reason[..cut] };
        try
        {
            // Not the caller's token: who was refused is evidence, also when the caller has gone.
            await _ledger.AppendAsync([draft], CancellationToken.None).ConfigureAwait(false);
        }
        catch (MlopsException e)
        {
            GovernanceLog.DenialLost(_logger, e, attempt.Kind, attempt.Resource.Name, denied.Code); // the caller still gets the denial itself
        }
    }

    private async ValueTask AttachAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(_guard, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }
    }
}

internal static partial class GovernanceLog
{
    [LoggerMessage(EventId = 6001, Level = LogLevel.Error, Message = "The denial {Code} of '{Kind}' on '{Name}' could not be written to the ledger.")]
    internal static partial void DenialLost(ILogger logger, Exception error, string kind, string name, string code);
}

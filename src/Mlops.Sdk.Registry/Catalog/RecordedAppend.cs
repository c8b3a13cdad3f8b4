namespace Mlops.Sdk.Registry;

/// <summary>Appends what is decided; when a guard refuses, writes down who tried what and why not, as the registry does.</summary>
internal static class RecordedAppend
{
    internal static async ValueTask<LedgerReceipt> AppendAsync(ILedger ledger, string subject, LedgerDraft attempt, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken)
    {
        try
        {
            return await ledger.AppendAsync(subject, decide, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsDeniedException denied)
        {
            LedgerDraft draft = attempt with
            {
                Outcome = LedgerOutcome.Denied,
                Reason = RegistryRules.ToReason($"Denied ({denied.Code}): {denied.Message} Asked for because: {attempt.Reason}"),
            };
            try
            {
                // not the caller's token: who was refused is evidence, also when the caller has gone
                await ledger.AppendAsync([draft], CancellationToken.None).ConfigureAwait(false);
            }
            catch (MlopsException)
            {
                // the caller still gets the denial itself
            }

            throw;
        }
    }
}

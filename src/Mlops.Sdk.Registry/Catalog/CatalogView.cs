namespace Mlops.Sdk.Registry;

/// <summary>The catalog's facts of one ledger, attached at first use and brought up to date before each answer; shared by search and cards.</summary>
internal sealed class CatalogView
{
    private readonly ILedger _ledger;
    private volatile bool _attached;

    internal CatalogView(ILedger ledger)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        _ledger = ledger;
        State = new CatalogState();
        Index = new CatalogIndex(State);
    }

    internal CatalogState State { get; }

    internal CatalogIndex Index { get; }

    internal async ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(State, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }

        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }
}

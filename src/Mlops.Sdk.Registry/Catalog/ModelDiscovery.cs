namespace Mlops.Sdk.Registry;

/// <summary>Finds models, explains them and tells what they were made of: three views of one ledger.</summary>
/// <remarks>Thread-safe. Disposing is not needed: the ledger owns everything. Each view is folded from the ledger when it is first asked.</remarks>
public sealed class ModelDiscovery
{
    internal ModelDiscovery(ILedger ledger, IArtifactStore artifacts, IModelCatalog catalog, TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(catalog);
        CatalogView view = new(ledger);
        Catalog = new CatalogSearch(view, catalog, time ?? TimeProvider.System);
        Lineage = new ModelLineage(ledger, catalog);
        Cards = new ModelCards(ledger, catalog, artifacts, view, Lineage);
    }

    /// <summary>Gets the search over all models.</summary>
    public CatalogSearch Catalog { get; }

    /// <summary>Gets the cards.</summary>
    public ModelCards Cards { get; }

    /// <summary>Gets the lineage.</summary>
    public ModelLineage Lineage { get; }

    /// <summary>Makes the views without a container.</summary>
    /// <param name="ledger">The ledger, open; not disposed.</param>
    /// <param name="artifacts">Where manifests and model files are; not disposed.</param>
    /// <param name="catalog">The registry over the same ledger.</param>
    /// <param name="time">The clock that ages are counted by, or null for the system's.</param>
    /// <returns>The views.</returns>
    public static ModelDiscovery Create(ILedger ledger, IArtifactStore artifacts, IModelCatalog catalog, TimeProvider? time = null) => new(ledger, artifacts, catalog, time);
}

namespace Mlops.Sdk.Registry;

/// <summary>Finds models, explains them and tells what they were made of: three views of one ledger; and takes in what people think of them and ask for.</summary>
/// <remarks>Thread-safe. Disposing is not needed: the ledger owns everything. Each view is folded from the ledger when it is first asked.</remarks>
public sealed class ModelDiscovery
{
    private readonly FeedbackDesk _feedback;

    internal ModelDiscovery(ILedger ledger, IArtifactStore artifacts, IModelCatalog catalog, TimeProvider? time, IActorAccessor? actors)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(catalog);
        CatalogView view = new(ledger);
        Catalog = new CatalogSearch(view, catalog, time ?? TimeProvider.System);
        Lineage = new ModelLineage(ledger, catalog);
        Cards = new ModelCards(ledger, catalog, artifacts, view, Lineage);
        _feedback = new FeedbackDesk(ledger, view, actors);
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
    /// <param name="actors">Tells who rates, asks and answers; null for who the ledger says. Give it what the ledger has: then what changes nothing is not written, and a grant by who asked is refused before it is.</param>
    /// <returns>The views.</returns>
    public static ModelDiscovery Create(ILedger ledger, IArtifactStore artifacts, IModelCatalog catalog, TimeProvider? time = null, IActorAccessor? actors = null) => new(ledger, artifacts, catalog, time, actors);

    /// <summary>Asks, as the current actor, to be allowed to use a model. A newer request of the same person about it takes the place of an older one.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="reason">What for; not blank, at most 4,000 characters.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The request, durable. Asking again for the same reason while there is no answer writes nothing and returns the one that is there.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such model; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsException">The reason is blank (<c>ledger.reason_required</c>), or too long or no well-formed text (<c>ledger.invalid_entry</c>).</exception>
    public ValueTask<AccessRequest> RequestAccessAsync(string model, string reason, CancellationToken cancellationToken = default) => _feedback.RequestAsync(model, reason, cancellationToken);

    /// <summary>Answers a request as the current actor. The answer is a word on the record and gives no right: that is done by the rules of whoever guards the model.</summary>
    /// <param name="requestId">The request's <see cref="AccessRequest.Id"/>.</param>
    /// <param name="granted">Whether the answer is yes. Who asked may only say no, and so withdraw the request.</param>
    /// <param name="reason">Why; not blank, at most 4,000 characters.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The request with its answer, durable. The same answer again writes nothing.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such request, or its asker asked again since; code <c>catalog.request_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">It was answered otherwise, or by somebody else; code <c>catalog.request_answered</c>.</exception>
    /// <exception cref="MlopsDeniedException">Who asked cannot grant it; code <c>catalog.self_granted</c>. A guard may say no too.</exception>
    /// <exception cref="MlopsException">The reason is blank (<c>ledger.reason_required</c>), or too long or no well-formed text (<c>ledger.invalid_entry</c>).</exception>
    public ValueTask<AccessRequest> AnswerAccessAsync(string requestId, bool granted, string reason, CancellationToken cancellationToken = default) => _feedback.AnswerAsync(requestId, granted, reason, cancellationToken);

    /// <summary>Lists requests, oldest first: of each person about each model the last one. Older ones stay in the model's history.</summary>
    /// <param name="model">The model's name, or null for all models.</param>
    /// <param name="openOnly">Whether only requests without an answer are listed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The requests.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such model; code <c>registry.version_not_found</c>.</exception>
    public ValueTask<IReadOnlyList<AccessRequest>> AccessRequestsAsync(string? model = null, bool openOnly = true, CancellationToken cancellationToken = default) => _feedback.RequestsAsync(model, openOnly, cancellationToken);

    /// <summary>Rates a model as the current actor. A person counts once, with the last rating, whatever program it came from.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="stars">How good, from 1 to 5.</param>
    /// <param name="reason">Why, for others to read; not blank, at most 4,000 characters.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>All ratings in numbers, this one among them. The same rating again writes nothing.</returns>
    /// <exception cref="MlopsDataException">There are not 1 to 5 stars; code <c>catalog.invalid_rating</c>.</exception>
    /// <exception cref="MlopsNotFoundException">There is no such model; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsException">The reason is blank (<c>ledger.reason_required</c>), or too long or no well-formed text (<c>ledger.invalid_entry</c>).</exception>
    public ValueTask<RatingSummary> RateAsync(string model, int stars, string reason, CancellationToken cancellationToken = default) => _feedback.RateAsync(model, stars, reason, cancellationToken);

    /// <summary>Reads the ratings of a model with their comments.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The ratings.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such model; code <c>registry.version_not_found</c>.</exception>
    public ValueTask<ModelRatings> RatingsAsync(string model, CancellationToken cancellationToken = default) => _feedback.RatingsAsync(model, cancellationToken);
}

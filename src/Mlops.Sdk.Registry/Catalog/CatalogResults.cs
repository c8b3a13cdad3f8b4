namespace Mlops.Sdk.Registry;

/// <summary>What a search lists.</summary>
public enum CatalogUnit
{
    /// <summary>Models, each with the best of its versions that pass.</summary>
    Model,

    /// <summary>Versions.</summary>
    Version,
}

/// <summary>The order of what is found. Ties are broken by name and then by number, newest first.</summary>
public enum CatalogOrder
{
    /// <summary>By <see cref="CatalogHit.Score"/>, best first.</summary>
    Relevance,

    /// <summary>By when the version was registered, newest first.</summary>
    Newest,

    /// <summary>By the model's name.</summary>
    Name,

    /// <summary>By the metric named in <see cref="CatalogQuery.OrderMetric"/>, largest first; without it last.</summary>
    MetricHighestFirst,

    /// <summary>By the metric named in <see cref="CatalogQuery.OrderMetric"/>, smallest first; without it last.</summary>
    MetricLowestFirst,

    /// <summary>By <see cref="RatingSummary.LowerBound"/> of the model, best first; a model that nobody rated stands at <see cref="RatingSummary.Unrated"/>.</summary>
    Rating,
}

/// <summary>A question to the catalog.</summary>
public sealed record CatalogQuery
{
    /// <summary>Gets which versions are wanted.</summary>
    /// <value>The default is all that are not deleted.</value>
    public CatalogFilter Filter { get; init; } = CatalogFilter.All;

    /// <summary>Gets whether models or versions are listed.</summary>
    /// <value>The default is models.</value>
    public CatalogUnit Unit { get; init; }

    /// <summary>Gets the order.</summary>
    /// <value>The default is by relevance.</value>
    public CatalogOrder Order { get; init; }

    /// <summary>Gets the metric to order by, when <see cref="Order"/> asks for one.</summary>
    public string? OrderMetric { get; init; }

    /// <summary>Gets how many hits to leave out at the start.</summary>
    /// <value>From 0. The default is 0.</value>
    public int Skip { get; init; }

    /// <summary>Gets how many hits to list.</summary>
    /// <value>From 0 (only count) to 1,000. The default is 20.</value>
    public int Take { get; init; } = 20;

    /// <summary>Gets how many values to list for each facet.</summary>
    /// <value>From 0 (no facets) to 1,000. The default is 10.</value>
    public int FacetValues { get; init; } = 10;

    /// <summary>Gets whether the manifests of the listed versions are read for their schema; the first time, each costs a read of the store.</summary>
    /// <value>The default is false.</value>
    public bool Schema { get; init; }
}

/// <summary>What a search found.</summary>
/// <param name="Hits">The hits of this page.</param>
/// <param name="Total">How many hits there are on all pages.</param>
/// <param name="Versions">How many versions passed.</param>
/// <param name="Facets">The facets by name, each with its values, most frequent first; empty ones are left out.</param>
public sealed record CatalogPage(IReadOnlyList<CatalogHit> Hits, int Total, int Versions, IReadOnlyDictionary<string, IReadOnlyList<CatalogFacetValue>> Facets);

/// <summary>A value of a facet.</summary>
/// <param name="Value">The value.</param>
/// <param name="Count">How many hits have it: models or versions, as the query lists.</param>
public sealed record CatalogFacetValue(string Value, int Count);

/// <summary>A model or version that was found, with what one needs to judge it.</summary>
public sealed record CatalogHit
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the version's number: of a model, the best one that passed.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the numbers of the versions that passed, newest first, at most 100; of a version only its own.</summary>
    public required IReadOnlyList<int> Matching { get; init; }

    /// <summary>Gets the digest of the version's manifest.</summary>
    public required Digest Digest { get; init; }

    /// <summary>Gets how well it fits: comparable within one answer only.</summary>
    public required double Score { get; init; }

    /// <summary>Gets the model's aliases and the version each one names.</summary>
    public required IReadOnlyDictionary<string, int> Aliases { get; init; }

    /// <summary>Gets what the model is for, or null.</summary>
    public string? Description { get; init; }

    /// <summary>Gets who answers for the model, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>Gets the stage of life.</summary>
    public required string Stage { get; init; }

    /// <summary>Gets whether it came through its gates.</summary>
    public required VersionStatus Status { get; init; }

    /// <summary>Gets the kind of task, or null in entries of older writers.</summary>
    public ModelTask? Task { get; init; }

    /// <summary>Gets the algorithm or candidate, or null.</summary>
    public string? Algorithm { get; init; }

    /// <summary>Gets the model format, or null.</summary>
    public string? ModelFormat { get; init; }

    /// <summary>Gets the metrics on the test rows.</summary>
    public required IReadOnlyDictionary<string, MetricValue> Metrics { get; init; }

    /// <summary>Gets the data it was trained on, or null.</summary>
    public DatasetInfo? Dataset { get; init; }

    /// <summary>Gets the tags: the version's, and the model's where the version has none of that key.</summary>
    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    /// <summary>Gets who registered it.</summary>
    public required string RegisteredBy { get; init; }

    /// <summary>Gets when it was registered.</summary>
    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Gets whether it is deprecated.</summary>
    public bool Deprecated { get; init; }

    /// <summary>Gets the version to use instead, or null.</summary>
    public int? Successor { get; init; }

    /// <summary>Gets whether it was deleted.</summary>
    public bool Deleted { get; init; }

    /// <summary>Gets whether it drifts.</summary>
    public CatalogDrift Drift { get; init; }

    /// <summary>Gets who approved it, the author and the library itself not counted.</summary>
    public required IReadOnlyList<string> ApprovedBy { get; init; }

    /// <summary>Gets whether it is signed.</summary>
    public bool Signed { get; init; }

    /// <summary>Gets how people rated the model, or null when nobody did.</summary>
    public RatingSummary? Rating { get; init; }

    /// <summary>Gets how many people asked to be allowed to use the model, answered or not.</summary>
    public int AccessRequests { get; init; }

    /// <summary>Gets how many of them wait for an answer.</summary>
    public int OpenAccessRequests { get; init; }

    /// <summary>Gets the hosts that serve it now.</summary>
    public required IReadOnlyList<string> Hosts { get; init; }

    /// <summary>Gets the digest of its schema, the same for versions that take and give the same; null unless the query asked for it.</summary>
    public Digest? SchemaDigest { get; init; }

    /// <summary>Gets what it takes and gives, or null unless the query asked for it.</summary>
    public ModelSchema? Schema { get; init; }

    /// <summary>Gets whether this library understood all that the ledger says about the model: false when a newer version of the library wrote about it.</summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>Gets C# that uses it, ready to be copied.</summary>
    public required string Use { get; init; }
}

namespace Mlops.Sdk.Registry;

/// <summary>What a registry event tells of.</summary>
public enum RegistryEventKind
{
    /// <summary>A version was registered.</summary>
    VersionRegistered,

    /// <summary>A version was recorded that its gates rejected.</summary>
    VersionRejected,

    /// <summary>An alias was moved, or taken away: then the event has no version.</summary>
    AliasMoved,

    /// <summary>A version moved to another stage of its life.</summary>
    StageMoved,

    /// <summary>A version was deprecated, or its deprecation taken back.</summary>
    VersionDeprecated,

    /// <summary>A version was deleted.</summary>
    VersionDeleted,

    /// <summary>A tag was set or removed.</summary>
    TagSet,

    /// <summary>A model's description or owner was written.</summary>
    ModelDescribed,

    /// <summary>A version was approved, or its approval taken back.</summary>
    Approval,

    /// <summary>A host took a version into service.</summary>
    DeploymentStarted,

    /// <summary>A host took a version out of service.</summary>
    DeploymentEnded,

    /// <summary>A host refused a version.</summary>
    DeploymentRefused,

    /// <summary>A monitor raised an alert.</summary>
    AlertRaised,

    /// <summary>An alert was taken up, became more severe, was told of again, or ended: the detail <c>change</c> says which.</summary>
    AlertChanged,

    /// <summary>Somebody asked to be allowed to use a model: the detail <c>request</c> is the request's id, the reason says what for.</summary>
    AccessRequested,

    /// <summary>Such a request was answered: the details <c>request</c> and <c>granted</c> say which and how.</summary>
    AccessAnswered,

    /// <summary>Somebody rated a model: the detail <c>stars</c> says how, the reason is the comment.</summary>
    ModelRated,
}

/// <summary>Something that happened to a model. Made of one ledger entry, in any process the same.</summary>
/// <param name="Id">The id of the entry: the same however often the event is delivered.</param>
/// <param name="Number">The number of the entry: the order of all events.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Time">When, by the writer's clock.</param>
/// <param name="Model">The model's name.</param>
/// <param name="By">Who.</param>
/// <param name="Reason">Why.</param>
public sealed record RegistryEvent(string Id, long Number, RegistryEventKind Kind, DateTimeOffset Time, string Model, Actor By, string Reason)
{
    /// <summary>Gets the version that the event is about, for an alias the one that it names now; or null.</summary>
    public int? Version { get; init; }

    /// <summary>Gets the version before: of an alias the one it named, of a new version the one it follows; or null.</summary>
    public int? OldVersion { get; init; }

    /// <summary>Gets the alias that was moved, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>Gets how what the model takes and gives differs from <see cref="OldVersion"/>; null when there is no older version or the manifests do not read.</summary>
    public SchemaDifference? SchemaChange { get; init; }

    /// <summary>Gets more facts by name, such as <c>stage</c>, <c>tag</c>, <c>host</c> or <c>check</c>.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>How what two versions take and give differs. Categories and ranges seen in training are left out: they say that the data moved, not that callers must.</summary>
/// <param name="Changes">The differences; empty when there are none.</param>
public sealed record SchemaDifference(IReadOnlyList<SchemaChange> Changes)
{
    /// <summary>Gets whether anything differs.</summary>
    public bool Changed => Changes.Count > 0;

    /// <summary>Gets whether callers of the old version break.</summary>
    public bool Breaking => Changes.Any(c => c.Breaking);

    internal static SchemaDifference Between(ModelSchema before, ModelSchema after) =>
        new([.. SchemaComparison.Compare(before, after).Where(c => c.Kind is not (SchemaChangeKind.CategoriesChanged or SchemaChangeKind.RangeChanged))]);
}

/// <summary>Which events are wanted. Every part that is set must hold.</summary>
public sealed record RegistryEventFilter
{
    /// <summary>Gets the filter that lets all events through.</summary>
    public static RegistryEventFilter All { get; } = new();

    /// <summary>Gets the kinds; empty for all.</summary>
    public IReadOnlyCollection<RegistryEventKind> Kinds { get; init; } = [];

    /// <summary>Gets the models; empty for all. A name that ends with <c>*</c> stands for all that start so.</summary>
    public IReadOnlyCollection<string> Models { get; init; } = [];

    /// <summary>Gets the aliases; empty for all. Holds for moves of aliases only.</summary>
    public IReadOnlyCollection<string> Aliases { get; init; } = [];

    /// <summary>Tells whether an event is wanted.</summary>
    /// <param name="happened">The event.</param>
    /// <returns>Whether it is.</returns>
    public bool Matches(RegistryEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        return Matches(happened.Kind, happened.Model, happened.Alias);
    }

    internal bool Matches(RegistryEventKind kind, string model, string? alias) =>
        (Kinds.Count == 0 || Kinds.Contains(kind))
        && (Models.Count == 0 || Models.Any(m => m.EndsWith('*') ? model.StartsWith(m[..^1], StringComparison.Ordinal) : model == m))
        && (Aliases.Count == 0 || alias is null || Aliases.Contains(alias, StringComparer.Ordinal));
}

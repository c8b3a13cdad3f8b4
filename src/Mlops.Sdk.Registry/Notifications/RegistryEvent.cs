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
    public SchemaChange? SchemaChange { get; init; }

    /// <summary>Gets more facts by name, such as <c>stage</c>, <c>tag</c>, <c>host</c> or <c>check</c>.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>How the schemas of two versions differ.</summary>
/// <param name="AddedInputs">Inputs that only the new version takes.</param>
/// <param name="RemovedInputs">Inputs that only the old version took.</param>
/// <param name="ChangedInputs">Inputs whose kind, source column or part of a date is another one.</param>
/// <param name="AddedOutputs">Outputs that only the new version gives.</param>
/// <param name="RemovedOutputs">Outputs that only the old version gave.</param>
/// <param name="TaskChanged">Whether the kind of task is another one.</param>
public sealed record SchemaChange(
    IReadOnlyList<string> AddedInputs,
    IReadOnlyList<string> RemovedInputs,
    IReadOnlyList<string> ChangedInputs,
    IReadOnlyList<string> AddedOutputs,
    IReadOnlyList<string> RemovedOutputs,
    bool TaskChanged)
{
    /// <summary>Gets whether anything differs.</summary>
    public bool Any => AddedInputs.Count + RemovedInputs.Count + ChangedInputs.Count + AddedOutputs.Count + RemovedOutputs.Count > 0 || TaskChanged;

    /// <summary>Gets whether callers of the old version may fail: they do not give a new input, give one as another kind, or miss an output. A removed input harms nobody.</summary>
    public bool Breaking => AddedInputs.Count + ChangedInputs.Count + RemovedOutputs.Count > 0 || TaskChanged;

    /// <summary>Compares two schemas.</summary>
    /// <param name="before">What the old version takes and gives.</param>
    /// <param name="after">What the new version takes and gives.</param>
    /// <returns>The difference; nothing in it when they are equal in shape. Ranges and categories seen in training are not compared.</returns>
    public static SchemaChange Between(ModelSchema before, ModelSchema after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        Dictionary<string, ModelInput> old = before.Inputs.ToDictionary(i => i.Name, StringComparer.Ordinal);
        Dictionary<string, ModelInput> now = after.Inputs.ToDictionary(i => i.Name, StringComparer.Ordinal);
        return new SchemaChange(
            [.. after.Inputs.Select(i => i.Name).Where(n => !old.ContainsKey(n))],
            [.. before.Inputs.Select(i => i.Name).Where(n => !now.ContainsKey(n))],
            [.. after.Inputs.Where(i => old.TryGetValue(i.Name, out ModelInput? o) && (o.Kind != i.Kind || o.Part != i.Part || o.Source != i.Source)).Select(i => i.Name)],
            [.. after.Outputs.Except(before.Outputs, StringComparer.Ordinal)],
            [.. before.Outputs.Except(after.Outputs, StringComparer.Ordinal)],
            before.Task != after.Task);
    }
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

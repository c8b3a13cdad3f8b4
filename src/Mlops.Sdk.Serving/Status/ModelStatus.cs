namespace Mlops.Sdk.Serving;

/// <summary>Tells how the served models stand.</summary>
public interface IServingStatus
{
    /// <summary>Gets the state of every served model, in the order they were declared; a snapshot, safe to ask for from any thread.</summary>
    IReadOnlyList<ModelStatus> Status { get; }
}

/// <summary>How one served model stands.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Alias">The alias that is followed, or null for a pinned version.</param>
public sealed record ModelStatus(string Model, string? Alias)
{
    /// <summary>Gets the number of the pinned version, or null when an alias is followed.</summary>
    public int? Pinned { get; init; }

    /// <summary>Gets the number of the version that answers now, or null when none does.</summary>
    public int? Version { get; init; }

    /// <summary>Gets the digest of the version that answers now, or null.</summary>
    public Digest? Digest { get; init; }

    /// <summary>
    /// Gets how the version that answers now scores, or null: <c>mask-tables</c>, <c>flat-trees</c> or <c>linear</c> when it was compiled and
    /// proved equal to its model, else the model's own way, such as <c>row-mapper</c>.
    /// </summary>
    public string? Scorer { get; init; }

    /// <summary>Gets why the version that answers now was not compiled, or null when it was, or when its format is never compiled. It answers the same, but slower.</summary>
    public string? ScorerProblem { get; init; }

    /// <summary>Gets since when the version answers, or null.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Gets how many rows the version that answers now has answered in this process.</summary>
    public long Predictions { get; init; }

    /// <summary>Gets whether another version is being loaded aside.</summary>
    public bool Loading { get; init; }

    /// <summary>Gets why the newest target is not in service, or null when it is. The version in service goes on answering.</summary>
    public ServingProblem? Problem { get; init; }

    /// <summary>Gets whether a version answers.</summary>
    public bool Ready => Version is not null;
}

/// <summary>Why a version was not taken into service.</summary>
/// <param name="Version">The number of the version that was tried, or null when none could be found.</param>
/// <param name="Code">The error's stable code.</param>
/// <param name="Message">What happened, for a person.</param>
/// <param name="At">When.</param>
public sealed record ServingProblem(int? Version, string Code, string Message, DateTimeOffset At);

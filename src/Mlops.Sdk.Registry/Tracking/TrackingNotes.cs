using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Mlops.Sdk.Registry;

/// <summary>The kinds of ledger entry that tracking writes.</summary>
public static class TrackingKinds
{
    /// <summary>Something was logged to a run: parameters, tags, files, a note, the summary of a segment of metrics.</summary>
    public const string RunLogged = "run.logged";

    /// <summary>A run was deleted from listings or restored.</summary>
    public const string RunDeleted = "run.deleted";

    /// <summary>An experiment was described, deleted from listings or restored.</summary>
    public const string ExperimentDescribed = "experiment.described";
}

/// <summary>The data of an entry about something logged to a run. What is null or missing was not logged.</summary>
internal sealed record RunLogNote(string RunId)
{
    public string? Name { get; init; }

    public string? Parent { get; init; }

    public string? Note { get; init; }

    public HypothesisOutcome? Outcome { get; init; }

    public EnvironmentInfo? Environment { get; init; }

    public IReadOnlyDictionary<string, string>? Parameters { get; init; }

    /// <summary>Gets tags; null is one that was removed.</summary>
    public IReadOnlyDictionary<string, string?>? Tags { get; init; }

    public IReadOnlyList<ArtifactNote>? Artifacts { get; init; }

    /// <summary>Gets the key of the segment that <see cref="Series"/> sums up, or null.</summary>
    public string? Segment { get; init; }

    public IReadOnlyList<SeriesNote>? Series { get; init; }
}

/// <summary>A file in a note. The bytes are an artifact of that digest.</summary>
internal sealed record ArtifactNote(string Path, Digest Digest, long Length);

/// <summary>What one segment adds to one series. Values that are not finite are written as texts.</summary>
internal sealed record SeriesNote(string Name, long Count, double Last, long Step, DateTimeOffset Time, double Min, double Max);

/// <summary>The data of an entry about a run that was deleted or restored.</summary>
internal sealed record RunDeletionNote(string RunId, bool Deleted);

/// <summary>The data of an entry about an experiment.</summary>
internal sealed record ExperimentNote(string Name)
{
    public string? Description { get; init; }

    public IReadOnlyDictionary<string, string?>? Tags { get; init; }

    public bool? Deleted { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RunLogNote))]
[JsonSerializable(typeof(RunDeletionNote))]
[JsonSerializable(typeof(ExperimentNote))]
[JsonSerializable(typeof(EnvironmentInfo))]
[JsonSerializable(typeof(PageToken))]
internal sealed partial class TrackingJson : JsonSerializerContext;

internal static class TrackingData
{
    internal static JsonElement Of<T>(T note, JsonTypeInfo<T> type) => JsonSerializer.SerializeToElement(note, type);

    internal static bool TryRead<T>(LedgerEntry entry, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? note)
        where T : class
    {
        try
        {
            note = entry.Data.ValueKind == JsonValueKind.Object ? entry.Data.Deserialize(type) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or MlopsIntegrityException)
        {
            note = null; // written around the tracker: it changes nothing
        }

        return note is not null;
    }
}

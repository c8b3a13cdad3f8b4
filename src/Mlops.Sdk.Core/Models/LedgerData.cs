using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Mlops.Sdk;

/// <summary>Turns the records that Core defines for ledger entries into an entry's data and back.</summary>
/// <remarks>
/// Camel-case names, enumerations by name, absent values as null, unknown fields ignored. Knows <see cref="RunStart"/>,
/// <see cref="RunEnd"/>, <see cref="VersionNote"/>, <see cref="AliasNote"/>, <see cref="ApprovalNote"/>,
/// <see cref="DeploymentNote"/>, <see cref="AlertNote"/>, <see cref="DescriptionNote"/>, <see cref="TagNote"/>, <see cref="StageNote"/>,
/// <see cref="DeprecationNote"/>, <see cref="TombstoneNote"/>, <see cref="CardNote"/>, <see cref="DataUseNote"/>, <see cref="LinkNote"/>,
/// <see cref="AccessRequestNote"/>, <see cref="AccessAnswerNote"/>, <see cref="RatingNote"/>,
/// <see cref="RecordSegmentNote"/> and <see cref="RecordDeletionNote"/>; generated code, so trimming and native compilation keep it.
/// </remarks>
public static class LedgerData
{
    /// <summary>Turns a record into an entry's data.</summary>
    /// <typeparam name="T">One of the records named above.</typeparam>
    /// <param name="note">The record.</param>
    /// <returns>The data.</returns>
    /// <exception cref="NotSupportedException">The type is none of them.</exception>
    public static JsonElement Of<T>(T note) => JsonSerializer.SerializeToElement(note, TypeOf<T>());

    /// <summary>Reads an entry's data.</summary>
    /// <typeparam name="T">One of the records named above.</typeparam>
    /// <param name="entry">The entry.</param>
    /// <param name="newest">The newest format of the data that the caller knows.</param>
    /// <returns>The record.</returns>
    /// <exception cref="MlopsIntegrityException">The data is of a newer format (<c>ledger.newer_format</c>) or does not read (<c>ledger.unreadable_data</c>).</exception>
    /// <exception cref="NotSupportedException">The type is none of them.</exception>
    public static T Read<T>(LedgerEntry entry, int newest = 1)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Format > newest)
        {
            throw new MlopsIntegrityException("ledger.newer_format", $"Entry {entry.Number} ('{entry.Kind}') has data of format {entry.Format}; this version of the library reads up to {newest}. Update Mlops.Sdk in this process.");
        }

        return TryRead(entry.Data, out T? note)
            ? note
            : throw new MlopsIntegrityException("ledger.unreadable_data", $"The data of entry {entry.Number} ('{entry.Kind}') is no {typeof(T).Name}. It was written by something else than this library; find the writer by the entry's source '{entry.Source}'.");
    }

    /// <summary>Reads data if it is what it should be.</summary>
    /// <typeparam name="T">One of the records named above.</typeparam>
    /// <param name="data">The data.</param>
    /// <param name="note">The record, or null.</param>
    /// <returns>Whether it was.</returns>
    /// <exception cref="NotSupportedException">The type is none of them.</exception>
    public static bool TryRead<T>(JsonElement data, [NotNullWhen(true)] out T? note)
    {
        JsonTypeInfo<T> type = TypeOf<T>();
        try
        {
            note = data.ValueKind == JsonValueKind.Object ? Complete(data.Deserialize(type)) : default;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or MlopsIntegrityException)
        {
            note = default; // the answer is false; callers say what they expected
        }

        return note is not null;
    }

    /// <summary>Generated readers leave an init-only property null when its field is missing, whatever its initial value: the empty ones are put back.</summary>
    private static T? Complete<T>(T? note) => (T?)(object?)(note switch
    {
        RunStart { Parameters: null } start => start with { Parameters = new Dictionary<string, string>() },
        RunEnd { Steps: null } end => end with { Steps = [] },
        VersionNote { Metrics: null } version => version with { Metrics = new Dictionary<string, MetricValue>() },
        _ => note,
    });

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>?)LedgerDataJson.Default.GetTypeInfo(typeof(T))
        ?? throw new NotSupportedException($"{typeof(T).Name} is no record of ledger data. Serialise your own records with your own context.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RunStart))]
[JsonSerializable(typeof(RunEnd))]
[JsonSerializable(typeof(VersionNote))]
[JsonSerializable(typeof(AliasNote))]
[JsonSerializable(typeof(ApprovalNote))]
[JsonSerializable(typeof(DeploymentNote))]
[JsonSerializable(typeof(AlertNote))]
[JsonSerializable(typeof(DescriptionNote))]
[JsonSerializable(typeof(TagNote))]
[JsonSerializable(typeof(StageNote))]
[JsonSerializable(typeof(DeprecationNote))]
[JsonSerializable(typeof(TombstoneNote))]
[JsonSerializable(typeof(CardNote))]
[JsonSerializable(typeof(AccessRequestNote))]
[JsonSerializable(typeof(AccessAnswerNote))]
[JsonSerializable(typeof(RatingNote))]
[JsonSerializable(typeof(DataUseNote))]
[JsonSerializable(typeof(LinkNote))]
[JsonSerializable(typeof(RecordSegmentNote))]
[JsonSerializable(typeof(RecordDeletionNote))]
internal sealed partial class LedgerDataJson : JsonSerializerContext;

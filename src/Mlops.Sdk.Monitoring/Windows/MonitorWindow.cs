using System.Text.Json;
using System.Text.Json.Serialization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts of what a version saw and answered in a span of time: no row is kept, and no value unless that was asked for. Immutable by agreement.</summary>
/// <remarks>
/// Windows of one reference merge: merging is associative, and exact in all counts; sketches, where there are any, keep their bounds.
/// Stored as <c>monitoring/ID</c> and committed to the ledger by digest. Sketches of numbers and unseen texts hold values of single
/// features; they are there only where <see cref="RecordingOptions.Sketches"/> asks for them.
/// </remarks>
public sealed record MonitorWindow
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 2;

    private const int MaxBytes = 64 << 20;
    private const int MaxSegments = 1_000;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the window's id.</summary>
    public required string Id { get; init; }

    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the digest of the reference whose bins and categories are counted.</summary>
    public required Digest Reference { get; init; }

    /// <summary>Gets when the window began.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Gets when the window ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Gets how many rows were counted.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets how many predictions were not counted because the version's reference was not there or did not fit.</summary>
    public long NotRecorded { get; init; }

    /// <summary>Gets how many rows with an event time came too late for the window they belong to; they are counted in no feature.</summary>
    public long Late { get; init; }

    /// <summary>Gets the part of the rows that it is about, such as <c>country=SE</c>; null for all rows.</summary>
    public string? Segment { get; init; }

    /// <summary>Gets the features, in the order of the reference.</summary>
    public required IReadOnlyList<WindowFeature> Features { get; init; }

    /// <summary>Gets the same rows by segment: their counts add up to this window's. Empty when rows are not counted apart.</summary>
    public IReadOnlyList<MonitorWindow> Segments { get => field ?? []; init; } // null after reading a document of format 1

    /// <summary>Gets the rows that were kept by chance, where <see cref="RecordingOptions.SampleRows"/> asks for them: in memory only, and null after reading.</summary>
    [JsonIgnore]
    public ReservoirSample<SampledRow>? Sample { get; init; }

    /// <summary>Merges windows of one version and reference, from any hosts and times.</summary>
    /// <param name="id">The id of the merged window.</param>
    /// <param name="windows">The windows, at least one.</param>
    /// <returns>The window that one pass over all rows would have given; moments to rounding.</returns>
    /// <exception cref="ArgumentException">There is no window, or they do not belong together.</exception>
    public static MonitorWindow Merge(string id, IReadOnlyList<MonitorWindow> windows)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(windows);
        if (windows.Count == 0)
        {
            throw new ArgumentException("At least one window is needed.", nameof(windows));
        }

        MonitorWindow first = windows[0];
        if (windows.Count == 1)
        {
            return first with { Id = id, Format = CurrentFormat };
        }

        if (windows.FirstOrDefault(w => w.Model != first.Model || w.Version != first.Version || w.Reference != first.Reference || w.Features.Count != first.Features.Count) is { } other)
        {
            throw new ArgumentException($"Windows of one version and reference merge; '{first.Id}' is of {first.Model} v{first.Version}, '{other.Id}' of {other.Model} v{other.Version} or of another reference.", nameof(windows));
        }

        return first with
        {
            Format = CurrentFormat,
            Id = id,
            From = windows.Min(w => w.From),
            To = windows.Max(w => w.To),
            Rows = windows.Sum(w => w.Rows),
            NotRecorded = windows.Sum(w => w.NotRecorded),
            Late = windows.Sum(w => w.Late),
            Segment = windows.All(w => w.Segment == first.Segment) ? first.Segment : null,
            Segments = MergeSegments(id, windows),
            Sample = WindowMerging.Merge(windows.Select(w => w.Sample), s => new ReservoirSample<SampledRow>(s.Capacity, 0), (into, from) => into.Merge(from)),
            Features = [.. Enumerable.Range(0, first.Features.Count).Select(i => WindowFeature.Merge([.. windows.Select(w => w.Features[i])]))],
        };
    }

    /// <summary>Counts the rows of a table.</summary>
    /// <param name="id">The window's id.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="profile">The version's reference.</param>
    /// <param name="rows">The rows as the model sees them.</param>
    /// <param name="outputs">The model's answers for them, shape [outputs][rows], or null when there are none: features of the reference that are outputs are then left out.</param>
    /// <param name="at">When the rows are from.</param>
    /// <returns>The window.</returns>
    /// <exception cref="MlopsDataException">The rows do not fit the reference; code <c>monitoring.profile_mismatch</c>.</exception>
    public static MonitorWindow Of(string id, string model, int version, ReferenceProfile profile, EncodedTable rows, IReadOnlyList<float[]>? outputs = null, DateTimeOffset at = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(rows);
        ReferenceProfile judged = outputs is null ? profile with { Features = [.. profile.Features.Where(f => f.Role == FeatureRole.Input)] } : profile;
        RecordingPlan plan = RecordingPlan.Create(model, version, rows.Schema, judged, Digest.Of(profile.Serialize()));
        return WindowCounting.Count(plan, rows, outputs, id, at);
    }

    /// <summary>Reads a window.</summary>
    /// <param name="json">Its bytes, at most 64 MiB.</param>
    /// <returns>The window.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no window (<c>monitoring.unreadable_window</c>) or one of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static MonitorWindow Deserialize(ReadOnlySpan<byte> json)
    {
        MonitorWindow? window;
        try
        {
            window = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, WindowJson.Default.MonitorWindow) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_window", $"A monitoring window is expected; the bytes do not read as one: {error.Message}", error);
        }

        if (window is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The monitoring window has format {window.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return window is not null && window.IsSane(depth: 0)
            ? window
            : throw new MlopsIntegrityException("monitoring.unreadable_window", $"A monitoring window of at most {MaxBytes} bytes is expected, with counts that add up to its rows; the bytes found are not one.");
    }

    internal bool IsSane(int depth) =>
        Id is not null && Model is not null && Rows >= 0 && NotRecorded >= 0 && Late >= 0 && Features is not null && Segments is not null
        && Features.All(f => f is not null && f.IsSane(Rows))
        && Segments.Count <= (depth == 0 ? MaxSegments : 0)
        && Segments.All(s => s is { Segment: not null } && s.IsSane(depth + 1) && s.Features.Count == Features.Count)
        && (Segments.Count == 0 || Segments.Aggregate(0m, (sum, s) => sum + s.Rows) == Rows);

    private static MonitorWindow[] MergeSegments(string id, IReadOnlyList<MonitorWindow> windows) =>
        windows.All(w => w.Segments.Count > 0 || w.Rows == 0)
            ? [.. windows.SelectMany(w => w.Segments).GroupBy(s => s.Segment, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Merge(id, [.. g]))]
            : [];

    /// <summary>Writes the window.</summary>
    /// <returns>UTF-8 JSON.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, WindowJson.Default.MonitorWindow);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MonitorWindow))]
internal sealed partial class WindowJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts of what a version saw and answered in a span of time: no row and no value of a row is kept. Immutable by agreement.</summary>
/// <remarks>Windows of one reference merge: merging is associative, and exact in all counts. Stored as <c>monitoring/ID</c> and committed to the ledger by digest.</remarks>
public sealed record MonitorWindow
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    private const int MaxBytes = 64 << 20;

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

    /// <summary>Gets the features, in the order of the reference.</summary>
    public required IReadOnlyList<WindowFeature> Features { get; init; }

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
        if (windows.FirstOrDefault(w => w.Model != first.Model || w.Version != first.Version || w.Reference != first.Reference || w.Features.Count != first.Features.Count) is { } other)
        {
            throw new ArgumentException($"Windows of one version and reference merge; '{first.Id}' is of {first.Model} v{first.Version}, '{other.Id}' of {other.Model} v{other.Version} or of another reference.", nameof(windows));
        }

        return first with
        {
            Id = id,
            From = windows.Min(w => w.From),
            To = windows.Max(w => w.To),
            Rows = windows.Sum(w => w.Rows),
            NotRecorded = windows.Sum(w => w.NotRecorded),
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

        return window is { Id: not null, Model: not null, Rows: >= 0, NotRecorded: >= 0, Features: not null } && window.Features.All(f => f is not null && f.IsSane(window.Rows))
            ? window
            : throw new MlopsIntegrityException("monitoring.unreadable_window", $"A monitoring window of at most {MaxBytes} bytes is expected, with counts that add up to its rows; the bytes found are not one.");
    }

    /// <summary>Writes the window.</summary>
    /// <returns>UTF-8 JSON.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, WindowJson.Default.MonitorWindow);
}

/// <summary>The counts of one feature in a window.</summary>
public sealed record WindowFeature
{
    /// <summary>Gets its name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets whether it is a number or a text.</summary>
    public required InputKind Kind { get; init; }

    /// <summary>Gets whether the model takes or gives it.</summary>
    public required FeatureRole Role { get; init; }

    /// <summary>Gets the rows per bin of the reference, or per category that it lists, shape [bins or categories].</summary>
    public required long[] Counts { get; init; }

    /// <summary>Gets the rows with a category that the reference does not list.</summary>
    public long Unseen { get; init; }

    /// <summary>Gets the rows without a value.</summary>
    public long Missing { get; init; }

    /// <summary>Gets the rows with an infinite number.</summary>
    public long Infinite { get; init; }

    /// <summary>Gets the mean of the finite numbers, 0 when there are none.</summary>
    public double Mean { get; init; }

    /// <summary>Gets the sum of squared differences from the mean of the finite numbers.</summary>
    public double SquaredDeviations { get; init; }

    /// <summary>Gets the smallest finite number, or null.</summary>
    public float? Minimum { get; init; }

    /// <summary>Gets the largest finite number, or null.</summary>
    public float? Maximum { get; init; }

    /// <summary>Gets how many rows have a value that is counted in a bin or category.</summary>
    [JsonIgnore]
    public long Values => Counts.Sum();

    internal static WindowFeature Merge(IReadOnlyList<WindowFeature> parts)
    {
        WindowFeature first = parts[0];
        long[] counts = new long[first.Counts.Length];
        double values = 0;
        double mean = 0;
        double squares = 0;
        foreach (WindowFeature part in parts)
        {
            if (part.Counts.Length != counts.Length || part.Name != first.Name)
            {
                throw new ArgumentException($"'{first.Name}' with {counts.Length} bins does not merge with '{part.Name}' with {part.Counts.Length}.", nameof(parts));
            }

            for (int i = 0; i < counts.Length; i++)
            {
                counts[i] += part.Counts[i];
            }

            double more = part.Values;
            if (more > 0 && first.Kind == InputKind.Number)
            {
                // T. Chan, G. Golub, R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979
                double difference = part.Mean - mean;
                double all = values + more;
                mean += difference * more / all;
                squares += part.SquaredDeviations + (difference * difference * values * more / all);
                values = all;
            }
        }

        return first with
        {
            Counts = counts,
            Unseen = parts.Sum(p => p.Unseen),
            Missing = parts.Sum(p => p.Missing),
            Infinite = parts.Sum(p => p.Infinite),
            Mean = mean,
            SquaredDeviations = squares,
            Minimum = parts.Min(p => p.Minimum),
            Maximum = parts.Max(p => p.Maximum),
        };
    }

    internal bool IsSane(long rows)
    {
        if (Name is null || Counts is null || Unseen < 0 || Missing < 0 || Infinite < 0 || !double.IsFinite(Mean) || !double.IsFinite(SquaredDeviations))
        {
            return false;
        }

        // decimal, so that hostile counts do not wrap round to a plausible sum
        decimal sum = (decimal)Unseen + Missing + Infinite;
        foreach (long count in Counts)
        {
            if (count < 0)
            {
                return false;
            }

            sum += count;
        }

        return sum == rows;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MonitorWindow))]
internal sealed partial class WindowJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Data;

/// <summary>How a model's inputs and outputs were distributed when it was trained: what later windows are compared with. Stored with each version as <c>profile.json</c>.</summary>
public sealed record ReferenceProfile
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The name of the file in a version.</summary>
    public const string FileName = "profile.json";

    private const int MaxBytes = 16 << 20;
    private const int MaxCategories = 1_000;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets how many rows it was made of.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the inputs in schema order, then the outputs.</summary>
    public required IReadOnlyList<ReferenceFeature> Features { get; init; }

    /// <summary>Makes the profile of rows.</summary>
    /// <param name="table">The inputs.</param>
    /// <param name="outputs">The model's outputs for the same rows, shape [outputs][rows], or null.</param>
    /// <param name="bins">How many quantile bins a number has at most, 2 to 64.</param>
    /// <returns>The profile.</returns>
    public static ReferenceProfile Of(EncodedTable table, IReadOnlyList<float[]>? outputs = null, int bins = 10)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bins, 64);
        var features = new List<ReferenceFeature>();
        int number = 0;
        int text = 0;
        foreach (ModelInput input in table.Schema.Inputs)
        {
            features.Add(input.Kind == InputKind.Number
                ? OfNumbers(input.Name, FeatureRole.Input, table.Numbers[number++], bins)
                : OfTexts(input.Name, table.Texts[text++]));
        }

        for (int i = 0; i < (outputs?.Count ?? 0); i++)
        {
            features.Add(OfNumbers(table.Schema.Outputs[i], FeatureRole.Output, outputs![i], bins));
        }

        return new ReferenceProfile { Rows = table.Rows, Features = features };
    }

    /// <summary>Reads a profile.</summary>
    /// <param name="json">Its bytes, at most 16 MiB.</param>
    /// <returns>The profile.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no profile (<c>data.unreadable_profile</c>) or one of a newer format (<c>data.newer_format</c>).</exception>
    public static ReferenceProfile Deserialize(ReadOnlySpan<byte> json)
    {
        ReferenceProfile? profile;
        try
        {
            profile = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, ProfileJson.Default.ReferenceProfile) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("data.unreadable_profile", $"A reference profile is expected; the bytes do not read as one: {error.Message}", error);
        }

        if (profile is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("data.newer_format", $"The reference profile has format {profile.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return profile is { Features: not null } && profile.Features.All(f => f.IsSane())
            ? profile
            : throw new MlopsIntegrityException("data.unreadable_profile", $"A reference profile of at most {MaxBytes} bytes with consistent bins is expected; the bytes found are not one.");
    }

    /// <summary>Writes the profile.</summary>
    /// <returns>UTF-8 JSON.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, ProfileJson.Default.ReferenceProfile);

    private static ReferenceFeature OfNumbers(string name, FeatureRole role, float[] values, int bins)
    {
        float[] sorted = [.. values.Where(float.IsFinite)];
        Array.Sort(sorted);
        List<float> edges = EdgesOf(sorted, bins);
        float[] upper = [.. edges];
        long[] counts = new long[upper.Length + 1];
        double sum = 0;
        foreach (float value in sorted)
        {
            counts[BinOf(upper, value)]++;
            sum += value;
        }

        double mean = sorted.Length == 0 ? 0 : sum / sorted.Length;
        double square = 0;
        foreach (float value in sorted)
        {
            square += (value - mean) * (value - mean);
        }

        return new ReferenceFeature
        {
            Name = name,
            Kind = InputKind.Number,
            Role = role,
            Edges = upper,
            Counts = counts,
            Missing = values.LongCount(float.IsNaN),
            Infinite = values.LongCount(float.IsInfinity),
            Mean = mean,
            StandardDeviation = sorted.Length == 0 ? 0 : Math.Sqrt(square / sorted.Length),
            Minimum = sorted.Length == 0 ? null : sorted[0],
            Maximum = sorted.Length == 0 ? null : sorted[^1],
        };
    }

    private static List<float> EdgesOf(float[] sorted, int bins)
    {
        var edges = new List<float>();
        if (sorted.Length == 0)
        {
            return edges;
        }

        float largest = sorted[^1];
        if (sorted[0] == largest)
        {
            // a constant: what lies below, on and above it later are three different things
            return largest > float.MinValue ? [MathF.BitDecrement(largest), largest] : [largest];
        }

        int below = sorted.Length - 1;
        while (sorted[below] == largest)
        {
            below--;
        }

        for (int b = 1; b < bins; b++)
        {
            // nearest rank: the smallest value with at least b/bins of the rows at or below it; equal edges merge. Where that is the
            // largest value, which many rows share, the edge is the value before it, so that these rows have a bin of their own
            float edge = Math.Min(sorted[Math.Max(0, (int)Math.Ceiling((double)sorted.Length * b / bins) - 1)], sorted[below]);
            if (edges.Count == 0 || edge > edges[^1])
            {
                edges.Add(edge);
            }
        }

        return edges;
    }

    private static ReferenceFeature OfTexts(string name, TextColumn column)
    {
        long[] counts = new long[column.Dictionary.Length];
        long missing = 0;
        foreach (int code in column.Codes)
        {
            if (code < 0)
            {
                missing++;
            }
            else
            {
                counts[code]++;
            }
        }

        int[] kept = [.. Enumerable.Range(0, counts.Length).Where(i => counts[i] > 0).OrderByDescending(i => counts[i]).ThenBy(i => column.Dictionary[i], StringComparer.Ordinal)];
        return new ReferenceFeature
        {
            Name = name,
            Kind = InputKind.Text,
            Role = FeatureRole.Input,
            Categories = [.. kept.Take(MaxCategories).Select(i => column.Dictionary[i])],
            CategoryCounts = [.. kept.Take(MaxCategories).Select(i => counts[i])],
            Other = kept.Skip(MaxCategories).Sum(i => counts[i]),
            Missing = missing,
        };
    }

    /// <summary>Finds the bin of a number: the first whose upper edge is not below it.</summary>
    /// <param name="edges">The upper edges, strictly increasing, shape [bins - 1].</param>
    /// <param name="value">The number, not NaN.</param>
    /// <returns>The bin, from 0; the last one has no upper edge.</returns>
    public static int BinOf(ReadOnlySpan<float> edges, float value)
    {
        int low = 0;
        int high = edges.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (value <= edges[middle])
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }
}

/// <summary>Where a feature stands.</summary>
public enum FeatureRole
{
    /// <summary>The model takes it.</summary>
    Input,

    /// <summary>The model gives it.</summary>
    Output,

    /// <summary>It is the truth that the model is to give.</summary>
    Label,
}

/// <summary>The distribution of one input or output.</summary>
public sealed record ReferenceFeature
{
    /// <summary>Gets its name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets whether it is a number or a text.</summary>
    public required InputKind Kind { get; init; }

    /// <summary>Gets where it stands.</summary>
    public required FeatureRole Role { get; init; }

    /// <summary>Gets the upper edges of the bins, strictly increasing, right-closed, shape [bins - 1]: the reference's quantiles. The outer bins are open. A constant has edges right below and on it.</summary>
    public float[] Edges { get; init; } = [];

    /// <summary>Gets the rows per bin, shape [bins].</summary>
    public long[] Counts { get; init; } = [];

    /// <summary>Gets the categories, most frequent first, at most 1,000.</summary>
    public string[] Categories { get; init; } = [];

    /// <summary>Gets the rows per category, shape [categories].</summary>
    public long[] CategoryCounts { get; init; } = [];

    /// <summary>Gets the rows of categories that are not listed.</summary>
    public long Other { get; init; }

    /// <summary>Gets the rows without a value.</summary>
    public long Missing { get; init; }

    /// <summary>Gets the rows with an infinite value; they are in no bin.</summary>
    public long Infinite { get; init; }

    /// <summary>Gets the mean of the finite values.</summary>
    public double Mean { get; init; }

    /// <summary>Gets the population standard deviation of the finite values.</summary>
    public double StandardDeviation { get; init; }

    /// <summary>Gets the smallest finite value, or null.</summary>
    public float? Minimum { get; init; }

    /// <summary>Gets the largest finite value, or null.</summary>
    public float? Maximum { get; init; }

    internal bool IsSane()
    {
        if (Name is null || Edges is null || Counts is null || Categories is null || CategoryCounts is null || Categories.Length != CategoryCounts.Length || Missing < 0 || Other < 0)
        {
            return false;
        }

        for (int i = 1; i < Edges.Length; i++)
        {
            if (!(Edges[i] > Edges[i - 1]))
            {
                return false;
            }
        }

        return Array.TrueForAll(Counts, c => c >= 0) && Array.TrueForAll(CategoryCounts, c => c >= 0) && Array.TrueForAll(Categories, c => c is not null)
            && (Kind == InputKind.Text ? Counts.Length == 0 : Counts.Length == Edges.Length + 1);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReferenceProfile))]
internal sealed partial class ProfileJson : JsonSerializerContext;

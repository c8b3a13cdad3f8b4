using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What was learned of a reference's components, as it is stored.</summary>
internal sealed record PcaDocument
{
    internal const int CurrentFormat = 1;
    private const int MaxBytes = 64 << 20;
    private const int MaxWidth = 4096;

    public int Format { get; init; } = CurrentFormat;

    public required string[] Names { get; init; }

    public required double[] Means { get; init; }

    public required double[] Deviations { get; init; }

    /// <summary>Gets for each text feature, the last of the names, how frequent its categories were.</summary>
    public required Dictionary<string, double>[] Frequencies { get; init; }

    /// <summary>Gets the kept components, one after the other, shape [kept * features].</summary>
    public required double[] Components { get; init; }

    public required double[] ExplainedVariance { get; init; }

    public required double ReferenceError { get; init; }

    public required double ReferenceSpread { get; init; }

    public required int ReferenceRows { get; init; }

    public required int ChunkRows { get; init; }

    public double Variance { get; init; }

    public int Chunks { get; init; }

    public double Range { get; init; }

    public int MinimumRows { get; init; }

    internal static PcaDocument Read(ReadOnlySpan<byte> json)
    {
        PcaDocument? document;
        try
        {
            document = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, PcaJson.Default.PcaDocument) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_model", $"Stored components of a reference are expected; the bytes do not read as such: {error.Message}", error);
        }

        if (document is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The stored components have format {document.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return document is not null && document.IsSane()
            ? document
            : throw new MlopsIntegrityException("monitoring.unreadable_model", $"Stored components of a reference of at most {MaxBytes} bytes with consistent lengths are expected; the bytes found are not such. Fit the reference again.");
    }

    private bool IsSane()
    {
        if (Names is not { Length: > 1 and <= MaxWidth } || Means is null || Deviations is null || Frequencies is null || Components is null || ExplainedVariance is null)
        {
            return false;
        }

        int width = Names.Length;
        int kept = Components.Length / width;
        return Means.Length == width && Deviations.Length == width && ExplainedVariance.Length == width && Frequencies.Length <= width
            && Components.Length % width == 0 && kept < width
            && Array.TrueForAll(Names, n => n is not null)
            && Array.TrueForAll(Means, double.IsFinite) && Array.TrueForAll(Deviations, d => d > 0 && double.IsFinite(d)) && Array.TrueForAll(Components, double.IsFinite) && Array.TrueForAll(ExplainedVariance, double.IsFinite)
            && Array.TrueForAll(Frequencies, f => f is not null && f.Values.All(v => v is >= 0 and <= 1))
            && double.IsFinite(ReferenceError) && ReferenceSpread >= 0 && double.IsFinite(ReferenceSpread) && ChunkRows >= 1 && ReferenceRows >= ChunkRows
            && Variance is > 0 and < 1 && Chunks is >= 5 and <= 1000 && Range is >= 1 and <= 10 && MinimumRows >= 1;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 8)]
[JsonSerializable(typeof(PcaDocument))]
internal sealed partial class PcaJson : JsonSerializerContext;

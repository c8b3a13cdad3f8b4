using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>How much each input of a version matters, as it stands in <see cref="ModelFileNames.Importance"/>.</summary>
internal sealed record ImportanceFile(int Format, string? Method, Dictionary<string, double>? Inputs)
{
    internal const int CurrentFormat = 1;
    internal const int MaxBytes = 4 << 20;

    /// <summary>Writes the file.</summary>
    internal static byte[] Write(string method, Dictionary<string, double> inputs) =>
        JsonSerializer.SerializeToUtf8Bytes(new ImportanceFile(CurrentFormat, method, inputs), ImportanceJson.Default.ImportanceFile);

    /// <summary>Reads the importance by input.</summary>
    /// <returns>At least one finite number, or null when the bytes are not of this form.</returns>
    internal static Dictionary<string, double>? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ImportanceJson.Default.ImportanceFile) is { Format: CurrentFormat, Inputs: { Count: > 0 } inputs } && inputs.Values.All(double.IsFinite) ? inputs : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null; // the caller says so
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ImportanceFile))]
internal sealed partial class ImportanceJson : JsonSerializerContext;

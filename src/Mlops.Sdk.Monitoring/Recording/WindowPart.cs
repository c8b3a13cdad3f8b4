using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What stands in the store of a window that is open: <c>monitoring/parts/MODEL/ID</c>.</summary>
internal sealed record WindowPart
{
    internal const int CurrentFormat = 1;
    internal const int MaxBytes = 64 << 20;

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the number of the attempt that wrote it.</summary>
    public required long Sequence { get; init; }

    /// <summary>Gets whether nothing will be added to it: whoever wrote that closes the window.</summary>
    public bool Sealed { get; init; }

    public required MonitorWindow Window { get; init; }

    /// <summary>Reads a part.</summary>
    /// <returns>The part, or null when the bytes are none that this library reads.</returns>
    internal static WindowPart? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, WindowPartJson.Default.WindowPart) is { Format: <= CurrentFormat, Sequence: > 0, Window: { Format: <= MonitorWindow.CurrentFormat } window } part && window.IsSane(0) ? part : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    internal byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, WindowPartJson.Default.WindowPart);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WindowPart))]
internal sealed partial class WindowPartJson : JsonSerializerContext;

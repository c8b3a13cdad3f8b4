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
    /// <exception cref="FormatException">The bytes are none, or not those that were written.</exception>
    /// <exception cref="MlopsIntegrityException">A newer library wrote it; code <c>monitoring.newer_format</c>.</exception>
    internal static WindowPart Read(ReadOnlySpan<byte> bytes)
    {
        WindowPart? part;
        try
        {
            part = JsonSerializer.Deserialize(SealedLine.ReadWhole(bytes), WindowPartJson.Default.WindowPart);
        }
        catch (JsonException error)
        {
            throw new FormatException($"it does not read as an open window: {error.Message}", error);
        }

        if (part is { Format: > CurrentFormat } or { Window.Format: > MonitorWindow.CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The open window has format {part.Format} (its counts {part.Window.Format}); this version of the library reads up to {CurrentFormat} and {MonitorWindow.CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return part is { Sequence: > 0, Window: { } window } && window.IsSane(0) ? part : throw new FormatException("its counts do not add up");
    }

    internal byte[] Serialize() => SealedLine.Write(JsonSerializer.SerializeToUtf8Bytes(this, WindowPartJson.Default.WindowPart));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WindowPart))]
internal sealed partial class WindowPartJson : JsonSerializerContext;

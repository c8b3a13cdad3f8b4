using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>The state of a watcher of a stream as it is stored.</summary>
internal sealed record StreamState
{
    internal const int CurrentFormat = 1;
    private const int MaxBytes = 1 << 20;

    public int Format { get; init; } = CurrentFormat;

    public required string Kind { get; init; }

    public double Delta { get; init; }

    public double Threshold { get; init; }

    public double Minimum { get; init; }

    public long Seen { get; init; }

    public double[]? Numbers { get; init; }

    public double[][]? Sizes { get; init; }

    internal static StreamState Read(ReadOnlySpan<byte> json, string kind, Func<StreamState, bool> isSane)
    {
        StreamState? state;
        try
        {
            state = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, StreamStateJson.Default.StreamState) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_state", $"The state of a '{kind}' watcher is expected; the bytes do not read as one: {error.Message}", error);
        }

        if (state is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The state of the watcher has format {state.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return state is not null && state.Kind == kind && isSane(state)
            ? state
            : throw new MlopsIntegrityException("monitoring.unreadable_state", $"The state of a '{kind}' watcher of at most {MaxBytes} bytes is expected; the bytes found are not one. Start the watcher anew.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, MaxDepth = 8)]
[JsonSerializable(typeof(StreamState))]
internal sealed partial class StreamStateJson : JsonSerializerContext;

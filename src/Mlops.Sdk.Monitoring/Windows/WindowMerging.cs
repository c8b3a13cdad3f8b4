using System.Text.Json;
using System.Text.Json.Serialization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Merges what some windows have and others have not.</summary>
internal static class WindowMerging
{
    /// <summary>Merges into a new sketch; null when a part has none, since the merged one would not be about all rows.</summary>
    internal static T? Merge<T>(IEnumerable<T?> parts, Func<T, T> empty, Action<T, T> merge)
        where T : class
    {
        T? into = null;
        foreach (T? part in parts)
        {
            if (part is null)
            {
                return null;
            }

            into ??= empty(part);
            merge(into, part);
        }

        return into;
    }
}

/// <summary>A sketch within JSON: its binary form in base 64.</summary>
internal abstract class SketchJson<T>(Func<byte[], T> read, Func<T, byte[]> write) : JsonConverter<T>
    where T : class
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetBytesFromBase64(out byte[]? bytes))
        {
            throw new JsonException("a sketch is a text in base 64");
        }

        try
        {
            return read(bytes);
        }
        catch (MlopsIntegrityException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteBase64StringValue(write(value));
}

internal sealed class QuantileSketchJson() : SketchJson<QuantileSketch>(b => QuantileSketch.Deserialize(b), s => s.Serialize());

internal sealed class DistinctSketchJson() : SketchJson<DistinctSketch>(b => DistinctSketch.Deserialize(b), s => s.Serialize());

internal sealed class FrequentItemsJson() : SketchJson<FrequentItems>(b => FrequentItems.Deserialize(b), s => s.Serialize());

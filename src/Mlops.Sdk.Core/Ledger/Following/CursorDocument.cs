using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>The object <c>ledger/cursors/NAME</c>: a subscriber's place and who works for it. See docs/store-format.md.</summary>
internal sealed record CursorDocument(int Format, string Name, long Next, long Epoch, string? Holder, DateTimeOffset? Until, string? Token)
{
    internal const int CurrentFormat = 1;
    internal const int MaxBytes = 16 * 1024;

    internal static ObjectKey KeyOf(string name) => ObjectKey.Parse($"ledger/cursors/{name}");

    internal byte[] Write() => SealedLine.Write(JsonSerializer.SerializeToUtf8Bytes(this, CursorJson.Default.CursorDocument));

    /// <exception cref="MlopsIntegrityException">The bytes are no cursor of this name (<c>ledger.cursor_unreadable</c>) or of a newer format (<c>ledger.newer_format</c>).</exception>
    internal static CursorDocument Read(string name, byte[] bytes)
    {
        CursorDocument? cursor;
        try
        {
            cursor = JsonSerializer.Deserialize(SealedLine.ReadWhole(bytes), CursorJson.Default.CursorDocument);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw Unreadable(name, error.Message, error);
        }

        if (cursor is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("ledger.newer_format", $"The cursor '{KeyOf(name)}' has format {cursor.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return cursor is { Format: >= 1, Next: >= 0, Epoch: >= 0, Holder: null or { Length: <= 512 } } && cursor.Name == name
            ? cursor
            : throw Unreadable(name, "its members are not those of this subscriber", null);
    }

    internal static MlopsIntegrityException Unreadable(string name, string why, Exception? cause) => new(
        "ledger.cursor_unreadable",
        $"The cursor '{KeyOf(name)}' of the subscriber '{name}' does not read: {why}. Restore it from a copy, or remove the object to start the subscriber anew.",
        cause);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(CursorDocument))]
internal sealed partial class CursorJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Data;

/// <summary>Rows stored with a version as <c>probe.json</c>: serving warms a model with them, and proves scorers equal on them, before it goes live.</summary>
/// <remarks>Rows are slots, in the order of the version's <see cref="ModelSchema"/>; at most <see cref="MaxRows"/> of them. Immutable by agreement.</remarks>
public sealed record ProbeRows
{
    /// <summary>The name of the file in a version.</summary>
    public const string FileName = "probe.json";

    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The most rows a document may hold.</summary>
    public const int MaxRows = 10_000;

    /// <summary>The most bytes a document may have.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the number inputs of each row, shape [rows][number inputs]; NaN for a missing one.</summary>
    public required IReadOnlyList<float[]> Numbers { get; init; }

    /// <summary>Gets the text inputs of each row, shape [rows][text inputs]; null for a missing one.</summary>
    public required IReadOnlyList<string?[]> Texts { get; init; }

    /// <summary>Writes the rows as UTF-8 JSON.</summary>
    /// <param name="rows">The rows.</param>
    /// <exception cref="ArgumentException">There are too many rows, or not as many of texts as of numbers.</exception>
    /// <returns>The bytes to store as <see cref="FileName"/>.</returns>
    public static byte[] Serialize(ProbeRows rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return rows.WhyNot() is { } problem
            ? throw new ArgumentException(problem, nameof(rows))
            : JsonSerializer.SerializeToUtf8Bytes(rows, ProbeJson.Default.ProbeRows);
    }

    /// <summary>Reads rows and checks their shape.</summary>
    /// <param name="utf8">The bytes.</param>
    /// <param name="schema">The schema the rows must fit, or null to check only that all rows are alike.</param>
    /// <exception cref="MlopsDataException">The bytes are no probe rows, or do not fit the schema; code <c>data.invalid_probe</c>.</exception>
    /// <exception cref="MlopsIntegrityException">They are of a newer format; code <c>data.newer_format</c>.</exception>
    /// <returns>The rows.</returns>
    public static ProbeRows Deserialize(ReadOnlySpan<byte> utf8, ModelSchema? schema = null)
    {
        if (utf8.Length > MaxLength)
        {
            throw Invalid($"it has {utf8.Length} bytes, at most {MaxLength} are read");
        }

        ProbeRows? rows;
        try
        {
            rows = JsonSerializer.Deserialize(utf8, ProbeJson.Default.ProbeRows);
        }
        catch (JsonException e)
        {
            throw Invalid(e.Message, e);
        }

        if (rows is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("data.newer_format", $"The probe rows are of format {rows.Format}, this library reads up to format {CurrentFormat}. Update Mlops.Sdk on this host.");
        }

        return rows is null ? throw Invalid("it is null") : rows.WhyNot(schema) is { } problem ? throw Invalid(problem) : rows;
    }

    private static MlopsDataException Invalid(string problem, Exception? cause = null) =>
        new("data.invalid_probe", $"{FileName} holds no usable rows: {problem}. Write it with ProbeRows.Serialize.", cause);

    private string? WhyNot(ModelSchema? schema = null)
    {
        // the required keyword does not keep an explicit null out of a document
        if (Numbers is null || Texts is null)
        {
            return "numbers or texts are missing";
        }

        if (Numbers.Count != Texts.Count || Numbers.Count > MaxRows)
        {
            return $"it has {Numbers.Count} rows of numbers and {Texts.Count} rows of texts; as many of each are needed, at most {MaxRows}";
        }

        int numbers = schema?.Inputs.Count(i => i.Kind == InputKind.Number) ?? (Numbers.Count > 0 ? Numbers[0]?.Length : 0) ?? 0;
        int texts = schema?.Inputs.Count(i => i.Kind == InputKind.Text) ?? (Texts.Count > 0 ? Texts[0]?.Length : 0) ?? 0;
        for (int row = 0; row < Numbers.Count; row++)
        {
            if (Numbers[row]?.Length != numbers || Texts[row]?.Length != texts)
            {
                return $"row {row} has {Numbers[row]?.Length ?? 0} numbers and {Texts[row]?.Length ?? 0} texts, {numbers} and {texts} are needed";
            }
        }

        return null;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ProbeRows))]
internal sealed partial class ProbeJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>Signals as they are stored: the object <c>signals/DIGEST</c>, whose digest the ledger names.</summary>
internal sealed record SignalDocument(int Format, string Model, IReadOnlyList<MonitorSignal> Signals)
{
    internal const int CurrentFormat = 1;
    internal const int MostSignals = 100_000;
    internal const int MaxBytes = 64 << 20;
    private const int MostCharacters = 512;

    internal static ObjectKey KeyOf(Digest digest) => ObjectKey.Parse($"signals/{digest.Hex}");

    internal static byte[] Write(string model, IReadOnlyList<MonitorSignal> signals) =>
        JsonSerializer.SerializeToUtf8Bytes(new SignalDocument(CurrentFormat, model, signals), SignalJson.Default.SignalDocument);

    internal static IReadOnlyList<MonitorSignal> Read(ReadOnlySpan<byte> json, Digest digest)
    {
        if (Digest.Of(json) != digest)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_signals", $"The object '{KeyOf(digest)}' does not hold the bytes that the ledger names. Restore it from a copy.");
        }

        SignalDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(json, SignalJson.Default.SignalDocument);
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_signals", $"Signals are expected in '{KeyOf(digest)}'; the bytes do not read as such: {error.Message}", error);
        }

        if (document is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The signals in '{KeyOf(digest)}' have format {document.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return document is { Format: >= 1, Model: not null, Signals: not null } && document.Signals.All(s => s is not null && s.Model == document.Model && WhyNot(s) is null)
            ? document.Signals
            : throw new MlopsIntegrityException("monitoring.unreadable_signals", $"Signals of one model are expected in '{KeyOf(digest)}'; the bytes found are something else.");
    }

    /// <summary>Finds what is wrong with a signal, or null.</summary>
    internal static string? WhyNot(MonitorSignal signal) =>
        string.IsNullOrEmpty(signal.Model) || string.IsNullOrEmpty(signal.Name) || signal.Name.Length > MostCharacters || signal.Segment?.Length > MostCharacters
            ? $"a model and a name of at most {MostCharacters} characters are needed"
            : signal.Version < 0 || signal.Rows < 0 || signal.To < signal.From ? "version and rows must be at least 0, and its span must not end before it begins"
            : !double.IsFinite(signal.Value) || !Finite(signal.Low) || !Finite(signal.High) || !Finite(signal.Reference) || signal.PValue is not (null or (>= 0 and <= 1)) ? "its numbers must be finite and its p-value in [0, 1]"
            : null;

    private static bool Finite(double? value) => value is not { } v || double.IsFinite(v);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SignalDocument))]
internal sealed partial class SignalJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Registry;

/// <summary>The entry <c>bundle.json</c> of a bundle. See docs/guides/bundles.md.</summary>
internal sealed record BundleDocument(int Format, string Model, Digest Manifest, VersionStatus Status, BundleSource Source, IReadOnlyList<BundleEntry> Entries)
{
    internal const int CurrentFormat = 1;
    internal const int MaxBytes = 4 << 20;

    public BundleFacts? Facts { get; init; }

    internal byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, BundleJson.Default.BundleDocument);

    internal static BundleDocument Read(byte[] bytes)
    {
        BundleDocument? read;
        try
        {
            using (JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16 }))
            {
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("format", out JsonElement element) && element.TryGetInt32(out int format) && format > CurrentFormat)
                {
                    throw new MlopsIntegrityException("bundle.newer_format", $"The bundle has format {format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
                }
            }

            read = JsonSerializer.Deserialize(bytes, BundleJson.Default.BundleDocument);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or MlopsIntegrityException { Code: "artifact.invalid_digest" })
        {
            throw Unreadable(error.Message, error);
        }

        return read is { Format: >= 1, Manifest.HasValue: true, Source: not null, Entries.Count: >= 1 } && RegistryRules.IsName(read.Model) && Enum.IsDefined(read.Status)
            && read.Entries.All(e => e is { Name: not null, Digest.HasValue: true, Length: >= 0 })
            && read.Source is { Version: >= 1, Workspace: { Length: <= 128 }, By: { Length: <= 256 }, Reason: { Length: <= 4_000 }, EntryId: { Length: <= 128 } }
            ? read
            : throw Unreadable("members are missing or out of range", null);
    }

    private static MlopsDataException Unreadable(string why, Exception? cause) =>
        new("bundle.unreadable", $"The file is no bundle: its '{BundleNames.Document}' does not read ({why}). Nothing was stored.", cause);
}

/// <summary>Where a version came from.</summary>
/// <param name="Workspace">The id of the first entry of that workspace's ledger: it names the workspace, wherever its folder is moved to.</param>
/// <param name="Version">The number it had there.</param>
/// <param name="Entry">The number of the entry that registered it there.</param>
/// <param name="EntryId">The id of that entry.</param>
/// <param name="By">Who registered it there.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When, by the clock there.</param>
public sealed record BundleSource(string Workspace, int Version, long Entry, string EntryId, string By, string Reason, DateTimeOffset At)
{
    /// <summary>Gets the run that made it, or null.</summary>
    public string? RunId { get; init; }

    /// <summary>Gets the digest of the manifest of the version that it followed there, or null.</summary>
    public Digest? Parent { get; init; }

    /// <summary>Gets the aliases that named it when it was exported.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }
}

/// <summary>A file in a bundle.</summary>
internal sealed record BundleEntry(string Name, Digest Digest, long Length);

/// <summary>What people wrote about the model and the version.</summary>
internal sealed record BundleFacts
{
    public string? Description { get; init; }

    public string? Owner { get; init; }

    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    public IReadOnlyDictionary<string, string>? Card { get; init; }
}

/// <summary>The data of the ledger entry <c>bundle.imported</c>.</summary>
internal sealed record BundleImportNote(string Model, int Version, Digest Digest, BundleSource Source, Digest Lineage, long LineageLength)
{
    public IReadOnlyList<BundleEntry>? Signatures { get; init; }
}

/// <summary>The kinds of ledger entry about bundles.</summary>
public static class BundleKinds
{
    /// <summary>A version came in from a bundle: where from, and the digest of its ledger entries there. The resource is the version.</summary>
    public const string Imported = "bundle.imported";
}

/// <summary>The names of entries: nothing else may be in a bundle.</summary>
internal static class BundleNames
{
    internal const string Document = "bundle.json";
    internal const string Lineage = "ledger.jsonl";
    internal const string Manifest = "manifest.json";
    internal const string Files = "files/";
    internal const string Signatures = "signatures/";

    /// <summary>Tells whether a name may be in a bundle: one of the three documents, or a plain file name in one of the two folders.</summary>
    internal static bool IsAllowed(ReadOnlySpan<char> name) => name is Document or Lineage or Manifest
        || (name.StartsWith(Files) && IsFile(name[Files.Length..]))
        || (name.StartsWith(Signatures) && IsFile(name[Signatures.Length..]));

    internal static bool IsFile(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > 128 || !name.ContainsAnyExcept('.'))
        {
            return false;
        }

        foreach (char c in name)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'))
            {
                return false;
            }
        }

        return true;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 16)]
[JsonSerializable(typeof(BundleDocument))]
[JsonSerializable(typeof(BundleImportNote))]
internal sealed partial class BundleJson : JsonSerializerContext;

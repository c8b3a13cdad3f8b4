using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Registry;

/// <summary>The bytes of a manifest. Equal manifests give equal bytes, so the digest names the version's content.</summary>
internal static class ManifestDocument
{
    internal static byte[] Write(ModelManifest manifest)
    {
        ModelManifest canonical = manifest with
        {
            Files = [.. manifest.Files.OrderBy(f => f.Name, StringComparer.Ordinal)],
            Parameters = Sorted(manifest.Parameters),
            Metrics = Sorted(manifest.Metrics),
            Datasets = manifest.Datasets.Count == 0
                ? null! // left out, so that a manifest without any has the digest it had before there were any
                : [.. manifest.Datasets.OrderBy(d => d.Role, StringComparer.Ordinal).ThenBy(d => d.Name, StringComparer.Ordinal).ThenBy(d => d.Digest.Hex, StringComparer.Ordinal)],
            Environment = manifest.Environment is { } e ? e with { Packages = Sorted(e.Packages) } : null,
            Gates = Sorted(manifest.Gates),
            Goal = manifest.Goal is { } g ? g with { Criteria = Sorted(g.Criteria) } : null,
        };
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(canonical, ManifestJson.Default.ModelManifest);
        return bytes.Length <= RegistryRules.MaxManifestBytes
            ? bytes
            : throw new MlopsDataException("registry.invalid_manifest", $"The manifest is {bytes.Length} bytes long; at most {RegistryRules.MaxManifestBytes} are allowed. Keep large content in files.");
    }

    internal static ModelManifest Read(ModelVersion version, byte[] bytes)
    {
        try
        {
            using (var document = JsonDocument.Parse(bytes))
            {
                if (document.RootElement.ValueKind == JsonValueKind.Object
                    && document.RootElement.TryGetProperty("format", out JsonElement element)
                    && element.TryGetInt32(out int format)
                    && format > ModelManifest.CurrentFormat)
                {
                    throw new MlopsIntegrityException("registry.newer_format", $"The manifest of {version} has format {format}; this version of the library reads up to {ModelManifest.CurrentFormat}. Update Mlops.Sdk in this process.");
                }
            }

            ModelManifest? manifest = JsonSerializer.Deserialize(bytes, ManifestJson.Default.ModelManifest);
            if (manifest is not null && manifest.Model == version.Model)
            {
                manifest = Complete(manifest);
                RegistryRules.CheckManifest(manifest);
                return manifest;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or MlopsDataException or MlopsIntegrityException { Code: "artifact.invalid_digest" })
        {
            throw Unreadable(version, e);
        }

        throw Unreadable(version, null);
    }

    /// <summary>Generated readers leave an init-only property null when its field is missing, whatever its initial value: the empty ones are put back.</summary>
    private static ModelManifest Complete(ModelManifest read) => read with
    {
        Parameters = read.Parameters ?? new Dictionary<string, string>(),
        Metrics = read.Metrics ?? new Dictionary<string, MetricValue>(),
        Datasets = read.Datasets ?? [],
        Gates = read.Gates ?? [],
        Notes = read.Notes ?? [],
        Environment = read.Environment is { CpuFeatures: null } environment ? environment with { CpuFeatures = [] } : read.Environment,
    };

    private static MlopsIntegrityException Unreadable(ModelVersion version, Exception? cause) => new(
        "registry.unreadable_manifest",
        $"The artifact {version.Digest} is intact and is not the manifest of {version}. It was registered by something else than this library; register the version again.",
        cause);

    private static SortedDictionary<string, T> Sorted<T>(IReadOnlyDictionary<string, T> values)
    {
        SortedDictionary<string, T> sorted = new(StringComparer.Ordinal);
        foreach ((string key, T value) in values)
        {
            sorted.Add(key, value);
        }

        return sorted;
    }

    private static GateResult[] Sorted(IReadOnlyList<GateResult> gates) => [.. gates.Select(g => g with { Numbers = Sorted(g.Numbers) })];
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;

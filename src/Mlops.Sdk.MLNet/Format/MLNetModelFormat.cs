using System.IO.Compression;
using Microsoft.ML;

namespace Mlops.Sdk.MLNet;

/// <summary>Loads models that ML.NET saved. Bytes reach ML.NET only after their digest and the shape of the zip have been checked.</summary>
public sealed class MLNetModelFormat : IModelFormat
{
    /// <summary>The name that manifests call it by.</summary>
    public const string FormatName = "mlnet";

    /// <summary>The name of the model's file in a version.</summary>
    public const string FileName = "model.zip";

    internal const string Package = "Microsoft.ML";

    /// <inheritdoc/>
    public string Name => FormatName;

    /// <inheritdoc/>
    public async ValueTask<ILoadedModel> LoadAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(artifacts);
        ModelFile file = manifest.Files.FirstOrDefault(f => f.Name == FileName)
            ?? throw new MlopsModelException("model.unloadable", $"A version of '{manifest.Model}' in the format '{FormatName}' has a file '{FileName}'; this one has {string.Join(", ", manifest.Files.Select(f => f.Name))}.");
        CheckRuntime(manifest);
        byte[] bytes = await artifacts.ReadAsync(file.Digest, ModelZip.MaxBytes, cancellationToken).ConfigureAwait(false);
        ModelZip.Check(bytes, manifest.Model);
        return new MLNetModel(Load(bytes, manifest.Model), manifest.Schema);
    }

    private static ITransformer Load(byte[] bytes, string model)
    {
        try
        {
            using var stream = new MemoryStream(bytes, writable: false);
            return new MLContext().Model.Load(stream, out DataViewSchema _);
        }
        catch (Exception error) when (error is FormatException or InvalidDataException or InvalidOperationException or ArgumentException or IOException or NotSupportedException)
        {
            throw new MlopsModelException("model.unloadable", $"ML.NET cannot load the model '{model}': {error.Message} The file is what was registered; it was made by another ML.NET or needs a package this process lacks.", error);
        }
    }

    private static void CheckRuntime(ModelManifest manifest)
    {
        Version? here = typeof(MLContext).Assembly.GetName().Version;
        if (manifest.Environment?.Packages.TryGetValue(Package, out string? text) == true && Version.TryParse(text.Split('-', '+')[0], out Version? made)
            && here is not null && made.Major > here.Major)
        {
            throw new MlopsModelException("model.incompatible_runtime", $"'{manifest.Model}' was trained with ML.NET {made}; this process has {here.ToString(3)}, which may not read it. Update Microsoft.ML here, or train again with this version.");
        }
    }
}

/// <summary>Looks at a model zip before ML.NET does: a small file must not become gigabytes, and its content has one digest whatever the time of saving.</summary>
internal static class ModelZip
{
    internal const long MaxBytes = 1L << 30;
    private const long MaxInflated = 4L << 30;
    private const int MaxEntries = 10_000;
    private const int MaxRatio = 200;
    private const long RatioFloor = 8 << 20;

    internal static void Check(byte[] bytes, string model)
    {
        try
        {
            using var zip = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
            long total = 0;
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            if (zip.Entries.Count > MaxEntries)
            {
                throw Unsafe(model, $"it has {zip.Entries.Count} entries, {MaxEntries} are allowed");
            }

            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                total += entry.Length;
                if (!names.Add(entry.FullName.Replace('\\', '/')) || entry.FullName.Split('/', '\\').Contains("..") || Path.IsPathRooted(entry.FullName))
                {
                    throw Unsafe(model, "an entry's name appears twice or leaves the archive");
                }
            }

            if (total > MaxInflated || (total > RatioFloor && total > (long)bytes.Length * MaxRatio))
            {
                throw Unsafe(model, $"{bytes.Length} bytes would unpack to {total}");
            }
        }
        catch (InvalidDataException error)
        {
            throw new MlopsModelException("model.unsafe_file", $"The file of model '{model}' is no zip archive: {error.Message}", error);
        }
    }

    /// <summary>Hashes names and contents of the entries: saving the same model twice gives other bytes (the zip holds times) and the same digest.</summary>
    internal static Digest ContentDigest(byte[] bytes)
    {
        using var zip = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
        var lines = new List<string>();
        foreach (ZipArchiveEntry entry in zip.Entries.OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            using Stream stream = entry.Open();
            using var content = new MemoryStream();
            stream.CopyTo(content);
            lines.Add($"{entry.FullName.Length}:{entry.FullName}:{Digest.Of(content.GetBuffer().AsSpan(0, (int)content.Length)).Hex}");
        }

        return Digest.Of(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines)));
    }

    private static MlopsModelException Unsafe(string model, string what) =>
        new("model.unsafe_file", $"The file of model '{model}' is refused: {what}. It was not handed to ML.NET. If it is yours and really that large, train a smaller model.");
}

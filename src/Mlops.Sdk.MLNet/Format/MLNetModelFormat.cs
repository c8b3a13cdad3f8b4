using System.Reflection;
using Microsoft.ML;

namespace Mlops.Sdk.MLNet;

/// <summary>Loads models that ML.NET saved. Bytes reach ML.NET only after their digest and the shape of the zip have been checked.</summary>
public sealed class MLNetModelFormat : IModelFormat
{
    /// <summary>The name that manifests call it by.</summary>
    public const string FormatName = "mlnet";

    /// <summary>The name of the model's file in a version.</summary>
    public const string FileName = "model.zip";

    /// <summary>The assembly that stands for ML.NET's version; there is no assembly named like the package.</summary>
    internal const string RuntimeAssembly = "Microsoft.ML.Data";

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
        return Load(bytes, manifest.Schema, manifest.Model);
    }

    /// <summary>Makes a model of bytes that were checked.</summary>
    internal static MLNetModel Load(byte[] bytes, ModelSchema schema, string model)
    {
        try
        {
            using var stream = new MemoryStream(bytes, writable: false);
            ITransformer transformer = new MLContext().Model.Load(stream, out DataViewSchema? saved);
            return new MLNetModel(transformer, schema, saved);
        }
        catch (Exception error) when (error is not (MlopsException or OutOfMemoryException))
        {
            // ML.NET answers a file it cannot read with exceptions of every kind
            throw new MlopsModelException("model.unloadable", $"ML.NET cannot load the model '{model}' as its manifest describes it: {error.GetBaseException().Message} The file is what was registered; it was made by another ML.NET, needs a package this process lacks, or belongs to another schema.", error);
        }
    }

    private static void CheckRuntime(ModelManifest manifest)
    {
        // the assembly version of ML.NET is 1.0.0.0 in every release; only the informational one tells the release
        string here = typeof(MLContext).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0";
        if (manifest.Environment?.Packages.TryGetValue(RuntimeAssembly, out string? made) == true && MajorOf(made) > MajorOf(here))
        {
            throw new MlopsModelException("model.incompatible_runtime", $"'{manifest.Model}' was trained with ML.NET {made}; this process has {here.Split('+')[0]}, which may not read it. Update Microsoft.ML here, or train again with this version.");
        }
    }

    private static int MajorOf(string version) => Version.TryParse(version.Split('-', '+')[0], out Version? parsed) ? parsed.Major : 0;
}

namespace Mlops.Sdk.Registry;

/// <summary>Registers models that were made without this library. Thread-safe.</summary>
/// <remarks>Formats come from the <see cref="IModelImporter"/>s of the container: <c>AddMLNet</c> adds the one for ML.NET zips.</remarks>
public sealed class ModelImports
{
    private readonly IArtifactStore _artifacts;
    private readonly ModelRegistry _registry;
    private readonly IModelImporter[] _importers;

    /// <summary>Creates the service.</summary>
    /// <param name="artifacts">Where files are stored.</param>
    /// <param name="registry">Where versions are registered.</param>
    /// <param name="importers">The formats.</param>
    public ModelImports(IArtifactStore artifacts, ModelRegistry registry, IEnumerable<IModelImporter> importers)
    {
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(importers);
        (_artifacts, _registry, _importers) = (artifacts, registry, [.. importers]);
    }

    /// <summary>Registers a model's file: what it takes and gives is read from it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The name to register it under.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="options">What is known besides; null for nothing.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version. The same file with the same options again answers with the version that is there.</returns>
    /// <exception cref="MlopsDataException">No importer knows the file (<c>model.unknown_file</c>), or it cannot be read (<c>data.unreadable</c>).</exception>
    /// <exception cref="MlopsModelException">It is refused; see <see cref="IModelImporter.ReadAsync"/>. Nothing was stored.</exception>
    public async ValueTask<ModelVersion> ImportAsync(string path, string model, string reason, ModelImportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new MlopsDataException("data.unreadable", $"The model's file '{Path.GetFileName(path)}' cannot be read: {error.Message}", error);
        }

        await using (file.ConfigureAwait(false))
        {
            return await ImportAsync(file, model, reason, options, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Registers a model's file: what it takes and gives is read from it.</summary>
    /// <param name="file">The bytes, read to the end; not closed.</param>
    /// <param name="model">The name to register it under.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="options">What is known besides; null for nothing.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version. The same file with the same options again answers with the version that is there.</returns>
    /// <exception cref="MlopsDataException">No importer knows the file; code <c>model.unknown_file</c>.</exception>
    /// <exception cref="MlopsModelException">It is refused; see <see cref="IModelImporter.ReadAsync"/>. Nothing was stored.</exception>
    public async ValueTask<ModelVersion> ImportAsync(Stream file, string model, string reason, ModelImportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckReason(reason);
        options ??= new ModelImportOptions();
        long most = _importers.Length == 0 ? 1 : _importers.Max(i => i.MaxBytes);
        byte[] bytes = await SmallObjects.ReadAsync(file, (int)Math.Min(most, Array.MaxLength), cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsDataException("model.unknown_file", $"The file has more than the {most} bytes that any importer takes. Nothing was stored.");
        IModelImporter importer = Array.Find(_importers, i => bytes.Length <= i.MaxBytes && i.Recognises(bytes))
            ?? throw new MlopsDataException("model.unknown_file", $"No importer knows this file ({bytes.Length} bytes). Known here: {(_importers.Length == 0 ? "none; call AddMLNet for ML.NET zips" : string.Join(", ", _importers.Select(i => i.ModelFormat)))}. Nothing was stored.");
        ImportedModel read = await importer.ReadAsync(bytes, model, options, cancellationToken).ConfigureAwait(false);
        ModelManifest manifest = new()
        {
            Model = model,
            ModelFormat = importer.ModelFormat,
            Files = [new ModelFile(importer.FileName, Digest.Of(bytes), bytes.Length)],
            Schema = read.Schema,
            Algorithm = read.Algorithm,
            Notes = read.Notes,
            Metrics = options.Metrics ?? new Dictionary<string, MetricValue>(),
            Parameters = options.Parameters ?? new Dictionary<string, string>(),
            Dataset = options.Dataset,
        };
        RegistryRules.CheckManifest(manifest);
        Digest digest = await StoreAsync(ManifestDocument.Write(manifest), bytes, cancellationToken).ConfigureAwait(false);
        return (await _registry.TakeInAsync(manifest, digest, VersionStatus.Validated, reason, null, (_, _) => [], cancellationToken).ConfigureAwait(false)).Version;
    }

    private async ValueTask<Digest> StoreAsync(byte[] manifest, byte[] file, CancellationToken cancellationToken)
    {
        Digest last = default;
        foreach (byte[] bytes in (byte[][])[file, manifest])
        {
            do
            {
                using MemoryStream content = new(bytes, writable: false);
                last = (await _artifacts.WriteAsync(content, cancellationToken).ConfigureAwait(false)).Digest;
            }
            while (!await _artifacts.TouchAsync(last, cancellationToken).ConfigureAwait(false)); // what was there may be old: a collection must leave it
        }

        return last;
    }
}

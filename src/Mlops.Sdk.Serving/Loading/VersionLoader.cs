using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>Loads a version to the side: nothing here touches what is in service.</summary>
internal sealed class VersionLoader(
    IModelCatalog catalog,
    IArtifactStore artifacts,
    IReadOnlyList<IModelFormat> formats,
    IReadOnlyList<IArtifactVerifier> verifiers,
    ObserverList observers,
    TimeProvider time,
    ILogger logger)
{
    internal IModelCatalog Catalog => catalog;

    /// <summary>Reads, verifies, loads and warms a version.</summary>
    /// <returns>The version, to be retired by the caller.</returns>
    internal async Task<LiveVersion> LoadAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        ModelManifest manifest = await catalog.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
        foreach (IArtifactVerifier verifier in verifiers)
        {
            await verifier.VerifyAsync(version, manifest, artifacts, cancellationToken).ConfigureAwait(false);
        }

        IModelFormat format = formats.FirstOrDefault(f => f.Name == manifest.ModelFormat)
            ?? throw new MlopsModelException(
                "serving.unknown_format",
                $"{version} has the model format '{manifest.ModelFormat}'; this host can load: {(formats.Count == 0 ? "none" : string.Join(", ", formats.Select(f => f.Name)))}. Add the package that knows the format.");
        ILoadedModel model = await format.LoadAsync(manifest, artifacts, cancellationToken).ConfigureAwait(false);
        try
        {
            CheckSchema(version, manifest.Schema, model.Schema);
            Data.ProbeRows? probe = await WarmAsync(version, manifest, model, cancellationToken).ConfigureAwait(false);
            CompiledResult compiled = ProgramCompiler.TryCompile(model, model.Program, probe);
            model = compiled.Model;
            if (compiled.Problem is { } notCompiled)
            {
                logger.NotCompiled(version.Model, version.Number, model.Scorer, notCompiled);
            }

            await observers.PrepareAsync(version, manifest, artifacts, cancellationToken).ConfigureAwait(false);
            return new LiveVersion(version, manifest, model, time.GetUtcNow(), logger) { ScorerProblem = compiled.Problem };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void CheckSchema(ModelVersion version, ModelSchema registered, ModelSchema loaded)
    {
        bool same = registered.Inputs.Select(i => (i.Name, i.Kind)).SequenceEqual(loaded.Inputs.Select(i => (i.Name, i.Kind)))
            && registered.Outputs.SequenceEqual(loaded.Outputs, StringComparer.Ordinal);
        if (!same)
        {
            throw new MlopsModelException(
                "serving.schema_mismatch",
                $"The manifest of {version} and its loaded model differ in inputs or outputs: {Describe(registered)} against {Describe(loaded)}. Register the model again.");
        }
    }

    private static string Describe(ModelSchema schema) =>
        $"({string.Join(", ", schema.Inputs.Select(i => $"{i.Name} {i.Kind}"))}) -> ({string.Join(", ", schema.Outputs)})";

    private async Task<Data.ProbeRows?> WarmAsync(ModelVersion version, ModelManifest manifest, ILoadedModel model, CancellationToken cancellationToken)
    {
        if (manifest.Files.FirstOrDefault(f => f.Name == Data.ProbeRows.FileName) is not { } file)
        {
            return null;
        }

        byte[] bytes = await artifacts.ReadAsync(file.Digest, Data.ProbeRows.MaxLength, cancellationToken).ConfigureAwait(false);
        var probe = Data.ProbeRows.Deserialize(bytes, manifest.Schema);
        var outputs = new float[manifest.Schema.Outputs.Count];
        for (int row = 0; row < probe.Numbers.Count; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                model.Score(new ModelRow(probe.Numbers[row], probe.Texts[row]), outputs);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new MlopsModelException("serving.probe_failed", $"{version} loads but cannot score row {row} of its own {Data.ProbeRows.FileName}: {e.Message}", e);
            }
        }

        return probe;
    }
}

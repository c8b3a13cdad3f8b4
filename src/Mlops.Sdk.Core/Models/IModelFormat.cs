namespace Mlops.Sdk;

/// <summary>Knows how to load one kind of model file.</summary>
public interface IModelFormat
{
    /// <summary>Gets the name that manifests call it by, such as <c>mlnet</c>.</summary>
    string Name { get; }

    /// <summary>Loads a version's files. They are verified by digest before a byte is parsed.</summary>
    /// <param name="manifest">The version's manifest, verified.</param>
    /// <param name="artifacts">Where the files are.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The model, ready to score, to be disposed by the caller.</returns>
    /// <exception cref="MlopsIntegrityException">A file is not what was registered; nothing was parsed.</exception>
    /// <exception cref="MlopsModelException">The files are intact and cannot be loaded here; code <c>model.unloadable</c>.</exception>
    ValueTask<ILoadedModel> LoadAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default);
}

/// <summary>A model in memory. Any number of threads may score at once.</summary>
public interface ILoadedModel : IDisposable
{
    /// <summary>Gets what the model takes and gives.</summary>
    ModelSchema Schema { get; }

    /// <summary>Gets how it scores, such as <c>row-mapper</c> or <c>mask-tables</c>: for status and tests.</summary>
    string Scorer { get; }

    /// <summary>Gets what the model computes, for a compiler that scores it faster; null when that cannot be told. May be slow on the first call.</summary>
    ModelProgram? Program => null;

    /// <summary>Gets why <see cref="Program"/> is null though this format can tell what others compute; else null.</summary>
    string? ProgramProblem => null;

    /// <summary>Scores one row.</summary>
    /// <param name="row">The row, in the schema's slot order.</param>
    /// <param name="outputs">Where the answers go, shape [outputs of the schema].</param>
    void Score(in ModelRow row, Span<float> outputs);
}

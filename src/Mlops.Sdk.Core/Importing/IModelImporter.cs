namespace Mlops.Sdk;

/// <summary>Reads model files that were made without this library, so that they can be registered and served.</summary>
public interface IModelImporter
{
    /// <summary>Gets the name of the model format that the file is registered under, such as <c>mlnet</c>.</summary>
    string ModelFormat { get; }

    /// <summary>Gets the name that the file has in a version, such as <c>model.zip</c>.</summary>
    string FileName { get; }

    /// <summary>Gets the most bytes that a file may have.</summary>
    long MaxBytes { get; }

    /// <summary>Tells whether a file looks like one for this importer. Nothing is trusted by it.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <returns>Whether it does.</returns>
    bool Recognises(ReadOnlyMemory<byte> file);

    /// <summary>Reads what a model takes and gives out of its file. The file is checked before any loader sees it.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="model">The name that it is to be registered under, for messages.</param>
    /// <param name="options">What the caller knows about it.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What was read.</returns>
    /// <exception cref="MlopsModelException">
    /// The file is not sound (<c>model.unsafe_file</c>), does not load (<c>model.unloadable</c>), or is a model that cannot be served from
    /// single columns (<c>model.not_importable</c>: the message says which part and what would do).
    /// </exception>
    ValueTask<ImportedModel> ReadAsync(ReadOnlyMemory<byte> file, string model, ModelImportOptions options, CancellationToken cancellationToken = default);
}

/// <summary>What a caller knows about a model that comes in and its file does not say.</summary>
public sealed class ModelImportOptions
{
    /// <summary>Gets or sets the name of the source column that was learned; null to take it from the file if it can be told.</summary>
    public string? Label { get; set; }

    /// <summary>Gets or sets metrics that are known of it by standard name, such as <c>auc</c>; null for none.</summary>
    public IReadOnlyDictionary<string, MetricValue>? Metrics { get; set; }

    /// <summary>Gets or sets the parameters it was trained with; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Parameters { get; set; }

    /// <summary>Gets or sets the data it was trained on; null when not known.</summary>
    public DatasetInfo? Dataset { get; set; }
}

/// <summary>What a model's file says.</summary>
/// <param name="Schema">What it takes and gives.</param>
/// <param name="Algorithm">What made it.</param>
/// <param name="Notes">What a person should know: what could not be told, and what was assumed.</param>
public sealed record ImportedModel(ModelSchema Schema, string Algorithm, IReadOnlyList<string> Notes);

namespace Mlops.Sdk.Data;

/// <summary>Makes files of facts that a run stores with its version, from rows that the model has not seen in training. Sources are services; a run asks each of them.</summary>
public interface IReferenceFileSource
{
    /// <summary>Makes the files. Equal rows give equal files.</summary>
    /// <param name="rows">The rows, the model's answers and the truth.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The files, each with a name of its own; empty when there is nothing to say.</returns>
    IReadOnlyList<ReferenceFile> Make(ReferenceRows rows, CancellationToken cancellationToken = default);
}

/// <summary>Rows with a model's answers and the truth.</summary>
/// <param name="Schema">What the model takes and gives.</param>
/// <param name="Table">The inputs.</param>
/// <param name="Outputs">The model's outputs in schema order, shape [outputs][rows].</param>
/// <param name="Actuals">The truth: 1 and 0 for yes and no, the number of the class, or the number; as many as rows.</param>
public sealed record ReferenceRows(ModelSchema Schema, EncodedTable Table, IReadOnlyList<float[]> Outputs, IReadOnlyList<double> Actuals);

/// <summary>A file to store with a version.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its bytes.</param>
public sealed record ReferenceFile(string Name, byte[] Content);

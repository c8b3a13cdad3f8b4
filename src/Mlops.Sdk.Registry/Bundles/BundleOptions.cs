namespace Mlops.Sdk.Registry;

/// <summary>What is taken into a bundle besides the version itself.</summary>
public sealed class BundleExportOptions
{
    /// <summary>Gets signatures that were made over the version, such as <c>model.sig</c>, by file name: 1 to 128 of <c>a-z 0-9 . _ -</c>, at most 100, at most 1 MiB each. They are carried along, not checked.</summary>
    public IDictionary<string, ReadOnlyMemory<byte>> Signatures { get; } = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
}

/// <summary>What is accepted from a bundle.</summary>
public sealed class BundleImportOptions
{
    /// <summary>Gets or sets the most bytes that a bundle may unpack to, and that it may have itself.</summary>
    /// <value>At least 1. The default is 64 GiB.</value>
    public long MaxBytes { get; set; } = 64L << 30;

    /// <summary>Gets or sets whether what people wrote comes in too: sections of the card and tags of the version; description and owner when the model is new here.</summary>
    /// <value>The default is true.</value>
    public bool TakeFacts { get; set; } = true;
}

/// <summary>What is in a bundle.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Manifest">The digest of the version's manifest: the version's digest here and everywhere.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Files">The version's files.</param>
/// <param name="Signatures">The names of the signatures.</param>
/// <param name="Entries">How many ledger entries about the version are in it.</param>
public sealed record BundleInfo(string Model, Digest Manifest, BundleSource Source, IReadOnlyList<ModelFile> Files, IReadOnlyList<string> Signatures, int Entries);

/// <summary>A bundle that was written.</summary>
/// <param name="Info">What is in it.</param>
/// <param name="Digest">The digest of the bundle's bytes.</param>
/// <param name="Length">How many bytes it has.</param>
public sealed record BundleExport(BundleInfo Info, Digest Digest, long Length);

/// <summary>A bundle that was taken in.</summary>
/// <param name="Version">The version; its digest is that of the manifest in the bundle.</param>
/// <param name="Made">Whether it was made now; false when the same version was here already.</param>
/// <param name="Info">What was in the bundle.</param>
public sealed record BundleImport(ModelVersion Version, bool Made, BundleInfo Info);

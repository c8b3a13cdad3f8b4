using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>Artifacts in memory, verified by digest.</summary>
internal sealed class FakeArtifacts : IArtifactStore
{
    private readonly ConcurrentDictionary<Digest, byte[]> _files = new();

    public Digest Write(byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        _files[digest] = bytes;
        return digest;
    }

    public void FlipABit(Digest digest) => _files[digest] = [(byte)(_files[digest][0] ^ 1), .. _files[digest].Skip(1)];

    public ValueTask<byte[]> ReadAsync(Digest digest, long maxLength, CancellationToken cancellationToken = default)
    {
        byte[] bytes = _files.TryGetValue(digest, out byte[]? found) ? found : throw new MlopsNotFoundException("artifact.not_found", "not there");
        return Digest.Of(bytes) == digest ? new(bytes) : throw new MlopsIntegrityException("artifact.corrupt", "a bit is wrong");
    }

    public ValueTask<ArtifactInfo> WriteAsync(Stream content, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<Stream> OpenAsync(Digest digest, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<bool> ExistsAsync(Digest digest, CancellationToken cancellationToken = default) => new(_files.ContainsKey(digest));

    public ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<bool> TouchAsync(Digest digest, CancellationToken cancellationToken = default) => new(_files.ContainsKey(digest));
}

/// <summary>Versions and aliases in memory; moves are written to the ledger as the registry does.</summary>
internal sealed class FakeCatalog(FakeLedger ledger, FakeArtifacts artifacts, TimeProvider time) : IModelCatalog
{
    private readonly ConcurrentDictionary<(string, int), (ModelVersion Version, ModelManifest Manifest)> _versions = new();
    private readonly ConcurrentDictionary<(string, string), int> _aliases = new();

    /// <summary>What look-ups throw, while it is set.</summary>
    public Exception? Problem { get; set; }

    public ModelVersion Register(int number, string? content = null, ModelSchema? schema = null, byte[]? probe = null, string format = "fake", string model = "m")
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content ?? number.ToString(CultureInfo.InvariantCulture));
        List<ModelFile> files = [new ModelFile("model.txt", artifacts.Write(bytes), bytes.Length)];
        if (probe is not null)
        {
            files.Add(new ModelFile(ProbeFile, artifacts.Write(probe), probe.Length));
        }

        var manifest = new ModelManifest { Model = model, ModelFormat = format, Files = files, Schema = schema ?? FakeModel.Plain, Algorithm = "fake" };
        var version = new ModelVersion(model, number, Digest.Of(Encoding.UTF8.GetBytes($"{model} {number}")), VersionStatus.Validated, null, "because", new Actor("tester"), time.GetUtcNow());
        _versions[(model, number)] = (version, manifest);
        ledger.AppendAsync([new LedgerDraft(LedgerKinds.VersionRegistered, new LedgerResource("model", model, number), "registered", LedgerData.Of(new VersionNote(model, number, version.Digest, version.Status, files)))]).AsTask().Wait();
        return version;
    }

    public void Move(int number, string reason = "better", string alias = "champion", string model = "m")
    {
        _aliases[(model, alias)] = number;
        ledger.AppendAsync([new LedgerDraft(LedgerKinds.AliasMoved, new LedgerResource("model", model, number), reason, LedgerData.Of(new AliasNote(model, alias, null, number, _versions[(model, number)].Version.Digest)))]).AsTask().Wait();
    }

    public void Corrupt(int number) => artifacts.FlipABit(_versions[("m", number)].Manifest.Files[0].Digest);

    public ValueTask<ModelVersion?> FindVersionAsync(string model, int number, CancellationToken cancellationToken = default) =>
        Problem is not null ? throw Problem : new(_versions.TryGetValue((model, number), out var found) ? found.Version : null);

    public ValueTask<ModelVersion?> FindAliasAsync(string model, string alias, CancellationToken cancellationToken = default) =>
        Problem is not null ? throw Problem : _aliases.TryGetValue((model, alias), out int number) ? FindVersionAsync(model, number, cancellationToken) : new((ModelVersion?)null);

    public ValueTask<ModelManifest> ReadManifestAsync(ModelVersion version, CancellationToken cancellationToken = default) => new(_versions[(version.Model, version.Number)].Manifest);

    public ValueTask<IReadOnlyList<ModelSummary>> ListModelsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ModelVersion>> ListVersionsAsync(string model, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<LedgerEntry>> HistoryAsync(string model, CancellationToken cancellationToken = default) =>
        new((IReadOnlyList<LedgerEntry>)[.. ledger.Entries.Where(e => e.Resource.Name == model)]);

    public ValueTask<IReadOnlyList<DeploymentInterval>> DeploymentsAsync(string model, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<ModelVersion?> FindAliasAtAsync(string model, string alias, DateTimeOffset instant, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<RunRecord>> ListRunsAsync(string experiment, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<ModelSummary?> FindModelAsync(string model, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public async ValueTask<IReadOnlyList<AliasMove>> AliasHistoryAsync(string model, string alias, CancellationToken cancellationToken = default) =>
    [
        .. (await HistoryAsync(model, cancellationToken))
            .Where(e => e is { Kind: LedgerKinds.AliasMoved, Outcome: LedgerOutcome.Done })
            .Select(e => (Entry: e, Note: LedgerData.Read<AliasNote>(e)))
            .Where(m => m.Note.Alias == alias)
            .Select(m => new AliasMove(model, alias, m.Note.From, m.Note.To, m.Entry.Reason, m.Entry.Actor, m.Entry.Time)),
    ];

    public ValueTask<IReadOnlyList<AliasInterval>> AliasIntervalsAsync(string model, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DeploymentInterval>> VersionsInServiceAtAsync(string model, DateTimeOffset instant, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ModelChange>> ChangesAsync(string model, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<VersionComparison> CompareAsync(string model, int from, int to, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    private const string ProbeFile = Data.ProbeRows.FileName;
}

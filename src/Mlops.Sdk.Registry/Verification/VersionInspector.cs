using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Registry;

/// <summary>Checks that every file which the manifest of a live version names is there with its length, and every file of a run that was not deleted. Their bytes are checked with the artifacts.</summary>
internal sealed class VersionInspector(ModelRegistry registry, RunTracker runs) : IStoreInspector
{
    public string Area => "versions";

    public IReadOnlyList<string> Prefixes => [];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context, registry, runs));

    private sealed class Inspection(StoreInspectionContext context, ModelRegistry registry, RunTracker runs) : IStoreInspection
    {
        private const int AtOnce = 16;
        private const int Remembered = 1 << 16;
        private readonly ArtifactStore _artifacts = new(context.Store); // not the container's: that one may log every read
        private readonly HashSet<(Digest Digest, long Length)> _good = []; // versions share files
        private readonly Lock _gate = new();

        public ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default) => default;

        public async IAsyncEnumerable<StoreFinding> FinishAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (ModelSummary model in await registry.ListModelsAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (ModelVersion[] some in (await registry.ListVersionsAsync(model.Name, cancellationToken).ConfigureAwait(false)).Where(v => !v.Deleted).Chunk(AtOnce))
                {
                    List<StoreFinding>[] found = await Task.WhenAll(some.Select(v => CheckAsync(v, cancellationToken))).ConfigureAwait(false);
                    for (int i = 0; i < some.Length; i++)
                    {
                        // deleted meanwhile, its files may have been collected
                        if (found[i].Count > 0 && await registry.FindVersionAsync(model.Name, some[i].Number, cancellationToken).ConfigureAwait(false) is { Deleted: true })
                        {
                            continue;
                        }

                        foreach (StoreFinding finding in found[i])
                        {
                            yield return finding;
                        }
                    }
                }
            }

            foreach (RunDetails[] some in (await runs.AllRunsAsync(cancellationToken).ConfigureAwait(false)).Where(r => !r.Deleted && r.Artifacts.Count > 0).Chunk(AtOnce))
            {
                foreach (List<StoreFinding> findings in await Task.WhenAll(some.Select(r => CheckAsync(r, cancellationToken))).ConfigureAwait(false))
                {
                    foreach (StoreFinding finding in findings)
                    {
                        yield return finding;
                    }
                }
            }
        }

        private async Task<List<StoreFinding>> CheckAsync(ModelVersion version, CancellationToken cancellationToken)
        {
            string key = ArtifactKeys.Of(version.Digest).Value;
            ModelManifest manifest;
            try
            {
                byte[] bytes = await _artifacts.ReadAsync(version.Digest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
                context.Count(bytes.Length);
                manifest = ManifestDocument.Read(version, bytes);
            }
            catch (MlopsNotFoundException)
            {
                return [new StoreFinding(StoreFindingKind.Missing, key, $"the manifest of {version}", "no such object", "Restore it from a copy: without it the version cannot be loaded.")];
            }
            catch (MlopsIntegrityException problem)
            {
                StoreFindingKind kind = problem.Code switch { "registry.newer_format" => StoreFindingKind.NewerFormat, "registry.unreadable_manifest" => StoreFindingKind.Contradiction, _ => StoreFindingKind.Damaged };
                return [new StoreFinding(kind, key, $"the manifest of {version}", problem.Message, "Restore it from a copy.")];
            }

            var findings = new List<StoreFinding>();
            foreach (ModelFile file in manifest.Files)
            {
                await CheckAsync(file.Digest, file.Length, $"the file '{file.Name}' of {version}", findings, cancellationToken).ConfigureAwait(false);
            }

            return findings;
        }

        private async Task<List<StoreFinding>> CheckAsync(RunDetails run, CancellationToken cancellationToken)
        {
            var findings = new List<StoreFinding>();
            foreach (RunArtifact file in run.Artifacts.Values)
            {
                await CheckAsync(file.Digest, file.Length, $"the file '{file.Path}' of run {run.RunId}", findings, cancellationToken).ConfigureAwait(false);
            }

            return findings;
        }

        private async ValueTask CheckAsync(Digest digest, long length, string what, List<StoreFinding> findings, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                if (_good.Contains((digest, length)))
                {
                    return;
                }
            }

            ObjectKey key = ArtifactKeys.Of(digest);
            ObjectInfo? there = await context.Store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
            if (there is null)
            {
                findings.Add(new StoreFinding(StoreFindingKind.Missing, key.Value, $"{what}, {length} bytes", "no such object", "Restore it from a copy, or write the file again: its digest names it."));
            }
            else if (there.Length != length)
            {
                findings.Add(new StoreFinding(StoreFindingKind.Contradiction, key.Value, $"{what}, {length} bytes", $"{there.Length} bytes", "Restore it from a copy."));
            }
            else
            {
                lock (_gate)
                {
                    if (_good.Count < Remembered)
                    {
                        _good.Add((digest, length));
                    }
                }
            }
        }
    }
}

namespace Mlops.Sdk;

/// <summary>Checks every artifact against the digest that is its name. Who names it is not asked: what nobody names is for <see cref="ArtifactCollector"/>.</summary>
internal sealed class ArtifactInspector : IStoreInspector
{
    public string Area => "artifacts";

    public IReadOnlyList<string> Prefixes => [ArtifactKeys.Prefix];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            if (!ArtifactKeys.TryParse(found.Key, out Digest digest))
            {
                return StoreFinding.UnknownObject(found.Key, "an object below 'artifacts/sha256/' whose key is no digest");
            }

            return await context.HashAsync(found.Key, cancellationToken).ConfigureAwait(false) is { } there && there.Digest != digest
                ? new StoreFinding(
                    StoreFindingKind.Damaged,
                    found.Key.Value,
                    $"bytes with the digest {digest}",
                    $"{there.Length} bytes with the digest {there.Digest}",
                    "Nothing of it is given out. Restore it from a copy, or write the same file again: that replaces bytes that are not its own.")
                : null;
        }

        public IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<StoreFinding>();
    }
}

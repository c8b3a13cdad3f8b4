namespace Mlops.Sdk.Registry;

/// <summary>Versions that were made somewhere else.</summary>
public sealed partial class ModelRegistry
{
    /// <summary>Registers a version whose manifest another registry made, unchanged: its digest stays, its number is the next one here. A version that is here already is answered with.</summary>
    /// <param name="manifest">The manifest; it and its files are in the artifact store.</param>
    /// <param name="digest">The digest of the manifest's own bytes.</param>
    /// <param name="status">How the version stands.</param>
    /// <param name="reason">Why it comes in.</param>
    /// <param name="parent">The digest of the version that it followed there, or null.</param>
    /// <param name="companions">Makes the entries that go into the same commit, given the version's number and whether it is the model's first.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version, and whether it was made now.</returns>
    internal async ValueTask<(ModelVersion Version, bool Made)> TakeInAsync(
        ModelManifest manifest,
        Digest digest,
        VersionStatus status,
        string reason,
        Digest? parent,
        Func<int, bool, IReadOnlyList<LedgerDraft>> companions,
        CancellationToken cancellationToken)
    {
        ModelVersion? found = null;
        string stage = status == VersionStatus.Rejected ? _lifecycle.Failed : _lifecycle.Passed;

        // the run of another workspace is no run of this one: the manifest and the provenance name it, the note does not
        ModelManifest noted = manifest with { RunId = null };
        LedgerDraft Registration(int number, int? follows) => Draft(noted, digest, reason, status, stage, number, follows);

        LedgerReceipt receipt = await DecideAsync(
            $"model:{manifest.Model}",
            Registration(0, null),
            () =>
            {
                (int count, ModelVersion? same, ModelVersion? follows) = _state.Read(manifest.Model, state => (
                    state?.Versions.Count ?? 0,
                    state?.Versions.Find(v => v.Digest == digest && !v.Deleted),
                    parent is null ? null : state?.Versions.Find(v => v.Digest == parent)));
                found = same;
                return same is null ? [Registration(count + 1, follows?.Number), .. companions(count + 1, count == 0)] : [];
            },
            cancellationToken).ConfigureAwait(false);
        int number = found?.Number ?? receipt.Entries[0].Resource.Version!.Value;
        return (_state.Read(manifest.Model, m => m!.Find(number)!), found is null);
    }
}

using Microsoft.Extensions.DependencyInjection;

namespace Mlops.Sdk;

/// <content>Verifying: everything in the workspace is read again.</content>
public sealed partial class MlopsWorkspace
{
    /// <summary>Reads everything in the workspace again and tells what is not what was written, what is missing, and what nobody knows. Changes nothing.</summary>
    /// <param name="trusted">A checkpoint of the ledger from a place that whoever may write to the store cannot write to; null for none. Only with one are a tail that was cut off and a store that was rolled back found.</param>
    /// <param name="progress">Is told now and then how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    /// <returns>What was found; a damaged workspace is a result, not an error.</returns>
    /// <remarks>
    /// Other processes may work in the workspace meanwhile. Memory does not depend on the size of files; it grows with the number of
    /// windows of monitoring and segments of records that the ledger names. A workspace whose ledger is damaged at its end does not open:
    /// use <see cref="VerifyFolderAsync"/> or <see cref="VerifyStoreAsync"/> then.
    /// </remarks>
    /// <exception cref="MlopsStorageException">The store cannot be listed.</exception>
    public async Task<WorkspaceVerification> VerifyAsync(LedgerCheckpoint? trusted = null, IProgress<WorkspaceVerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        await AttachViewsAsync(cancellationToken).ConfigureAwait(false);
        LedgerVerification ledger = await Ledger.VerifyAsync(trusted, cancellationToken).ConfigureAwait(false);
        return await new WorkspaceVerifier(Store, ledger, _services.GetServices<IStoreInspector>(), progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Verifies the workspace in a folder, also one that does not open any more because its ledger is damaged.</summary>
    /// <param name="folder">The folder; not made when it is not there.</param>
    /// <param name="trusted">A checkpoint of the ledger that was kept elsewhere; null for none.</param>
    /// <param name="progress">Is told now and then how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    /// <returns>What was found. What hangs on entries behind the damage is told as not checked.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such folder; code <c>workspace.not_found</c>.</exception>
    /// <exception cref="MlopsStorageException">The folder cannot be used.</exception>
    public static Task<WorkspaceVerification> VerifyFolderAsync(string folder, LedgerCheckpoint? trusted = null, IProgress<WorkspaceVerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Directory.Exists(folder)
            ? VerifyStoreAsync(new FolderObjectStore(folder), null, trusted, progress, cancellationToken)
            : throw new MlopsNotFoundException("workspace.not_found", $"There is no folder '{folder}' to verify. Give the folder of a workspace, as for MlopsWorkspace.OpenAsync.");
    }

    /// <summary>Verifies the workspace in a store of your own, also one that does not open any more because its ledger is damaged.</summary>
    /// <param name="store">The store.</param>
    /// <param name="configure">Adds more packages that keep objects in it, as with <c>AddMlops</c>; null for none.</param>
    /// <param name="trusted">A checkpoint of the ledger that was kept elsewhere; null for none.</param>
    /// <param name="progress">Is told now and then how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    /// <returns>What was found. What hangs on entries behind the damage is told as not checked.</returns>
    /// <exception cref="MlopsStorageException">The store cannot be used.</exception>
    public static async Task<WorkspaceVerification> VerifyStoreAsync(
        IObjectStore store, Action<IMlopsBuilder>? configure = null, LedgerCheckpoint? trusted = null, IProgress<WorkspaceVerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        (MlopsWorkspace workspace, LedgerVerification ledger) = await OpenProvenAsync(store, configure, trusted, cancellationToken).ConfigureAwait(false);
        await using (workspace.ConfigureAwait(false))
        {
            return await new WorkspaceVerifier(new ReadOnlyObjectStore(store), ledger, workspace._services.GetServices<IStoreInspector>(), progress).RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a workspace to read as far as its ledger is good.</summary>
    private static async Task<(MlopsWorkspace Workspace, LedgerVerification Ledger)> OpenProvenAsync(IObjectStore store, Action<IMlopsBuilder>? configure, LedgerCheckpoint? trusted, CancellationToken cancellationToken)
    {
        LedgerVerification ledger;
        if (await TryOpenAsync(new ReadOnlyObjectStore(store), configure, cancellationToken).ConfigureAwait(false) is { } workspace)
        {
            try
            {
                await workspace.AttachViewsAsync(cancellationToken).ConfigureAwait(false);
                ledger = await workspace.Ledger.VerifyAsync(trusted, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await workspace.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            if (ledger.IsWhole)
            {
                return (workspace, ledger);
            }

            await workspace.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            ledger = await ObjectLedger.VerifyAsync(store, trusted, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }

        MlopsWorkspace part = await TryOpenAsync(new ReadOnlyObjectStore(store, ProvenPart.Of(ledger)), configure, cancellationToken).ConfigureAwait(false)
            ?? await OpenAsync(new ReadOnlyObjectStore(store, ProvenPart.WithoutLedger), configure, cancellationToken).ConfigureAwait(false);
        return (part, ledger);
    }

    private static async Task<MlopsWorkspace?> TryOpenAsync(IObjectStore store, Action<IMlopsBuilder>? configure, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(store, configure, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsIntegrityException)
        {
            return null; // its ledger is damaged
        }
    }

    /// <summary>Attaches the views that are saved most, so that what was saved of them is compared with the ledger. One that cannot be attached is told by its inspector.</summary>
    private async ValueTask AttachViewsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Registry.ListModelsAsync(cancellationToken).ConfigureAwait(false);
            await Runs.ListExperimentsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await _services.GetRequiredService<RecordLogs>().ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException)
        {
            // the verification of the ledger says why
        }
    }
}

using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <summary>Names what lies in a store's folder and is no object. A store without a folder has none.</summary>
internal sealed class ForeignFileInspector : IStoreInspector
{
    public string Area => "folder";

    public IReadOnlyList<string> Prefixes => [];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        public ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default) => default;

        public async IAsyncEnumerable<StoreFinding> FinishAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask.ConfigureAwait(false);
            foreach (ForeignFile file in context.Store is IForeignFiles store ? store.FindForeignFiles() : [])
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return file.IsOwn
                    ? new StoreFinding(StoreFindingKind.Surplus, file.Path, "nothing older than an hour", file.What, "A process died while it wrote. It is gone on with or removed by the library after some days; it may be removed now when no process is writing.")
                    : new StoreFinding(StoreFindingKind.Unknown, file.Path, "no such file", file.What, "Nothing of this library reads it. Find out who wrote it, and remove it if nobody needs it.");
            }
        }
    }
}

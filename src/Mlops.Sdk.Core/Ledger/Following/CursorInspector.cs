namespace Mlops.Sdk;

/// <summary>Checks the cursors of followers: that each is what was written, and not behind the ledger's end.</summary>
internal sealed class CursorInspector : IStoreInspector
{
    private const string Prefix = "ledger/cursors/";

    public string Area => "cursors";

    public IReadOnlyList<string> Prefixes => [Prefix];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            string name = found.Key.Value[Prefix.Length..];
            if (name.Contains('/', StringComparison.Ordinal))
            {
                return StoreFinding.UnknownObject(found.Key, "an object below 'ledger/cursors/' whose key is no follower's name");
            }

            if (await context.ReadAsync(found.Key, CursorDocument.MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return null;
            }

            CursorDocument cursor = CursorDocument.Read(name, bytes);
            return context.LedgerIsWhole && cursor.Next > context.Ledger.Proven.Entries && cursor.Next > await EndAsync(cancellationToken).ConfigureAwait(false)
                ? new StoreFinding(
                    StoreFindingKind.Contradiction,
                    found.Key.Value,
                    $"a place in the ledger, which has {context.Ledger.Proven.Entries} entries",
                    $"entry {cursor.Next} as the next one to handle",
                    "The ledger's tail was cut off, or the store was rolled back to an older copy while this object was not. Look for the newer copy; if there is none, remove the cursor to start the follower anew.")
                : null;
        }

        public IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<StoreFinding>();

        /// <summary>Where the ledger ends by now: what was appended since it was verified is handled by followers, too.</summary>
        private async ValueTask<long> EndAsync(CancellationToken cancellationToken)
        {
            long end = context.Ledger.Proven.Entries;
            await foreach (ObjectInfo later in context.Store.ListAsync(LedgerKeys.Commits, LedgerKeys.Commit(Math.Max(context.Ledger.Proven.Commits - 1, 0)).Value, cancellationToken).ConfigureAwait(false))
            {
                if (LedgerKeys.TryNumber(later.Key, LedgerKeys.Commits, out _) && await context.ReadAsync(later.Key, CommitCodec.MaxCommitBytes, cancellationToken).ConfigureAwait(false) is { } bytes)
                {
                    end = Math.Max(end, CommitCodec.Parse(bytes).Head.Entries);
                }
            }

            return end;
        }
    }
}

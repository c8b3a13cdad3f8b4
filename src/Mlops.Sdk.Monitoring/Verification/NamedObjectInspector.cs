using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Checks objects of one prefix against the digests that entries of the ledger hold. Memory grows with their number.</summary>
/// <remarks>It answers for all keys below its prefix. What else is kept there needs an inspector of its own, with a longer prefix.</remarks>
internal abstract class NamedObjectInspector(ILedger ledger) : IStoreInspector
{
    private const int MaxBytes = 64 << 20;

    public abstract string Area { get; }

    public IReadOnlyList<string> Prefixes => [Prefix];

    /// <summary>Gets what all its keys start with.</summary>
    protected abstract string Prefix { get; }

    /// <summary>Gets what one object is called, such as <c>a window</c>.</summary>
    protected abstract string What { get; }

    /// <summary>Gets what is lost with an object and what to do.</summary>
    protected abstract string Remedy { get; }

    public async ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default)
    {
        var inspection = new Inspection(this, context, ledger);
        await inspection.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return inspection;
    }

    /// <summary>Finds the object that an entry names: its key behind the prefix, digest and length; null when it names none.</summary>
    protected abstract (string Name, Digest Digest, long Length)? Read(LedgerEntry entry);

    /// <summary>Says what an object is that no entry names.</summary>
    /// <exception cref="FormatException">It is none of these objects, or one of another key.</exception>
    /// <exception cref="MlopsIntegrityException">It does not read.</exception>
    protected abstract string Describe(string name, ReadOnlySpan<byte> bytes);

    private sealed class Inspection(NamedObjectInspector owner, StoreInspectionContext context, ILedger ledger) : IStoreInspection
    {
        private readonly ConcurrentDictionary<string, Closed> _closed = new(StringComparer.Ordinal);
        private readonly Lock _gate = new();
        private Task _reading = Task.CompletedTask;
        private long _next;

        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            string key = found.Key.Value;
            if (!_closed.TryGetValue(key, out Closed? closed))
            {
                await CatchUpAsync(cancellationToken).ConfigureAwait(false); // closed since the walk began
                if (!_closed.TryGetValue(key, out closed))
                {
                    return await InspectUnnamedAsync(found, cancellationToken).ConfigureAwait(false);
                }
            }

            if (await context.HashAsync(found.Key, cancellationToken).ConfigureAwait(false) is not { } there)
            {
                return null; // missing: told at the end
            }

            closed.Seen = true;
            return there.Digest == closed.Digest && there.Length == closed.Length
                ? null
                : new StoreFinding(
                    StoreFindingKind.Damaged,
                    key,
                    $"{owner.What} of {closed.Length} bytes with the digest {closed.Digest}, by entry {closed.Entry} of the ledger",
                    $"{there.Length} bytes with the digest {there.Digest}",
                    owner.Remedy);
        }

        public async IAsyncEnumerable<StoreFinding> FinishAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach ((string key, Closed closed) in _closed)
            {
                if (!closed.Seen && await context.Store.HeadAsync(ObjectKey.Parse(key), cancellationToken).ConfigureAwait(false) is null)
                {
                    yield return new StoreFinding(
                        StoreFindingKind.Missing,
                        key,
                        $"{owner.What} of {closed.Length} bytes with the digest {closed.Digest}, by entry {closed.Entry} of the ledger",
                        "no such object",
                        owner.Remedy);
                }
            }
        }

        /// <summary>Reads what the ledger says since the last call; one call at a time.</summary>
        internal Task CatchUpAsync(CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                return _reading = ReadAfterAsync(_reading, cancellationToken);
            }
        }

        private async Task ReadAfterAsync(Task before, CancellationToken cancellationToken)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await foreach (LedgerEntry entry in ledger.ReadAsync(_next, cancellationToken).ConfigureAwait(false))
            {
                _next = entry.Number + 1;
                if (entry.Outcome == LedgerOutcome.Done && owner.Read(entry) is { } named && named.Digest.HasValue && ObjectKey.TryParse(owner.Prefix + named.Name, out ObjectKey key))
                {
                    _closed.TryAdd(key.Value, new Closed(entry.Number, named.Digest, named.Length)); // what was said first holds
                }
            }
        }

        private async ValueTask<StoreFinding?> InspectUnnamedAsync(ObjectInfo found, CancellationToken cancellationToken)
        {
            string key = found.Key.Value;
            if (key.AsSpan(owner.Prefix.Length).Contains('/'))
            {
                return new StoreFinding(StoreFindingKind.Unknown, key, "no such object", $"an object below '{owner.Prefix}' whose key is not that of {owner.What}", "Nothing of this library reads it, unless it is of a newer version. Find out who wrote it.");
            }

            if (!context.LedgerIsWhole)
            {
                return new StoreFinding(StoreFindingKind.NotChecked, key, $"{owner.What} whose digest the ledger holds", "a ledger that does not read to its end", "Restore the ledger first.");
            }

            if (await context.ReadAsync(found.Key, MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return null;
            }

            return new StoreFinding(
                StoreFindingKind.NotCommitted,
                key,
                $"{owner.What} whose digest the ledger holds",
                $"{owner.Describe(key[owner.Prefix.Length..], bytes)} that it does not name",
                "A host is just between the two, or was killed there; then it does not count. It may be removed once no host is working on it.");
        }

        private sealed class Closed(long entry, Digest digest, long length)
        {
            internal long Entry => entry;

            internal Digest Digest => digest;

            internal long Length => length;

            internal bool Seen { get; set; }
        }
    }
}

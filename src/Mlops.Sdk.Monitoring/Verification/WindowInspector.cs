using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>Checks every window of monitoring against the digest that the ledger holds. Memory grows with the number of windows that were closed.</summary>
/// <remarks>It answers for all keys below <c>monitoring/</c>. What else is kept there needs an inspector of its own, with a longer prefix.</remarks>
internal sealed class WindowInspector(ILedger ledger) : IStoreInspector
{
    private const string Prefix = "monitoring/";
    private const int MaxBytes = 64 << 20;

    public string Area => "monitoring";

    public IReadOnlyList<string> Prefixes => [Prefix];

    public async ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default)
    {
        var inspection = new Inspection(context, ledger);
        await inspection.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return inspection;
    }

    private sealed class Inspection(StoreInspectionContext context, ILedger ledger) : IStoreInspection
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
                    $"a window of {closed.Length} bytes with the digest {closed.Digest}, by entry {closed.Entry} of the ledger",
                    $"{there.Length} bytes with the digest {there.Digest}",
                    "Restore it from a copy. What was found in the window stands in the ledger; only its counts are lost.");
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
                        $"a window of {closed.Length} bytes with the digest {closed.Digest}, by entry {closed.Entry} of the ledger",
                        "no such object",
                        "Restore it from a copy. What was found in the window stands in the ledger; only its counts are lost.");
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
                if (entry is { Kind: MonitoringKinds.WindowClosed, Outcome: LedgerOutcome.Done } && Read(entry) is { } note && ObjectKey.TryParse(Prefix + note.WindowId, out ObjectKey key))
                {
                    _closed.TryAdd(key.Value, new Closed(entry.Number, note.Digest, note.Length)); // what was said first holds
                }
            }
        }

        private static WindowNote? Read(LedgerEntry entry)
        {
            try
            {
                return entry.Data.Deserialize(MonitoringJson.Default.WindowNote) is { WindowId: not null, Digest.HasValue: true } note ? note : null;
            }
            catch (Exception error) when (error is JsonException or MlopsIntegrityException)
            {
                return null; // not written by this library
            }
        }

        private async ValueTask<StoreFinding?> InspectUnnamedAsync(ObjectInfo found, CancellationToken cancellationToken)
        {
            string key = found.Key.Value;
            if (key.AsSpan(Prefix.Length).Contains('/'))
            {
                return new StoreFinding(StoreFindingKind.Unknown, key, "no such object", "an object below 'monitoring/' whose key is no window's", "Nothing of this library reads it, unless it is of a newer version. Find out who wrote it.");
            }

            if (!context.LedgerIsWhole)
            {
                return new StoreFinding(StoreFindingKind.NotChecked, key, "a window whose digest the ledger holds", "a ledger that does not read to its end", "Restore the ledger first.");
            }

            if (await context.ReadAsync(found.Key, MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return null;
            }

            MonitorWindow window = MonitorWindow.Deserialize(bytes);
            return Prefix + window.Id == key
                ? new StoreFinding(
                    StoreFindingKind.NotCommitted, key, "a window whose digest the ledger holds", $"a window of {window.Rows} rows of {window.Model} v{window.Version} that it does not name", "A host is just between the two, or was killed there; then its rows are not counted. It may be removed once no host is working on it.")
                : throw new FormatException($"it is the window '{window.Id}'");
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

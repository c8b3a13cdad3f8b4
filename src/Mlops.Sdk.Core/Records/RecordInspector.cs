using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <summary>Checks the segments of all record logs against the ledger and the chain of their writers.</summary>
internal sealed class RecordInspector(RecordLogs logs) : IStoreInspector
{
    public string Area => "records";

    public IReadOnlyList<string> Prefixes => [RecordKeys.Root];

    public async ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default)
    {
        await logs.RefreshAsync(cancellationToken).ConfigureAwait(false);
        return new Inspection(context, logs);
    }

    private sealed class Inspection(StoreInspectionContext context, RecordLogs logs) : IStoreInspection
    {
        private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            string key = found.Key.Value;
            int slash = key.LastIndexOf('/');
            string name = slash > RecordKeys.Root.Length ? key[RecordKeys.Root.Length..slash] : string.Empty;
            if (!RecordKeys.IsLog(name) || !RecordKeys.TryParse(key, name, out string writer, out int number))
            {
                return StoreFinding.UnknownObject(found.Key, "an object below 'records/' whose key is no segment of a record log");
            }

            Seen seen = _seen.GetOrAdd(name, n => new Seen(logs.Get(n)));
            RecordLog.SegmentState state = await seen.Log.InspectAsync(key, writer, number, cancellationToken).ConfigureAwait(false);
            context.Count(found.Length);
            if (state == RecordLog.SegmentState.Good)
            {
                Interlocked.Increment(ref seen.Good);
            }

            return state switch
            {
                RecordLog.SegmentState.Deleted => new StoreFinding(
                    StoreFindingKind.Surplus, key, "no such object: the ledger says that its records were deleted by age", $"a segment of {found.Length} bytes", $"It goes when the log '{name}' is next opened for appending."),
                RecordLog.SegmentState.Uncommitted when context.LedgerIsWhole => new StoreFinding(
                    StoreFindingKind.NotCommitted, key, "a segment that the ledger names", "a whole segment that it does not name", $"A writer is just between the two, or was killed there: the next one that opens the log '{name}' commits it."),
                RecordLog.SegmentState.Uncommitted => new StoreFinding(
                    StoreFindingKind.NotChecked, key, "a segment that the ledger names", "a whole segment, and a ledger that does not read to its end", "Restore the ledger first."),
                _ => null,
            };
        }

        public async IAsyncEnumerable<StoreFinding> FinishAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (RecordLogSummary summary in await logs.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                RecordLog log = logs.Get(summary.Name);
                RecordVerification? verification = null;
                StoreFinding? newer = null;
                try
                {
                    // all there and good: nothing to read again
                    if (!_seen.TryGetValue(summary.Name, out Seen? seen) || Interlocked.Read(ref seen.Good) != summary.Segments || log.HasGaps())
                    {
                        verification = await log.VerifyAsync(cancellationToken).ConfigureAwait(false);
                    }
                }
                catch (MlopsIntegrityException error)
                {
                    newer = new StoreFinding(StoreFindingKind.NewerFormat, RecordKeys.PrefixOf(summary.Name), "entries about the log in a format that this version reads", error.Message, "Update Mlops.Sdk in this process.");
                }

                if (newer is not null)
                {
                    yield return newer;
                }

                foreach (RecordProblem problem in verification?.Problems ?? [])
                {
                    if (problem.Code == "records.missing" && await context.Store.HeadAsync(ObjectKey.Parse(problem.Key), cancellationToken).ConfigureAwait(false) is not null)
                    {
                        continue; // written while the log was listed
                    }

                    StoreFindingKind kind = problem.Code switch { "records.missing" => StoreFindingKind.Missing, "records.newer_format" => StoreFindingKind.NewerFormat, _ => StoreFindingKind.Damaged };
                    yield return new StoreFinding(kind, problem.Key, "the segment that the ledger names", problem.Message, "Restore it from a copy.");
                }
            }
        }

        private sealed class Seen(RecordLog log)
        {
            internal long Good;

            internal RecordLog Log => log;
        }
    }
}

using System.Globalization;

namespace Mlops.Sdk;

/// <summary>Checks the ledger's own objects. What <see cref="ILedger.VerifyAsync(CancellationToken)"/> proved is not read again; behind a bad commit every object is checked by itself, so that all that are damaged are named.</summary>
internal sealed class LedgerInspector : IStoreInspector
{
    public string Area => "ledger";

    public IReadOnlyList<string> Prefixes => ["ledger/"];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        private const long MaxSegment = LedgerSegmentHeader.MaxLength + LedgerSegmentHeader.MaxBody + (8L * LedgerSegmentHeader.MaxCommits * (CommitCodec.MaxEntries + 1));

        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            string key = found.Key.Value;
            if (key.StartsWith(LedgerKeys.Commits, StringComparison.Ordinal) && LedgerKeys.TryNumber(found.Key, LedgerKeys.Commits, out long number))
            {
                return await InspectCommitAsync(found, number, cancellationToken).ConfigureAwait(false);
            }

            if (key.StartsWith(LedgerKeys.Segments, StringComparison.Ordinal) && LedgerKeys.TrySegment(found.Key, out SegmentPlace place))
            {
                return await InspectSegmentAsync(found, place, cancellationToken).ConfigureAwait(false);
            }

            return key.StartsWith(LedgerKeys.Snapshots, StringComparison.Ordinal)
                ? await InspectViewAsync(found, cancellationToken).ConfigureAwait(false)
                : StoreFinding.UnknownObject(found.Key, "an object below 'ledger/' that is no commit, segment, saved view or cursor");
        }

        public async IAsyncEnumerable<StoreFinding> FinishAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask.ConfigureAwait(false);
            foreach (StoreFinding finding in context.Ledger.Findings)
            {
                yield return finding;
            }

            if (!context.Ledger.Ok && context.Ledger.Findings.Count == 0)
            {
                // an ILedger that tells no objects
                string key = LedgerKeys.Commit(context.Ledger.BadCommit ?? 0).Value;
                yield return new StoreFinding(StoreFindingKind.Damaged, key, "a ledger that verifies", context.Ledger.Problem ?? "one that does not", "Restore it from a copy.");
            }
        }

        private async ValueTask<StoreFinding?> InspectCommitAsync(ObjectInfo found, long number, CancellationToken cancellationToken)
        {
            if (number < context.Ledger.Proven.Commits)
            {
                context.Count(found.Length);
                return null;
            }

            if (await context.ReadAsync(found.Key, CommitCodec.MaxCommitBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return null; // folded and removed meanwhile
            }

            CommitDocument commit = CommitCodec.Parse(bytes);
            return commit.Number == number ? null : throw new FormatException($"it is commit {commit.Number}");
        }

        private async ValueTask<StoreFinding?> InspectSegmentAsync(ObjectInfo found, SegmentPlace place, CancellationToken cancellationToken)
        {
            if (context.Ledger.IsWhole && place.Commit < context.Ledger.Proven.Commits)
            {
                context.Count(found.Length);
                return null;
            }

            if (await context.ReadAsync(found.Key, MaxSegment, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return new StoreFinding(StoreFindingKind.Missing, found.Key.Value, "a segment", "it went away", "Restore it from a copy.");
            }

            SegmentDocument segment = SegmentDocument.Parse(bytes);
            if (SegmentPlace.After(segment.Header.Before) != place)
            {
                throw new FormatException($"it is the segment that begins with commit {segment.Header.Before.Commits} and entry {segment.Header.Before.Entries}");
            }

            LedgerHead head = segment.Header.Before;
            for (int at = 0; at < segment.Header.Commits; at++)
            {
                head = segment.ReadCommit(at).Follow(head).Head;
            }

            return head == segment.Header.End ? null : throw new FormatException("its header does not tell what its commits do");
        }

        /// <summary>A view that nobody has attached here is checked by its hashes alone.</summary>
        private async ValueTask<StoreFinding?> InspectViewAsync(ObjectInfo found, CancellationToken cancellationToken)
        {
            string[] parts = found.Key.Value[LedgerKeys.Snapshots.Length..].Split('/');
            if (parts.Length != 3 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int version)
                || !LedgerKeys.TryNumber(found.Key, found.Key.Value[..^parts[2].Length], out long entries))
            {
                return StoreFinding.UnknownObject(found.Key, "an object below 'ledger/snapshots/' whose key is no view, version and number of entries");
            }

            try
            {
                if (await context.ReadAsync(found.Key, SnapshotCodec.MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
                {
                    return null; // a newer one took its place
                }

                (LedgerHead head, _) = SnapshotCodec.Parse(bytes, parts[0], version);
                return head.Entries == entries ? null : throw new FormatException($"it is of the first {head.Entries} entries");
            }
            catch (FormatException problem)
            {
                return new StoreFinding(StoreFindingKind.Damaged, found.Key.Value, "a view as it was saved", problem.Message, "Remove it: it is derived, and made again from the ledger.");
            }
        }
    }
}

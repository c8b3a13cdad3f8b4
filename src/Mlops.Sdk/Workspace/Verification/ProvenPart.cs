namespace Mlops.Sdk;

/// <summary>Shows as much of a damaged ledger as is proven, so that what hangs on it can be checked all the same.</summary>
internal static class ProvenPart
{
    /// <summary>A filter that hides everything of the ledger.</summary>
    internal static bool WithoutLedger(ObjectKey key) => !IsLedger(key);

    /// <summary>Makes a filter that hides the commits and segments from the first bad one on, and saved views, which may be of later.</summary>
    internal static Func<ObjectKey, bool> Of(LedgerVerification ledger)
    {
        long commits = ledger.Proven.Commits;
        long segments = ledger.Findings is [{ } bad, ..] && ObjectKey.TryParse(bad.Key, out ObjectKey at) && at.Value.StartsWith(LedgerKeys.Segments, StringComparison.Ordinal) && LedgerKeys.TrySegment(at, out SegmentPlace place)
            ? place.Commit
            : commits; // the first finding is what ended the reading
        return key =>
            !IsLedger(key)
            || (key.Value.StartsWith(LedgerKeys.Commits, StringComparison.Ordinal) && LedgerKeys.TryNumber(key, LedgerKeys.Commits, out long number) && number < commits)
            || (key.Value.StartsWith(LedgerKeys.Segments, StringComparison.Ordinal) && LedgerKeys.TrySegment(key, out SegmentPlace there) && there.Commit < segments);
    }

    private static bool IsLedger(ObjectKey key) => key.Value.StartsWith(LedgerKeys.Commits, StringComparison.Ordinal)
        || key.Value.StartsWith(LedgerKeys.Segments, StringComparison.Ordinal) || key.Value.StartsWith(LedgerKeys.Snapshots, StringComparison.Ordinal);
}

using System.Globalization;

namespace Mlops.Sdk;

/// <summary>Where the ledger's objects are.</summary>
internal static class LedgerKeys
{
    internal const string Commits = "ledger/commits/";
    internal const string Segments = "ledger/segments/";
    internal const string Snapshots = "ledger/snapshots/";

    internal static ObjectKey Commit(long number) => ObjectKey.Parse($"{Commits}{number:D12}");

    /// <summary>The key of the segment that begins where the ledger ended once.</summary>
    internal static ObjectKey Segment(SegmentPlace place) => ObjectKey.Parse($"{Segments}{place.Commit:D12}-{place.Entry:D12}");

    internal static ObjectKey Snapshot(ISnapshotProjection projection, long entries) => ObjectKey.Parse($"{SnapshotsOf(projection)}{entries:D12}");

    internal static string SnapshotsOf(ISnapshotProjection projection) => string.Create(CultureInfo.InvariantCulture, $"{Snapshots}{projection.SnapshotName}/{projection.SnapshotFormat}/");

    /// <summary>Reads the number at the end of a commit's or snapshot's key.</summary>
    internal static bool TryNumber(ObjectKey key, string prefix, out long number) => TryDigits(key.Value.AsSpan(prefix.Length), out number);

    internal static bool TrySegment(ObjectKey key, out SegmentPlace place)
    {
        ReadOnlySpan<char> rest = key.Value.AsSpan(Segments.Length);
        if (rest.Length == 25 && rest[12] == '-' && TryDigits(rest[..12], out long commit) && TryDigits(rest[13..], out long entry))
        {
            place = new SegmentPlace(commit, entry);
            return true;
        }

        place = default;
        return false;
    }

    private static bool TryDigits(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        return text.Length == 12 && !text.ContainsAnyExceptInRange('0', '9') && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>Where a segment begins.</summary>
/// <param name="Commit">The number of its first commit.</param>
/// <param name="Entry">The number of its first entry.</param>
internal readonly record struct SegmentPlace(long Commit, long Entry)
{
    /// <summary>The place of the segment that comes after an end.</summary>
    internal static SegmentPlace After(LedgerHead end) => new(end.Commits, end.Entries);
}

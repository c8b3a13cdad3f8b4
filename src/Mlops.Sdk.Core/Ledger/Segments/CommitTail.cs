namespace Mlops.Sdk;

/// <summary>The commits behind the last segment: where each ends, and how many make the next segment. Not thread-safe: its owner locks.</summary>
internal sealed class CommitTail(int segmentCommits, int segmentBytes)
{
    private readonly List<(LedgerHead End, int Length)> _commits = [];
    private long _bytes;

    internal int Count => _commits.Count;

    internal void Add(CommitDocument commit)
    {
        _commits.Add((commit.Head, commit.Length));
        _bytes += commit.Length;
    }

    /// <summary>Tells how many commits make the next segment: as many as reach one of the two sizes; 0 when there are not enough yet.</summary>
    internal int DueCount()
    {
        if (_commits.Count < segmentCommits && _bytes < segmentBytes)
        {
            return 0;
        }

        int count = 0;
        for (long bytes = 0; count < segmentCommits && bytes < segmentBytes; count++)
        {
            bytes += _commits[count].Length;
        }

        return count;
    }

    /// <summary>The end of the ledger after some of the commits.</summary>
    internal LedgerHead EndAfter(int count) => _commits[count - 1].End;

    internal void RemoveFirst(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _bytes -= _commits[i].Length;
        }

        _commits.RemoveRange(0, count);
    }
}

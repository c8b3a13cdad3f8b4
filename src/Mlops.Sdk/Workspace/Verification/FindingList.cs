namespace Mlops.Sdk;

/// <summary>Findings, one for each object, as many as memory may hold; the rest is counted. Thread-safe.</summary>
internal sealed class FindingList
{
    /// <summary>How many are kept that are more than leftovers, and how many leftovers.</summary>
    internal const int Most = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, StoreFinding> _severe = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StoreFinding> _leftovers = new(StringComparer.Ordinal);
    private long _more;

    internal long Count
    {
        get
        {
            lock (_gate)
            {
                return _severe.Count + _leftovers.Count + _more;
            }
        }
    }

    internal long NotListed
    {
        get
        {
            lock (_gate)
            {
                return _more;
            }
        }
    }

    /// <summary>Takes a finding in.</summary>
    /// <returns>False when the object has one already that is as bad: what was said first holds.</returns>
    internal bool Add(StoreFinding finding)
    {
        lock (_gate)
        {
            bool isLeftover = finding.Severity == StoreFindingSeverity.Leftover;
            if (_severe.ContainsKey(finding.Key) || (isLeftover && _leftovers.ContainsKey(finding.Key)))
            {
                return false;
            }

            Dictionary<string, StoreFinding> target = isLeftover ? _leftovers : _severe;
            if (target.Count < Most)
            {
                target.Add(finding.Key, finding);
            }
            else
            {
                _more++;
            }

            return true;
        }
    }

    internal IReadOnlyList<StoreFinding> Listed()
    {
        lock (_gate)
        {
            return [.. _severe.Values.Concat(_leftovers.Values).OrderByDescending(f => f.Severity).ThenBy(f => f.Key, StringComparer.Ordinal)];
        }
    }
}

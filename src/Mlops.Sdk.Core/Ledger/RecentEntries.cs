namespace Mlops.Sdk;

/// <summary>The newest entries, in memory; older ones are read from segments. Not thread-safe: its owner locks.</summary>
internal sealed class RecentEntries
{
    private const int Slack = 4096;
    private readonly List<LedgerEntry> _entries = [];
    private readonly Dictionary<string, LedgerEntry> _byId = new(StringComparer.Ordinal);

    /// <summary>Gets the number of the first entry that is held.</summary>
    internal long First { get; private set; }

    /// <summary>Gets the number after the last entry that is held.</summary>
    internal long End => First + _entries.Count;

    internal LedgerEntry this[long number] => _entries[(int)(number - First)];

    /// <summary>Says where the first entry to be added stands.</summary>
    internal void StartAt(long first) => First = _entries.Count == 0 ? first : throw new InvalidOperationException("There are entries already.");

    internal void Add(LedgerEntry entry)
    {
        _entries.Add(entry);
        _byId.TryAdd(entry.Id, entry);
    }

    internal LedgerEntry? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Copies some entries out; none when they are older than what is held, or not there yet.</summary>
    internal LedgerEntry[] Page(long from, long end, int most)
    {
        int count = from < First ? 0 : (int)Math.Min(most, Math.Min(end, End) - from);
        return count <= 0 ? [] : [.. _entries.GetRange((int)(from - First), count)];
    }

    /// <summary>Lets go of entries before a number, when it is worth while.</summary>
    internal void Trim(long before)
    {
        int count = (int)Math.Min(before - First, _entries.Count);
        if (count < Slack)
        {
            return;
        }

        for (int i = 0; i < count; i++)
        {
            if (_byId.TryGetValue(_entries[i].Id, out LedgerEntry? held) && ReferenceEquals(held, _entries[i]))
            {
                _byId.Remove(_entries[i].Id);
            }
        }

        _entries.RemoveRange(0, count);
        First += count;
    }
}

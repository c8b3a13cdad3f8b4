namespace Mlops.Sdk.Monitoring;

/// <summary>Counts different rows by their hashes in bounded memory: exact while they are few, then a sample of the hashes.</summary>
/// <remarks>
/// Keeps the hashes that end in L zero bits and doubles the sampling step, L + 1, when there are too many; the number of different rows is
/// then estimated as kept hashes times 2^L, with a relative standard error of about 1 / sqrt(kept). Merging keeps the coarser level, and
/// gives what one pass would have given. Source: P. Gibbons, Distinct sampling for highly-accurate answers to distinct values queries and
/// event reports, VLDB 2001.
/// </remarks>
internal sealed class RowSample
{
    internal const int Capacity = 16_384;
    private readonly HashSet<ulong> _kept = [];
    private int _level;

    internal bool IsExact => _level == 0;

    internal double Distinct => _kept.Count * Math.Pow(2, _level);

    internal void Add(ulong hash)
    {
        if ((hash & Mask) != 0 || !_kept.Add(hash))
        {
            return;
        }

        while (_kept.Count > Capacity)
        {
            Coarsen();
        }
    }

    internal void Add(RowSample other)
    {
        while (_level < other._level)
        {
            Coarsen();
        }

        foreach (ulong hash in other._kept)
        {
            Add(hash);
        }
    }

    private ulong Mask => (1UL << _level) - 1;

    private void Coarsen()
    {
        _level++;
        ulong mask = Mask;
        _kept.RemoveWhere(h => (h & mask) != 0);
    }
}

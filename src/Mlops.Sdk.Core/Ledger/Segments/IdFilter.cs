namespace Mlops.Sdk;

/// <summary>Says of an id whether an older entry certainly does not have it, in three bytes an entry: Bloom filters over ranges of entries. Not thread-safe.</summary>
internal sealed class IdFilter
{
    private const int ChunkEntries = 1 << 16;
    private const int BitsPerEntry = 24;
    private const int Probes = 8; // one false alarm in some ten thousand questions a chunk
    private readonly List<Chunk> _chunks = [];

    /// <summary>Gets how many entries, from the first on, are in it.</summary>
    internal long Entries { get; private set; }

    /// <summary>Adds the ids of the next entries.</summary>
    internal void Add(ReadOnlySpan<ulong> hashes)
    {
        if (_chunks.Count == 0 || _chunks[^1].Count >= ChunkEntries)
        {
            _chunks.Add(new Chunk(Entries, new ulong[ChunkEntries * BitsPerEntry / 64]));
        }

        Chunk chunk = _chunks[^1];
        foreach (ulong hash in hashes)
        {
            for (int probe = 0; probe < Probes; probe++)
            {
                int bit = BitOf(hash, probe);
                chunk.Bits[bit >> 6] |= 1UL << (bit & 63);
            }
        }

        chunk.Count += hashes.Length;
        Entries += hashes.Length;
    }

    /// <summary>Finds the ranges of entries in which one may have the id.</summary>
    internal List<(long First, long End)> MayHave(ulong hash)
    {
        List<(long, long)> found = [];
        foreach (Chunk chunk in _chunks)
        {
            bool all = true;
            for (int probe = 0; probe < Probes && all; probe++)
            {
                int bit = BitOf(hash, probe);
                all = (chunk.Bits[bit >> 6] & (1UL << (bit & 63))) != 0;
            }

            if (all)
            {
                found.Add((chunk.First, chunk.First + chunk.Count));
            }
        }

        return found;
    }

    private static int BitOf(ulong hash, int probe)
    {
        // two halves of one hash make all probes: Kirsch and Mitzenmacher, "Less hashing, same performance", 2006
        uint mixed = (uint)hash + ((uint)probe * (uint)((hash >> 32) | 1));
        return (int)(((ulong)mixed * (ChunkEntries * BitsPerEntry)) >> 32);
    }

    private sealed class Chunk(long first, ulong[] bits)
    {
        internal long First => first;

        internal ulong[] Bits => bits;

        internal int Count { get; set; }
    }
}

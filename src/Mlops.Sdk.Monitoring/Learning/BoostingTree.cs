using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>The set of bins, out of 256, that go left at a split.</summary>
[InlineArray(4)]
internal struct BinSet
{
    private ulong _first;

    internal readonly bool Contains(int bin) => ((this[bin >> 6] >> (bin & 63)) & 1) != 0;

    internal void Add(int bin) => this[bin >> 6] |= 1UL << (bin & 63);
}

/// <summary>A node of a tree. A leaf has <see cref="Feature"/> -1.</summary>
internal struct BoostingNode
{
    internal int Feature;
    internal int Left;
    internal int Right;
    internal double Value;
    internal BinSet LeftBins;
}

/// <summary>One tree of a boosted model; node 0 is the root, children have larger numbers than their parent.</summary>
internal sealed class BoostingTree(BoostingNode[] nodes)
{
    internal BoostingNode[] Nodes => nodes;

    /// <summary>Finds the answer for a row of bins.</summary>
    /// <param name="bins">The bins, shape [features].</param>
    internal double Of(ReadOnlySpan<byte> bins)
    {
        ref BoostingNode node = ref nodes[0];
        while (node.Feature >= 0)
        {
            node = ref nodes[node.LeftBins.Contains(bins[node.Feature]) ? node.Left : node.Right];
        }

        return node.Value;
    }

    /// <summary>Adds the answers for rows to their scores.</summary>
    /// <param name="bins">The bins, shape [features][rows].</param>
    /// <param name="first">The first row.</param>
    /// <param name="scores">The scores of the rows from there on.</param>
    internal void AddTo(byte[][] bins, int first, Span<double> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            int row = first + i;
            ref BoostingNode node = ref nodes[0];
            while (node.Feature >= 0)
            {
                node = ref nodes[node.LeftBins.Contains(bins[node.Feature][row]) ? node.Left : node.Right];
            }

            scores[i] += node.Value;
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Sums over the rows of a bin.</summary>
internal struct BinSum
{
    internal double Gradient;
    internal double Curvature;
    internal int Rows;
}

/// <summary>Grows one tree after the other from the same binned rows. Not thread-safe; uses several threads itself when asked to.</summary>
internal sealed class TreeGrower
{
    private const int WorthThreads = 100_000;
    private readonly BoostingBins _bins;
    private readonly byte[][] _binned;
    private readonly BoostingOptions _options;
    private readonly int[] _offsets;
    private readonly int[] _order;
    private readonly int[] _aside;
    private readonly float[] _gradients;
    private readonly float[] _curvatures;
    private readonly Stack<BinSum[]> _spare = [];

    /// <summary>Prepares the buffers for trees over at most so many rows.</summary>
    internal TreeGrower(BoostingBins bins, byte[][] binned, int maxRows, BoostingOptions options)
    {
        (_bins, _binned, _options) = (bins, binned, options);
        _offsets = new int[bins.Features + 1];
        for (int f = 0; f < bins.Features; f++)
        {
            _offsets[f + 1] = _offsets[f] + bins.Count(f);
        }

        _order = new int[maxRows];
        _aside = new int[maxRows];
        _gradients = new float[maxRows];
        _curvatures = new float[maxRows];
    }

    /// <summary>Grows a tree.</summary>
    /// <param name="gradients">The gradient of each row, shape [all rows].</param>
    /// <param name="curvatures">The curvature of each row, shape [all rows].</param>
    /// <param name="rows">The rows to grow it from, ascending.</param>
    /// <param name="gains">Where each split's gain is added, shape [features].</param>
    /// <param name="cancellationToken">Stops the growing.</param>
    internal BoostingTree Grow(float[] gradients, float[] curvatures, int[] rows, double[] gains, CancellationToken cancellationToken)
    {
        rows.CopyTo(_order, 0);
        var nodes = new List<BoostingNode>();
        var open = new List<Leaf>();
        var root = new Leaf { Node = 0, First = 0, Count = rows.Length };
        nodes.Add(new BoostingNode { Feature = -1 });
        Fill(root, gradients, curvatures);
        foreach (int row in rows)
        {
            root.Gradient += gradients[row];
            root.Curvature += curvatures[row];
        }

        nodes[0] = nodes[0] with { Value = AnswerOf(root) };
        Consider(root, open);
        for (int leaves = 1; leaves < _options.MaxLeaves && open.Count > 0; leaves++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int best = 0;
            for (int i = 1; i < open.Count; i++)
            {
                best = open[i].Split.Gain > open[best].Split.Gain ? i : best;
            }

            Leaf leaf = open[best];
            open.RemoveAt(best);
            gains[leaf.Split.Feature] += leaf.Split.Gain;
            Divide(leaf, nodes, open, gradients, curvatures);
        }

        foreach (Leaf leaf in open)
        {
            Release(leaf);
        }

        return new BoostingTree([.. nodes]);
    }

    private double AnswerOf(Leaf leaf) => -leaf.Gradient / (leaf.Curvature + _options.Shrinkage) * _options.LearningRate;

    private void Divide(Leaf leaf, List<BoostingNode> nodes, List<Leaf> open, float[] gradients, float[] curvatures)
    {
        FoundSplit split = leaf.Split;
        int leftCount = Partition(leaf, split);
        var left = new Leaf { Node = nodes.Count, First = leaf.First, Count = leftCount, Depth = leaf.Depth + 1, Gradient = split.LeftGradient, Curvature = split.LeftCurvature };
        var right = new Leaf
        {
            Node = nodes.Count + 1,
            First = leaf.First + leftCount,
            Count = leaf.Count - leftCount,
            Depth = leaf.Depth + 1,
            Gradient = leaf.Gradient - split.LeftGradient,
            Curvature = leaf.Curvature - split.LeftCurvature,
        };
        nodes[leaf.Node] = new BoostingNode { Feature = split.Feature, Left = left.Node, Right = right.Node, LeftBins = split.LeftBins };
        nodes.Add(new BoostingNode { Feature = -1, Value = AnswerOf(left) });
        nodes.Add(new BoostingNode { Feature = -1, Value = AnswerOf(right) });
        if (MaySplit(left) || MaySplit(right))
        {
            (Leaf smaller, Leaf larger) = left.Count <= right.Count ? (left, right) : (right, left);
            Fill(smaller, gradients, curvatures);
            larger.Sums = leaf.Sums;
            leaf.Sums = null;
            Subtract(larger.Sums!, smaller.Sums!);
            Consider(left, open);
            Consider(right, open);
        }

        Release(leaf);
    }

    private bool MaySplit(Leaf leaf) => leaf.Depth < _options.MaxDepth && leaf.Count >= 2 * _options.MinRowsPerLeaf;

    private void Consider(Leaf leaf, List<Leaf> open)
    {
        if (MaySplit(leaf))
        {
            var found = new FoundSplit[_bins.Features];
            ForEachFeature(leaf.Count, f => found[f] = SplitFinder.Find(leaf.Sums.AsSpan(_offsets[f], _offsets[f + 1] - _offsets[f]), f, _bins.IsCategory(f), leaf.Gradient, leaf.Curvature, leaf.Count, _options));
            foreach (FoundSplit split in found)
            {
                leaf.Split = split.Gain > leaf.Split.Gain ? split : leaf.Split;
            }

            if (leaf.Split.Gain > 1e-9)
            {
                open.Add(leaf);
                return;
            }
        }

        Release(leaf);
    }

    private void Fill(Leaf leaf, float[] gradients, float[] curvatures)
    {
        leaf.Sums = _spare.TryPop(out BinSum[]? sums) ? sums : new BinSum[_offsets[^1]];
        Array.Clear(leaf.Sums);
        for (int i = 0; i < leaf.Count; i++)
        {
            int row = _order[leaf.First + i];
            _gradients[i] = gradients[row];
            _curvatures[i] = curvatures[row];
        }

        ForEachFeature(leaf.Count, f => Sum(leaf, f));
    }

    private void Sum(Leaf leaf, int feature)
    {
        // indexes are in range by construction: rows come from the frame, and a bin is below the feature's count
        ref BinSum sums = ref leaf.Sums![_offsets[feature]];
        ref byte bins = ref MemoryMarshal.GetArrayDataReference(_binned[feature]);
        ReadOnlySpan<int> order = _order.AsSpan(leaf.First, leaf.Count);
        ReadOnlySpan<float> gradients = _gradients.AsSpan(0, leaf.Count);
        ReadOnlySpan<float> curvatures = _curvatures.AsSpan(0, leaf.Count);
        for (int i = 0; i < order.Length; i++)
        {
            ref BinSum sum = ref Unsafe.Add(ref sums, Unsafe.Add(ref bins, order[i]));
            sum.Gradient += gradients[i];
            sum.Curvature += curvatures[i];
            sum.Rows++;
        }
    }

    private static void Subtract(BinSum[] from, BinSum[] what)
    {
        for (int i = 0; i < from.Length; i++)
        {
            from[i].Gradient -= what[i].Gradient;
            from[i].Curvature -= what[i].Curvature;
            from[i].Rows -= what[i].Rows;
        }
    }

    /// <summary>Brings the rows that go left to the front; both sides keep their order.</summary>
    private int Partition(Leaf leaf, in FoundSplit split)
    {
        byte[] bins = _binned[split.Feature];
        int left = leaf.First;
        int right = 0;
        for (int i = leaf.First; i < leaf.First + leaf.Count; i++)
        {
            int row = _order[i];
            if (split.LeftBins.Contains(bins[row]))
            {
                _order[left++] = row;
            }
            else
            {
                _aside[right++] = row;
            }
        }

        _aside.AsSpan(0, right).CopyTo(_order.AsSpan(left));
        return left - leaf.First;
    }

    private void ForEachFeature(int rows, Action<int> work)
    {
        if (_options.Threads > 1 && (long)rows * _bins.Features >= WorthThreads)
        {
            Parallel.For(0, _bins.Features, new ParallelOptions { MaxDegreeOfParallelism = _options.Threads }, work);
            return;
        }

        for (int f = 0; f < _bins.Features; f++)
        {
            work(f);
        }
    }

    private void Release(Leaf leaf)
    {
        if (leaf.Sums is { } sums)
        {
            _spare.Push(sums);
            leaf.Sums = null;
        }
    }

    private sealed class Leaf
    {
        internal int Node;
        internal int First;
        internal int Count;
        internal int Depth;
        internal double Gradient;
        internal double Curvature;
        internal BinSum[]? Sums;
        internal FoundSplit Split;
    }
}

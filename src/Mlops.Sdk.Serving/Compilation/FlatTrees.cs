using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>Walks trees in one flat array of nodes: for ensembles whose mask tables would be too large, or whose trees have more than 64 leaves. Immutable.</summary>
internal sealed class FlatTrees : CompiledModel
{
    private readonly TreeColumn[] _columns;
    private readonly Node[] _nodes;
    private readonly int[] _roots;
    private readonly double[] _leaves;
    private readonly bool[] _right;
    private readonly int _divisor;
    private readonly bool _missingKnown;

    internal FlatTrees(ILoadedModel reference, Answer answer, Forest forest, TreeColumn[] columns, int[] columnIndex)
        : base(reference, answer, "flat-trees")
    {
        _columns = columns;
        _divisor = forest.Divisor;
        _missingKnown = forest.MissingKnown;
        var nodes = new List<Node>();
        var leaves = new List<double>();
        var right = new List<bool>();
        _roots = new int[forest.Trees.Length];
        for (int t = 0; t < _roots.Length; t++)
        {
            ForestTree tree = forest.Trees[t];
            int firstNode = nodes.Count;
            int firstLeaf = leaves.Count;
            _roots[t] = firstNode;
            for (int n = 0; n < tree.Nodes.Length; n++)
            {
                ForestNode node = tree.Nodes[n];
                nodes.Add(new Node
                {
                    Column = columnIndex[node.Column],
                    Threshold = node.Threshold,
                    Flags = node.GoesRight is null ? -1 : right.Count,
                    MissingLeft = node.MissingLeft,
                    Left = tree.Left[n] >= 0 ? firstNode + tree.Left[n] : ~(firstLeaf + ~tree.Left[n]),
                    Right = tree.Right[n] >= 0 ? firstNode + tree.Right[n] : ~(firstLeaf + ~tree.Right[n]),
                });
                right.AddRange(node.GoesRight ?? []);
            }

            leaves.AddRange(tree.Leaves);
        }

        (_nodes, _leaves, _right) = ([.. nodes], [.. leaves], [.. right]);
    }

    [SkipLocalsInit]
    public override void Score(in ModelRow row, Span<float> outputs)
    {
        const int OnStack = 64;
        Span<float> numbers = stackalloc float[OnStack];
        Span<int> codes = stackalloc int[OnStack];
        if (_columns.Length > OnStack)
        {
            numbers = RowBuffers.Numbers(_columns.Length);
            codes = RowBuffers.Integers(_columns.Length);
        }

        for (int i = 0; i < _columns.Length; i++)
        {
            FeatureColumn source = _columns[i].Source;
            if (source.Text is { } text)
            {
                codes[i] = text.Find(row.Texts[source.Slot]);
                continue;
            }

            float value = source.Number.Read(row.Numbers[source.Slot]);
            if (!_missingKnown && float.IsNaN(value))
            {
                Fallback(row, outputs);
                return;
            }

            numbers[i] = value;
        }

        double sum = 0;
        foreach (int root in _roots)
        {
            int at = root;
            do
            {
                ref readonly Node node = ref _nodes[at];
                bool right;
                if (node.Flags >= 0)
                {
                    right = _right[node.Flags + codes[node.Column]];
                }
                else
                {
                    float value = numbers[node.Column];
                    right = float.IsNaN(value) ? !node.MissingLeft : !(value <= node.Threshold);
                }

                at = right ? node.Right : node.Left;
            }
            while (at >= 0);
            sum += _leaves[~at];
        }

        float score = (float)sum;
        Finish(_divisor == 1 ? score : score / _divisor, outputs);
    }

    private struct Node
    {
        internal int Column;
        internal float Threshold;
        internal int Flags;
        internal int Left;
        internal int Right;
        internal bool MissingLeft;
    }
}

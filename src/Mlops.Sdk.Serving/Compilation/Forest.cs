namespace Mlops.Sdk.Serving;

/// <summary>A tree program checked and put in terms of columns: what each node asks of one column, and leaves numbered from left to right.</summary>
internal sealed class Forest
{
    internal Forest(TreeProgram program, Layout layout)
    {
        Divisor = program.Divisor;
        if (Divisor < 1)
        {
            throw new NotCompilableException($"the divisor {Divisor} is below 1");
        }

        Trees = [.. program.Trees.Select((tree, i) => new ForestTree(tree, i, layout))];
        MissingKnown = program.Trees.All(t => t.MissingLeft is not null);
    }

    internal ForestTree[] Trees { get; }

    internal int Divisor { get; }

    /// <summary>Gets whether a NaN can be scored.</summary>
    internal bool MissingKnown { get; }

    internal int MostLeaves => Trees.Length == 0 ? 0 : Trees.Max(t => t.Leaves.Length);
}

/// <summary>One tree. Children are as in <see cref="ProgramTree"/>, leaves are in order from left to right.</summary>
internal sealed class ForestTree
{
    internal ForestTree(ProgramTree tree, int number, Layout layout)
    {
        int nodes = tree.Left.Length;
        if (nodes == 0 || tree.Right.Length != nodes || tree.Feature.Length != nodes || tree.Threshold.Length != nodes || tree.Leaves.Length != nodes + 1
            || (tree.Slots is { } s && s.Length != nodes) || (tree.MissingLeft is { } m && m.Length != nodes))
        {
            throw new NotCompilableException($"the parts of tree {number} differ in length");
        }

        Left = new int[nodes];
        Right = new int[nodes];
        Nodes = new ForestNode[nodes];
        Leaves = new double[nodes + 1];
        FirstLeaf = new int[nodes];
        MidLeaf = new int[nodes];
        var seen = new bool[nodes];
        var seenLeaf = new bool[nodes + 1];
        int leaf = 0;
        var open = new Stack<(int Node, bool LeftDone)>(); // not recursive: a hostile tree may be as deep as it has nodes
        open.Push((0, false));
        while (open.TryPop(out (int Node, bool LeftDone) top))
        {
            int node = top.Node;
            if (top.LeftDone)
            {
                MidLeaf[node] = leaf;
                Right[node] = Child(tree.Right[node]);
                continue;
            }

            if (node >= nodes || seen[node])
            {
                throw new NotCompilableException($"tree {number} is no tree");
            }

            seen[node] = true;
            Nodes[node] = NodeOf(tree, node, number, layout);
            FirstLeaf[node] = leaf;
            open.Push((node, true));
            Left[node] = Child(tree.Left[node]);
        }

        int Child(int child)
        {
            if (child >= 0)
            {
                open.Push((child, false));
                return child;
            }

            int old = ~child;
            if ((uint)old >= (uint)seenLeaf.Length || seenLeaf[old])
            {
                throw new NotCompilableException($"tree {number} is no tree");
            }

            seenLeaf[old] = true;
            Leaves[leaf] = tree.Leaves[old];
            return ~leaf++;
        }
    }

    internal int[] Left { get; }

    internal int[] Right { get; }

    internal ForestNode[] Nodes { get; }

    /// <summary>Gets the leaves' values from left to right.</summary>
    internal double[] Leaves { get; }

    /// <summary>Gets the first leaf below each node.</summary>
    internal int[] FirstLeaf { get; }

    /// <summary>Gets the first leaf on the right side of each node.</summary>
    internal int[] MidLeaf { get; }

    private static ForestNode NodeOf(ProgramTree tree, int node, int number, Layout layout)
    {
        bool missingLeft = tree.MissingLeft?[node] ?? false;
        if (tree.Slots?[node] is { } slots)
        {
            return Categorical(slots, number, layout);
        }

        int feature = tree.Feature[node];
        float threshold = tree.Threshold[node];
        if ((uint)feature >= (uint)layout.Features || float.IsNaN(threshold))
        {
            throw new NotCompilableException($"node {node} of tree {number} looks at feature {feature} with threshold {threshold}");
        }

        int index = layout.ColumnOf[feature];
        FeatureColumn column = layout.Columns[index];
        if (column.Text is null)
        {
            return new ForestNode(index, threshold, null, missingLeft);
        }

        // the slot holds 1 for its own category and 0 for all else
        var right = new bool[column.Width + 1];
        for (int code = 0; code < right.Length; code++)
        {
            right[code] = !((code == feature - column.First ? 1f : 0f) <= threshold);
        }

        return new ForestNode(index, 0, right, false);
    }

    private static ForestNode Categorical(int[] slots, int number, Layout layout)
    {
        if (slots.Length == 0)
        {
            throw new NotCompilableException($"tree {number} has a categorical node without categories");
        }

        if (slots.Any(s => (uint)s >= (uint)layout.Features))
        {
            throw new NotCompilableException($"a categorical node of tree {number} looks outside the features");
        }

        int index = layout.ColumnOf[slots[0]];
        FeatureColumn column = layout.Columns[index];
        if (slots.Any(s => layout.ColumnOf[s] != index))
        {
            throw new NotCompilableException($"a categorical node of tree {number} looks at more than one input");
        }

        if (column.Text is null)
        {
            return new ForestNode(index, 0, null, true); // NaN is not above 0
        }

        var right = new bool[column.Width + 1];
        foreach (int slot in slots)
        {
            right[slot - column.First] = true;
        }

        return new ForestNode(index, 0, right, false);
    }
}

/// <summary>What a node asks.</summary>
/// <param name="Column">The column it looks at.</param>
/// <param name="Threshold">For a number: right unless the value is at most this.</param>
/// <param name="GoesRight">For a text: whether each category, and the unknown one at the end, goes right; null for a number.</param>
/// <param name="MissingLeft">For a number: whether NaN goes left.</param>
internal sealed record ForestNode(int Column, float Threshold, bool[]? GoesRight, bool MissingLeft);

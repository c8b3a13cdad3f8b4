using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Tells how odd a row is among the rows of a reference: odd rows are cut off from the others by few random cuts. Immutable and thread-safe.</summary>
/// <remarks>
/// Each tree cuts a sample of the reference by a random feature at a random place between its smallest and largest value, until rows stand
/// alone or the depth is log2 of the sample. With h the depth at which a row ends, a node of k rows counting c(k) more, the score is
/// 2^(-mean h / c(sample)), c(k) = 2 H(k - 1) - 2 (k - 1) / k, H the harmonic numbers. Near 1: odd; well below 0.5: ordinary.
/// Rows are scaled as in <see cref="PcaReconstruction"/>: a missing value counts as the mean, a rare category as what is rare.
/// <para>Source: F. Liu, K. Ting, Z. Zhou, Isolation forest, ICDM 2008.</para>
/// </remarks>
public sealed class IsolationForest
{
    private readonly RowScaler _scaler;
    private readonly Node[][] _trees;
    private readonly double _usual;

    private IsolationForest(RowScaler scaler, Node[][] trees, int sample) => (_scaler, _trees, _usual) = (scaler, trees, Depth(sample));

    /// <summary>Grows the trees.</summary>
    /// <param name="reference">The reference rows.</param>
    /// <param name="trees">How many trees, 10 to 1,000.</param>
    /// <param name="sample">How many rows each tree sees at most, 16 to 4,096.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>The forest.</returns>
    /// <exception cref="MlopsDataException">There are fewer than 16 rows or no feature; code <c>monitoring.too_few_rows</c>.</exception>
    /// <exception cref="MlopsException">A number is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static IsolationForest Fit(EncodedTable reference, int trees = 100, int sample = 256, long seed = 1)
    {
        ArgumentNullException.ThrowIfNull(reference);
        if (trees is < 10 or > 1000 || sample is < 16 or > 4096)
        {
            throw new MlopsException("monitoring.invalid_option", $"Isolation forest: the trees ({trees}) must be from 10 to 1,000, the sample ({sample}) from 16 to 4,096.");
        }

        BoostingFrame frame = BoostingFrame.From(reference);
        if (frame.Rows < 16 || frame.Features == 0)
        {
            throw new MlopsDataException("monitoring.too_few_rows", $"At least 16 rows and a feature are needed; the reference has {frame.Rows} rows and {frame.Features} features.");
        }

        RowScaler scaler = RowScaler.Of(frame);
        double[] rows = scaler.Apply(frame);
        int size = Math.Min(sample, frame.Rows);
        var grown = new Node[trees][];
        for (int tree = 0; tree < trees; tree++)
        {
            var random = new SeededRandom(seed, tree);
            var nodes = new List<Node>();
            Grow(nodes, rows, scaler.Width, random.Sample(frame.Rows, size), (int)Math.Ceiling(Math.Log2(size)), 0, random);
            grown[tree] = [.. nodes];
        }

        return new IsolationForest(scaler, grown, size);
    }

    /// <summary>Tells how odd a row is.</summary>
    /// <param name="numbers">The number inputs in schema order; NaN for a missing one.</param>
    /// <param name="texts">The text inputs in schema order; null for a missing one.</param>
    /// <returns>In (0, 1]: about 0.4 to 0.5 for ordinary rows, above 0.6 for odd ones.</returns>
    public double ScoreOf(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts)
    {
        const int Stacked = 256;
        Span<double> row = _scaler.Width <= Stacked ? stackalloc double[_scaler.Width] : new double[_scaler.Width];
        _scaler.Apply(numbers, texts, row);
        double depth = 0;
        foreach (Node[] tree in _trees)
        {
            ref Node node = ref tree[0];
            while (node.Feature >= 0)
            {
                depth++;
                node = ref tree[row[node.Feature] < node.Cut ? node.Left : node.Right];
            }

            depth += node.Cut;
        }

        return Math.Pow(2, -depth / _trees.Length / _usual);
    }

    /// <summary>The mean depth at which a row is alone in a random tree of so many rows.</summary>
    private static double Depth(int rows)
    {
        double harmonic = 0;
        for (int i = 1; i < rows; i++)
        {
            harmonic += 1.0 / i;
        }

        return rows < 2 ? 0 : (2 * harmonic) - (2 * (rows - 1.0) / rows);
    }

    private static int Grow(List<Node> nodes, double[] rows, int width, int[] members, int limit, int depth, SeededRandom random)
    {
        int at = nodes.Count;
        nodes.Add(new Node { Feature = -1, Cut = Depth(members.Length) });
        if (members.Length < 2 || depth >= limit)
        {
            return at;
        }

        // a feature that is constant here cuts nothing: others are tried in random order
        int[] features = [.. Enumerable.Range(0, width)];
        random.Shuffle(features);
        foreach (int feature in features)
        {
            double low = members.Min(m => rows[(m * width) + feature]);
            double high = members.Max(m => rows[(m * width) + feature]);
            if (low == high)
            {
                continue;
            }

            double cut = low + ((high - low) * (1 - random.NextDouble())); // in (low, high]: neither side is empty
            int left = Grow(nodes, rows, width, Array.FindAll(members, m => rows[(m * width) + feature] < cut), limit, depth + 1, random);
            int right = Grow(nodes, rows, width, Array.FindAll(members, m => rows[(m * width) + feature] >= cut), limit, depth + 1, random);
            nodes[at] = new Node { Feature = feature, Cut = cut, Left = left, Right = right };
            break;
        }

        return at;
    }

    /// <summary>A cut; in a leaf, feature -1, <see cref="Cut"/> is what its rows count on top of its depth.</summary>
    private struct Node
    {
        internal int Feature;
        internal double Cut;
        internal int Left;
        internal int Right;
    }
}

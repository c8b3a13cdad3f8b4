using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Learns gradient-boosted trees over binned features: what the domain classifier and the estimates of loss are made of.</summary>
/// <remarks>
/// Each round fits a tree to the gradients g and curvatures h of the loss: a split's gain is G_l^2/(H_l + s) + G_r^2/(H_r + s) - G^2/(H + s),
/// a leaf's answer -G/(H + s), s the shrinkage. Missing values go to the side that gains more. At each node categories are ordered by
/// G/(H + 10), and a cut of that order is a split. The leaf that gains most is split next. Histograms are summed per feature in row order
/// and a child's is its parent's less its sibling's, so the trees do not depend on the number of threads.
/// <para>Sources: J. Friedman, Greedy function approximation, Annals of Statistics 29, 2001; G. Ke et al., LightGBM, NeurIPS 2017.</para>
/// </remarks>
internal static class HistogramBoosting
{
    private const int ChunkRows = 16_384;

    /// <summary>Learns.</summary>
    /// <param name="frame">The rows.</param>
    /// <param name="target">What to predict, shape [rows]: finite; in [0, 1] by the logistic loss.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops the learning.</param>
    /// <exception cref="ArgumentException">The target has another length, or values that the loss does not take.</exception>
    internal static BoostingModel Fit(BoostingFrame frame, float[] target, BoostingOptions options, CancellationToken cancellationToken = default)
    {
        BoostingBins bins = BoostingBins.Of(frame, options.MaxBins, options.Seed);
        return Fit(bins, bins.Apply(frame), target, rows: null, options, cancellationToken);
    }

    /// <summary>Learns from some of the rows that are bins already.</summary>
    /// <param name="bins">How values become bins.</param>
    /// <param name="binned">The bins, shape [features][rows].</param>
    /// <param name="target">What to predict, shape [rows].</param>
    /// <param name="rows">The rows to learn from, ascending; null for all.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops the learning.</param>
    internal static BoostingModel Fit(BoostingBins bins, byte[][] binned, float[] target, int[]? rows, BoostingOptions options, CancellationToken cancellationToken = default)
    {
        int all = target.Length;
        int[] learned = rows ?? [.. Enumerable.Range(0, all)];
        Check(binned, target, learned, options);
        double start = StartOf(target, learned, options.Loss);
        double[] scores = new double[all];
        Array.Fill(scores, start);
        float[] gradients = new float[all];
        float[] curvatures = new float[all];
        double[] gains = new double[bins.Features];
        var trees = new List<BoostingTree>(options.Rounds);
        var grower = new TreeGrower(bins, binned, learned.Length, options);
        for (int round = 0; round < options.Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Overall(options, all, (first, count) => Differentiate(options.Loss, target, scores, gradients, curvatures, first, count));
            int[] seen = options.RowShare >= 1 ? learned : Draw(learned, options, round);
            BoostingTree tree = grower.Grow(gradients, curvatures, seen, gains, cancellationToken);
            if (tree.Nodes.Length == 1 && options.RowShare >= 1)
            {
                break; // nothing more to split, and the next round would see the same
            }

            Overall(options, all, (first, count) => tree.AddTo(binned, first, scores.AsSpan(first, count)));
            trees.Add(tree);
        }

        return new BoostingModel(options.Loss, bins, start, [.. trees], gains);
    }

    private static void Check(byte[][] binned, float[] target, int[] learned, BoostingOptions options)
    {
        if (learned.Length == 0 || Array.Exists(binned, b => b.Length != target.Length))
        {
            throw new ArgumentException($"At least one row is needed, and a target for each; there are {target.Length} targets and {learned.Length} rows to learn from.", nameof(target));
        }

        foreach (int row in learned)
        {
            if (!float.IsFinite(target[row]) || (options.Loss == BoostingLoss.Logistic && target[row] is < 0 or > 1))
            {
                throw new ArgumentException($"Targets are finite{(options.Loss == BoostingLoss.Logistic ? " and in [0, 1]" : string.Empty)}; row {row} has {target[row]}.", nameof(target));
            }
        }
    }

    private static double StartOf(float[] target, int[] learned, BoostingLoss loss)
    {
        double mean = learned.Average(row => (double)target[row]);
        if (loss == BoostingLoss.Squared)
        {
            return mean;
        }

        double share = Math.Clamp(mean, 1e-6, 1 - 1e-6);
        return Math.Log(share / (1 - share));
    }

    private static void Differentiate(BoostingLoss loss, float[] target, double[] scores, float[] gradients, float[] curvatures, int first, int count)
    {
        for (int row = first; row < first + count; row++)
        {
            if (loss == BoostingLoss.Squared)
            {
                gradients[row] = (float)(scores[row] - target[row]);
                curvatures[row] = 1;
            }
            else
            {
                double p = BoostingModel.Sigmoid(scores[row]);
                gradients[row] = (float)(p - target[row]);
                curvatures[row] = (float)Math.Max(p * (1 - p), 1e-9);
            }
        }
    }

    /// <summary>Draws each row on its own, by a hash of seed, round and row.</summary>
    private static int[] Draw(int[] learned, BoostingOptions options, int round)
    {
        ulong key = SeededRandom.Mix((ulong)options.Seed ^ SeededRandom.Mix((ulong)round + 1));
        int[] drawn = Array.FindAll(learned, row => (SeededRandom.Mix(key + (ulong)row) >> 11) * (1.0 / (1UL << 53)) < options.RowShare);
        return drawn.Length > 0 ? drawn : learned;
    }

    private static void Overall(BoostingOptions options, int rows, Action<int, int> work)
    {
        int chunks = (rows + ChunkRows - 1) / ChunkRows;
        if (options.Threads <= 1 || chunks == 1)
        {
            work(0, rows);
            return;
        }

        Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = options.Threads }, chunk =>
            work(chunk * ChunkRows, Math.Min(ChunkRows, rows - (chunk * ChunkRows))));
    }
}

namespace Mlops.Sdk.Monitoring;

/// <summary>Boosted trees that were learned. Immutable and thread-safe.</summary>
internal sealed class BoostingModel(BoostingLoss loss, BoostingBins bins, double start, BoostingTree[] trees, double[] gains)
{
    private const int MaxStackFeatures = 1024;

    internal BoostingLoss Loss => loss;

    internal BoostingBins Bins => bins;

    /// <summary>Gets the score of a row before any tree.</summary>
    internal double Start => start;

    internal IReadOnlyList<BoostingTree> Trees => trees;

    /// <summary>Gets how much each feature's splits lowered the loss, summed over all trees; shape [features], numbers first.</summary>
    internal IReadOnlyList<double> Gains => gains;

    /// <summary>Ranks the features by their share of all gain, largest first; features that no split uses are left out.</summary>
    internal IReadOnlyList<(string Name, double Share)> Importance()
    {
        double all = gains.Sum();
        return
        [
            .. gains.Select((gain, f) => (Name: bins.Names[f], Share: all > 0 ? gain / all : 0)).Where(f => f.Share > 0)
                .OrderByDescending(f => f.Share).ThenBy(f => f.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>Predicts rows: numbers, or probabilities by the logistic loss.</summary>
    internal double[] Predict(BoostingFrame frame) => Predict(bins.Apply(frame), frame.Rows);

    /// <summary>Predicts rows that are bins already, shape [features][rows].</summary>
    internal double[] Predict(byte[][] binned, int rows)
    {
        double[] scores = new double[rows];
        Array.Fill(scores, start);
        foreach (BoostingTree tree in trees)
        {
            tree.AddTo(binned, 0, scores);
        }

        if (loss == BoostingLoss.Logistic)
        {
            for (int i = 0; i < rows; i++)
            {
                scores[i] = Sigmoid(scores[i]);
            }
        }

        return scores;
    }

    /// <summary>Predicts one row; nothing is allocated up to 1,024 features.</summary>
    /// <param name="numbers">The number features in order, NaN for a missing one.</param>
    /// <param name="texts">The text features in order, null for a missing one.</param>
    internal double Predict(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts)
    {
        Span<byte> row = bins.Features <= MaxStackFeatures ? stackalloc byte[bins.Features] : new byte[bins.Features];
        bins.Apply(numbers, texts, row);
        double score = start;
        foreach (BoostingTree tree in trees)
        {
            score += tree.Of(row);
        }

        return loss == BoostingLoss.Logistic ? Sigmoid(score) : score;
    }

    internal static double Sigmoid(double score) => 1 / (1 + Math.Exp(-score));
}

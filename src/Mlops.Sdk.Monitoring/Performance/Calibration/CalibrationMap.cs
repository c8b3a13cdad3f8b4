namespace Mlops.Sdk.Monitoring;

/// <summary>Turns a score into the probability that it stood for in the reference: isotonic regression, linear between its knots, clipped outside. Immutable by agreement.</summary>
/// <remarks>Pool adjacent violators: M. Ayer et al., Annals of Mathematical Statistics 26 (1955); equal scores count as one point with their mean. Gives what scikit-learn's IsotonicRegression with <c>out_of_bounds="clip"</c> gives.</remarks>
/// <param name="Scores">The knots' scores, strictly increasing, shape [knots].</param>
/// <param name="Probabilities">The knots' probabilities, not decreasing, in [0, 1], shape [knots].</param>
public sealed record CalibrationMap(double[] Scores, double[] Probabilities)
{
    /// <summary>Maps a score.</summary>
    /// <param name="score">The score, finite.</param>
    /// <returns>The probability, in [0, 1].</returns>
    public double Map(double score)
    {
        if (score <= Scores[0])
        {
            return Probabilities[0];
        }

        if (score >= Scores[^1])
        {
            return Probabilities[^1];
        }

        int at = Array.BinarySearch(Scores, score);
        if (at >= 0)
        {
            return Probabilities[at];
        }

        int high = ~at;
        double share = (score - Scores[high - 1]) / (Scores[high] - Scores[high - 1]);
        return Probabilities[high - 1] + (share * (Probabilities[high] - Probabilities[high - 1]));
    }

    /// <summary>Fits a map.</summary>
    /// <param name="scores">Scores, at least one.</param>
    /// <param name="actual">The truth, as many.</param>
    internal static CalibrationMap Fit(ReadOnlySpan<float> scores, ReadOnlySpan<bool> actual)
    {
        float[] sorted = scores.ToArray();
        bool[] labels = actual.ToArray();
        Array.Sort(sorted, labels);
        double[] x = new double[sorted.Length];
        double[] y = new double[sorted.Length];
        double[] weight = new double[sorted.Length];
        int points = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            if (points == 0 || sorted[i] != x[points - 1])
            {
                x[points++] = sorted[i];
            }

            weight[points - 1]++;
            y[points - 1] += labels[i] ? 1 : 0;
        }

        // blocks of points, each with its sum, weight and the number of its points
        var blocks = new (double Sum, double Weight, int Points)[points];
        int top = 0;
        for (int i = 0; i < points; i++)
        {
            blocks[top++] = (y[i], weight[i], 1);
            while (top > 1 && blocks[top - 2].Sum * blocks[top - 1].Weight >= blocks[top - 1].Sum * blocks[top - 2].Weight)
            {
                top--;
                blocks[top - 1] = (blocks[top - 1].Sum + blocks[top].Sum, blocks[top - 1].Weight + blocks[top].Weight, blocks[top - 1].Points + blocks[top].Points);
            }
        }

        var knots = new List<double>();
        var values = new List<double>();
        int point = 0;
        for (int b = 0; b < top; b++)
        {
            double value = blocks[b].Sum / blocks[b].Weight;
            knots.Add(x[point]);
            values.Add(value);
            if (blocks[b].Points > 1)
            {
                knots.Add(x[point + blocks[b].Points - 1]);
                values.Add(value);
            }

            point += blocks[b].Points;
        }

        return new CalibrationMap([.. knots], [.. values]);
    }

    internal bool IsSane()
    {
        if (Scores is not { Length: > 0 } || Probabilities is null || Probabilities.Length != Scores.Length)
        {
            return false;
        }

        for (int i = 0; i < Scores.Length; i++)
        {
            if (!double.IsFinite(Scores[i]) || !(Probabilities[i] is >= 0 and <= 1) || (i > 0 && (!(Scores[i] > Scores[i - 1]) || Probabilities[i] < Probabilities[i - 1])))
            {
                return false;
            }
        }

        return true;
    }
}

namespace Mlops.Sdk.Monitoring;

/// <summary>Metrics of an order: how far positives stand above negatives. Ties count half.</summary>
internal static class RankMetrics
{
    /// <summary>
    /// The area under the ROC curve and its standard error: placement values by mid-ranks, E. DeLong et al., Biometrics 44 (1988), in the
    /// form of X. Sun and W. Xu, IEEE Signal Processing Letters 21 (2014).
    /// </summary>
    /// <returns>The area, or null when one class has no row; the error is infinite when one class has a single row.</returns>
    internal static (double Area, double Error)? RocAuc(ReadOnlySpan<float> scores, ReadOnlySpan<bool> actual)
    {
        (float[] sorted, bool[] labels) = Sort(scores, actual);
        long positives = 0;
        foreach (bool label in labels)
        {
            positives += label ? 1 : 0;
        }

        long negatives = labels.Length - positives;
        if (positives == 0 || negatives == 0)
        {
            return null;
        }

        double area = 0;
        Walk(sorted, labels, (p, n, _, negativesBelow) => area += p * (negativesBelow + (n / 2.0)));
        area /= (double)positives * negatives;
        double ofPositives = 0;
        double ofNegatives = 0;
        Walk(sorted, labels, (p, n, positivesBelow, negativesBelow) =>
        {
            double placed = ((negativesBelow + (n / 2.0)) / negatives) - area;
            double placedNegative = ((positives - positivesBelow - (p / 2.0)) / positives) - area;
            ofPositives += p * placed * placed;
            ofNegatives += n * placedNegative * placedNegative;
        });
        double error = positives > 1 && negatives > 1
            ? Math.Sqrt((ofPositives / (positives - 1) / positives) + (ofNegatives / (negatives - 1) / negatives))
            : double.PositiveInfinity;
        return (area, error);
    }

    /// <summary>The average precision: the sum over distinct scores, from the highest, of (recall gained) times precision.</summary>
    internal static double? AveragePrecision(ReadOnlySpan<float> scores, ReadOnlySpan<bool> actual)
    {
        double[] positive = new double[scores.Length];
        double[] negative = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            (positive[i], negative[i]) = actual[i] ? (1, 0) : (0, 1);
        }

        return Expected(scores, positive, negative).AveragePrecision;
    }

    /// <summary>Both metrics when a row is a positive by one weight and a negative by another: what confidence says about them.</summary>
    internal static (double? RocAuc, double? AveragePrecision) Expected(ReadOnlySpan<float> scores, ReadOnlySpan<double> positive, ReadOnlySpan<double> negative)
    {
        float[] sorted = scores.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        double[] p = new double[sorted.Length];
        double[] n = new double[sorted.Length];
        int groups = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            if (i > 0 && sorted[i] != sorted[i - 1])
            {
                groups++;
            }

            p[groups] += positive[order[i]];
            n[groups] += negative[order[i]];
        }

        int count = sorted.Length == 0 ? 0 : groups + 1;
        return OfGroups(p.AsSpan(0, count), n.AsSpan(0, count));
    }

    /// <summary>Both metrics from the weights of groups of equal scores, lowest score first.</summary>
    internal static (double? RocAuc, double? AveragePrecision) OfGroups(ReadOnlySpan<double> positive, ReadOnlySpan<double> negative)
    {
        double positives = 0;
        double negatives = 0;
        double area = 0;
        for (int g = 0; g < positive.Length; g++)
        {
            area += positive[g] * (negatives + (negative[g] / 2));
            positives += positive[g];
            negatives += negative[g];
        }

        double? precision = null;
        if (positives > 0)
        {
            double found = 0;
            double wrong = 0;
            double sum = 0;
            for (int g = positive.Length - 1; g >= 0; g--)
            {
                found += positive[g];
                wrong += negative[g];
                sum += found + wrong > 0 ? positive[g] * found / (found + wrong) : 0;
            }

            precision = sum / positives;
        }

        return (positives > 0 && negatives > 0 ? area / positives / negatives : null, precision);
    }

    private static (float[] Sorted, bool[] Labels) Sort(ReadOnlySpan<float> scores, ReadOnlySpan<bool> actual)
    {
        float[] sorted = scores.ToArray();
        bool[] labels = actual.ToArray();
        Array.Sort(sorted, labels);
        return (sorted, labels);
    }

    /// <summary>Visits groups of equal scores, lowest first, with their positives and negatives and those below.</summary>
    private static void Walk(float[] sorted, bool[] labels, Action<long, long, long, long> visit)
    {
        long positivesBelow = 0;
        long negativesBelow = 0;
        for (int i = 0; i < sorted.Length;)
        {
            long p = 0;
            long n = 0;
            float score = sorted[i];
            for (; i < sorted.Length && sorted[i] == score; i++)
            {
                (p, n) = labels[i] ? (p + 1, n) : (p, n + 1);
            }

            visit(p, n, positivesBelow, negativesBelow);
            positivesBelow += p;
            negativesBelow += n;
        }
    }
}

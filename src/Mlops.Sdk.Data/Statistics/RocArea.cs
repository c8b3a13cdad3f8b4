namespace Mlops.Sdk.Data;

/// <summary>The area under the ROC curve, and how uncertain it is.</summary>
internal static class RocArea
{
    /// <summary>
    /// The area under the ROC curve with its placement values: for each positive the share of negatives below it, for each negative the
    /// share of positives above it, ties counted half. Mid-rank form of X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014).
    /// </summary>
    internal static (double Auc, double[] Positive, double[] Negative) Placements(ReadOnlySpan<float> scores, ReadOnlySpan<bool> labels)
    {
        int positives = 0;
        foreach (bool label in labels)
        {
            positives += label ? 1 : 0;
        }

        int negatives = labels.Length - positives;
        double[] all = MidRanks(scores);
        float[] positiveScores = new float[positives];
        float[] negativeScores = new float[negatives];
        double[] positiveRanks = new double[positives];
        double[] negativeRanks = new double[negatives];
        int p = 0;
        int n = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i])
            {
                (positiveScores[p], positiveRanks[p++]) = (scores[i], all[i]);
            }
            else
            {
                (negativeScores[n], negativeRanks[n++]) = (scores[i], all[i]);
            }
        }

        double[] amongPositives = MidRanks(positiveScores);
        double[] amongNegatives = MidRanks(negativeScores);
        double sum = 0;
        for (int i = 0; i < positives; i++)
        {
            positiveRanks[i] = (positiveRanks[i] - amongPositives[i]) / negatives;
            sum += positiveRanks[i];
        }

        for (int i = 0; i < negatives; i++)
        {
            negativeRanks[i] = 1 - ((negativeRanks[i] - amongNegatives[i]) / positives);
        }

        return (sum / positives, positiveRanks, negativeRanks);
    }

    /// <summary>The variance of an area under the curve, or of the difference of two on the same rows. E. DeLong et al., Biometrics 44 (1988).</summary>
    internal static double DeLongVariance(double[] positive, double[] negative) => (Intervals.Variance(positive) / positive.Length) + (Intervals.Variance(negative) / negative.Length);

    private static double[] MidRanks(ReadOnlySpan<float> values)
    {
        float[] sorted = values.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        double[] ranks = new double[sorted.Length];
        for (int i = 0; i < sorted.Length;)
        {
            int end = i;
            while (end < sorted.Length && sorted[end].Equals(sorted[i])) // Equals, because NaN would be a run of length 0
            {
                end++;
            }

            double rank = (i + 1 + end) / 2.0;
            for (; i < end; i++)
            {
                ranks[order[i]] = rank;
            }
        }

        return ranks;
    }
}

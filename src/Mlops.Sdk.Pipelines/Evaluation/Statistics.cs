namespace Mlops.Sdk.Pipelines;

/// <summary>The statistics of evaluation and gates.</summary>
internal static class Statistics
{
    internal const double Z95 = 1.959963984540054;      // two-sided 95 %
    internal const double Z95OneSided = 1.6448536269514722;

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
    internal static double DeLongVariance(double[] positive, double[] negative) => (Variance(positive) / positive.Length) + (Variance(negative) / negative.Length);

    /// <summary>The standard normal distribution function, through the complementary error function's Chebyshev fit of Numerical Recipes (W. Press et al., section 6.2); absolute error below 1.2e-7.</summary>
    internal static double NormalCdf(double z)
    {
        double x = Math.Abs(z) / Math.Sqrt(2);
        double t = 1 / (1 + (0.5 * x));
        double erfc = t * Math.Exp((-x * x) - 1.26551223 + (t * (1.00002368 + (t * (0.37409196 + (t * (0.09678418 + (t * (-0.18628806 + (t * (0.27886807 + (t * (-1.13520398 + (t * (1.48851587 + (t * (-0.82215223 + (t * 0.17087277))))))))))))))))));
        return z >= 0 ? 1 - (erfc / 2) : erfc / 2;
    }

    /// <summary>The mean of values and the half width of its normal 95 % interval.</summary>
    internal static (double Mean, double HalfWidth, double StandardError) MeanInterval(double[] values)
    {
        double error = values.Length < 2 ? double.PositiveInfinity : Math.Sqrt(Variance(values) / values.Length);
        return (values.Average(), Z95 * error, error);
    }

    /// <summary>The Wilson 95 % interval of a share. E. B. Wilson, JASA 22 (1927).</summary>
    internal static (double Lower, double Upper) Wilson(long hits, long count)
    {
        double p = (double)hits / count;
        double z2 = Z95 * Z95 / count;
        double half = Z95 * Math.Sqrt((p * (1 - p) / count) + (z2 / (4 * count)));
        return ((p + (z2 / 2) - half) / (1 + z2), (p + (z2 / 2) + half) / (1 + z2));
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        double sum = 0;
        foreach (double value in values)
        {
            sum += (value - mean) * (value - mean);
        }

        return sum / (values.Length - 1);
    }

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

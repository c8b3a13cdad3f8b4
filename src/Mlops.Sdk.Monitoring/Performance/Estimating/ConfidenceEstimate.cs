namespace Mlops.Sdk.Monitoring;

/// <summary>Estimates how right answers are without their truth, from the model's own confidence (CBPE). Pure: any thread may call it.</summary>
/// <remarks>
/// With p the probability that the reference's calibration gives a score, a row answered yes is a true positive by p and a false one by
/// 1 − p, a row answered no a missed one by p and a true negative by 1 − p; accuracy, precision, recall, F1 and specificity follow from the
/// sums. The area under the ROC curve and the average precision order rows by the original score and count each as p of a positive and
/// 1 − p of a negative. Several classes: each against the rest, then the mean. The interval is the sampling error at the window's rows (the
/// reference's, or the one that follows from the probabilities where that is larger), and the uncertainty of the reference itself.
/// <para>
/// Valid while the truth hangs on the inputs as it did in the reference: inputs may shift (covariate shift). When that relation itself
/// changes (concept drift) the estimate does not see it; only labels do.
/// </para>
/// </remarks>
public static class ConfidenceEstimate
{
    private static readonly string[] Shares = [PerformanceNames.Accuracy, PerformanceNames.Precision, PerformanceNames.Recall, PerformanceNames.F1, PerformanceNames.Specificity];

    /// <summary>Estimates row by row, without loss.</summary>
    /// <param name="reference">The version's reference.</param>
    /// <param name="scores">The scores, shape [1 or classes][rows], finite.</param>
    /// <param name="predictions">The answers: 1 and 0 for yes and no, or the numbers of classes; as many as rows.</param>
    /// <returns>The metrics by name with 95 % intervals; none when there is no row.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit the reference, or it is one of a regression.</exception>
    public static IReadOnlyDictionary<string, MetricValue> Of(PerformanceReference reference, IReadOnlyList<float[]> scores, IReadOnlyList<double> predictions)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(predictions);
        if (scores.Count == 0 || scores.Count != reference.Classes.Count || scores.Any(s => s.Length != predictions.Count))
        {
            throw new ArgumentException($"The reference is of {reference.Classes.Count} score(s) a row; {scores.Count} were given, or not as many as answers.", nameof(scores));
        }

        var heads = new List<Expected>();
        for (int c = 0; c < scores.Count; c++)
        {
            double[] positive = Array.ConvertAll(scores[c], s => reference.Classes[c].Probability(s));
            double[] negative = Array.ConvertAll(positive, p => 1 - p);
            var head = new Expected();
            for (int i = 0; i < positive.Length; i++)
            {
                head.Add(scores.Count == 1 ? predictions[i] != 0 : (int)predictions[i] == c, positive[i], 1);
            }

            (head.RocAuc, head.AveragePrecision) = RankMetrics.Expected(scores[c], positive, negative);
            heads.Add(head);
        }

        return Metrics(reference, heads, predictions.Count);
    }

    /// <summary>Estimates from a histogram of the scores.</summary>
    internal static IReadOnlyDictionary<string, MetricValue> Of(PerformanceReference reference, ScoreCounts counts)
    {
        var heads = new List<Expected>();
        double[] positive = new double[counts.Bins];
        double[] negative = new double[counts.Bins];
        for (int c = 0; c < counts.Classes; c++)
        {
            ReadOnlySpan<long> answered = counts.Of(c, true);
            ReadOnlySpan<long> not = counts.Of(c, false);
            var head = new Expected();
            for (int b = 0; b < counts.Bins; b++)
            {
                double p = reference.Classes[c].Probability(counts.ScoreOf(b));
                head.Add(true, p, answered[b]);
                head.Add(false, p, not[b]);
                long rows = answered[b] + not[b];
                (positive[b], negative[b]) = (rows * p, rows * (1 - p));
            }

            (head.RocAuc, head.AveragePrecision) = RankMetrics.OfGroups(positive, negative);
            heads.Add(head);
        }

        return Metrics(reference, heads, counts.Rows);
    }

    private static SortedDictionary<string, MetricValue> Metrics(PerformanceReference reference, List<Expected> heads, long rows)
    {
        var metrics = new SortedDictionary<string, MetricValue>(StringComparer.Ordinal);
        if (rows == 0)
        {
            return metrics;
        }

        void Add(string name, double? value, double sampling, double comparable)
        {
            if (value is { } known)
            {
                (double least, double most) = PerformanceReference.BoundsOf(name);
                metrics[name] = MetricIntervals.Normal(known, reference.StandardErrorOf(name, comparable, sampling) ?? double.PositiveInfinity, least, most);
            }
        }

        if (heads is [{ } only])
        {
            foreach (string name in Shares)
            {
                Add(name, only.Share(name), only.ErrorOf(name), rows);
            }

            // pairs of a positive and a negative carry the area, positives the precision: as many as there are expected of them here
            double rate = reference.Classes[0].Rate;
            double positives = only.TruePositives + only.FalseNegatives;
            double pairs = positives * (rows - positives) / rows;
            Add(PerformanceNames.RocAuc, only.RocAuc, 0, rate is > 0 and < 1 ? pairs / (rate * (1 - rate)) : rows);
            Add(PerformanceNames.AveragePrecision, only.AveragePrecision, 0, rate > 0 ? positives / rate : rows);
            return metrics;
        }

        // a class that is neither expected nor answered says nothing; one that is only expected counts 0, as in realised metrics
        Expected[] occurring = [.. heads.Where(h => h.TruePositives + h.FalseNegatives + h.FalsePositives > 1e-12)];
        Add(PerformanceNames.Accuracy, heads.Sum(h => h.TruePositives) / rows, Math.Sqrt(heads.Sum(h => h.AnsweredVariance)) / rows, rows);
        foreach (string name in Shares.Skip(1))
        {
            Add(name, occurring.Average(h => h.Share(name) ?? 0), Math.Sqrt(occurring.Sum(h => h.ErrorOf(name) * h.ErrorOf(name))) / occurring.Length, rows);
        }

        Add(PerformanceNames.RocAuc, MeanOf(heads, h => h.RocAuc), 0, rows);
        Add(PerformanceNames.AveragePrecision, MeanOf(heads, h => h.AveragePrecision), 0, rows);
        return metrics;
    }

    private static double? MeanOf(List<Expected> heads, Func<Expected, double?> value)
    {
        double[] known = [.. heads.Select(value).OfType<double>()];
        return known.Length == 0 ? null : known.Average();
    }

    /// <summary>The expected confusion of one class against the rest.</summary>
    private sealed class Expected
    {
        internal double TruePositives { get; private set; }

        internal double FalsePositives { get; private set; }

        internal double FalseNegatives { get; private set; }

        internal double TrueNegatives { get; private set; }

        /// <summary>Gets how much the number of positives among the rows answered yes varies: the sum of p (1 − p).</summary>
        internal double AnsweredVariance { get; private set; }

        internal double OtherVariance { get; private set; }

        internal double? RocAuc { get; set; }

        internal double? AveragePrecision { get; set; }

        internal void Add(bool answered, double p, double rows)
        {
            if (answered)
            {
                TruePositives += rows * p;
                FalsePositives += rows * (1 - p);
                AnsweredVariance += rows * p * (1 - p);
            }
            else
            {
                FalseNegatives += rows * p;
                TrueNegatives += rows * (1 - p);
                OtherVariance += rows * p * (1 - p);
            }
        }

        internal double? Share(string name) => name switch
        {
            PerformanceNames.Accuracy => Ratio(TruePositives + TrueNegatives, FalsePositives + FalseNegatives),
            PerformanceNames.Precision => Ratio(TruePositives, FalsePositives),
            PerformanceNames.Recall => Ratio(TruePositives, FalseNegatives),
            PerformanceNames.F1 => Ratio(2 * TruePositives, FalsePositives + FalseNegatives),
            _ => Ratio(TrueNegatives, FalsePositives),
        };

        /// <summary>The standard error of a share over what the truth of these very rows may be, by the delta method.</summary>
        internal double ErrorOf(string name)
        {
            double value = Share(name) ?? 0;
            (double ofAnswered, double ofOther, double below) = name switch
            {
                PerformanceNames.Accuracy => (1.0, 1.0, TruePositives + TrueNegatives + FalsePositives + FalseNegatives),
                PerformanceNames.Precision => (1.0, 0.0, TruePositives + FalsePositives),
                PerformanceNames.Recall => (1 - value, value, TruePositives + FalseNegatives),
                PerformanceNames.F1 => (2 - value, value, (2 * TruePositives) + FalsePositives + FalseNegatives),
                _ => (value, 1 - value, TrueNegatives + FalsePositives),
            };
            return below > 0 ? Math.Sqrt((ofAnswered * ofAnswered * AnsweredVariance) + (ofOther * ofOther * OtherVariance)) / below : 0;
        }

        private static double? Ratio(double right, double wrong) => right + wrong > 0 ? right / (right + wrong) : null;
    }
}

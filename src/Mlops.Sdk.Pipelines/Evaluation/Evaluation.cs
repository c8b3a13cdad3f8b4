using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>How a model does on rows it has not seen.</summary>
/// <param name="Rows">How many rows.</param>
/// <param name="Metrics">
/// Metrics by standard name, with 95 % intervals where there is one. Binary: <c>auc</c> (DeLong), <c>logLoss</c> (nats), <c>brier</c>,
/// <c>accuracy</c>, <c>precision</c>, <c>recall</c> (Wilson), <c>f1</c>. Regression: <c>mae</c>, <c>rmse</c>, <c>r2</c>. One that is undefined, such as the AUC of one class, is left out.
/// </param>
public sealed record Evaluation(int Rows, IReadOnlyDictionary<string, MetricValue> Metrics)
{
    /// <summary>Gets the confusion matrix [true negatives, false positives, false negatives, true positives], or null for a regression.</summary>
    public IReadOnlyList<int>? Confusion { get; init; }

    /// <summary>Gets the ROC curve as [false positive rate, true positive rate] points from (0, 0) to (1, 1), thinned to at most 101; empty for a regression.</summary>
    public IReadOnlyList<double[]> Roc { get; init; } = [];

    /// <summary>Gets the calibration table: [mean predicted probability, share of positives, rows] for ten bins of equal rows; empty for a regression.</summary>
    public IReadOnlyList<double[]> Calibration { get; init; } = [];

    /// <summary>Gets the metric of the single slices, worst first.</summary>
    public IReadOnlyList<SliceEvaluation> Slices { get; init; } = [];
}

/// <summary>How a model does on some of the rows.</summary>
/// <param name="Column">The column that picks the rows.</param>
/// <param name="Value">Its value, or <c>(missing)</c>.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Value95">The metric with its interval, or null when it is undefined or there are fewer than 100 rows.</param>
public sealed record SliceEvaluation(string Column, string Value, int Rows, string Metric, MetricValue? Value95);

internal static class Evaluator
{
    private const double Clip = 1e-15;
    private const int MinimumSlice = 100;

    internal static Evaluation Binary(float[] probabilities, bool[] predicted, bool[] labels)
    {
        int n = labels.Length;
        int tp = 0;
        int fp = 0;
        int fn = 0;
        double[] losses = new double[n];
        double[] squares = new double[n];
        for (int i = 0; i < n; i++)
        {
            double p = Math.Clamp(probabilities[i], Clip, 1 - Clip);
            losses[i] = -(labels[i] ? Math.Log(p) : Math.Log(1 - p));
            squares[i] = (p - (labels[i] ? 1 : 0)) * (p - (labels[i] ? 1 : 0));
            tp += labels[i] && predicted[i] ? 1 : 0;
            fp += !labels[i] && predicted[i] ? 1 : 0;
            fn += labels[i] && !predicted[i] ? 1 : 0;
        }

        int tn = n - tp - fp - fn;
        var metrics = new SortedDictionary<string, MetricValue>(StringComparer.Ordinal);
        if (tp + fn > 1 && tn + fp > 1)
        {
            (double auc, double[] positive, double[] negative) = RocArea.Placements(probabilities, labels);
            double half = Intervals.Z95 * Math.Sqrt(RocArea.DeLongVariance(positive, negative));
            metrics["auc"] = new MetricValue(auc, Math.Max(0, auc - half), Math.Min(1, auc + half));
        }

        AddMean(metrics, "logLoss", losses);
        AddMean(metrics, "brier", squares);
        AddShare(metrics, "accuracy", tp + tn, n);
        AddShare(metrics, "precision", tp, tp + fp);
        AddShare(metrics, "recall", tp, tp + fn);
        if ((2 * tp) + fp + fn > 0)
        {
            metrics["f1"] = new MetricValue(2.0 * tp / ((2 * tp) + fp + fn));
        }

        return new Evaluation(n, metrics) { Confusion = [tn, fp, fn, tp], Roc = RocOf(probabilities, labels), Calibration = CalibrationOf(probabilities, labels) };
    }

    internal static Evaluation Regression(float[] scores, float[] labels)
    {
        double[] absolute = new double[labels.Length];
        double square = 0;
        double mean = labels.Average(l => (double)l);
        double total = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            double error = (double)scores[i] - labels[i];
            absolute[i] = Math.Abs(error);
            square += error * error;
            total += (labels[i] - mean) * (labels[i] - mean);
        }

        var metrics = new SortedDictionary<string, MetricValue>(StringComparer.Ordinal) { ["rmse"] = new MetricValue(Math.Sqrt(square / labels.Length)) };
        AddMean(metrics, "mae", absolute);
        if (total > 0)
        {
            metrics["r2"] = new MetricValue(1 - (square / total));
        }

        return new Evaluation(labels.Length, metrics);
    }

    /// <summary>Evaluates the rows of each value of a column.</summary>
    internal static IEnumerable<SliceEvaluation> Slices(string column, Func<int, string?> valueOf, int rows, Func<int[], Evaluation> evaluate, string metric)
    {
        foreach (IGrouping<string, int> slice in Enumerable.Range(0, rows).GroupBy(i => valueOf(i) ?? "(missing)", StringComparer.Ordinal).OrderByDescending(g => g.Count()).Take(50))
        {
            int[] indexes = [.. slice];
            MetricValue? value = indexes.Length < MinimumSlice ? null : evaluate(indexes).Metrics.GetValueOrDefault(metric);
            yield return new SliceEvaluation(column, slice.Key, indexes.Length, metric, value);
        }
    }

    private static void AddMean(SortedDictionary<string, MetricValue> metrics, string name, double[] values)
    {
        (double mean, double half, _) = Intervals.MeanInterval(values);
        metrics[name] = double.IsFinite(half) ? new MetricValue(mean, mean - half, mean + half) : new MetricValue(mean);
    }

    private static void AddShare(SortedDictionary<string, MetricValue> metrics, string name, int hits, int count)
    {
        if (count > 0)
        {
            (double lower, double upper) = Intervals.Wilson(hits, count);
            metrics[name] = new MetricValue((double)hits / count, lower, upper);
        }
    }

    private static List<double[]> RocOf(float[] scores, bool[] labels)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i])];
        double positives = labels.Count(l => l);
        double negatives = labels.Length - positives;
        var curve = new List<double[]> { new double[] { 0, 0 } };
        if (positives == 0 || negatives == 0)
        {
            return [];
        }

        int tp = 0;
        int fp = 0;
        int step = Math.Max(1, order.Length / 99);
        for (int i = 0; i < order.Length; i++)
        {
            tp += labels[order[i]] ? 1 : 0;
            fp += labels[order[i]] ? 0 : 1;
            bool lastOfTie = i + 1 == order.Length || scores[order[i + 1]] != scores[order[i]];
            if (lastOfTie && (i % step == 0 || i + 1 == order.Length || i < step))
            {
                curve.Add([fp / negatives, tp / positives]);
            }
        }

        if (curve[^1] is not [1, 1])
        {
            curve.Add([1, 1]);
        }

        return curve.Count <= 101 ? curve : [.. Enumerable.Range(0, 101).Select(i => curve[(int)Math.Round(i * (curve.Count - 1) / 100.0)])];
    }

    private static List<double[]> CalibrationOf(float[] probabilities, bool[] labels)
    {
        int[] order = [.. Enumerable.Range(0, labels.Length).OrderBy(i => probabilities[i])];
        var table = new List<double[]>();
        for (int bin = 0; bin < 10 && order.Length >= 10; bin++)
        {
            int[] rows = order[(order.Length * bin / 10)..(order.Length * (bin + 1) / 10)];
            table.Add([rows.Average(i => (double)probabilities[i]), rows.Average(i => labels[i] ? 1.0 : 0.0), rows.Length]);
        }

        return table;
    }
}

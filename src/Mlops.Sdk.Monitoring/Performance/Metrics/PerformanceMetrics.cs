namespace Mlops.Sdk.Monitoring;

/// <summary>Computes how right answers were. Pure: any thread may call it.</summary>
/// <remarks>
/// Values are those of scikit-learn 1.2 (with 0 where a class was never answered, macro means over classes that occur). MetricIntervals are at
/// 95 %: Wilson for shares, DeLong for the area under the ROC curve, logit for average precision, Wilson through J = TP / (TP + FP + FN) for
/// F1, the delta method for what is a function of the confusion counts or of means, the normal one for means, resampling with a fixed seed
/// for metrics of one's own.
/// </remarks>
public static partial class PerformanceMetrics
{
    private const double Clip = 1e-15;
    private const int BootstrapSeed = 20_260_101;

    /// <summary>Computes all metrics of the task.</summary>
    /// <param name="rows">Answers and their truth.</param>
    /// <param name="own">Metrics of one's own, or null.</param>
    /// <param name="resamples">How many resamples the interval of a metric of one's own is made of, 0 to 10,000.</param>
    /// <returns>The metrics; none when there is no row.</returns>
    public static PerformanceValues Of(PerformanceRows rows, IReadOnlyList<IPerformanceMetric>? own = null, int resamples = 200)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(resamples);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(resamples, 10_000);
        var metrics = new SortedDictionary<string, MetricValue>(StringComparer.Ordinal);
        if (rows.Count == 0)
        {
            return new PerformanceValues { Rows = 0, Metrics = metrics };
        }

        long[][] confusion = rows.Task switch
        {
            ModelTask.Binary => Binary(rows, metrics),
            ModelTask.Multiclass => Multiclass(rows, metrics),
            _ => Regression(rows, metrics),
        };
        foreach (IPerformanceMetric metric in own ?? [])
        {
            if (MetricIntervals.Bootstrap(rows, metric.Compute, resamples, BootstrapSeed) is { } value)
            {
                metrics[metric.Name] = value;
            }
        }

        return new PerformanceValues { Rows = rows.Count, Metrics = metrics, Confusion = confusion };
    }

    private static long[][] Binary(PerformanceRows rows, SortedDictionary<string, MetricValue> metrics)
    {
        int count = rows.Count;
        float[] scores = rows.Scores[0];
        bool[] actual = new bool[count];
        double[] losses = new double[count];
        double[] squares = new double[count];
        long[][] confusion = [new long[2], new long[2]];
        for (int i = 0; i < count; i++)
        {
            actual[i] = rows.Actuals[i] != 0;
            bool predicted = rows.Predictions[i] != 0;
            double p = Math.Clamp(scores[i], Clip, 1 - Clip);
            losses[i] = -Math.Log(actual[i] ? p : 1 - p);
            double difference = scores[i] - (actual[i] ? 1.0 : 0.0);
            squares[i] = difference * difference;
            confusion[actual[i] ? 1 : 0][predicted ? 1 : 0]++;
        }

        Counts(confusion[1][1], confusion[0][1], confusion[1][0], confusion[0][0], metrics);
        AddMean(metrics, PerformanceNames.LogLoss, losses, 0, double.PositiveInfinity);
        AddMean(metrics, PerformanceNames.Brier, squares, 0, 1);
        if (RankMetrics.RocAuc(scores, actual) is { } area)
        {
            metrics[PerformanceNames.RocAuc] = MetricIntervals.Normal(area.Area, area.Error, 0, 1);
        }

        long positives = confusion[1][0] + confusion[1][1];
        if (RankMetrics.AveragePrecision(scores, actual) is { } precision)
        {
            metrics[PerformanceNames.AveragePrecision] = MetricIntervals.AveragePrecision(precision, positives);
        }

        return confusion;
    }

    /// <summary>What follows from the confusion counts of yes and no; the counts may be expected ones.</summary>
    internal static void Counts(double tp, double fp, double fn, double tn, SortedDictionary<string, MetricValue> metrics)
    {
        double count = tp + fp + fn + tn;
        metrics[PerformanceNames.Accuracy] = MetricIntervals.Wilson(tp + tn, count);
        if (tp + fp > 0)
        {
            metrics[PerformanceNames.Precision] = MetricIntervals.Wilson(tp, tp + fp);
        }

        if (tp + fn > 0)
        {
            metrics[PerformanceNames.Recall] = MetricIntervals.Wilson(tp, tp + fn);
        }

        if (tn + fp > 0)
        {
            metrics[PerformanceNames.Specificity] = MetricIntervals.Wilson(tn, tn + fp);
        }

        if (tp + fp + fn > 0)
        {
            metrics[PerformanceNames.F1] = MetricIntervals.F1(tp, fp + fn);
        }

        if (tp + fp > 0 && tp + fn > 0 && tn + fp > 0 && tn + fn > 0)
        {
            metrics[PerformanceNames.Mcc] = Mcc(tp / count, fp / count, fn / count, tn / count, count);
        }
    }

    /// <summary>Matthews' correlation with the delta method over four shares of independent rows.</summary>
    private static MetricValue Mcc(double tp, double fp, double fn, double tn, double count)
    {
        double root = Math.Sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
        double value = ((tp * tn) - (fp * fn)) / root;
        double Slope(double upper, double first, double second) => (upper / root) - (value / 2 * ((1 / first) + (1 / second)));
        double[] shares = [tp, tn, fp, fn];
        double[] slopes = [Slope(tn, tp + fp, tp + fn), Slope(tp, tn + fp, tn + fn), Slope(-fn, tp + fp, tn + fp), Slope(-fp, tp + fn, tn + fn)];
        double mean = 0;
        double square = 0;
        for (int i = 0; i < shares.Length; i++)
        {
            mean += shares[i] * slopes[i];
            square += shares[i] * slopes[i] * slopes[i];
        }

        return MetricIntervals.Normal(value, Math.Sqrt(Math.Max(0, square - (mean * mean)) / count), -1, 1);
    }

    private static long[][] Regression(PerformanceRows rows, SortedDictionary<string, MetricValue> metrics)
    {
        int count = rows.Count;
        double[] errors = new double[count];
        double[] absolute = new double[count];
        double[] squares = new double[count];
        var shares = new List<double>(count);
        double mean = rows.Actuals.Average();
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            double actual = rows.Actuals[i];
            errors[i] = rows.Predictions[i] - actual;
            absolute[i] = Math.Abs(errors[i]);
            squares[i] = errors[i] * errors[i];
            total += (actual - mean) * (actual - mean);
            if (actual != 0)
            {
                shares.Add(absolute[i] / Math.Abs(actual));
            }
        }

        AddMean(metrics, PerformanceNames.Bias, errors);
        AddMean(metrics, PerformanceNames.Mae, absolute, 0);
        (double square, double error) = MetricIntervals.Mean(squares);
        metrics[PerformanceNames.Rmse] = Root(square, error);
        if (shares.Count > 0)
        {
            AddMean(metrics, PerformanceNames.Mape, [.. shares], 0);
        }

        if (total > 0)
        {
            double variance = total / count;
            double[] influence = new double[count];
            for (int i = 0; i < count; i++)
            {
                double off = rows.Actuals[i] - mean;
                influence[i] = (-(squares[i] - square) / variance) + (square / variance / variance * ((off * off) - variance));
            }

            metrics[PerformanceNames.R2] = MetricIntervals.Normal(1 - (square / variance), MetricIntervals.Mean(influence).Error, double.NegativeInfinity, 1);
        }

        return [];
    }

    /// <summary>The root of a mean of squares; the interval's ends are the roots of the mean's.</summary>
    internal static MetricValue Root(double square, double error)
    {
        MetricValue mean = MetricIntervals.Normal(square, error, 0);
        return new MetricValue(Math.Sqrt(square), mean.Lower is { } low ? Math.Sqrt(low) : null, mean.Upper is { } high ? Math.Sqrt(high) : null);
    }

    private static void AddMean(SortedDictionary<string, MetricValue> metrics, string name, double[] values, double least = double.NegativeInfinity, double most = double.PositiveInfinity)
    {
        (double mean, double error) = MetricIntervals.Mean(values);
        metrics[name] = MetricIntervals.Normal(mean, error, least, most);
    }
}

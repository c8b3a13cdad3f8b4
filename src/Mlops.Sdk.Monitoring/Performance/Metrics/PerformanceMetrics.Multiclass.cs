namespace Mlops.Sdk.Monitoring;

public static partial class PerformanceMetrics
{
    private static long[][] Multiclass(PerformanceRows rows, SortedDictionary<string, MetricValue> metrics)
    {
        int classes = rows.Scores.Count;
        long[][] confusion = [.. Enumerable.Range(0, classes).Select(_ => new long[classes])];
        double[] losses = new double[rows.Count];
        for (int i = 0; i < rows.Count; i++)
        {
            int actual = (int)rows.Actuals[i];
            confusion[actual][(int)rows.Predictions[i]]++;
            double sum = 0;
            foreach (float[] scores in rows.Scores)
            {
                sum += scores[i];
            }

            losses[i] = -Math.Log(Math.Clamp(sum > 0 ? rows.Scores[actual][i] / sum : 0, Clip, 1 - Clip));
        }

        AddMean(metrics, PerformanceNames.LogLoss, losses, 0);
        new ClassCounts(confusion).Add(metrics);
        MacroRanks(rows, metrics);
        return confusion;
    }

    /// <summary>One class against the rest, and the mean over the classes that have rows. The areas' errors are added as if they went together, which is the cautious end.</summary>
    private static void MacroRanks(PerformanceRows rows, SortedDictionary<string, MetricValue> metrics)
    {
        var areas = new List<(double Area, double Error)>();
        var precisions = new List<double>();
        bool[] actual = new bool[rows.Count];
        for (int c = 0; c < rows.Scores.Count; c++)
        {
            for (int i = 0; i < actual.Length; i++)
            {
                actual[i] = (int)rows.Actuals[i] == c;
            }

            if (RankMetrics.RocAuc(rows.Scores[c], actual) is { } area)
            {
                areas.Add(area);
            }

            if (RankMetrics.AveragePrecision(rows.Scores[c], actual) is { } precision)
            {
                precisions.Add(precision);
            }
        }

        if (areas.Count > 0)
        {
            metrics[PerformanceNames.RocAuc] = MetricIntervals.Normal(areas.Average(a => a.Area), areas.Average(a => a.Error), 0, 1);
        }

        if (precisions.Count > 0)
        {
            metrics[PerformanceNames.AveragePrecision] = new MetricValue(precisions.Average());
        }
    }

    /// <summary>Metrics that are functions of a confusion matrix, with the delta method: a row of true class i and answered class j moves d(i), r(i) and c(j).</summary>
    private sealed class ClassCounts
    {
        private readonly double[][] _shares;
        private readonly double[] _right;
        private readonly double[] _actual;
        private readonly double[] _answered;
        private readonly int[] _occurring;
        private readonly double _count;

        internal ClassCounts(long[][] confusion)
        {
            int classes = confusion.Length;
            _count = confusion.Sum(r => (double)r.Sum());
            _shares = [.. confusion.Select(r => Array.ConvertAll(r, c => c / _count))];
            _right = [.. Enumerable.Range(0, classes).Select(c => _shares[c][c])];
            _actual = [.. Enumerable.Range(0, classes).Select(c => _shares[c].Sum())];
            _answered = [.. Enumerable.Range(0, classes).Select(c => _shares.Sum(r => r[c]))];
            _occurring = [.. Enumerable.Range(0, classes).Where(c => _actual[c] + _answered[c] > 0)];
        }

        internal void Add(SortedDictionary<string, MetricValue> metrics)
        {
            metrics[PerformanceNames.Accuracy] = MetricIntervals.Wilson(Math.Round(_right.Sum() * _count), _count);
            metrics[PerformanceNames.Precision] = Mean(Precision, weighted: false);
            metrics[PerformanceNames.Recall] = Mean(Recall, weighted: false);
            metrics[PerformanceNames.F1] = Mean(F1, weighted: false);
            metrics[PerformanceNames.Specificity] = Mean(Specificity, weighted: false);
            metrics[PerformanceNames.WeightedPrecision] = Mean(Precision, weighted: true);
            metrics[PerformanceNames.WeightedF1] = Mean(F1, weighted: true);
            if (Correlation() is { } mcc)
            {
                metrics[PerformanceNames.Mcc] = mcc;
            }
        }

        private static Part Precision(double d, double r, double c) => c > 0 ? new(d / c, 1 / c, 0, -d / c / c) : default;

        private static Part Recall(double d, double r, double c) => r > 0 ? new(d / r, 1 / r, -d / r / r, 0) : default;

        private static Part F1(double d, double r, double c) => r + c > 0 ? new(2 * d / (r + c), 2 / (r + c), -2 * d / (r + c) / (r + c), -2 * d / (r + c) / (r + c)) : default;

        private static Part Specificity(double d, double r, double c)
        {
            double negatives = 1 - r;
            double left = 1 - r - c + d; // neither of the class nor answered as it
            return negatives > 0 ? new(left / negatives, 1 / negatives, (-1 / negatives) + (left / negatives / negatives), -1 / negatives) : default;
        }

        private MetricValue Mean(Func<double, double, double, Part> of, bool weighted)
        {
            double[] ofRight = new double[_right.Length];
            double[] ofActual = new double[_right.Length];
            double[] ofAnswered = new double[_right.Length];
            double value = 0;
            foreach (int k in _occurring)
            {
                Part part = of(_right[k], _actual[k], _answered[k]);
                double weight = weighted ? _actual[k] : 1.0 / _occurring.Length;
                value += weight * part.Value;
                ofRight[k] = weight * part.OfRight;
                ofActual[k] = (weight * part.OfActual) + (weighted ? part.Value : 0);
                ofAnswered[k] = weight * part.OfAnswered;
            }

            double mean = 0;
            double square = 0;
            for (int i = 0; i < _shares.Length; i++)
            {
                for (int j = 0; j < _shares.Length; j++)
                {
                    double slope = ofActual[i] + ofAnswered[j] + (i == j ? ofRight[i] : 0);
                    mean += _shares[i][j] * slope;
                    square += _shares[i][j] * slope * slope;
                }
            }

            return MetricIntervals.Normal(value, Math.Sqrt(Math.Max(0, square - (mean * mean)) / _count), 0, 1);
        }

        /// <summary>The correlation of classes. J. Gorodkin, Computational Biology and Chemistry 28 (2004).</summary>
        private MetricValue? Correlation()
        {
            double right = _right.Sum();
            double cross = 0;
            double actual = 0;
            double answered = 0;
            for (int k = 0; k < _right.Length; k++)
            {
                cross += _actual[k] * _answered[k];
                actual += _actual[k] * _actual[k];
                answered += _answered[k] * _answered[k];
            }

            double root = Math.Sqrt((1 - actual) * (1 - answered));
            return root > 0 ? new MetricValue((right - cross) / root) : null;
        }

        /// <summary>One class' part of a metric and its slopes.</summary>
        private readonly record struct Part(double Value, double OfRight, double OfActual, double OfAnswered);
    }
}

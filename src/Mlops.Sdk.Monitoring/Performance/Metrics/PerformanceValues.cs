namespace Mlops.Sdk.Monitoring;

/// <summary>How right the answers for some rows were.</summary>
public sealed record PerformanceValues
{
    /// <summary>Gets how many rows with a truth were counted.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the metrics by name (<see cref="PerformanceNames"/>) with 95 % confidence intervals where there is one. One that is undefined, such as the area under the curve of a single class, is left out.</summary>
    public required IReadOnlyDictionary<string, MetricValue> Metrics { get; init; }

    /// <summary>Gets the rows by true class (first index) and answered class; for yes and no: no first. Empty for a regression.</summary>
    public IReadOnlyList<long[]> Confusion { get; init; } = [];

    /// <summary>Gets a metric.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The metric, or null when it is undefined for these rows.</returns>
    public MetricValue? Find(string name) => Metrics.GetValueOrDefault(name);
}

/// <summary>A metric of one's own over rows with their truth.</summary>
/// <remarks>Its 95 % interval is made by resampling rows with a fixed seed, so equal rows give equal intervals.</remarks>
public interface IPerformanceMetric
{
    /// <summary>Gets its name: lower case, words joined by underscores; none of <see cref="PerformanceNames"/>.</summary>
    string Name { get; }

    /// <summary>Computes it.</summary>
    /// <param name="rows">The rows; some stand there several times when an interval is made.</param>
    /// <returns>The metric; NaN when it is undefined for these rows.</returns>
    double Compute(PerformanceRows rows);
}

/// <summary>Answers and their truth, column by column. Immutable by agreement.</summary>
public sealed class PerformanceRows
{
    private PerformanceRows(ModelTask task, float[][] scores, double[] predictions, double[] actuals) =>
        (Task, Scores, Predictions, Actuals) = (task, scores, predictions, actuals);

    /// <summary>Gets the kind of task.</summary>
    public ModelTask Task { get; }

    /// <summary>Gets how many rows there are.</summary>
    public int Count => Actuals.Count;

    /// <summary>Gets the scores, shape [scores][rows]: the probability of yes; one probability a class; or the predicted number.</summary>
    public IReadOnlyList<float[]> Scores { get; }

    /// <summary>Gets the answers: 1 and 0 for yes and no, the number of the class, or the predicted number.</summary>
    public IReadOnlyList<double> Predictions { get; }

    /// <summary>Gets the truth, told as the answers are.</summary>
    public IReadOnlyList<double> Actuals { get; }

    /// <summary>Makes rows of answers yes and no.</summary>
    /// <param name="probabilities">The probabilities of yes, finite.</param>
    /// <param name="predicted">The answers, as many.</param>
    /// <param name="actual">The truth, as many.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="ArgumentException">The lengths differ, or a probability is not finite.</exception>
    public static PerformanceRows Binary(IReadOnlyList<float> probabilities, IReadOnlyList<bool> predicted, IReadOnlyList<bool> actual)
    {
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(actual);
        return Create(ModelTask.Binary, [Finite(probabilities)], [.. predicted.Select(p => p ? 1.0 : 0.0)], [.. actual.Select(a => a ? 1.0 : 0.0)]);
    }

    /// <summary>Makes rows of answers that are classes.</summary>
    /// <param name="probabilities">The probabilities, shape [classes][rows], finite.</param>
    /// <param name="predicted">The numbers of the answered classes, from 0.</param>
    /// <param name="actual">The numbers of the true classes, from 0.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="ArgumentException">The lengths differ, a probability is not finite, or a class does not exist.</exception>
    public static PerformanceRows Multiclass(IReadOnlyList<float[]> probabilities, IReadOnlyList<int> predicted, IReadOnlyList<int> actual)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(actual);
        return predicted.Concat(actual).All(c => c >= 0 && c < probabilities.Count)
            ? Create(ModelTask.Multiclass, [.. probabilities.Select(Finite)], [.. predicted.Select(p => (double)p)], [.. actual.Select(a => (double)a)])
            : throw new ArgumentException($"Classes are numbered from 0 to {probabilities.Count - 1}; another number was found.", nameof(predicted));
    }

    /// <summary>Makes rows of answers that are numbers.</summary>
    /// <param name="predicted">The answers, finite.</param>
    /// <param name="actual">The truth, as many, finite.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="ArgumentException">The lengths differ, or a number is not finite.</exception>
    public static PerformanceRows Regression(IReadOnlyList<float> predicted, IReadOnlyList<double> actual)
    {
        ArgumentNullException.ThrowIfNull(actual);
        float[] finite = Finite(predicted);
        return actual.All(double.IsFinite)
            ? Create(ModelTask.Regression, [finite], Array.ConvertAll(finite, p => (double)p), [.. actual])
            : throw new ArgumentException("The truth of a regression is finite; a number that is not was found.", nameof(actual));
    }

    /// <summary>Picks rows.</summary>
    /// <param name="rows">Their numbers, from 0; a row may stand there several times.</param>
    /// <returns>The rows picked.</returns>
    public PerformanceRows Take(ReadOnlySpan<int> rows)
    {
        int[] picked = rows.ToArray();
        return new PerformanceRows(
            Task,
            [.. Scores.Select(s => Array.ConvertAll(picked, r => s[r]))],
            Array.ConvertAll(picked, r => Predictions[r]),
            Array.ConvertAll(picked, r => Actuals[r]));
    }

    internal static PerformanceRows Create(ModelTask task, float[][] scores, double[] predictions, double[] actuals) =>
        predictions.Length == actuals.Length && Array.TrueForAll(scores, s => s.Length == actuals.Length)
            ? new PerformanceRows(task, scores, predictions, actuals)
            : throw new ArgumentException($"Scores, answers and truth are as many; {predictions.Length} answers and {actuals.Length} truths were given.", nameof(actuals));

    private static float[] Finite(IReadOnlyList<float> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.All(float.IsFinite) ? [.. values] : throw new ArgumentException("Scores are finite; one that is not was found. Leave such rows out.", nameof(values));
    }
}

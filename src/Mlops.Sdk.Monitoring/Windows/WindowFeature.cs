using System.Text.Json.Serialization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>The counts of one feature in a window.</summary>
public sealed record WindowFeature
{
    /// <summary>Gets its name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets whether it is a number or a text.</summary>
    public required InputKind Kind { get; init; }

    /// <summary>Gets whether the model takes or gives it.</summary>
    public required FeatureRole Role { get; init; }

    /// <summary>Gets the rows per bin of the reference, or per category that it lists, shape [bins or categories].</summary>
    public required long[] Counts { get; init; }

    /// <summary>Gets the rows with a category that the reference does not list.</summary>
    public long Unseen { get; init; }

    /// <summary>Gets the rows without a value.</summary>
    public long Missing { get; init; }

    /// <summary>Gets the rows with an infinite number.</summary>
    public long Infinite { get; init; }

    /// <summary>Gets the mean of the finite numbers, 0 when there are none.</summary>
    public double Mean { get; init; }

    /// <summary>Gets the sum of squared differences from the mean of the finite numbers.</summary>
    public double SquaredDeviations { get; init; }

    /// <summary>Gets the smallest finite number, or null.</summary>
    public float? Minimum { get; init; }

    /// <summary>Gets the largest finite number, or null.</summary>
    public float? Maximum { get; init; }

    /// <summary>Gets the quantiles of the finite numbers, where they were asked for. Not to be changed.</summary>
    [JsonConverter(typeof(QuantileSketchJson))]
    public QuantileSketch? Quantiles { get; init; }

    /// <summary>Gets the sketch of distinct values, where it was asked for. Not to be changed.</summary>
    [JsonConverter(typeof(DistinctSketchJson))]
    public DistinctSketch? Distinct { get; init; }

    /// <summary>Gets the most frequent texts that the reference does not list, where they were asked for. Not to be changed.</summary>
    [JsonConverter(typeof(FrequentItemsJson))]
    public FrequentItems? UnseenTexts { get; init; }

    /// <summary>Gets how many rows have a value that is counted in a bin or category.</summary>
    [JsonIgnore]
    public long Values => Counts.Sum();

    internal static WindowFeature Merge(IReadOnlyList<WindowFeature> parts)
    {
        WindowFeature first = parts[0];
        long[] counts = new long[first.Counts.Length];
        double values = 0;
        double mean = 0;
        double squares = 0;
        foreach (WindowFeature part in parts)
        {
            if (part.Counts.Length != counts.Length || part.Name != first.Name)
            {
                throw new ArgumentException($"'{first.Name}' with {counts.Length} bins does not merge with '{part.Name}' with {part.Counts.Length}.", nameof(parts));
            }

            for (int i = 0; i < counts.Length; i++)
            {
                counts[i] += part.Counts[i];
            }

            double more = part.Values;
            if (more > 0 && first.Kind == InputKind.Number)
            {
                // T. Chan, G. Golub, R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979
                double difference = part.Mean - mean;
                double all = values + more;
                mean += difference * more / all;
                squares += part.SquaredDeviations + (difference * difference * values * more / all);
                values = all;
            }
        }

        return first with
        {
            Counts = counts,
            Unseen = parts.Sum(p => p.Unseen),
            Missing = parts.Sum(p => p.Missing),
            Infinite = parts.Sum(p => p.Infinite),
            Mean = mean,
            SquaredDeviations = squares,
            Minimum = parts.Min(p => p.Minimum),
            Maximum = parts.Max(p => p.Maximum),
            Quantiles = WindowMerging.Merge(parts.Select(p => p.Quantiles), s => new QuantileSketch(s.K), (into, from) => into.Merge(from)),
            Distinct = WindowMerging.Merge(parts.Select(p => p.Distinct), _ => new DistinctSketch(), (into, from) => into.Merge(from)),
            UnseenTexts = WindowMerging.Merge(parts.Select(p => p.UnseenTexts), s => new FrequentItems(s.K), (into, from) => into.Merge(from)),
        };
    }

    internal bool IsSane(long rows)
    {
        if (Name is null || Counts is null || Unseen < 0 || Missing < 0 || Infinite < 0 || !double.IsFinite(Mean) || !double.IsFinite(SquaredDeviations))
        {
            return false;
        }

        // decimal, so that hostile counts do not wrap round to a plausible sum
        decimal sum = (decimal)Unseen + Missing + Infinite;
        foreach (long count in Counts)
        {
            if (count < 0)
            {
                return false;
            }

            sum += count;
        }

        return sum == rows;
    }
}

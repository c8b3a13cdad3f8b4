using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>How the values of each feature become bins, at most 256: bin 0 for missing ones. Immutable and thread-safe.</summary>
internal sealed class BoostingBins
{
    /// <summary>The bin of missing values.</summary>
    internal const int Missing = 0;

    /// <summary>The bin of categories that are not listed.</summary>
    internal const int Other = 1;

    private const int FirstCategory = 2;
    private const int MaxSampled = 200_000;
    private readonly Dictionary<string, byte>[] _codes;

    internal BoostingBins(IReadOnlyList<string> names, float[][] edges, string[][] categories)
    {
        Names = names;
        Edges = edges;
        Categories = categories;
        _codes = Array.ConvertAll(categories, list =>
        {
            var codes = new Dictionary<string, byte>(list.Length, StringComparer.Ordinal);
            for (int i = 0; i < list.Length; i++)
            {
                codes.TryAdd(list[i], (byte)(i + FirstCategory));
            }

            return codes;
        });
    }

    /// <summary>Gets the features' names: numbers, then texts.</summary>
    internal IReadOnlyList<string> Names { get; }

    /// <summary>Gets the upper edges of each number feature, strictly increasing: value &lt;= edges[i] lies in bin i + 1 at most.</summary>
    internal float[][] Edges { get; }

    /// <summary>Gets the listed categories of each text feature, most frequent first.</summary>
    internal string[][] Categories { get; }

    internal int Features => Edges.Length + Categories.Length;

    internal bool IsCategory(int feature) => feature >= Edges.Length;

    /// <summary>How many bins a feature has, missing included.</summary>
    internal int Count(int feature) => feature < Edges.Length ? Edges[feature].Length + 2 : Categories[feature - Edges.Length].Length + FirstCategory;

    /// <summary>Learns bins: quantiles of the numbers (each value its own bin where few are distinct), the most frequent categories.</summary>
    /// <param name="frame">The rows; of more than 200,000 a sample is sorted.</param>
    /// <param name="maxBins">How many bins a feature has at most, missing included, 3 to 256.</param>
    /// <param name="seed">The seed of the sample.</param>
    internal static BoostingBins Of(BoostingFrame frame, int maxBins = 256, long seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBins, 3);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBins, 256);
        int[] sampled = new SeededRandom(seed).Sample(frame.Rows, MaxSampled);
        return new BoostingBins(
            [.. frame.NumberNames, .. frame.TextNames],
            [.. frame.Numbers.Select(n => EdgesOf(n, sampled, maxBins - 1))],
            [.. frame.Texts.Select(t => CategoriesOf(t, maxBins - FirstCategory))]);
    }

    /// <summary>Finds the bins of rows.</summary>
    /// <param name="frame">The rows, with the features these bins were learned of.</param>
    /// <returns>Shape [features][rows].</returns>
    /// <exception cref="ArgumentException">The features are others.</exception>
    internal byte[][] Apply(BoostingFrame frame)
    {
        if (frame.Features != Features || !frame.NumberNames.Concat(frame.TextNames).SequenceEqual(Names, StringComparer.Ordinal))
        {
            throw new ArgumentException($"The model was fitted on {string.Join(", ", Names)}; the rows have {string.Join(", ", frame.NumberNames.Concat(frame.TextNames))}.", nameof(frame));
        }

        byte[][] bins = new byte[Features][];
        for (int f = 0; f < Edges.Length; f++)
        {
            float[] edges = Edges[f];
            bins[f] = Array.ConvertAll(frame.Numbers[f], v => BinOf(edges, v));
        }

        for (int t = 0; t < Categories.Length; t++)
        {
            Dictionary<string, byte> codes = _codes[t];
            byte[] mapped = Array.ConvertAll(frame.Texts[t].Dictionary, text => codes.GetValueOrDefault(text, (byte)Other));
            bins[Edges.Length + t] = Array.ConvertAll(frame.Texts[t].Codes, c => c < 0 ? (byte)Missing : mapped[c]);
        }

        return bins;
    }

    /// <summary>Finds the bins of one row.</summary>
    /// <param name="numbers">The number features, NaN for a missing one.</param>
    /// <param name="texts">The text features, null for a missing one.</param>
    /// <param name="bins">Where they go, shape [features].</param>
    internal void Apply(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, Span<byte> bins)
    {
        if (numbers.Length != Edges.Length || texts.Length != Categories.Length)
        {
            throw new ArgumentException($"The model was fitted on {Edges.Length} numbers and {Categories.Length} texts; the row has {numbers.Length} and {texts.Length}.", nameof(numbers));
        }

        for (int f = 0; f < numbers.Length; f++)
        {
            bins[f] = BinOf(Edges[f], numbers[f]);
        }

        for (int t = 0; t < texts.Length; t++)
        {
            bins[Edges.Length + t] = texts[t] is { } text ? _codes[t].GetValueOrDefault(text, (byte)Other) : (byte)Missing;
        }
    }

    private static byte BinOf(float[] edges, float value) => float.IsNaN(value) ? (byte)Missing : (byte)(1 + ReferenceProfile.BinOf(edges, value));

    private static float[] EdgesOf(float[] values, int[] sampled, int maxBins)
    {
        float[] sorted = [.. sampled.Select(row => values[row]).Where(v => !float.IsNaN(v))];
        Array.Sort(sorted);
        int distinct = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            distinct += i == 0 || sorted[i] != sorted[i - 1] ? 1 : 0;
        }

        var edges = new List<float>();
        double step = distinct <= maxBins ? 0 : (double)sorted.Length / maxBins;
        double next = step;
        for (int i = 0; i + 1 < sorted.Length && edges.Count < maxBins - 1; i++)
        {
            if (sorted[i] != sorted[i + 1] && i + 1 >= next)
            {
                // the middle, so that new values near an edge fall on the likelier side; where there is none, the lower value
                float middle = (0.5f * sorted[i]) + (0.5f * sorted[i + 1]);
                edges.Add(middle >= sorted[i] && middle < sorted[i + 1] ? middle : sorted[i]);
                next = step == 0 ? 0 : Math.Max(next + step, i + 1 + (step / 2));
            }
        }

        return [.. edges];
    }

    private static string[] CategoriesOf(TextColumn column, int most)
    {
        int[] counts = new int[column.Dictionary.Length];
        foreach (int code in column.Codes)
        {
            if (code >= 0)
            {
                counts[code]++;
            }
        }

        return
        [
            .. Enumerable.Range(0, counts.Length).Where(i => counts[i] > 0)
                .OrderByDescending(i => counts[i]).ThenBy(i => column.Dictionary[i], StringComparer.Ordinal)
                .Take(most).Select(i => column.Dictionary[i]),
        ];
    }
}

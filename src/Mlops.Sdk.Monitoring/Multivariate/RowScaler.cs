using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Makes rows comparable by distance: numbers in standard deviations of the reference from its mean, texts by how frequent their category was there. Immutable and thread-safe.</summary>
/// <remarks>Missing and infinite values count as the mean, unlisted categories as frequency 0, and a constant as deviation 1, so that nothing is divided by zero.</remarks>
internal sealed class RowScaler
{
    private readonly Dictionary<string, double>[] _frequencies;

    internal RowScaler(IReadOnlyList<string> names, double[] means, double[] deviations, Dictionary<string, double>[] frequencies) =>
        (Names, Means, Deviations, _frequencies) = (names, means, deviations, frequencies);

    internal IReadOnlyList<string> Names { get; }

    internal double[] Means { get; }

    internal double[] Deviations { get; }

    internal IReadOnlyList<Dictionary<string, double>> Frequencies => _frequencies;

    internal int Width => Means.Length;

    private int NumberCount => Width - _frequencies.Length;

    /// <summary>Learns means, deviations and frequencies.</summary>
    internal static RowScaler Of(BoostingFrame frame)
    {
        Dictionary<string, double>[] frequencies = [.. frame.Texts.Select(Count)];
        double[] means = new double[frame.Features];
        double[] deviations = new double[frame.Features];
        for (int f = 0; f < frame.Features; f++)
        {
            double[] values = f < frame.Numbers.Count
                ? [.. frame.Numbers[f].Where(float.IsFinite).Select(v => (double)v)]
                : Codes(frame.Texts[f - frame.Numbers.Count], frequencies[f - frame.Numbers.Count]);
            means[f] = values.Length == 0 ? 0 : values.Average();
            // those without a value count as the mean: they add rows and no deviation
            double square = 0;
            foreach (double value in values)
            {
                square += (value - means[f]) * (value - means[f]);
            }

            double deviation = frame.Rows == 0 ? 0 : Math.Sqrt(square / frame.Rows);
            deviations[f] = deviation > 1e-12 * Math.Max(1, Math.Abs(means[f])) ? deviation : 1;
        }

        return new RowScaler([.. frame.NumberNames, .. frame.TextNames], means, deviations, frequencies);
    }

    /// <summary>Scales rows.</summary>
    /// <returns>Row after row, shape [rows * width].</returns>
    internal double[] Apply(BoostingFrame frame)
    {
        if (!frame.NumberNames.Concat(frame.TextNames).SequenceEqual(Names, StringComparer.Ordinal) || frame.Texts.Count != _frequencies.Length)
        {
            throw new ArgumentException($"The reference has {string.Join(", ", Names)}; the rows have {string.Join(", ", frame.NumberNames.Concat(frame.TextNames))}.", nameof(frame));
        }

        double[] scaled = new double[frame.Rows * Width];
        for (int f = 0; f < NumberCount; f++)
        {
            float[] values = frame.Numbers[f];
            for (int row = 0; row < values.Length; row++)
            {
                scaled[(row * Width) + f] = Scale(f, values[row]);
            }
        }

        for (int t = 0; t < _frequencies.Length; t++)
        {
            int f = NumberCount + t;
            Dictionary<string, double> known = _frequencies[t];
            double[] codes = Array.ConvertAll(frame.Texts[t].Dictionary, text => known.GetValueOrDefault(text));
            int[] rows = frame.Texts[t].Codes;
            for (int row = 0; row < rows.Length; row++)
            {
                scaled[(row * Width) + f] = rows[row] < 0 ? 0 : (codes[rows[row]] - Means[f]) / Deviations[f];
            }
        }

        return scaled;
    }

    /// <summary>Scales one row.</summary>
    internal void Apply(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, Span<double> scaled)
    {
        if (numbers.Length != NumberCount || texts.Length != _frequencies.Length)
        {
            throw new ArgumentException($"The reference has {NumberCount} numbers and {_frequencies.Length} texts; the row has {numbers.Length} and {texts.Length}.", nameof(numbers));
        }

        for (int f = 0; f < numbers.Length; f++)
        {
            scaled[f] = Scale(f, numbers[f]);
        }

        for (int t = 0; t < texts.Length; t++)
        {
            int f = NumberCount + t;
            scaled[f] = texts[t] is { } text ? (_frequencies[t].GetValueOrDefault(text) - Means[f]) / Deviations[f] : 0;
        }
    }

    private double Scale(int feature, float value) => float.IsFinite(value) ? (value - Means[feature]) / Deviations[feature] : 0;

    private static Dictionary<string, double> Count(TextColumn column)
    {
        int[] counts = new int[column.Dictionary.Length];
        double values = 0;
        foreach (int code in column.Codes)
        {
            if (code >= 0)
            {
                counts[code]++;
                values++;
            }
        }

        var shares = new Dictionary<string, double>(StringComparer.Ordinal);
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i] > 0)
            {
                shares[column.Dictionary[i]] = counts[i] / values;
            }
        }

        return shares;
    }

    private static double[] Codes(TextColumn column, Dictionary<string, double> shares) =>
        [.. column.Codes.Where(c => c >= 0).Select(c => shares[column.Dictionary[c]])];
}

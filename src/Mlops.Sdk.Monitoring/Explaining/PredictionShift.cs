using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Answers for one row.</summary>
/// <param name="row">The row.</param>
/// <returns>The answer whose shift is explained: a probability, a score or a number.</returns>
public delegate double RowAnswer(ModelRow row);

/// <summary>What a feature adds to the shift of the mean answer.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Contribution">What it adds, in units of the answer.</param>
/// <param name="StandardError">The standard error of that, from the spread over pairs of rows.</param>
public sealed record FeatureContribution(string Feature, double Contribution, double StandardError);

/// <summary>Why the mean answer of a model shifted between two samples of rows: how much each feature's change adds. Immutable.</summary>
/// <remarks>
/// Rows of both samples are paired at random. For each pair the features of the earlier row are replaced by those of the later one, one
/// after the other in random order, and each feature is credited with the change of the answer at its turn. The credits of a pair add up to
/// the difference of its answers, so the contributions add up exactly to the shift of the mean over the pairs. Features that always change
/// together share the credit. Costs one answer per feature and pair.
/// <para>Source: the permutation form of Shapley values, E. Štrumbelj, I. Kononenko, Explaining prediction models and individual predictions
/// with feature contributions, Knowledge and Information Systems 41, 2014, with the later sample as foreground and the earlier as background.</para>
/// </remarks>
public sealed record PredictionShift
{
    /// <summary>Gets the mean answer over the paired rows before.</summary>
    public required double Before { get; init; }

    /// <summary>Gets the mean answer over the paired rows now.</summary>
    public required double Now { get; init; }

    /// <summary>Gets how many pairs of rows were used.</summary>
    public required int Pairs { get; init; }

    /// <summary>Gets the features, largest contribution of either sign first. They add up to <see cref="Shift"/>, to rounding.</summary>
    public required IReadOnlyList<FeatureContribution> Features { get; init; }

    /// <summary>Gets the shift.</summary>
    public double Shift => Now - Before;

    /// <summary>Gets what happened in one sentence.</summary>
    public string Summary
    {
        get
        {
            string most = string.Join(", ", Features.Take(3).Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Feature} {f.Contribution:+0.####;-0.####;0}")));
            return string.Create(CultureInfo.InvariantCulture, $"The mean answer went from {Before:0.####} to {Now:0.####} ({Shift:+0.####;-0.####;0}). What moved it most: {most}.");
        }
    }

    /// <summary>Explains a shift.</summary>
    /// <param name="before">Rows of the reference.</param>
    /// <param name="now">Rows of now, of the same schema.</param>
    /// <param name="answer">The model.</param>
    /// <param name="seed">Makes the pairs and orders; the same seed gives the same result.</param>
    /// <param name="pairs">How many pairs of rows to use, 1 to 1,000,000. The default is 500.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The explanation.</returns>
    /// <exception cref="ArgumentException">A sample is empty, the schemas differ, or an answer is not finite.</exception>
    public static PredictionShift Explain(EncodedTable before, EncodedTable now, RowAnswer answer, int seed, int pairs = 500, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentOutOfRangeException.ThrowIfLessThan(pairs, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pairs, 1_000_000);
        if (before.Rows == 0 || now.Rows == 0 || !before.Schema.Inputs.Select(i => (i.Name, i.Kind)).SequenceEqual(now.Schema.Inputs.Select(i => (i.Name, i.Kind))))
        {
            throw new ArgumentException($"Both samples have rows and the same inputs; there are {before.Rows} rows before and {now.Rows} now.", nameof(now));
        }

        ModelInput[] inputs = [.. now.Schema.Inputs];
        int[] slots = SlotsOf(inputs);
        var random = new Random(seed);
        int[] order = [.. Enumerable.Range(0, inputs.Length)];
        double[] sums = new double[inputs.Length];
        double[] squares = new double[inputs.Length];
        float[] numbers = new float[before.Numbers.Count];
        float[] laterNumbers = new float[numbers.Length];
        string?[] texts = new string?[before.Texts.Count];
        string?[] laterTexts = new string?[texts.Length];
        double meanBefore = 0;
        double meanNow = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            before.ReadRow(random.Next(before.Rows), numbers, texts);
            now.ReadRow(random.Next(now.Rows), laterNumbers, laterTexts);
            random.Shuffle(order);
            double last = Answer(answer, numbers, texts);
            meanBefore += last / pairs;
            foreach (int i in order)
            {
                bool same;
                if (inputs[i].Kind == InputKind.Number)
                {
                    same = numbers[slots[i]].Equals(laterNumbers[slots[i]]);
                    numbers[slots[i]] = laterNumbers[slots[i]];
                }
                else
                {
                    same = texts[slots[i]] == laterTexts[slots[i]];
                    texts[slots[i]] = laterTexts[slots[i]];
                }

                double next = same ? last : Answer(answer, numbers, texts); // an equal value changes no answer
                sums[i] += next - last;
                squares[i] += (next - last) * (next - last);
                last = next;
            }

            meanNow += last / pairs;
        }

        return new PredictionShift
        {
            Before = meanBefore,
            Now = meanNow,
            Pairs = pairs,
            Features =
            [
                .. inputs.Select((input, i) => new FeatureContribution(input.Name, sums[i] / pairs, Math.Sqrt(Math.Max(0, (squares[i] / pairs) - (sums[i] / pairs * (sums[i] / pairs))) / pairs)))
                    .OrderByDescending(f => Math.Abs(f.Contribution)).ThenBy(f => f.Feature, StringComparer.Ordinal),
            ],
        };
    }

    private static int[] SlotsOf(ModelInput[] inputs)
    {
        int number = 0;
        int text = 0;
        return Array.ConvertAll(inputs, i => i.Kind == InputKind.Number ? number++ : text++);
    }

    private static double Answer(RowAnswer answer, float[] numbers, string?[] texts)
    {
        double value = answer(new ModelRow(numbers, texts));
        return double.IsFinite(value) ? value : throw new ArgumentException($"The model answered {value}; a shift of the mean needs finite answers.", nameof(answer));
    }
}

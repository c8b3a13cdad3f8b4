using Mlops.Sdk.Data;

namespace Mlops.Sdk.Serving;

/// <summary>The comparison of a compiled model with the model it was made from, bit for bit.</summary>
/// <param name="Rows">How many rows were compared.</param>
/// <param name="Problem">The first difference, for a person; or null.</param>
internal sealed record Proof(int Rows, string? Problem)
{
    private const int MostProbes = 2_000;

    internal static Proof Of(ILoadedModel reference, ILoadedModel compiled, ModelProgram program, Layout layout, ProbeRows? given)
    {
        var rows = new HostileRows(reference.Schema, program, layout, given);
        float[] expected = new float[reference.Schema.Outputs.Count];
        float[] found = new float[expected.Length];
        int count = 0;
        foreach ((float[] numbers, string?[] texts) in Given(given).Concat(rows.Generate()))
        {
            var row = new ModelRow(numbers, texts);
            reference.Score(row, expected);
            compiled.Score(row, found);
            for (int i = 0; i < expected.Length; i++)
            {
                if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(found[i]))
                {
                    return new Proof(count, FormattableString.Invariant(
                        $"The compiled {compiled.Scorer} differ from the model on probe row {count}: {reference.Schema.Outputs[i]} is {found[i]:R}, expected {expected[i]:R}. The model itself answers."));
                }
            }

            count++;
        }

        return new Proof(count, null);
    }

    private static IEnumerable<(float[] Numbers, string?[] Texts)> Given(ProbeRows? given)
    {
        int rows = given?.Numbers.Count ?? 0;
        int step = Math.Max(1, rows / MostProbes);
        for (int i = 0; i < rows; i += step)
        {
            yield return (given!.Numbers[i], given.Texts[i]);
        }
    }
}

/// <summary>Makes rows that find a difference if there is one: one slot after the other takes each of its critical values, the others random ones.</summary>
internal sealed class HostileRows
{
    private const int MostRows = 20_000;
    private const int MixedRows = 2_000;

    private static readonly float[] Edges =
    [
        float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0f, -0f, 1f, -1f, 0.5f, float.Epsilon, -float.Epsilon,
        float.MaxValue, float.MinValue, 1e-38f, 16_777_216f, 16_777_217f, 1e9f, -1e9f, 1e30f,
    ];

    private static readonly string?[] OddTexts = [null, "", " ", "?", "no such category", "İı", "\u212A", "\0", "NaN"];

    private readonly float[][] _numbers;
    private readonly string?[][] _texts;
    private readonly Random _random = new(7_919);
    private readonly ProbeRows? _given;

    internal HostileRows(ModelSchema schema, ModelProgram program, Layout layout, ProbeRows? given)
    {
        _given = given;
        ModelInput[] numbers = [.. schema.Inputs.Where(i => i.Kind == InputKind.Number)];
        ModelInput[] texts = [.. schema.Inputs.Where(i => i.Kind == InputKind.Text)];
        var thresholds = new Dictionary<string, HashSet<float>>(StringComparer.Ordinal);
        if (program.Predictor is TreeProgram trees)
        {
            foreach (ProgramTree tree in trees.Trees)
            {
                for (int n = 0; n < tree.Feature.Length; n++)
                {
                    if (tree.Feature[n] >= 0 && layout.Columns[layout.ColumnOf[tree.Feature[n]]] is { Text: null } column)
                    {
                        thresholds.TryAdd(column.Input, []);
                        thresholds[column.Input].UnionWith(Sources(tree.Threshold[n], column.Steps));
                    }
                }
            }
        }

        _numbers = [.. numbers.Select(i => NumbersOf(i, thresholds.GetValueOrDefault(i.Name)))];
        _texts = [.. texts.Select(i => TextsOf(i, layout))];
    }

    internal IEnumerable<(float[] Numbers, string?[] Texts)> Generate()
    {
        int rows = 0;
        for (int slot = 0; slot < _numbers.Length; slot++)
        {
            foreach (float value in _numbers[slot].Take(MostRows / Math.Max(1, _numbers.Length)))
            {
                (float[] Numbers, string?[] Texts) row = Base(rows++);
                row.Numbers[slot] = value;
                yield return row;
            }
        }

        for (int slot = 0; slot < _texts.Length; slot++)
        {
            foreach (string? value in _texts[slot].Take(MostRows / Math.Max(1, _texts.Length)))
            {
                (float[] Numbers, string?[] Texts) row = Base(rows++);
                row.Texts[slot] = value;
                yield return row;
            }
        }

        for (int i = 0; i < MixedRows; i++)
        {
            yield return Mixed();
        }
    }

    /// <summary>Finds the inputs near which a feature crosses its threshold: the steps undone, and some floats around.</summary>
    private static IEnumerable<float> Sources(float threshold, IReadOnlyList<NumberStep> steps)
    {
        float source = threshold;
        foreach (NumberStep step in steps.Reverse())
        {
            if (step.Kind == NumberStepKind.Affine && step.Value != 0)
            {
                source = (source / step.Value) + step.Offset;
            }
        }

        float down = source;
        float up = source;
        yield return source;
        for (int i = 0; i < 2; i++)
        {
            down = MathF.BitDecrement(down);
            up = MathF.BitIncrement(up);
            yield return down;
            yield return up;
        }
    }

    private static float[] NumbersOf(ModelInput input, HashSet<float>? thresholds)
    {
        var values = new List<float>(Edges);
        float low = input.Minimum ?? -10;
        float high = input.Maximum ?? 10;
        values.AddRange([low, high, low - 1, high + 1, MathF.BitDecrement(low), MathF.BitIncrement(high), (low / 2) + (high / 2)]);
        values.AddRange(thresholds is null ? [] : thresholds.Order());
        return [.. values];
    }

    private static string?[] TextsOf(ModelInput input, Layout layout)
    {
        var values = new List<string?>(OddTexts);
        foreach (FeatureColumn column in layout.Columns.Where(c => c.Text is not null && c.Input == input.Name))
        {
            values.AddRange(column.Categories);
            foreach (string category in column.Categories.Take(50))
            {
                values.AddRange([category.ToUpperInvariant(), category + " ", category + "x", category.Length > 1 ? category[..^1] : "x"]);
            }
        }

        return [.. values.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>A given row when there are any, else a random mix of ordinary values.</summary>
    private (float[] Numbers, string?[] Texts) Base(int row) => _given is { Numbers.Count: > 0 } given
        ? ([.. given.Numbers[row % given.Numbers.Count]], [.. given.Texts[row % given.Texts.Count]])
        : Mixed();

    private (float[] Numbers, string?[] Texts) Mixed()
    {
        // mostly ordinary values, so that the strange ones do not all drown in one NaN
        float[] numbers = [.. _numbers.Select(v => _random.Next(4) == 0 ? v[_random.Next(v.Length)] : v[_random.Next(Edges.Length, v.Length)])];
        string?[] texts = [.. _texts.Select(v => _random.Next(8) == 0 || v.Length == OddTexts.Length ? v[_random.Next(v.Length)] : v[_random.Next(OddTexts.Length, v.Length)])];
        return (numbers, texts);
    }
}

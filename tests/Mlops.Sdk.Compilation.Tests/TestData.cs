using Mlops.Sdk.Data;

namespace Mlops.Sdk.Compilation.Tests;

/// <summary>Made-up tables with numbers that have holes, texts, and a label that depends on both.</summary>
internal sealed class TestData
{
    internal TestData(int rows, int numbers, int texts, int categories, double missing, int seed, ModelTask task)
    {
        var random = new Random(seed);
        var inputs = new List<ModelInput>();
        var columns = new List<Column>();
        double[] truth = new double[rows];
        for (int n = 0; n < numbers; n++)
        {
            double scale = Math.Pow(10, n % 4);
            double[] values = new double[rows];
            for (int r = 0; r < rows; r++)
            {
                double value = n % 3 == 2 ? random.Next(0, 5) : (random.NextDouble() - 0.3) * scale;
                truth[r] += Math.Sin((value / scale * 3) + n) * (n % 2 == 0 ? 1 : -0.7);
                values[r] = random.NextDouble() < missing ? double.NaN : value;
            }

            columns.Add(new NumberColumn($"N{n}", values));
            double[] known = [.. values.Where(v => !double.IsNaN(v))];
            inputs.Add(new ModelInput($"N{n}", InputKind.Number, $"N{n}") { Minimum = (float)known.Min(), Maximum = (float)known.Max() });
        }

        for (int t = 0; t < texts; t++)
        {
            int count = 2 + (categories * (t + 1) / texts);
            string[] dictionary = [.. Enumerable.Range(0, count).Select(c => $"{(char)('A' + (c % 26))}{c}.{t} kind")];
            int[] codes = new int[rows];
            for (int r = 0; r < rows; r++)
            {
                int code = (int)(count * random.NextDouble() * random.NextDouble());
                truth[r] += ((code * 7 % 5) - 2) * 0.4;
                codes[r] = random.NextDouble() < missing / 2 ? -1 : code;
            }

            columns.Add(new TextColumn($"T{t}", codes, dictionary));
            inputs.Add(new ModelInput($"T{t}", InputKind.Text, $"T{t}") { Categories = dictionary });
        }

        for (int r = 0; r < rows; r++)
        {
            truth[r] += random.NextDouble() - 0.5;
        }

        string[] outputs = task == ModelTask.Binary ? [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel] : [ModelOutputs.Score];
        Schema = new ModelSchema(task, inputs, outputs, "Y");
        var all = EncodedTable.From(new Table(columns), Schema);
        int[] order = [.. Enumerable.Range(0, rows)];
        Train = all.Take(order.AsSpan(0, rows * 3 / 4));
        Test = all.Take(order.AsSpan(rows * 3 / 4));
        Truth = [.. truth.Take(Train.Rows).Select(v => (float)v)];
    }

    internal ModelSchema Schema { get; }

    internal EncodedTable Train { get; }

    internal EncodedTable Test { get; }

    internal float[] Truth { get; }

    internal bool[] Labels => [.. Truth.Select(v => v > 0.2)];

    internal ProbeRows Probes(int rows)
    {
        (float[] Numbers, string?[] Texts)[] picked = [.. TestRows().Take(rows)];
        return new ProbeRows { Numbers = [.. picked.Select(p => p.Numbers)], Texts = [.. picked.Select(p => p.Texts)] };
    }

    internal IEnumerable<(float[] Numbers, string?[] Texts)> TestRows()
    {
        for (int r = 0; r < Test.Rows; r++)
        {
            var numbers = new float[Test.Numbers.Count];
            var texts = new string?[Test.Texts.Count];
            Test.ReadRow(r, numbers, texts);
            yield return (numbers, texts);
        }
    }

    /// <summary>Rows of the strangest values, made independently of those that the compiler proves itself on.</summary>
    internal IEnumerable<(float[] Numbers, string?[] Texts)> HostileRows(int rows, int seed)
    {
        var random = new Random(seed);
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 0f, float.Epsilon, float.MaxValue, float.MinValue, 1e-30f, 16_777_218f];
        string?[] strange = [null, "", " ", "a", "kind", "\uFFFF", "İ", "ſ", "\u212A", new string('x', 5_000)];
        (float[] Numbers, string?[] Texts)[] known = [.. TestRows()];
        for (int i = 0; i < rows; i++)
        {
            (float[] numbers, string?[] texts) = known[random.Next(known.Length)];
            numbers = [.. numbers.Select((v, n) => random.Next(5) switch
            {
                0 => odd[random.Next(odd.Length)],
                1 => known[random.Next(known.Length)].Numbers[n],
                2 => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)) is var any && float.IsNaN(any) ? float.NaN : any,
                3 => MathF.BitIncrement(v),
                _ => v,
            })];
            texts = [.. texts.Select((v, t) => random.Next(5) switch
            {
                0 => strange[random.Next(strange.Length)],
                1 => known[random.Next(known.Length)].Texts[t],
                2 => v?.ToLowerInvariant(),
                3 => v is null ? null : new string(v.AsSpan()), // equal, and another object
                _ => v,
            })];
            yield return (numbers, texts);
        }
    }
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>Rows with their answers, as training sees them.</summary>
internal sealed record LabelledRows(EncodedTable Table, bool[]? Binary, float[]? Numbers)
{
    internal int Count => Table.Rows;

    internal LabelledRows Take(int[] rows) => new(Table.Take(rows), Pick(Binary, rows), Pick(Numbers, rows));

    /// <summary>Hashes what is learned from: slots and answers. Equal content gives equal digests, whatever it was picked from.</summary>
    internal Digest Content()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{Count}/{Table.Numbers.Count}/{Fingerprint.Of(new Table([.. Table.Texts.Select((t, i) => new TextColumn(FormattableString.Invariant($"{i}"), t.Codes, t.Dictionary))]))}/")));
        foreach (float[] values in Table.Numbers)
        {
            hash.AppendData(MemoryMarshal.AsBytes<float>(values));
        }

        hash.AppendData(MemoryMarshal.AsBytes<bool>(Binary));
        hash.AppendData(MemoryMarshal.AsBytes<float>(Numbers));
        return Digest.FromHash(hash.GetHashAndReset());
    }

    private static TValue[]? Pick<TValue>(TValue[]? values, int[] rows) => values is null ? null : Array.ConvertAll(rows, r => values[r]);
}

/// <summary>A model's answers for rows.</summary>
/// <param name="Schema">What the model gives.</param>
/// <param name="Outputs">All outputs in schema order, shape [outputs][rows].</param>
internal sealed record Answers(ModelSchema Schema, float[][] Outputs)
{
    /// <summary>Gets what is compared: the probability, or the number.</summary>
    internal float[] Main => Outputs[Schema.Task == ModelTask.Binary ? IndexOf(ModelOutputs.Probability) : IndexOf(ModelOutputs.Score)];

    internal bool[] Predicted => Array.ConvertAll(Outputs[IndexOf(ModelOutputs.PredictedLabel)], v => v != 0);

    internal static Answers Of(ILoadedModel model, EncodedTable table)
    {
        ModelSchema schema = model.Schema;
        float[][] outputs = [.. schema.Outputs.Select(_ => new float[table.Rows])];
        float[] numbers = new float[table.Numbers.Count];
        string?[] texts = new string?[table.Texts.Count];
        float[] row = new float[schema.Outputs.Count];
        var answers = new Answers(schema, outputs);
        float[] main = answers.Main;
        for (int i = 0; i < table.Rows; i++)
        {
            table.ReadRow(i, numbers, texts);
            model.Score(new ModelRow(numbers, texts), row);
            for (int o = 0; o < row.Length; o++)
            {
                outputs[o][i] = row[o];
            }

            if (!float.IsFinite(main[i]))
            {
                throw new MlopsModelException("pipeline.answer_not_finite", $"The model answers {main[i]} for row {i} of {table.Rows}; a finite number is needed to evaluate it. Keep infinite and huge inputs out with Validate(v => v.Between(...)).");
            }
        }

        return answers;
    }

    internal Evaluation Evaluate(LabelledRows rows) => Schema.Task == ModelTask.Binary
        ? Evaluator.Binary(Main, Predicted, rows.Binary!)
        : Evaluator.Regression(Main, rows.Numbers!);

    internal Answers Take(int[] rows) => new(Schema, Array.ConvertAll(Outputs, o => Array.ConvertAll(rows, r => o[r])));

    private int IndexOf(string output)
    {
        for (int i = 0; i < Schema.Outputs.Count; i++)
        {
            if (Schema.Outputs[i] == output)
            {
                return i;
            }
        }

        throw new MlopsModelException("model.unloadable", $"The model gives {string.Join(", ", Schema.Outputs)}; '{output}' is needed to evaluate it.");
    }
}

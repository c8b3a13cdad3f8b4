using System.Security.Cryptography;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>Tells how much each input matters: how much worse the answers get when the input's values are dealt out among the rows at random.</summary>
/// <remarks>
/// Worse is the area under the ROC curve that is lost (binary), or the mean absolute error that is added (regression, in units of the label).
/// About 0 for an input that the model does not use; below 0 by chance. Inputs that tell the same share their importance.
/// The rows are at most 2,000 of those not trained on, fewer (at least 100) where inputs are many; each input is dealt out once, by a seed of its own made of
/// the run's and the input's name, so that another input more changes nothing for the others.
/// <para>Source: L. Breiman, Random forests, Machine Learning 45, 2001, section 10; A. Fisher, C. Rudin, F. Dominici, JMLR 20, 2019.</para>
/// </remarks>
internal static class PermutationImportance
{
    internal const string Method = "permutation";
    private const int MostRows = 2_000;
    private const int LeastRows = 100;
    private const int MostScores = 1_000_000;

    /// <summary>Measures.</summary>
    /// <returns>The importance by input, or null when there is nothing to lose: one class only, or no row.</returns>
    internal static Dictionary<string, double>? Of(ILoadedModel model, LabelledRows rows, int seed, CancellationToken cancellationToken)
    {
        ModelSchema schema = model.Schema;
        int count = Math.Min(rows.Count, Math.Clamp(MostScores / Math.Max(1, schema.Inputs.Count), LeastRows, MostRows));
        if (count < rows.Count)
        {
            rows = rows.Take([.. Shuffled(rows.Count, Seed(seed, "rows")).Take(count).Order()]);
        }

        if (count == 0 || Quality(Answers.Of(model, rows.Table), rows) is not { } before)
        {
            return null;
        }

        var importance = new Dictionary<string, double>(StringComparer.Ordinal);
        int number = 0;
        int text = 0;
        foreach (ModelInput input in schema.Inputs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] order = Shuffled(count, Seed(seed, input.Name));
            bool isNumber = input.Kind == InputKind.Number;
            float[] main = Answer(model, rows.Table, order, isNumber ? number++ : -1, isNumber ? -1 : text++);
            if (Quality(main, rows) is { } after && double.IsFinite(before - after))
            {
                importance[input.Name] = before - after;
            }
        }

        return importance.Count == 0 ? null : importance;
    }

    private static double? Quality(Answers answers, LabelledRows rows) => Quality(answers.Main, rows);

    /// <summary>Larger is better.</summary>
    private static double? Quality(float[] main, LabelledRows rows)
    {
        if (rows.Binary is { } labels)
        {
            int positive = labels.Count(l => l);
            return positive == 0 || positive == labels.Length ? null : RocArea.Placements(main, labels).Auc;
        }

        double sum = 0;
        for (int i = 0; i < main.Length; i++)
        {
            sum += Math.Abs((double)main[i] - rows.Numbers![i]);
        }

        return -sum / main.Length;
    }

    /// <summary>Answers all rows, each with one input's value of another row.</summary>
    private static float[] Answer(ILoadedModel model, EncodedTable table, int[] order, int number, int text)
    {
        string wanted = model.Schema.Task == ModelTask.Binary ? ModelOutputs.Probability : ModelOutputs.Score;
        int output = model.Schema.Outputs.ToList().IndexOf(wanted);
        float[] numbers = new float[table.Numbers.Count];
        string?[] texts = new string?[table.Texts.Count];
        float[] row = new float[model.Schema.Outputs.Count];
        float[] main = new float[table.Rows];
        for (int i = 0; i < main.Length; i++)
        {
            table.ReadRow(i, numbers, texts);
            if (number >= 0)
            {
                numbers[number] = table.Numbers[number][order[i]];
            }
            else
            {
                texts[text] = table.Texts[text][order[i]];
            }

            model.Score(new ModelRow(numbers, texts), row);
            main[i] = row[output];
        }

        return main;
    }

    private static int[] Shuffled(int count, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(order);
        return order;
    }

    private static int Seed(int seed, string of) => BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"importance:{seed}:{of}")))) & int.MaxValue;
}

namespace Mlops.Sdk.Monitoring;

/// <summary>Where a model's outputs hold scores and answer.</summary>
/// <remarks>Yes and no: <c>Probability</c>, and <c>PredictedLabel</c> or else the probability against 0.5. Classes: every output but <c>Score</c> and <c>PredictedLabel</c> is the probability of the class of its name. Number: <c>Score</c> or else the first output.</remarks>
internal sealed class OutcomeLayout
{
    internal const int MaxScores = 256;
    private readonly int[] _scores;
    private readonly int _answer;

    private OutcomeLayout(ModelTask task, int[] scores, int answer, string[] classes) => (Task, _scores, _answer, Classes) = (task, scores, answer, classes);

    internal ModelTask Task { get; }

    /// <summary>Gets the classes' names in the order of their scores; empty unless there are several.</summary>
    internal string[] Classes { get; }

    internal int Scores => _scores.Length;

    /// <returns>The layout, or null when the outputs do not tell a score.</returns>
    internal static OutcomeLayout? Of(ModelSchema schema)
    {
        int Find(string name) => Enumerable.Range(0, schema.Outputs.Count).FirstOrDefault(i => schema.Outputs[i] == name, -1);
        int answer = Find(ModelOutputs.PredictedLabel);
        switch (schema.Task)
        {
            case ModelTask.Binary:
                int probability = Find(ModelOutputs.Probability);
                return probability < 0 ? null : new OutcomeLayout(schema.Task, [probability], answer, []);
            case ModelTask.Multiclass:
                int[] classes = [.. Enumerable.Range(0, schema.Outputs.Count).Where(i => schema.Outputs[i] is not (ModelOutputs.Score or ModelOutputs.PredictedLabel))];
                return classes.Length is < 2 or > MaxScores ? null : new OutcomeLayout(schema.Task, classes, answer, [.. classes.Select(i => schema.Outputs[i])]);
            default:
                return schema.Outputs.Count == 0 ? null : new OutcomeLayout(schema.Task, [Math.Max(0, Find(ModelOutputs.Score))], -1, []);
        }
    }

    /// <summary>Reads the scores and tells the answer.</summary>
    /// <returns>False when a score is not finite, or the outputs are too few.</returns>
    internal bool Read(ReadOnlySpan<float> outputs, Span<float> scores, out float answer)
    {
        answer = 0;
        int best = 0;
        for (int i = 0; i < _scores.Length; i++)
        {
            if (_scores[i] >= outputs.Length || !float.IsFinite(scores[i] = outputs[_scores[i]]))
            {
                return false;
            }

            best = scores[i] > scores[best] ? i : best;
        }

        answer = Task switch
        {
            ModelTask.Binary => (_answer >= 0 && _answer < outputs.Length ? outputs[_answer] != 0 : scores[0] >= 0.5f) ? 1 : 0,
            ModelTask.Multiclass => _answer >= 0 && _answer < outputs.Length && outputs[_answer] >= 0 && outputs[_answer] < _scores.Length ? (int)outputs[_answer] : best,
            _ => scores[0],
        };
        return true;
    }

    /// <summary>Turns a truth into the number that answers are told by.</summary>
    /// <returns>The number, or NaN when it is none: the text is no class, or the number no class' number.</returns>
    internal double TruthOf(double number, string? text)
    {
        if (text is not null)
        {
            return Task switch
            {
                ModelTask.Multiclass => Array.IndexOf(Classes, text) is var at and >= 0 ? at : double.NaN,
                ModelTask.Binary => text switch { "true" or "True" or "1" or "yes" => 1, "false" or "False" or "0" or "no" => 0, _ => double.NaN },
                _ => double.TryParse(text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out double parsed) && double.IsFinite(parsed) ? parsed : double.NaN,
            };
        }

        return Task switch
        {
            _ when !double.IsFinite(number) => double.NaN,
            ModelTask.Binary => number is 0 or 1 ? number : double.NaN,
            ModelTask.Multiclass => number >= 0 && number < _scores.Length && number == Math.Floor(number) ? number : double.NaN,
            _ => number,
        };
    }
}

using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Tells how two schemas differ, as seen by whoever sends rows and reads answers.</summary>
/// <remarks>
/// A change breaks callers when they do not send a column that is now taken, send a value of another kind, or no longer get an answer that they read.
/// A column that is not taken any more breaks nobody. Other categories and ranges break nobody either; they say that the data moved.
/// </remarks>
internal static class SchemaComparison
{
    private const int MostShown = 5;

    internal static List<SchemaChange> Compare(ModelSchema from, ModelSchema to)
    {
        List<SchemaChange> changes = [];
        if (from.Task != to.Task)
        {
            changes.Add(new(SchemaChangeKind.TaskChanged, "task", $"{from.Task}", $"{to.Task}", Breaking: true, $"The task was {from.Task} and is {to.Task}: answers mean something else."));
        }

        if (from.Label != to.Label)
        {
            changes.Add(new(SchemaChangeKind.LabelChanged, "label", from.Label, to.Label, Breaking: false, $"The learned column was {Quote(from.Label)} and is {Quote(to.Label)}: an answer's member of the old name matches no more."));
        }

        CompareInputs(from, to, changes);
        CompareOutputs(from, to, changes);
        return changes;
    }

    private static void CompareInputs(ModelSchema from, ModelSchema to, List<SchemaChange> changes)
    {
        Dictionary<string, ModelInput> before = from.Inputs.ToDictionary(i => i.Name, StringComparer.Ordinal);
        Dictionary<string, ModelInput> after = to.Inputs.ToDictionary(i => i.Name, StringComparer.Ordinal);
        ILookup<string, string> sent = from.Inputs.ToLookup(i => i.Source, Sent, StringComparer.Ordinal);
        foreach (ModelInput input in from.Inputs)
        {
            if (!after.ContainsKey(input.Name))
            {
                changes.Add(new(SchemaChangeKind.InputRemoved, input.Name, Describe(input), null, Breaking: false, $"Input {Quote(input.Name)} is not taken any more; callers may go on sending column {Quote(input.Source)}."));
            }
        }

        foreach (ModelInput input in to.Inputs)
        {
            bool isSent = sent.Contains(input.Source);
            bool sentAlike = sent[input.Source].Contains(Sent(input), StringComparer.Ordinal);
            string need = isSent
                ? $"column {Quote(input.Source)} has to be {Sent(input)}, and callers send {string.Join(" and ", sent[input.Source].Distinct(StringComparer.Ordinal))}."
                : $"callers have to send column {Quote(input.Source)}.";
            if (!before.TryGetValue(input.Name, out ModelInput? was))
            {
                string message = sentAlike ? $"Input {Quote(input.Name)} is new and made of column {Quote(input.Source)}, which callers send already." : $"Input {Quote(input.Name)} is new: {need}";
                changes.Add(new(SchemaChangeKind.InputAdded, input.Name, null, Describe(input), !sentAlike, message));
                continue;
            }

            if (was.Source != input.Source || was.Part != input.Part || was.Kind != input.Kind)
            {
                SchemaChangeKind kind = Sent(was) != Sent(input) ? SchemaChangeKind.InputKindChanged : SchemaChangeKind.InputSourceChanged;
                string message = sentAlike
                    ? $"Input {Quote(input.Name)} was {Describe(was)} and is {Describe(input)}; callers send what it takes."
                    : $"Input {Quote(input.Name)} was {Describe(was)} and is {Describe(input)}: {need}";
                changes.Add(new(kind, input.Name, Describe(was), Describe(input), !sentAlike, message));
            }

            CompareValues(was, input, changes);
        }
    }

    private static void CompareValues(ModelInput was, ModelInput input, List<SchemaChange> changes)
    {
        HashSet<string> before = [.. was.Categories ?? []];
        HashSet<string> after = [.. input.Categories ?? []];
        if (!before.SetEquals(after))
        {
            string gone = List(was.Categories, after);
            string added = List(input.Categories, before);
            changes.Add(new(
                SchemaChangeKind.CategoriesChanged,
                input.Name,
                Count(before.Count, "category", "categories"),
                Count(after.Count, "category", "categories"),
                Breaking: false,
                $"Input {Quote(input.Name)} was trained on other categories: new are {added}; no longer known are {gone}."));
        }

        if (was.Minimum != input.Minimum || was.Maximum != input.Maximum)
        {
            changes.Add(new(SchemaChangeKind.RangeChanged, input.Name, Range(was), Range(input), Breaking: false, $"Input {Quote(input.Name)} was trained on {Range(was)} and is trained on {Range(input)}."));
        }
    }

    private static void CompareOutputs(ModelSchema from, ModelSchema to, List<SchemaChange> changes)
    {
        foreach (string output in from.Outputs.Except(to.Outputs, StringComparer.Ordinal))
        {
            changes.Add(new(SchemaChangeKind.OutputRemoved, output, output, null, Breaking: true, $"Output {Quote(output)} is not given any more: callers who read it get nothing."));
        }

        foreach (string output in to.Outputs.Except(from.Outputs, StringComparer.Ordinal))
        {
            changes.Add(new(SchemaChangeKind.OutputAdded, output, null, output, Breaking: false, $"Output {Quote(output)} is new."));
        }

        if (!from.Outputs.Intersect(to.Outputs, StringComparer.Ordinal).SequenceEqual(to.Outputs.Intersect(from.Outputs, StringComparer.Ordinal), StringComparer.Ordinal))
        {
            changes.Add(new(SchemaChangeKind.OutputsReordered, "outputs", string.Join(", ", from.Outputs), string.Join(", ", to.Outputs), Breaking: false, "The outputs come in another order; callers who read them by name do not notice."));
        }
    }

    /// <summary>What a caller has to put into the column.</summary>
    private static string Sent(ModelInput input) => input.Part != DatePart.None ? "a date" : input.Kind == InputKind.Number ? "a number" : "a text";

    private static string Describe(ModelInput input) => input.Part == DatePart.None ? $"{Sent(input)} of column {Quote(input.Source)}" : $"the {input.Part} of column {Quote(input.Source)}";

    private static string Range(ModelInput input) => input.Minimum is null && input.Maximum is null
        ? "no known range"
        : string.Create(CultureInfo.InvariantCulture, $"{input.Minimum?.ToString("R", CultureInfo.InvariantCulture) ?? "?"} to {input.Maximum?.ToString("R", CultureInfo.InvariantCulture) ?? "?"}");

    private static string Count(int count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");

    private static string List(IReadOnlyList<string>? categories, HashSet<string> without)
    {
        string[] all = [.. (categories ?? []).Where(c => !without.Contains(c))];
        return all.Length == 0 ? "none" : string.Join(", ", all.Take(MostShown).Select(Quote)) + (all.Length > MostShown ? $" and {all.Length - MostShown} more" : string.Empty);
    }

    private static string Quote(string text) => RegistryRules.Show(text);
}

namespace Mlops.Sdk.Serving;

/// <summary>How a feature vector is made from the slots of a row: one column for each part, checked against the schema.</summary>
internal sealed class Layout
{
    private const int MostFeatures = 1 << 20;

    internal Layout(ModelProgram program, ModelSchema schema)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var texts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ModelInput input in schema.Inputs)
        {
            Dictionary<string, int> slots = input.Kind == InputKind.Number ? numbers : texts;
            slots.Add(input.Name, slots.Count);
        }

        var columns = new List<FeatureColumn>();
        int first = 0;
        foreach (ProgramFeature feature in program.Features)
        {
            FeatureColumn column = feature switch
            {
                NumberFeature number => new FeatureColumn(number.Input, SlotOf(numbers, number), new NumberSource(SlotOf(numbers, number), number.Steps), null, first, 1) { Steps = number.Steps },
                CategoryFeature text => new FeatureColumn(text.Input, SlotOf(texts, text), default, new TextLookup(text.Categories), first, text.Categories.Count) { Categories = text.Categories },
                _ => throw new NotCompilableException($"a feature of kind {feature.GetType().Name} is not known"),
            };
            columns.Add(column);
            first += column.Width;
            if (first > MostFeatures)
            {
                throw new NotCompilableException($"it has more than {MostFeatures} features");
            }
        }

        Columns = [.. columns];
        Features = first;
        ColumnOf = new int[first];
        for (int i = 0; i < Columns.Length; i++)
        {
            Array.Fill(ColumnOf, i, Columns[i].First, Columns[i].Width);
        }
    }

    internal FeatureColumn[] Columns { get; }

    /// <summary>Gets how many slots the feature vector has.</summary>
    internal int Features { get; }

    /// <summary>Gets the column of each slot of the feature vector.</summary>
    internal int[] ColumnOf { get; }

    private static int SlotOf(Dictionary<string, int> slots, ProgramFeature feature) => slots.TryGetValue(feature.Input, out int slot)
        ? slot
        : throw new NotCompilableException($"the schema has no input '{feature.Input}' of the right kind");
}

/// <summary>One part of the feature vector.</summary>
/// <param name="Input">The name of the input.</param>
/// <param name="Slot">Which of the number slots, or of the text slots, it is.</param>
/// <param name="Number">How a number is read; of no use for a text.</param>
/// <param name="Text">How a text is read, or null for a number.</param>
/// <param name="First">Its first slot of the feature vector.</param>
/// <param name="Width">How many slots it has.</param>
internal sealed record FeatureColumn(string Input, int Slot, NumberSource Number, TextLookup? Text, int First, int Width)
{
    internal IReadOnlyList<NumberStep> Steps { get; init; } = [];

    internal IReadOnlyList<string> Categories { get; init; } = [];
}

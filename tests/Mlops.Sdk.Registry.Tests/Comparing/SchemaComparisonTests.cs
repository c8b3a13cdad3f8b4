namespace Mlops.Sdk.Registry.Tests;

public sealed class SchemaComparisonTests
{
    private static readonly ModelInput Distance = new("Distance", InputKind.Number, "Distance") { Minimum = 0, Maximum = 9 };
    private static readonly ModelInput City = new("City", InputKind.Text, "City") { Categories = ["Graz", "Linz"] };
    private static readonly ModelInput Month = new("At.Month", InputKind.Number, "At", DatePart.Month);
    private static readonly ModelSchema Base = new(ModelTask.Regression, [Distance, City, Month], ["Score"], "Fare");

    public static TheoryData<string, ModelSchema, SchemaChangeKind, string, bool> Changes => new()
    {
        { "new column", Base with { Inputs = [.. Base.Inputs, new("Tip", InputKind.Number, "Tip")] }, SchemaChangeKind.InputAdded, "Tip", true },
        { "another part of a date that is sent", Base with { Inputs = [.. Base.Inputs, new("At.Hour", InputKind.Number, "At", DatePart.Hour)] }, SchemaChangeKind.InputAdded, "At.Hour", false },
        { "the date as a number", Base with { Inputs = [.. Base.Inputs, new("At", InputKind.Number, "At")] }, SchemaChangeKind.InputAdded, "At", true },
        { "a second input of a column that is sent", Base with { Inputs = [.. Base.Inputs, new("Far", InputKind.Number, "Distance")] }, SchemaChangeKind.InputAdded, "Far", false },
        { "column not taken any more", Base with { Inputs = [Distance, Month] }, SchemaChangeKind.InputRemoved, "City", false },
        { "number becomes text", Base with { Inputs = [new("Distance", InputKind.Text, "Distance") { Minimum = 0, Maximum = 9 }, City, Month] }, SchemaChangeKind.InputKindChanged, "Distance", true },
        { "number becomes date", Base with { Inputs = [Distance with { Part = DatePart.Year }, City, Month] }, SchemaChangeKind.InputKindChanged, "Distance", true },
        { "another column", Base with { Inputs = [Distance with { Source = "Miles" }, City, Month] }, SchemaChangeKind.InputSourceChanged, "Distance", true },
        { "another part", Base with { Inputs = [Distance, City, Month with { Part = DatePart.Hour }] }, SchemaChangeKind.InputSourceChanged, "At.Month", false },
        { "other categories", Base with { Inputs = [Distance, City with { Categories = ["Graz", "Wien"] }, Month] }, SchemaChangeKind.CategoriesChanged, "City", false },
        { "other range", Base with { Inputs = [Distance with { Maximum = 12 }, City, Month] }, SchemaChangeKind.RangeChanged, "Distance", false },
        { "no range", Base with { Inputs = [Distance with { Minimum = null, Maximum = null }, City, Month] }, SchemaChangeKind.RangeChanged, "Distance", false },
        { "output gone", Base with { Outputs = ["Other"] }, SchemaChangeKind.OutputRemoved, "Score", true },
        { "output more", Base with { Outputs = ["Score", "Spread"] }, SchemaChangeKind.OutputAdded, "Spread", false },
        { "another task", Base with { Task = ModelTask.Binary }, SchemaChangeKind.TaskChanged, "task", true },
        { "another label", Base with { Label = "Price" }, SchemaChangeKind.LabelChanged, "label", false },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_change_is_found_and_breaks_callers_or_not(string what, ModelSchema to, SchemaChangeKind kind, string name, bool breaking)
    {
        SchemaChange change = SchemaComparison.Compare(Base, to).Find(c => c.Kind == kind && c.Name == name) ?? throw new InvalidOperationException(what);
        Assert.Equal(breaking, change.Breaking);
        Assert.NotEmpty(change.Message);
    }

    [Fact]
    public void Equal_schemas_do_not_differ_and_the_order_of_inputs_and_categories_is_no_difference()
    {
        Assert.Empty(SchemaComparison.Compare(Base, Base with { Inputs = [.. Base.Inputs] }));
        Assert.Empty(SchemaComparison.Compare(Base, Base with { Inputs = [Month, City with { Categories = ["Linz", "Graz"] }, Distance] }));
    }

    [Fact]
    public void Outputs_in_another_order_are_told_once()
    {
        ModelSchema two = Base with { Outputs = ["Score", "Probability", "PredictedLabel"] };
        SchemaChange change = Assert.Single(SchemaComparison.Compare(two, two with { Outputs = ["Probability", "Score", "PredictedLabel"] }));
        Assert.Equal((SchemaChangeKind.OutputsReordered, false), (change.Kind, change.Breaking));
    }

    [Fact]
    public void Callers_break_exactly_when_they_lack_a_column_of_the_kind_or_an_output()
    {
        // a caller who sends every column that the first schema takes, as it takes it, against what the second one asks for
        Gen<ModelInput> input = Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Int[0, 2]).Select((source, text, part) =>
        {
            DatePart date = part == 0 ? DatePart.Month : DatePart.None;
            return new ModelInput($"{source}{date}{text}", text && part > 0 ? InputKind.Text : InputKind.Number, $"{source}", date);
        });
        Gen<ModelSchema> schema = Gen.Select(input.Array[1, 4], Gen.Bool.Select(b => b ? "Score" : "Probability").Array[1, 2]).Select((inputs, outputs) =>
            new ModelSchema(ModelTask.Regression, [.. inputs.DistinctBy(i => i.Name)], [.. outputs.Distinct()], "l"));
        Gen.Select(schema, schema).Sample(
            (from, to) =>
            {
                HashSet<(string, string)> sent = [.. from.Inputs.Select(Sent)];
                bool breaks = to.Inputs.Any(i => !sent.Contains(Sent(i))) || from.Outputs.Any(o => !to.Outputs.Contains(o));
                Assert.Equal(breaks, SchemaComparison.Compare(from, to).Exists(c => c.Breaking));
            },
            iter: 5_000);

        static (string, string) Sent(ModelInput i) => (i.Source, i.Part != DatePart.None ? "date" : i.Kind.ToString());
    }
}

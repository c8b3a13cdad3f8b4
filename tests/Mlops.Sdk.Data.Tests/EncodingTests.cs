namespace Mlops.Sdk.Data.Tests;

/// <summary>One row and a whole table must become the same slots: training and serving cannot differ.</summary>
public sealed class EncodingTests
{
    private static readonly ModelSchema Schema = new(
        ModelTask.Binary,
        [
            new ModelInput("Miles", InputKind.Number, "Miles"),
            new ModelInput("Vendor", InputKind.Text, "Vendor"),
            new ModelInput("Fee", InputKind.Number, "Fee"),
            new ModelInput("Paid", InputKind.Number, "Paid"),
            new ModelInput("Kind", InputKind.Text, "Kind"),
            new ModelInput("Day.Month", InputKind.Number, "Day", DatePart.Month),
            new ModelInput("Day.DayOfWeek", InputKind.Number, "Day", DatePart.DayOfWeek),
        ],
        [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel],
        "Tipped");

    private static readonly Gen<Trip> Trips = Gen.Select(
        Gen.OneOf(Gen.Float, Gen.Const(float.NaN), Gen.Const(float.PositiveInfinity), Gen.Const(-0f)),
        Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 0, 4], Gen.Const("ıİ ü"), Gen.Const(string.Empty)),
        Gen.Decimal[-1_000, 1_000].Nullable(),
        Gen.Bool.Nullable(),
        Gen.Enum<DayOfWeek>(),
        Gen.Int[0, 20_000].Select(d => DateOnly.FromDayNumber(700_000 + d)).Nullable(),
        (miles, vendor, fee, paid, kind, day) => new Trip(miles, vendor, fee, paid, kind, day));

    [Fact]
    public void Rows_and_tables_give_the_same_bits() => Trips.Array[1, 40].Sample(rows =>
    {
        EncodedTable table = EncodedTable.From(rows.ToTable(), Schema);
        var encoder = new RowEncoder<Trip>(Schema);
        float[] one = new float[encoder.Numbers];
        string?[] oneTexts = new string?[encoder.Texts];
        float[] other = new float[encoder.Numbers];
        string?[] otherTexts = new string?[encoder.Texts];
        for (int i = 0; i < rows.Length; i++)
        {
            encoder.Encode(rows[i], one, oneTexts);
            table.ReadRow(i, other, otherTexts);
            Assert.Equal(one.Select(BitConverter.SingleToInt32Bits), other.Select(BitConverter.SingleToInt32Bits));
            Assert.Equal(oneTexts, otherTexts);
        }
    });

    [Fact]
    public void A_record_without_a_column_the_model_takes_is_refused_with_the_nearest_name()
    {
        MlopsDataException error = Assert.Throws<MlopsDataException>(() => new RowEncoder<Other>(Schema));
        Assert.Equal("data.column_missing", error.Code);
        Assert.Contains("Did you mean 'Mile'?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_are_named_after_outputs_or_the_label()
    {
        Assert.Equal(new Answer(0.75f, true), new OutputBinder<Answer>(Schema).Read([1.5f, 0.75f, 1]));
        Assert.Equal("data.output_missing", Assert.Throws<MlopsDataException>(() => new OutputBinder<Wrong>(Schema)).Code);
    }

    [Fact]
    public void Equal_content_has_one_fingerprint_and_any_change_another() => Trips.Array[2, 20].Sample(rows =>
    {
        Table table = rows.ToTable();
        // the same rows by another way, which leaves another dictionary behind
        Table again = rows.Concat(rows.Reverse()).ToArray().ToTable().Take([.. Enumerable.Range(0, rows.Length)]);
        Assert.Equal(Fingerprint.Of(table), Fingerprint.Of(again));
        Trip[] changed = [rows[0] with { Vendor = rows[0].Vendor + "x" }, .. rows[1..]];
        Assert.NotEqual(Fingerprint.Of(table), Fingerprint.Of(changed.ToTable()));
    });

    private sealed record Trip(float Miles, string? Vendor, decimal? Fee, bool? Paid, DayOfWeek Kind, DateOnly? Day);

    private sealed record Other(float Mile);

    private readonly record struct Answer(float Probability, bool Tipped);

    private sealed record Wrong(float Nonsense);
}

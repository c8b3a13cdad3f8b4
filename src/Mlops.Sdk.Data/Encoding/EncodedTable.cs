namespace Mlops.Sdk.Data;

/// <summary>A table as a model sees it: the slots of every row, column by column. Immutable by agreement.</summary>
public sealed class EncodedTable
{
    private EncodedTable(ModelSchema schema, int rows, IReadOnlyList<float[]> numbers, IReadOnlyList<TextColumn> texts) =>
        (Schema, Rows, Numbers, Texts) = (schema, rows, numbers, texts);

    /// <summary>Gets what the model takes.</summary>
    public ModelSchema Schema { get; }

    /// <summary>Gets how many rows there are.</summary>
    public int Rows { get; }

    /// <summary>Gets the number inputs in schema order, shape [number inputs][rows]; NaN for a missing one.</summary>
    public IReadOnlyList<float[]> Numbers { get; }

    /// <summary>Gets the text inputs in schema order, dictionary-coded, each with as many rows.</summary>
    public IReadOnlyList<TextColumn> Texts { get; }

    /// <summary>Converts a table by the same rules as <see cref="RowEncoder{T}"/> converts single rows.</summary>
    /// <param name="table">The table; it has at least the columns the model takes.</param>
    /// <param name="schema">What the model takes.</param>
    /// <returns>The slots.</returns>
    /// <exception cref="MlopsDataException">A column is missing (<c>data.column_missing</c>) or of another kind (<c>data.column_kind</c>).</exception>
    public static EncodedTable From(Table table, ModelSchema schema)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(schema);
        var numbers = new List<float[]>();
        var texts = new List<TextColumn>();
        foreach (ModelInput input in schema.Inputs)
        {
            switch (table[input.Source], input.Kind)
            {
                case (TextColumn text, InputKind.Text):
                    texts.Add(text);
                    break;
                case (NumberColumn number, InputKind.Number) when input.Part == DatePart.None:
                    numbers.Add(Array.ConvertAll(number.Values, Conversions.Slot));
                    break;
                case (TimeColumn time, InputKind.Number):
                    numbers.Add(Array.ConvertAll(time.Ticks, t => Conversions.Slot(t, input.Part)));
                    break;
                case (Column other, _):
                    throw new MlopsDataException("data.column_kind", $"The model takes '{input.Name}' as a {input.Kind.ToString().ToLowerInvariant()}; the column '{other.Name}' is a {other.GetType().Name}.");
            }
        }

        return new EncodedTable(schema, table.Rows, numbers, texts);
    }

    /// <summary>Reads one row.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <param name="numbers">Where the number inputs go, shape [number inputs].</param>
    /// <param name="texts">Where the text inputs go, shape [text inputs].</param>
    public void ReadRow(int row, Span<float> numbers, Span<string?> texts)
    {
        for (int i = 0; i < Numbers.Count; i++)
        {
            numbers[i] = Numbers[i][row];
        }

        for (int i = 0; i < Texts.Count; i++)
        {
            texts[i] = Texts[i][row];
        }
    }

    /// <summary>Picks rows.</summary>
    /// <param name="rows">The rows to pick, in the order wanted.</param>
    /// <returns>A new table with those rows.</returns>
    public EncodedTable Take(ReadOnlySpan<int> rows)
    {
        var numbers = new float[Numbers.Count][];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = Numbers[i].Pick(rows);
        }

        var texts = new TextColumn[Texts.Count];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = (TextColumn)Texts[i].Take(rows);
        }

        return new EncodedTable(Schema, rows.Length, numbers, texts);
    }
}

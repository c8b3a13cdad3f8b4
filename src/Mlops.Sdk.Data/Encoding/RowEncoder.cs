using System.Linq.Expressions;

namespace Mlops.Sdk.Data;

/// <summary>Turns a record into the slots a model sees. Immutable, thread-safe, free of allocation per row.</summary>
/// <typeparam name="T">The record: it has at least the columns the model takes; others do not matter.</typeparam>
public sealed class RowEncoder<T>
{
    private readonly Func<T, float>[] _numbers;
    private readonly Func<T, string?>[] _texts;

    /// <summary>Prepares the conversion.</summary>
    /// <param name="schema">What the model takes.</param>
    /// <exception cref="MlopsDataException">
    /// The record lacks a column that the model takes (<c>data.column_missing</c>), has it in another kind (<c>data.column_kind</c>), or cannot be columns (<c>data.unsupported_type</c>).
    /// </exception>
    public RowEncoder(ModelSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        RecordShape<T> shape = RecordShape<T>.Instance;
        var numbers = new List<Func<T, float>>();
        var texts = new List<Func<T, string?>>();
        foreach (ModelInput input in schema.Inputs)
        {
            RecordMember member = shape.Find(input.Source) ?? throw Missing(shape, input);
            ParameterExpression row = Expression.Parameter(typeof(T));
            if (input.Kind == InputKind.Text && member.Kind == MemberKind.Text)
            {
                texts.Add(Expression.Lambda<Func<T, string?>>(member.ToText(row), row).Compile());
            }
            else if (input.Kind == InputKind.Number && member.Kind == MemberKind.Number && input.Part == DatePart.None)
            {
                numbers.Add(Expression.Lambda<Func<T, float>>(Expression.Call(typeof(Conversions), nameof(Conversions.Slot), null, member.ToNumber(row)), row).Compile());
            }
            else if (input.Kind == InputKind.Number && member.Kind == MemberKind.Time)
            {
                Expression slot = Expression.Call(typeof(Conversions), nameof(Conversions.Slot), null, member.ToTicks(row), Expression.Constant(input.Part));
                numbers.Add(Expression.Lambda<Func<T, float>>(slot, row).Compile());
            }
            else
            {
                throw new MlopsDataException(
                    "data.column_kind",
                    $"The model takes '{input.Name}' as a {input.Kind.ToString().ToLowerInvariant()}; {typeof(T).Name}.{member.Name} is a {member.Property.PropertyType.Name}. Give the member a type of that kind.");
            }
        }

        Schema = schema;
        _numbers = [.. numbers];
        _texts = [.. texts];
    }

    /// <summary>Gets what the model takes.</summary>
    public ModelSchema Schema { get; }

    /// <summary>Gets how many number inputs there are.</summary>
    public int Numbers => _numbers.Length;

    /// <summary>Gets how many text inputs there are.</summary>
    public int Texts => _texts.Length;

    /// <summary>Converts a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="numbers">Where the number inputs go, shape [<see cref="Numbers"/>]; NaN for a missing one.</param>
    /// <param name="texts">Where the text inputs go, shape [<see cref="Texts"/>]; null for a missing one.</param>
    /// <exception cref="ArgumentException">There is not room for all inputs.</exception>
    public void Encode(T row, Span<float> numbers, Span<string?> texts)
    {
        if (numbers.Length < _numbers.Length || texts.Length < _texts.Length)
        {
            throw new ArgumentException($"The model takes {_numbers.Length} numbers and {_texts.Length} texts; there is room for {numbers.Length} and {texts.Length}.", nameof(numbers));
        }

        for (int i = 0; i < _numbers.Length; i++)
        {
            numbers[i] = _numbers[i](row);
        }

        for (int i = 0; i < _texts.Length; i++)
        {
            // an empty text is a missing one, in files and in records alike
            texts[i] = _texts[i](row) is { Length: > 0 } text ? text : null;
        }
    }

    private static MlopsDataException Missing(RecordShape<T> shape, ModelInput input)
    {
        string[] names = [.. shape.Members.Select(m => m.Name)];
        string hint = ColumnNames.Nearest(input.Source, names) is { } near ? $" Did you mean '{near}'?" : string.Empty;
        return new MlopsDataException("data.column_missing", $"The model takes '{input.Source}'; {typeof(T).Name} has no such member, only {string.Join(", ", names)}.{hint}");
    }
}

using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Data;

/// <summary>Turns a record into the slots a model sees. Immutable, thread-safe, free of allocation per row.</summary>
/// <typeparam name="T">The record: it has at least the columns the model takes; others do not matter.</typeparam>
public sealed class RowEncoder<T>
{
    private static readonly MethodInfo PutNumber = typeof(RowEncoder<T>).GetMethod(nameof(SetNumber), BindingFlags.Static | BindingFlags.NonPublic)!;
    private static readonly MethodInfo PutText = typeof(RowEncoder<T>).GetMethod(nameof(SetText), BindingFlags.Static | BindingFlags.NonPublic)!;
    private readonly Writer _write;

    /// <summary>Writes all slots of a row in one go: one compiled method, where one per slot costs several times as much.</summary>
    private delegate void Writer(T row, ref float numbers, ref string? texts);

    /// <summary>Prepares the conversion.</summary>
    /// <param name="schema">What the model takes.</param>
    /// <exception cref="MlopsDataException">
    /// The record lacks a column that the model takes (<c>data.column_missing</c>), has it in another kind (<c>data.column_kind</c>), or cannot be columns (<c>data.unsupported_type</c>).
    /// </exception>
    public RowEncoder(ModelSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        RecordShape<T> shape = RecordShape<T>.Instance;
        ParameterExpression row = Expression.Parameter(typeof(T));
        ParameterExpression numbers = Expression.Parameter(typeof(float).MakeByRefType());
        ParameterExpression texts = Expression.Parameter(typeof(string).MakeByRefType());
        List<Expression> writes = [Expression.Empty()];
        foreach (ModelInput input in schema.Inputs)
        {
            RecordMember member = shape.Find(input.Source) ?? throw Missing(shape, input);
            if (input.Kind == InputKind.Text && member.Kind == MemberKind.Text)
            {
                writes.Add(Expression.Call(PutText, texts, Expression.Constant(Texts++), member.ToText(row)));
            }
            else if (input.Kind == InputKind.Number && member.Kind == MemberKind.Number && input.Part == DatePart.None)
            {
                Expression slot = Expression.Call(typeof(Conversions), nameof(Conversions.Slot), null, member.ToNumber(row));
                writes.Add(Expression.Call(PutNumber, numbers, Expression.Constant(Numbers++), slot));
            }
            else if (input.Kind == InputKind.Number && member.Kind == MemberKind.Time)
            {
                Expression slot = Expression.Call(typeof(Conversions), nameof(Conversions.Slot), null, member.ToTicks(row), Expression.Constant(input.Part));
                writes.Add(Expression.Call(PutNumber, numbers, Expression.Constant(Numbers++), slot));
            }
            else
            {
                throw new MlopsDataException(
                    "data.column_kind",
                    $"The model takes '{input.Name}' as a {input.Kind.ToString().ToLowerInvariant()}; {typeof(T).Name}.{member.Name} is a {member.Property.PropertyType.Name}. Give the member a type of that kind.");
            }
        }

        Schema = schema;
        _write = Expression.Lambda<Writer>(Expression.Block(writes), row, numbers, texts).Compile();
    }

    /// <summary>Gets what the model takes.</summary>
    public ModelSchema Schema { get; }

    /// <summary>Gets how many number inputs there are.</summary>
    public int Numbers { get; }

    /// <summary>Gets how many text inputs there are.</summary>
    public int Texts { get; }

    /// <summary>Converts a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="numbers">Where the number inputs go, shape [<see cref="Numbers"/>]; NaN for a missing one.</param>
    /// <param name="texts">Where the text inputs go, shape [<see cref="Texts"/>]; null for a missing one.</param>
    /// <exception cref="ArgumentException">There is not room for all inputs.</exception>
    public void Encode(T row, Span<float> numbers, Span<string?> texts)
    {
        if (numbers.Length < Numbers || texts.Length < Texts)
        {
            throw new ArgumentException($"The model takes {Numbers} numbers and {Texts} texts; there is room for {numbers.Length} and {texts.Length}.", nameof(numbers));
        }

        _write(row, ref MemoryMarshal.GetReference(numbers), ref MemoryMarshal.GetReference(texts));
    }

    // the index is below Numbers by construction, and Encode has checked that there is room for as many
    private static void SetNumber(ref float numbers, int index, float value) => Unsafe.Add(ref numbers, index) = value;

    // an empty text is a missing one, in files and in records alike
    private static void SetText(ref string? texts, int index, string? value) => Unsafe.Add(ref texts, index) = value is { Length: > 0 } ? value : null;

    private static MlopsDataException Missing(RecordShape<T> shape, ModelInput input)
    {
        string[] names = [.. shape.Members.Select(m => m.Name)];
        string hint = ColumnNames.Nearest(input.Source, names) is { } near ? $" Did you mean '{near}'?" : string.Empty;
        return new MlopsDataException("data.column_missing", $"The model takes '{input.Source}'; {typeof(T).Name} has no such member, only {string.Join(", ", names)}.{hint}");
    }
}

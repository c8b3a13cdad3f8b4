using System.Linq.Expressions;

namespace Mlops.Sdk.Data;

/// <summary>Turns records into tables.</summary>
public static class TableBuilding
{
    /// <summary>Makes a table of rows: one column per public property.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="rows">The rows.</param>
    /// <returns>The table.</returns>
    /// <exception cref="MlopsDataException">The record cannot be columns (<c>data.unsupported_type</c>), or a whole number is beyond 2^53 (<c>data.integer_too_large</c>).</exception>
    public static Table ToTable<T>(this IReadOnlyList<T> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return new Table([.. RecordShape<T>.Instance.Members.Select(m => ColumnOf(m, rows))]);
    }

    private static Column ColumnOf<T>(RecordMember member, IReadOnlyList<T> rows)
    {
        ParameterExpression row = Expression.Parameter(typeof(T));
        switch (member.Kind)
        {
            case MemberKind.Number:
                Func<T, double> number = Expression.Lambda<Func<T, double>>(member.ToNumber(row), row).Compile();
                double[] values = Fill(rows, number);
                if (member.NumberKind == NumberKind.Integer && Array.Find(values, v => Math.Abs(v) > 9007199254740992) is var large && large != 0)
                {
                    throw new MlopsDataException("data.integer_too_large", $"'{member.Name}' holds {large:0}; whole numbers are exact up to 2^53. Make identifiers of that size texts.");
                }

                return new NumberColumn(member.Name, values, member.NumberKind);
            case MemberKind.Time:
                return new TimeColumn(member.Name, Fill(rows, Expression.Lambda<Func<T, long>>(member.ToTicks(row), row).Compile()), member.Type == typeof(DateOnly));
            default:
                Func<T, string?> text = Expression.Lambda<Func<T, string?>>(member.ToText(row), row).Compile();
                var coder = new TextCoder(rows.Count);
                for (int i = 0; i < rows.Count; i++)
                {
                    coder.Add(text(rows[i]));
                }

                return coder.ToColumn(member.Name);
        }
    }

    private static TValue[] Fill<T, TValue>(IReadOnlyList<T> rows, Func<T, TValue> read)
    {
        var values = new TValue[rows.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = read(rows[i]);
        }

        return values;
    }
}

/// <summary>Codes texts by a dictionary in order of their first row. An empty text is a missing one.</summary>
internal sealed class TextCoder(int capacity)
{
    private readonly List<int> _codes = new(capacity);
    private readonly List<string> _dictionary = [];
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);

    internal void Add(string? text)
    {
        int code = -1;
        if (!string.IsNullOrEmpty(text) && !_known.TryGetValue(text, out code))
        {
            code = _dictionary.Count;
            _known.Add(text, code);
            _dictionary.Add(text);
        }

        _codes.Add(code);
    }

    internal TextColumn ToColumn(string name) => new(name, [.. _codes], [.. _dictionary]);
}

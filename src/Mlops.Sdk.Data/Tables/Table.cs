namespace Mlops.Sdk.Data;

/// <summary>Columns of equal length: what pipeline steps pass on. Immutable; any thread may read it.</summary>
public sealed class Table
{
    private readonly Dictionary<string, Column> _byName;

    /// <summary>Creates a table.</summary>
    /// <param name="columns">The columns; their arrays are kept, not copied.</param>
    /// <exception cref="ArgumentException">Two columns have one name, or the lengths differ.</exception>
    public Table(IReadOnlyList<Column> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _byName = new Dictionary<string, Column>(columns.Count, StringComparer.Ordinal);
        Rows = columns.Count == 0 ? 0 : columns[0].Rows;
        foreach (Column column in columns)
        {
            if (column.Rows != Rows)
            {
                throw new ArgumentException($"All columns of a table have the same length: '{columns[0].Name}' has {Rows} rows, '{column.Name}' has {column.Rows}.", nameof(columns));
            }

            if (!_byName.TryAdd(column.Name, column))
            {
                throw new ArgumentException($"Two columns are named '{column.Name}'. Names are unique in a table.", nameof(columns));
            }
        }

        Columns = columns;
    }

    /// <summary>Gets the columns in order.</summary>
    public IReadOnlyList<Column> Columns { get; }

    /// <summary>Gets how many rows there are.</summary>
    public int Rows { get; }

    /// <summary>Gets a column by name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="MlopsDataException">There is no such column; code <c>data.column_missing</c>.</exception>
    public Column this[string name] => Find(name)
        ?? throw new MlopsDataException("data.column_missing", $"There is no column '{name}'. The columns are: {string.Join(", ", Columns.Select(c => c.Name))}.");

    /// <summary>Finds a column by name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The column, or null.</returns>
    public Column? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Picks rows.</summary>
    /// <param name="rows">The rows to pick, in the order wanted.</param>
    /// <returns>A new table with those rows.</returns>
    public Table Take(ReadOnlySpan<int> rows)
    {
        var columns = new Column[Columns.Count];
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = Columns[i].Take(rows);
        }

        return new Table(columns);
    }
}

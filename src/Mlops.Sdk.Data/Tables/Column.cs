namespace Mlops.Sdk.Data;

/// <summary>A column of a <see cref="Table"/>: a name and plain arrays. Immutable by agreement: nobody writes into the arrays of a column in a table.</summary>
public abstract class Column
{
    private protected Column(string name, int rows)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Rows = rows;
    }

    /// <summary>Gets the column's name.</summary>
    public string Name { get; }

    /// <summary>Gets how many rows it has.</summary>
    public int Rows { get; }

    /// <summary>Tells whether a row has no value.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <returns>Whether it has none.</returns>
    public abstract bool IsMissing(int row);

    /// <summary>Picks rows.</summary>
    /// <param name="rows">The rows to pick, in the order wanted.</param>
    /// <returns>A new column with those rows.</returns>
    public abstract Column Take(ReadOnlySpan<int> rows);
}

/// <summary>What the numbers of a column are in the source.</summary>
public enum NumberKind
{
    /// <summary>Real numbers.</summary>
    Real,

    /// <summary>Whole numbers, exact up to 2^53 in size.</summary>
    Integer,

    /// <summary>False and true as 0 and 1.</summary>
    Boolean,
}

/// <summary>Numbers. A missing one is NaN.</summary>
public sealed class NumberColumn : Column
{
    /// <summary>Creates a column.</summary>
    /// <param name="name">The name.</param>
    /// <param name="values">The values, shape [rows]; NaN for a missing one. The array is kept, not copied.</param>
    /// <param name="kind">What the numbers are in the source.</param>
    public NumberColumn(string name, double[] values, NumberKind kind = NumberKind.Real)
        : base(name, (values ?? throw new ArgumentNullException(nameof(values))).Length)
    {
        Values = values;
        Kind = kind;
    }

    /// <summary>Gets the values, shape [rows]; NaN for a missing one.</summary>
    public double[] Values { get; }

    /// <summary>Gets what the numbers are in the source.</summary>
    public NumberKind Kind { get; }

    /// <inheritdoc/>
    public override bool IsMissing(int row) => double.IsNaN(Values[row]);

    /// <inheritdoc/>
    public override Column Take(ReadOnlySpan<int> rows) => new NumberColumn(Name, Values.Pick(rows), Kind);
}

/// <summary>Texts, dictionary-coded. A missing one has the code -1.</summary>
public sealed class TextColumn : Column
{
    /// <summary>Creates a column.</summary>
    /// <param name="name">The name.</param>
    /// <param name="codes">For each row the index in the dictionary, or -1 for a missing value; shape [rows]. Kept, not copied.</param>
    /// <param name="dictionary">The distinct texts in order of their first row. Kept, not copied.</param>
    public TextColumn(string name, int[] codes, string[] dictionary)
        : base(name, (codes ?? throw new ArgumentNullException(nameof(codes))).Length)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        Codes = codes;
        Dictionary = dictionary;
    }

    /// <summary>Gets for each row the index in <see cref="Dictionary"/>, or -1 for a missing value; shape [rows].</summary>
    public int[] Codes { get; }

    /// <summary>Gets the distinct texts. After <see cref="Take"/> some may be unused.</summary>
    public string[] Dictionary { get; }

    /// <summary>Gets the text of a row, or null when missing.</summary>
    /// <param name="row">The row, from 0.</param>
    public string? this[int row] => Codes[row] < 0 ? null : Dictionary[Codes[row]];

    /// <inheritdoc/>
    public override bool IsMissing(int row) => Codes[row] < 0;

    /// <inheritdoc/>
    public override Column Take(ReadOnlySpan<int> rows) => new TextColumn(Name, Codes.Pick(rows), Dictionary);
}

/// <summary>Dates and times. A missing one is <see cref="Missing"/>.</summary>
public sealed class TimeColumn : Column
{
    /// <summary>The value that stands for none.</summary>
    public const long Missing = long.MinValue;

    /// <summary>Creates a column.</summary>
    /// <param name="name">The name.</param>
    /// <param name="ticks">UTC ticks of 100 ns since 0001-01-01, shape [rows]; <see cref="Missing"/> for none. Kept, not copied.</param>
    /// <param name="dateOnly">Whether the source has dates without a time.</param>
    public TimeColumn(string name, long[] ticks, bool dateOnly = false)
        : base(name, (ticks ?? throw new ArgumentNullException(nameof(ticks))).Length)
    {
        Ticks = ticks;
        DateOnly = dateOnly;
    }

    /// <summary>Gets the UTC ticks of 100 ns since 0001-01-01, shape [rows]; <see cref="Missing"/> for none.</summary>
    public long[] Ticks { get; }

    /// <summary>Gets whether the source has dates without a time.</summary>
    public bool DateOnly { get; }

    /// <inheritdoc/>
    public override bool IsMissing(int row) => Ticks[row] == Missing;

    /// <inheritdoc/>
    public override Column Take(ReadOnlySpan<int> rows) => new TimeColumn(Name, Ticks.Pick(rows), DateOnly);
}

internal static class ArrayPick
{
    internal static T[] Pick<T>(this T[] values, ReadOnlySpan<int> rows)
    {
        var picked = new T[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            picked[i] = values[rows[i]];
        }

        return picked;
    }
}

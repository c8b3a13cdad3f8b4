namespace Mlops.Sdk.Data;

/// <summary>Rows of one type, from wherever they come. Equal rows give equal tables and fingerprints whatever the source.</summary>
/// <typeparam name="T">The row: a plain record.</typeparam>
public interface IDataSource<T>
{
    /// <summary>Gets where the rows come from, for a person; holds no secret.</summary>
    string Description { get; }

    /// <summary>Reads the rows, one at a time.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The rows, each a value or the reason why it is none.</returns>
    /// <exception cref="MlopsDataException">The source as a whole cannot be read: <c>data.unreadable</c>, <c>data.column_missing</c>.</exception>
    IAsyncEnumerable<DataRow<T>> ReadAsync(CancellationToken cancellationToken = default);
}

/// <summary>One row of a source: a value, or why it is none.</summary>
/// <typeparam name="T">The row's type.</typeparam>
/// <param name="Value">The row; not to be used when <paramref name="Rejection"/> is given.</param>
/// <param name="Line">Its line or number in the source, from 1.</param>
/// <param name="Rejection">Why it does not read, or null.</param>
public readonly record struct DataRow<T>(T? Value, long Line, RejectedRow? Rejection = null);

/// <summary>A row that is kept aside.</summary>
/// <param name="Line">Its line or number in the source, from 1.</param>
/// <param name="Rule">The rule it breaks, such as <c>not-null(WildlifeSize)</c>.</param>
/// <param name="Message">What was expected and found.</param>
public sealed record RejectedRow(long Line, string Rule, string Message);

/// <summary>Makes sources.</summary>
public static class DataSource
{
    /// <summary>Reads a CSV file, plain or gzip (<c>.gz</c>). The first line names the columns; names are matched by letters and digits, so <c>Flight Date</c> is <c>FlightDate</c>.</summary>
    /// <typeparam name="T">The row: a plain record. Columns it has no member for are not read.</typeparam>
    /// <param name="path">The file.</param>
    /// <returns>The source. An empty field is no value; numbers and dates are read without regard to culture.</returns>
    public static IDataSource<T> Csv<T>(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new CsvSource<T>(path);
    }

    /// <summary>Reads JSON lines: an object a line, plain or gzip (<c>.gz</c>).</summary>
    /// <typeparam name="T">The row: a plain record. Names are matched by letters and digits.</typeparam>
    /// <param name="path">The file.</param>
    /// <returns>The source.</returns>
    public static IDataSource<T> JsonLines<T>(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new JsonLinesSource<T>(path);
    }

    /// <summary>Takes rows that are in memory already.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="name">What to call the source.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>The source.</returns>
    public static IDataSource<T> Enumerable<T>(string name, IEnumerable<T> rows)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(rows);
        return new SequenceSource<T>(name, cancellationToken => rows.ToAsyncEnumerable());
    }

    /// <summary>Takes rows that arrive one by one.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="name">What to call the source.</param>
    /// <param name="rows">The rows; enumerated once per reading.</param>
    /// <returns>The source.</returns>
    public static IDataSource<T> AsyncEnumerable<T>(string name, IAsyncEnumerable<T> rows)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(rows);
        return new SequenceSource<T>(name, _ => rows);
    }

    /// <summary>Keeps only some rows. Rows that do not read stay, so that they are counted.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="source">The source.</param>
    /// <param name="condition">What a row must be.</param>
    /// <param name="description">What the condition says, for the record, such as <c>FlightDate before 1997</c>.</param>
    /// <returns>The narrower source.</returns>
    public static IDataSource<T> Where<T>(this IDataSource<T> source, Func<T, bool> condition, string description)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentException.ThrowIfNullOrEmpty(description);
        return new FilteredSource<T>(source, condition, description);
    }

    /// <summary>Reads all rows that read as a value; throws at the first that does not.</summary>
    /// <typeparam name="T">The row.</typeparam>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="MlopsDataException">A row does not read; code <c>data.bad_row</c>.</exception>
    public static async Task<IReadOnlyList<T>> ToListAsync<T>(this IDataSource<T> source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var rows = new List<T>();
        await foreach (DataRow<T> row in source.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(row.Rejection is null
                ? row.Value!
                : throw new MlopsDataException("data.bad_row", $"Line {row.Line} of {source.Description} does not read: {row.Rejection.Message} Validate with a contract to keep such rows aside."));
        }

        return rows;
    }
}

internal sealed class SequenceSource<T>(string name, Func<CancellationToken, IAsyncEnumerable<T>> rows) : IDataSource<T>
{
    public string Description => name;

    public async IAsyncEnumerable<DataRow<T>> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long line = 0;
        await foreach (T row in rows(cancellationToken).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            yield return new DataRow<T>(row, ++line);
        }
    }
}

internal sealed class FilteredSource<T>(IDataSource<T> source, Func<T, bool> condition, string description) : IDataSource<T>
{
    public string Description => $"{source.Description} where {description}";

    public async IAsyncEnumerable<DataRow<T>> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (DataRow<T> row in source.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (row.Rejection is not null || condition(row.Value!))
            {
                yield return row;
            }
        }
    }
}

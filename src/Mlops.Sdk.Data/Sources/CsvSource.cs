using System.Runtime.CompilerServices;
using System.Text;
using Sylvan.Data.Csv;

namespace Mlops.Sdk.Data;

internal sealed class CsvSource<T>(string path) : IDataSource<T>
{
    private const int MaxRecordLength = 1 << 20;
    private const int MaxColumns = 4_096;

    public string Description => $"CSV {Path.GetFileName(path)}";

    public async IAsyncEnumerable<DataRow<T>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        RecordShape<T> shape = RecordShape<T>.Instance;
        using StreamReader text = FileText.Open(path, "CSV");
        CsvDataReader? reader = null;
        try
        {
            reader = await GuardAsync(() => CsvDataReader.CreateAsync(text, new CsvDataReaderOptions { BufferSize = 1 << 16, MaxBufferSize = MaxRecordLength })).ConfigureAwait(false);
            int[] columns = MatchColumns(shape, reader);
            object?[] values = new object?[columns.Length];
            long line = 1;
            while (await GuardAsync(() => reader.ReadAsync(cancellationToken)).ConfigureAwait(false))
            {
                line++;
                yield return Convert(shape, reader, columns, values, line);
            }
        }
        finally
        {
            if (reader is not null)
            {
                await reader.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static DataRow<T> Convert(RecordShape<T> shape, CsvDataReader reader, int[] columns, object?[] values, long line)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            RecordMember member = shape.Members[i];
            string field = columns[i] < reader.RowFieldCount ? reader.GetString(columns[i]) : string.Empty;
            if (!Conversions.TryParse(field, member.Type, out values[i]))
            {
                return new DataRow<T>(default, line, new RejectedRow(line, $"type({member.Name})", $"'{member.Name}' should be a {member.Type.Name}, the field is '{Shorten(field)}'."));
            }

            if (values[i] is null && !member.Nullable)
            {
                return new DataRow<T>(default, line, new RejectedRow(line, $"required({member.Name})", $"'{member.Name}' is empty and {typeof(T).Name}.{member.Name} cannot be without a value."));
            }
        }

        return new DataRow<T>(shape.Make(values), line);
    }

    private static string Shorten(string field) => field.Length <= 40 ? field : field[..40] + "...";

    private int[] MatchColumns(RecordShape<T> shape, CsvDataReader reader)
    {
        if (reader.FieldCount is 0 or > MaxColumns)
        {
            throw new MlopsDataException("data.unreadable", $"{Description} has {reader.FieldCount} columns; 1 to {MaxColumns} can be read. Is it a CSV file with a line of names?");
        }

        string[] names = [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
        return [.. shape.Members.Select(m =>
        {
            int[] found = [.. Enumerable.Range(0, names.Length).Where(i => ColumnNames.Same(names[i], m.Name))];
            string hint = ColumnNames.Nearest(m.Name, names) is { } near ? $" Did you mean '{Shorten(near)}'?" : string.Empty;
            return found.Length switch
            {
                1 => found[0],
                0 => throw new MlopsDataException("data.column_missing", $"{Description} has no column for {typeof(T).Name}.{m.Name}; its columns are {string.Join(", ", names.Take(50).Select(Shorten))}.{hint}"),
                _ => throw new MlopsDataException("data.column_ambiguous", $"{Description} has {found.Length} columns that could be {typeof(T).Name}.{m.Name}: {string.Join(", ", found.Select(i => names[i]))}. Rename one in the file."),
            };
        })];
    }

    private async ValueTask<TResult> GuardAsync<TResult>(Func<Task<TResult>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception error) when (error is CsvFormatException or InvalidDataException or DecoderFallbackException or IOException or NotSupportedException)
        {
            throw FileText.Unreadable(path, "CSV", error);
        }
    }
}

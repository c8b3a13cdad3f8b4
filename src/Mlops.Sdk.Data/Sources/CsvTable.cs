using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Sylvan.Data.Csv;

namespace Mlops.Sdk.Data;

/// <summary>Reads CSV files whose columns are known only at run time.</summary>
public static class CsvTable
{
    private const int MaxRecordLength = 1 << 20;
    private const int MaxColumns = 4_096;
    private const int MaxRows = 100_000_000;

    /// <summary>Reads a whole file, plain or gzip (<c>.gz</c>). The first line names the columns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The table. A column is numbers when every field that is not empty reads as one without regard to culture, times when every one reads
    /// as an ISO 8601 date or time, and texts otherwise. An empty field is no value; a column of empty fields is texts.
    /// </returns>
    /// <exception cref="MlopsDataException">The file cannot be read (<c>data.unreadable</c>), or two columns have one name (<c>data.column_ambiguous</c>).</exception>
    public static async Task<Table> ReadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using StreamReader text = FileText.Open(path, "CSV");
        try
        {
            CsvDataReader reader = await CsvDataReader.CreateAsync(text, new CsvDataReaderOptions { BufferSize = 1 << 16, MaxBufferSize = MaxRecordLength }, cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable closing = reader.ConfigureAwait(false);
            string[] names = NamesOf(path, reader);
            var coders = Array.ConvertAll(names, _ => new TextCoder(0));
            int rows = 0;
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (++rows > MaxRows)
                {
                    throw new MlopsDataException("data.unreadable", $"'{path}' has more than {MaxRows} rows, the most that a table is read of. Read it as a source in parts.");
                }

                for (int i = 0; i < coders.Length; i++)
                {
                    coders[i].Add(i < reader.RowFieldCount ? reader.GetString(i) : null);
                }
            }

            return new Table([.. coders.Zip(names).Select(c => Typed(c.First.ToColumn(c.Second)))]);
        }
        catch (Exception error) when (error is CsvFormatException or InvalidDataException or DecoderFallbackException or IOException or NotSupportedException)
        {
            throw FileText.Unreadable(path, "CSV", error);
        }
    }

    private static string[] NamesOf(string path, CsvDataReader reader)
    {
        if (reader.FieldCount is 0 or > MaxColumns)
        {
            throw new MlopsDataException("data.unreadable", $"'{path}' has {reader.FieldCount} columns; 1 to {MaxColumns} can be read. Is it a CSV file with a line of names?");
        }

        string[] names = [.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.GetName(i) is { Length: > 0 } name ? name : string.Create(CultureInfo.InvariantCulture, $"column {i + 1}"))];
        return names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new MlopsDataException("data.column_ambiguous", $"'{path}' has {twice.Count()} columns named '{(twice.Key.Length <= 40 ? twice.Key : twice.Key[..40] + "...")}'. Rename one in the file.")
            : names;
    }

    /// <summary>Finds what a column of texts is; each distinct text is looked at once.</summary>
    private static Column Typed(TextColumn column)
    {
        string[] texts = column.Dictionary;
        if (texts.Length == 0)
        {
            return column;
        }

        double[] numbers = new double[texts.Length];
        if (Fits(texts, (i, text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i])))
        {
            bool whole = Array.TrueForAll(numbers, n => Math.Abs(n) <= 9007199254740992 && n == Math.Floor(n));
            return new NumberColumn(column.Name, Array.ConvertAll(column.Codes, c => c < 0 ? double.NaN : numbers[c]), whole ? NumberKind.Integer : NumberKind.Real);
        }

        long[] ticks = new long[texts.Length];
        return Fits(texts, (i, text) => TryTime(text, out ticks[i]))
            ? new TimeColumn(column.Name, Array.ConvertAll(column.Codes, c => c < 0 ? TimeColumn.Missing : ticks[c]), Array.TrueForAll(ticks, t => t % TimeSpan.TicksPerDay == 0))
            : column;
    }

    private static bool Fits(string[] texts, Func<int, string, bool> read)
    {
        for (int i = 0; i < texts.Length; i++)
        {
            if (!read(i, texts[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryTime(string text, out long ticks)
    {
        // four digits and a dash come first: what else .NET reads as a date, such as 1.2 or 3/4, is not one for sure
        ticks = 0;
        string trimmed = text.Trim();
        if (trimmed.Length < 10 || trimmed[4] != '-' || !char.IsAsciiDigit(trimmed[0])
            || !DateTimeOffset.TryParse(trimmed, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            return false;
        }

        ticks = time.UtcTicks;
        return true;
    }
}

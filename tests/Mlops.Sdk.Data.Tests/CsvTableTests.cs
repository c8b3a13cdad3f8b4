using System.IO.Compression;
using System.Text;

namespace Mlops.Sdk.Data.Tests;

public sealed class CsvTableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("csv-table-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_column_is_what_all_of_its_fields_read_as()
    {
        Table table = await ReadAsync("whole,real,date,time,text,mixed,empty,code\n1,1.5,2026-01-02,2026-01-02T03:04:05Z,a,1,,1.2.3\n,-2e3,2026-01-03,2026-01-02 05:04:05+02:00,,x,,2.3.4\n");
        Assert.Equal(2, table.Rows);
        Assert.Equal(NumberKind.Integer, Assert.IsType<NumberColumn>(table["whole"]).Kind);
        Assert.True(table["whole"].IsMissing(1));
        Assert.Equal([1.5, -2000], Assert.IsType<NumberColumn>(table["real"]).Values);
        Assert.True(Assert.IsType<TimeColumn>(table["date"]).DateOnly);
        TimeColumn time = Assert.IsType<TimeColumn>(table["time"]);
        Assert.Equal([new DateTime(2026, 1, 2, 3, 4, 5).Ticks, new DateTime(2026, 1, 2, 3, 4, 5).Ticks], time.Ticks);
        Assert.Equal(["a", null], Enumerable.Range(0, 2).Select(i => Assert.IsType<TextColumn>(table["text"])[i]));
        Assert.All((string[])["mixed", "empty", "code"], c => Assert.IsType<TextColumn>(table[c]));
    }

    [Fact]
    public async Task Gzip_and_short_rows_are_read_and_names_are_made_up_where_they_are_empty()
    {
        string path = Path.Combine(_folder, "a.csv.gz");
        await using (var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            await zip.WriteAsync(Encoding.UTF8.GetBytes("x,\n1,2\n"));
        }

        Table table = await CsvTable.ReadAsync(path);
        Assert.Equal(["x", "column 2"], table.Columns.Select(c => c.Name));
    }

    [Fact]
    public async Task What_is_no_table_is_refused_with_a_code()
    {
        Assert.Equal("data.column_ambiguous", (await Assert.ThrowsAsync<MlopsDataException>(() => ReadAsync("a,a\n1,2\n"))).Code);
        Assert.Equal("data.unreadable", (await Assert.ThrowsAsync<MlopsDataException>(() => CsvTable.ReadAsync(Path.Combine(_folder, "none.csv")))).Code);
        Assert.Equal("data.unreadable", (await Assert.ThrowsAsync<MlopsDataException>(() => ReadAsync("a,b\n\"" + new string('x', 3 << 20)))).Code);
    }

    private async Task<Table> ReadAsync(string text)
    {
        string path = Path.Combine(_folder, "a.csv");
        await File.WriteAllTextAsync(path, text);
        return await CsvTable.ReadAsync(path);
    }
}

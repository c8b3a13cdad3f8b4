using System.IO.Compression;
using System.Text;

namespace Mlops.Sdk.Data.Tests;

public sealed class SourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlops-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Equal_content_gives_one_fingerprint_from_every_source()
    {
        Sale[] rows = [new("a, \"b\"", 1.5m, new DateOnly(2026, 1, 2)), new(null, null, new DateOnly(2026, 1, 3))];
        const string csv = "Shop Name,Price $,Day\n\"a, \"\"b\"\"\",1.5,2026-01-02\n,,2026-01-03\n";
        string plain = Write("s.csv", Encoding.UTF8.GetBytes(csv));
        string zipped = Write("s.csv.gz", Gzip(csv));
        string lines = Write("s.jsonl", Encoding.UTF8.GetBytes("""{"shopName":"a, \"b\"","price":1.5,"day":"2026-01-02"}""" + "\n" + """{"price":null,"day":"2026-01-03"}""" + "\n"));
        IDataSource<Sale>[] sources = [DataSource.Csv<Sale>(plain), DataSource.Csv<Sale>(zipped), DataSource.JsonLines<Sale>(lines), DataSource.Enumerable("rows", rows), DataSource.AsyncEnumerable("rows", rows.ToAsyncEnumerable())];
        foreach (IDataSource<Sale> source in sources)
        {
            Assert.Equal(Fingerprint.Of(rows.ToTable()), Fingerprint.Of((await source.ToListAsync()).ToTable()));
        }
    }

    [Theory]
    [InlineData("absent.csv", null, "data.unreadable")]
    [InlineData("other.csv", "Shop,Price\na,1\n", "data.column_missing")]
    [InlineData("twice.csv", "shop_name,ShopName,Price,Day\na,b,1,2026-01-01\n", "data.column_ambiguous")]
    public async Task A_file_that_cannot_be_read_gives_one_clear_error(string name, string? text, string code)
    {
        string path = text is null ? Path.Combine(_folder, name) : Write(name, Encoding.UTF8.GetBytes(text));
        Assert.Equal(code, (await Assert.ThrowsAsync<MlopsDataException>(() => DataSource.Csv<Sale>(path).ToListAsync())).Code);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_give_one_clear_error()
    {
        byte[] noise = [.. Enumerable.Range(0, 4_000).Select(i => (byte)(i * 7919 >> 3))];
        Assert.StartsWith("data.", (await Assert.ThrowsAsync<MlopsDataException>(() => DataSource.Csv<Sale>(Write("noise.csv", noise)).ToListAsync())).Code, StringComparison.Ordinal);
        Assert.Equal("data.unreadable", (await Assert.ThrowsAsync<MlopsDataException>(() => DataSource.Csv<Sale>(Write("noise.csv.gz", noise)).ToListAsync())).Code);
    }

    [Fact]
    public async Task Rows_that_break_the_contract_are_kept_aside_with_line_and_reason()
    {
        string path = Write("bad.csv", Encoding.UTF8.GetBytes("ShopName,Price,Day\nx,1,2026-01-01\nx,abc,2026-01-01\nx,-5,2026-01-01\n,2,2026-01-01\nx,3,\n"));
        DataContract<Sale> contract = new DataContractBuilder<Sale>().NotNull(s => s.ShopName).Between(s => s.Price, 0, 100).OnFailure(ContractAction.Quarantine, maxRejectedShare: 0.9).Build();
        ContractResult<Sale> result = await contract.ReadAsync(DataSource.Csv<Sale>(path));
        Assert.Single(result.Accepted);
        Assert.Equal(new (long, string)[] { (3, "type(Price)"), (4, "between(Price, 0, 100)"), (5, "not-null(ShopName)"), (6, "required(Day)") }, result.Rejected.Select(r => (r.Line, r.Rule)));

        DataContract<Sale> strict = new DataContractBuilder<Sale>().OnFailure(ContractAction.Reject).Build();
        Assert.Equal("data.contract_violated", (await Assert.ThrowsAsync<MlopsDataException>(() => strict.ReadAsync(DataSource.Csv<Sale>(path)))).Code);
    }

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static byte[] Gzip(string text)
    {
        using var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Optimal))
        {
            zip.Write(Encoding.UTF8.GetBytes(text));
        }

        return bytes.ToArray();
    }

    private sealed record Sale(string? ShopName, decimal? Price, DateOnly Day);
}

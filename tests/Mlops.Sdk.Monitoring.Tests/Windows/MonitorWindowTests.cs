using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MonitorWindowTests
{
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(TestData.Sample(1, 3000));

    [Fact]
    public void Merging_parts_gives_what_one_pass_over_all_rows_gives() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 1000]).Sample((parts, seed) =>
    {
        EncodedTable all = TestData.Sample(seed, 600);
        int[] order = [.. Enumerable.Range(0, 600)];
        MonitorWindow[] windows = [.. Enumerable.Range(0, parts).Select(p => Window(all.Take([.. order.Where(i => i % parts == p)]), $"w{p}"))];
        PredictionRecorderTests.Same(Window(all, "w"), MonitorWindow.Merge("w", windows));
        PredictionRecorderTests.Same(Window(all, "w"), MonitorWindow.Merge("w", [MonitorWindow.Merge("a", windows[..(parts / 2 + 1)]), .. windows[(parts / 2 + 1)..]])); // associative
    }, iter: 50);

    [Fact]
    public void A_window_reads_back_as_it_was_written()
    {
        MonitorWindow window = Window(TestData.Sample(2, 500), "w-1") with { NotRecorded = 3 };
        MonitorWindow back = MonitorWindow.Deserialize(window.Serialize());
        PredictionRecorderTests.Same(window, back);
        Assert.Equal((window.Id, window.Model, window.Version, window.Reference, window.From, window.To, 3L), (back.Id, back.Model, back.Version, back.Reference, back.From, back.To, back.NotRecorded));
    }

    [Fact]
    public void A_window_keeps_no_value_of_a_row()
    {
        MonitorWindow window = Window(TestData.Sample(2, 500, operators: ["secret-name"]), "w-1");
        Assert.DoesNotContain("secret-name", Encoding.UTF8.GetString(window.Serialize()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void Bytes_that_are_no_window_are_refused(string json) =>
        Assert.Equal("monitoring.unreadable_window", Assert.Throws<MlopsIntegrityException>(() => MonitorWindow.Deserialize(Encoding.UTF8.GetBytes(json))).Code);

    [Fact]
    public void Counts_that_do_not_add_up_are_refused()
    {
        string json = Encoding.UTF8.GetString(Window(TestData.Sample(2, 500), "w-1").Serialize());
        foreach ((string from, string to) in ((string, string)[])[("\"rows\":500", "\"rows\":501"), ("\"rows\":500", "\"rows\":-1"), ("\"counts\":[", "\"counts\":[9223372036854775807,"), ("\"features\":[", "\"features\":[null,")])
        {
            Assert.Contains(from, json, StringComparison.Ordinal);
            Assert.Equal("monitoring.unreadable_window", Assert.Throws<MlopsIntegrityException>(() => MonitorWindow.Deserialize(Encoding.UTF8.GetBytes(json.Replace(from, to, StringComparison.Ordinal)))).Code);
        }
    }

    [Fact]
    public void A_newer_format_is_refused_with_both_versions_named()
    {
        byte[] newer = (Window(TestData.Sample(2, 500), "w-1") with { Format = 9 }).Serialize();
        MlopsIntegrityException error = Assert.Throws<MlopsIntegrityException>(() => MonitorWindow.Deserialize(newer));
        Assert.Equal("monitoring.newer_format", error.Code);
        Assert.Contains("format 9", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_that_do_not_belong_together_do_not_merge()
    {
        MonitorWindow window = Window(TestData.Sample(2, 500), "w-1");
        Assert.Throws<ArgumentException>(() => MonitorWindow.Merge("w", []));
        Assert.Throws<ArgumentException>(() => MonitorWindow.Merge("w", [window, window with { Version = 2 }]));
        Assert.Throws<ArgumentException>(() => MonitorWindow.Merge("w", [window, window with { Reference = Digest.Of([1]) }]));
    }

    private static MonitorWindow Window(EncodedTable rows, string id) => MonitorWindow.Of(id, "m", 1, Reference, rows, at: new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
}

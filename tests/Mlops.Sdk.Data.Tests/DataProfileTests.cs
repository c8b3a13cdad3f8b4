namespace Mlops.Sdk.Data.Tests;

public sealed class DataProfileTests
{
    [Fact]
    public void It_tells_what_is_in_a_worked_example()
    {
        var table = new Table(
        [
            new NumberColumn("x", [1, 2, 3, 6, double.NaN]),
            new TextColumn("t", [0, 1, 0, -1, 0], ["a", "b"]),
            new TimeColumn("d", [new DateTime(2026, 1, 2).Ticks, TimeColumn.Missing, new DateTime(2026, 3, 4).Ticks, TimeColumn.Missing, TimeColumn.Missing], dateOnly: true),
        ]);
        DataProfile profile = DataProfile.Of(table);
        ColumnProfile x = profile.Columns[0];
        Assert.Equal((1, 4, 3.0, 2.5), (x.Missing, x.Distinct, x.Mean, x.Median));
        Assert.Equal(Math.Sqrt(3.5), x.StandardDeviation!.Value, 12); // (4 + 1 + 0 + 9) / 4
        Assert.Equal(new ValueCount[] { new("a", 3), new("b", 1) }, profile.Columns[1].Top);
        Assert.Equal(("2026-01-02", "2026-03-04", 3), (profile.Columns[2].Minimum, profile.Columns[2].Maximum, profile.Columns[2].Missing));
        Assert.Contains("a 60 %, b 20 %", profile.ToText(), StringComparison.Ordinal);
    }
}

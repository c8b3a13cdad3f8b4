using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class DriftReportTests
{
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(TestData.Sample(1, 8000));
    private static readonly DriftReport Report = TestData.Compare(Reference, TestData.Sample(3, 3000, missing: 0.34));

    [Fact]
    public void The_text_is_an_aligned_table_most_moved_first()
    {
        string[] lines = Report.ToText().Split('\n');
        Assert.StartsWith("m v1: 3,000 rows against 8,000 of training", lines[0], StringComparison.Ordinal);
        Assert.Matches("^feature +status +PSI +JS +p \\(adj.\\) +missing +what changed$", lines[1]);
        Assert.Matches("^Speed +DRIFTED +0\\.0\\d\\d +0\\.0\\d\\d +[<01][0-9.]+ +1\\d\\.\\d % -> 3\\d\\.\\d % +missing", lines[3]);
        Assert.Equal(lines[1].IndexOf("status", StringComparison.Ordinal), lines[3].IndexOf("DRIFTED", StringComparison.Ordinal));
        Assert.Equal(lines[1].IndexOf("status", StringComparison.Ordinal), lines[4].IndexOf("stable", StringComparison.Ordinal));
        Assert.Equal(Report.Summary, lines[6]);
    }

    [Fact]
    public void The_JSON_carries_its_format_and_every_number()
    {
        using JsonDocument json = JsonDocument.Parse(Report.ToJson());
        Assert.Equal(1, json.RootElement.GetProperty("format").GetInt32());
        JsonElement report = json.RootElement.GetProperty("report");
        Assert.Equal(("Drifted", 3000), (report.GetProperty("status").GetString(), report.GetProperty("rows").GetInt32()));
        JsonElement speed = report.GetProperty("features")[0];
        Assert.Equal(Report.Features[0].Psi, speed.GetProperty("psi").GetDouble());
        Assert.Equal("Missing", speed.GetProperty("shares")[0].GetProperty("kind").GetString());
        Assert.Equal(10, speed.GetProperty("bins").GetArrayLength());
    }

    [Fact]
    public void The_HTML_is_well_formed_self_contained_and_draws_both_distributions()
    {
        string html = Report.ToHtml();
        XElement section = XElement.Parse(html);
        Assert.Equal("section", section.Name.LocalName);
        XElement figure = section.Descendants("figure").First();
        Assert.Equal(11, figure.Descendants("rect").Count(r => (string?)r.Attribute("class") == "ref")); // ten bins and the missing values
        Assert.Equal(11, figure.Descendants("rect").Count(r => (string?)r.Attribute("class") == "cur"));
        Assert.All(section.Descendants("rect"), r => Assert.True((double)r.Attribute("height")! is >= 0 and <= 150));
        Assert.DoesNotContain("http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme:dark", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_from_outside_are_harmless_in_every_form()
    {
        const string evil = "<script>alert(1)</script>\"'&\u001b[2J\nx";
        DriftReport report = TestData.Compare(Reference, TestData.Sample(3, 3000, operators: [evil, "ACME"])) with { Model = evil };
        report = report with { Summary = evil, Features = [.. report.Features.Select(f => f with { Name = evil, Change = evil, Bins = [.. f.Bins.Select(b => b with { Label = evil })] })] };
        string html = report.ToHtml();
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.DoesNotContain("\"'&\u001b", html, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", report.ToText(), StringComparison.Ordinal);
        Assert.Equal(report.Features.Count + 4, report.ToText().Split('\n').Length - 1);
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
        Assert.Equal(evil, json.RootElement.GetProperty("report").GetProperty("model").GetString());
    }

    [Fact]
    public void Reports_read_the_same_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NumberGroupSeparator = ".", PercentDecimalSeparator = ",", NegativeSign = "~" } };
            DriftReport german = TestData.Compare(Reference, TestData.Sample(3, 3000, missing: 0.34));
            Assert.Equal((Report.ToText(), Report.ToHtml(), Report.ToJson()), (german.ToText(), german.ToHtml(), german.ToJson()));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_window_without_rows_makes_a_report_all_the_same()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Rows([], []));
        Assert.Equal(DriftStatus.TooFew, report.Status);
        Assert.Contains("too few", report.ToText(), StringComparison.Ordinal);
        Assert.Equal("section", XElement.Parse(report.ToHtml()).Name.LocalName);
        Assert.NotEmpty(report.ToJson());
    }
}

using System.Xml.Linq;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Integration.Tests;

public sealed class HtmlReportTests
{
    [Fact]
    public void What_monitoring_found_stands_on_one_page_with_the_rest()
    {
        var random = new Random(1);
        Table Rows(double mean) => new([new NumberColumn("speed", [.. Enumerable.Range(0, 1000).Select(_ => mean + random.NextDouble())])]);
        MonitoringReport found = MonitoringReport.Compare(Rows(1), Rows(2), new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), name: "today <b>");
        string page = new HtmlReport("The <model>").Add(found).AddHistory([]).ToString();
        XElement html = XElement.Parse(page["<!doctype html>".Length..]);
        Assert.Equal(["The <model>", "Monitoring of today <b> version 1 FAILED"], html.Descendants("h1").Select(h => h.Value));
        Assert.Single(html.Descendants("figure"));
    }
}

using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MonitoringReportTests
{
    private static readonly DateTimeOffset Start = new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(TestData.Sample(1, 4000));

    [Fact]
    public void A_quiet_window_is_fine_and_there_is_nothing_to_do()
    {
        MonitoringReport report = Of(Window(0, TestData.Sample(2, 1000)));
        Assert.Equal((MonitoringVerdict.Fine, 0), (report.Verdict, report.ExitCode));
        Assert.Equal(["Nothing to do."], report.NextSteps);
        Assert.Contains("No drift", report.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Drift_fails_and_without_the_truth_the_advice_is_to_get_it()
    {
        MonitoringReport report = Of(Window(0, TestData.Sample(2, 1000, mean: 130)));
        Assert.Equal((MonitoringVerdict.Failed, 1), (report.Verdict, report.ExitCode));
        Assert.Contains("get the truth for some rows", Assert.Single(report.NextSteps), StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_that_became_worse_ask_for_retraining_and_answers_that_did_not_ask_for_patience()
    {
        MonitoringReport moved = Of(Window(0, TestData.Sample(2, 1000, mean: 130)));
        MonitoringReport worse = moved with { Signals = [Signal("performance.roc_auc", 0, 0.70, 0.66, 0.74, 0.82)], Causes = [RootCauses.Rank(moved.Latest!)] };
        Assert.StartsWith("Retrain with rows of this window", worse.NextSteps[0], StringComparison.Ordinal);
        Assert.Contains("Begin with Speed", worse.NextSteps[0], StringComparison.Ordinal);
        MonitoringReport right = moved with { Signals = [Signal("performance.roc_auc", 0, 0.81, 0.78, 0.84, 0.82)] };
        Assert.Contains("as right as before", Assert.Single(right.NextSteps), StringComparison.Ordinal);

        // an error is worse when it is larger, and an estimate is no truth
        MonitoringReport quiet = Of(Window(0, TestData.Sample(2, 1000)));
        Assert.Equal(MonitoringVerdict.Failed, (quiet with { Signals = [Signal("performance.mae", 0, 3, 2.8, 3.2, 2)] }).Verdict);
        Assert.Equal(MonitoringVerdict.Fine, (quiet with { Signals = [Signal("performance.mae", 0, 1, 0.9, 1.1, 2)] }).Verdict);
        Assert.Equal(MonitoringVerdict.Fine, (quiet with { Signals = [Signal("estimated.roc_auc", 0, 0.5, 0.4, 0.6, 0.82)] }).Verdict);
    }

    [Fact]
    public void Broken_data_comes_before_retraining_in_the_advice()
    {
        var training = new Table([new NumberColumn("x", [.. TestData.Sample(1, 1000, missing: 0).Numbers[1].Select(v => (double)v)])]);
        var serving = new Table([new NumberColumn("x", [.. TestData.Sample(2, 1000, missing: 0).Numbers[1].Select(v => v * 1000.0)])]);
        MonitoringReport report = MonitoringReport.Compare(training, serving, Start) with { Signals = [Signal("performance.accuracy", 0, 0.5, 0.4, 0.6, 0.9)] };
        Assert.StartsWith("Mend what feeds x", report.NextSteps[0], StringComparison.Ordinal);
        Assert.Contains(report.Skew!.Findings, f => f is { Column: "x", Kind: SkewKind.Unit, Effect: 1000 });
        Assert.Equal(1, report.ExitCode);
    }

    [Fact]
    public void Two_tables_of_one_world_compare_as_fine_and_repeated_rows_fail()
    {
        Table reference = Rows(1, 2000);
        Assert.Equal(0, MonitoringReport.Compare(reference, Rows(2, 1000), Start).ExitCode);
        int[] twice = [.. Enumerable.Range(0, 500), .. Enumerable.Range(0, 500)];
        MonitoringReport repeated = MonitoringReport.Compare(reference, Rows(2, 1000).Take(twice), Start);
        Assert.Contains(repeated.Quality!.Findings, f => f is { Kind: QualityKind.Duplicates, Severity: QualitySeverity.Failed, Value: 0.5 });
    }

    [Fact]
    public void The_page_is_well_formed_self_contained_and_has_a_table_beside_each_picture()
    {
        MonitoringReport report = Full();
        XElement page = Page(report.ToHtml());
        XElement[] figures = [.. page.Descendants("figure")];
        Assert.Equal(report.Latest!.Features.Count, figures.Length);
        Assert.All(figures, f => Assert.NotEmpty(f.Descendants("details").Descendants("table")));
        Assert.All(figures, f => Assert.Equal(2, f.Descendants("svg").Count())); // distributions and trend
        Assert.All(page.Descendants("svg"), s => Assert.False(string.IsNullOrWhiteSpace((string?)s.Attribute("aria-label"))));
        string html = report.ToHtml();
        foreach (string outside in (string[])["http:", "https:", "<script", "<link", "url(", "@import", "javascript:"])
        {
            Assert.DoesNotContain(outside, html, StringComparison.OrdinalIgnoreCase);
        }

        foreach (string wanted in (string[])["prefers-color-scheme:dark", "@media print", "What to do next", "What explains", "Performance and use", "Data quality", "Columns that differ from training", "Open alerts", "false alarms to be expected, of 2 allowed", "rank 1 of the causes"])
        {
            Assert.Contains(wanted, html, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Realised_and_estimated_performance_are_told_apart_wherever_they_stand_together()
    {
        MonitoringReport report = Full();
        XElement chart = Page(report.ToHtml()).Descendants("div").First(d => (string?)d.Attribute("class") == "card" && d.Element("h3")?.Value.StartsWith("roc_auc", StringComparison.Ordinal) == true);
        Assert.Equal("roc_auc (realised and estimated)", chart.Element("h3")!.Value);
        Assert.Equal(["a", "c"], chart.Descendants("polygon").Select(p => ((string)p.Attribute("class")!).Split(' ')[1]));
        Assert.Equal(["realised", "estimated"], chart.Descendants("polyline").Select(p => p.Element("title")!.Value));
        Assert.Contains("truth    roc_auc", report.ToText(), StringComparison.Ordinal);
        Assert.Contains("guess    roc_auc", report.ToText(), StringComparison.Ordinal);
        Assert.Contains("| estimated |", report.ToMarkdown(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_JSON_keeps_its_shape()
    {
        using JsonDocument json = JsonDocument.Parse(Full().ToJson());
        JsonElement root = json.RootElement;
        Assert.Equal(
            ["format", "model", "version", "createdAt", "verdict", "summary", "nextSteps", "drift", "windows", "trends", "quality", "skew", "causes", "alerts", "falseAlarmsExpected", "falseAlarmsAllowed", "signals"],
            root.EnumerateObject().Select(p => p.Name));
        Assert.Equal((1, "Failed"), (root.GetProperty("format").GetInt32(), root.GetProperty("verdict").GetString()));
        Assert.All(root.GetProperty("trends").EnumerateArray(), t => Assert.Equal(root.GetProperty("windows").GetArrayLength(), t.GetProperty("psi").GetArrayLength()));
        Assert.Equal(["model", "version", "from", "to", "rows", "measures", "verdict", "summary"], root.GetProperty("quality").EnumerateObject().Select(p => p.Name));
        Assert.Equal(["kind", "severity", "name", "rows", "count", "value", "reference", "message", "adjustedPValue"], root.GetProperty("quality").GetProperty("measures")[0].EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public void Trends_of_older_windows_come_from_signals_too()
    {
        MonitoringReport report = Of(Window(5, TestData.Sample(2, 1000))) with { Signals = [Signal("drift.psi:Speed", 1, 0.4), Signal("drift.psi:Speed", 2, 0.3), Signal("drift.psi:Speed", 5, 9)] };
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
        Assert.Equal(3, json.RootElement.GetProperty("windows").GetArrayLength());
        JsonElement speed = json.RootElement.GetProperty("trends").EnumerateArray().Single(t => t.GetProperty("feature").GetString() == "Speed");
        Assert.Equal([0.4, 0.3], speed.GetProperty("psi").EnumerateArray().Take(2).Select(v => v.GetDouble()));
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("trends").EnumerateArray().Single(t => t.GetProperty("feature").GetString() == "Height").GetProperty("psi")[0].ValueKind);
    }

    [Fact]
    public void The_text_is_short_and_narrow_enough_for_the_log_of_a_build()
    {
        string[] lines = Full().ToText().TrimEnd('\n').Split('\n');
        Assert.InRange(lines.Length, 8, 60);
        Assert.All(lines, l => Assert.InRange(l.Length, 1, 160));
        Assert.StartsWith("m v1: FAILED", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_nothing_says_so()
    {
        var empty = new MonitoringReport { Model = "m", Version = 1, CreatedAt = Start };
        Assert.Equal((MonitoringVerdict.Fine, "Nothing was measured."), (empty.Verdict, empty.Summary));
        Assert.NotNull(Page(empty.ToHtml()));
        Assert.StartsWith("# Monitoring of m version 1", empty.ToMarkdown(), StringComparison.Ordinal);
        Assert.NotEmpty(empty.ToText());
        using JsonDocument json = JsonDocument.Parse(empty.ToJson());
        Assert.Equal("Fine", json.RootElement.GetProperty("verdict").GetString());
    }

    [Fact]
    public void Names_from_outside_are_markup_nowhere() => Gen.OneOf(Gen.String, Gen.OneOf([.. new[] {
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</title><script>", "]]>", "<!--", "&lt;script&gt;", "| a | b |\n| --- |", "[x](javascript:alert(1))", "![x](http://e)", "`code`", "<http://e>", "http://e.example", "\u202Eabc", "\ud800", "\u0000\u001b[2J", "\uFFFE", "= x\n===", "- item", "# head", "1) x", "**bold**", "~~~", "@everyone", "www.e.example", "😀" }.Select(e => Gen.Const(e))])).Sample(evil =>
    {
        MonitoringReport full = Full();
        DriftReport drift = full.Latest! with
        {
            Model = evil,
            Summary = evil,
            Features = [.. full.Latest!.Features.Select((f, i) => f with { Name = i == 0 ? evil : f.Name, Change = evil, Bins = [.. f.Bins.Select(b => b with { Label = evil })] })],
        };
        MonitoringReport report = full with
        {
            Model = evil,
            Drift = [.. full.Drift.SkipLast(1), drift],
            Quality = full.Quality! with { Measures = [.. full.Quality.Measures.Select(m => m with { Name = evil, Message = evil })] },
            Skew = full.Skew! with { Columns = [evil], Findings = [.. full.Skew.Findings.Select(f => f with { Column = evil, Message = evil })] },
            Causes = [.. full.Causes.Select(c => new RootCauses(evil, evil, [.. c.Causes.Select(x => x with { Name = evil, Sentence = evil })]))],
            Alerts = [new MonitorAlert(evil, evil, 1, evil, Start)],
            Signals = [.. full.Signals.Select(s => s with { Name = $"performance.{evil}", Segment = evil }), Signal($"kpi.{evil}", 1, 1)],
        };
        XElement page = Page(report.ToHtml()); // what is not encoded does not parse, or shows as an element that no report has
        Assert.Empty(page.DescendantsAndSelf().Select(e => e.Name.LocalName).Except(Elements));
        Assert.Empty(page.DescendantsAndSelf().Attributes().Select(a => a.Name.LocalName).Except(Attributes));
        string text = report.ToText();
        Assert.DoesNotContain(text, c => (char.IsControl(c) && c != '\n') || (c >= '\u202A' && c <= '\u202E'));
        string markdown = report.ToMarkdown();
        Assert.DoesNotContain('<', markdown);
        Assert.DoesNotContain("](", markdown.Replace("\\\\", string.Empty, StringComparison.Ordinal).Replace("\\]", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("://", markdown, StringComparison.Ordinal);
        string[] cells = [.. markdown.Split('\n').Where(l => l.StartsWith('|')).Select(l => l.Replace("\\\\", string.Empty, StringComparison.Ordinal).Replace("\\|", string.Empty, StringComparison.Ordinal))];
        Assert.All(cells, c => Assert.Contains(c.Count(x => x == '|'), (int[])[4, 6, 8, 9]));
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
    }, iter: 100);

    [Fact]
    public void It_reads_the_same_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        MonitoringReport report = Full();
        (string, string, string, string) plain = (report.ToHtml(), report.ToMarkdown(), report.ToJson(), report.ToText());
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NumberGroupSeparator = ".", NegativeSign = "~" } };
            MonitoringReport other = Full();
            Assert.Equal(plain, (other.ToHtml(), other.ToMarkdown(), other.ToJson(), other.ToText()));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static readonly HashSet<string> Elements =
    [
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "b", "span", "section", "div", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
        "details", "summary", "figure", "figcaption", "svg", "g", "rect", "line", "text", "polyline", "polygon", "circle", "path",
    ];

    private static readonly HashSet<string> Attributes =
    [
        "lang", "charset", "name", "content", "class", "style", "viewBox", "role", "aria-label", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "d", "text-anchor",
    ];

    private static XElement Page(string html)
    {
        const string doctype = "<!doctype html>";
        Assert.StartsWith(doctype, html, StringComparison.Ordinal);
        return XElement.Parse(html[doctype.Length..]);
    }

    /// <summary>A report with every part.</summary>
    internal static MonitoringReport Full()
    {
        DriftReport[] windows = [.. Enumerable.Range(0, 6).Select(i => Window(i, TestData.Sample(10 + i, 600, mean: 100 + (8 * i), missing: 0.12 + (0.05 * i))))];
        MonitorWindow last = MonitorWindow.Of("w", "m", 1, Reference, TestData.Sample(15, 600, mean: 140, missing: 0.37));
        MetricChange change = MetricChange.Explain("accuracy", [new SegmentMetric("country=SE", 50, 80, 0.6, 0.6), new SegmentMetric("country=NO", 50, 20, 0.9, 0.8)]);
        return new MonitoringReport
        {
            Model = "m",
            Version = 1,
            CreatedAt = Start.AddDays(1),
            Drift = windows,
            Quality = DataQuality.Check(Reference, last),
            Skew = TrainingServingSkew.Compare(Reference, last),
            Causes = [RootCauses.Rank(windows[^1]), RootCauses.Of(change)],
            Alerts = [new MonitorAlert("a1", "m", 1, "Speed moved", Start)],
            FalseAlarmsExpected = 0.5,
            FalseAlarmsAllowed = 2,
            Signals =
            [
                .. Enumerable.Range(0, 6).Select(i => Signal("performance.roc_auc", i, 0.80 - (0.01 * i), 0.78 - (0.01 * i), 0.82 - (0.01 * i), 0.83)),
                .. Enumerable.Range(0, 6).Select(i => Signal("estimated.roc_auc", i, 0.81 - (0.01 * i), 0.77 - (0.01 * i), 0.85 - (0.01 * i), 0.83)),
                .. Enumerable.Range(0, 6).Select(i => Signal("kpi.saved_eur", i, 1e6 * i)),
                Signal("usage.error_share", 5, 1e-5),
                Signal("performance.roc_auc", 5, 0.6, 0.5, 0.7, 0.83) with { Segment = "country=SE" },
            ],
        };
    }

    private static MonitoringReport Of(params DriftReport[] windows) => new() { Model = "m", Version = 1, CreatedAt = Start, Drift = windows };

    private static DriftReport Window(int hour, EncodedTable rows) => TestData.Compare(Reference, rows) with { From = Start.AddHours(hour), To = Start.AddHours(hour + 1) };

    private static MonitorSignal Signal(string name, int hour, double value, double? low = null, double? high = null, double? reference = null) =>
        new() { Model = "m", Version = 1, Name = name, From = Start.AddHours(hour), To = Start.AddHours(hour + 1), Rows = 500, Value = value, Low = low, High = high, Reference = reference };

    private static Table Rows(int seed, int rows)
    {
        EncodedTable sample = TestData.Sample(seed, rows);
        return new Table([.. sample.Numbers.Select((n, i) => new NumberColumn($"n{i}", [.. n.Select(v => (double)v)])), sample.Texts[0]]);
    }
}

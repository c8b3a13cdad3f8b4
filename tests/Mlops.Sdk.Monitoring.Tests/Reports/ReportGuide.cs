using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The code of docs/guides/reports.md, run as a user would.</summary>
public sealed class ReportGuide
{
    [Fact]
    public void A_report_is_put_together_and_written()
    {
        MonitoringReport full = MonitoringReportTests.Full();
        IReadOnlyList<DriftReport> windows = full.Drift;
        IReadOnlyList<MonitorSignal> signals = full.Signals;
        QualityReport quality = full.Quality!;
        #region report
        var report = new MonitoringReport
        {
            Model = "taxi-fare",
            Version = 3,
            CreatedAt = TimeProvider.System.GetUtcNow(),
            Drift = windows,
            Signals = signals,
            Quality = quality,
            Causes = [RootCauses.Rank(windows[^1])],
        };
        string page = report.ToHtml();
        string comment = report.ToMarkdown();
        string document = report.ToJson();
        Console.Write(report.ToText());
        #endregion
        Assert.EndsWith("</html>", page, StringComparison.Ordinal);
        Assert.StartsWith("# Monitoring of taxi-fare version 3", comment, StringComparison.Ordinal);
        Assert.StartsWith("{", document, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_a_metric_is_taken_apart()
    {
        #region segments
        MetricChange change = MetricChange.Explain("accuracy",
        [
            new SegmentMetric("country=SE", RowsBefore: 500, RowsNow: 800, Before: 0.60, Now: 0.60),
            new SegmentMetric("country=NO", RowsBefore: 500, RowsNow: 200, Before: 0.90, Now: 0.80),
        ]);
        Console.WriteLine(change.Summary);
        #endregion
        Assert.Equal("accuracy went from 0.75 to 0.64 (-0.11): -0.035 by what happened in segments, -0.075 by their shares. Most of it: country=NO: -0.0815 of the change; mostly because its share of the rows went from 50 % to 20 %.", change.Summary);
    }

    [Fact]
    public void A_shift_of_answers_is_taken_apart()
    {
        EncodedTable reference = TestData.Sample(1, 1000, missing: 0);
        EncodedTable current = TestData.Sample(2, 1000, mean: 120, missing: 0);
        double Answer(ModelRow row) => row.Numbers[0] / 10;
        #region shift
        PredictionShift shift = PredictionShift.Explain(reference, current, Answer, seed: 1);
        RootCauses causes = RootCauses.Of(shift);
        Console.WriteLine(causes.Summary);
        #endregion
        Assert.Equal("Speed", Assert.Single(causes.Causes).Name);
    }
}

using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class DataQualityTests
{
    private static readonly EncodedTable Trained = TestData.Sample(1, 4000);
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(Trained);

    /// <summary>The declared rate of false calls is 0.001 a window; MLOPS_TEST_QUALITY_WINDOWS asks for more windows.</summary>
    [Fact]
    public void Rows_of_the_same_world_are_fine_but_for_the_declared_rate_of_chance()
    {
        int windows = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_QUALITY_WINDOWS") ?? "400", System.Globalization.CultureInfo.InvariantCulture);
        QualityReport[] reports = [.. Enumerable.Range(100, windows).AsParallel().Select(seed => Check(TestData.Sample(seed, 1000)))];
        int shares = reports.Count(r => r.Findings.Any(f => f.Kind is not QualityKind.OutOfRange));
        int ranges = reports.Count(r => r.Findings.Any(f => f.Kind is QualityKind.OutOfRange));
        TestContext.Current.TestOutputHelper?.WriteLine($"{shares} windows with a share and {ranges} with a range to watch, of {windows}");
        Assert.DoesNotContain(reports, r => r.Verdict == QualitySeverity.Failed);
        Assert.InRange(shares, 0, 3 + (0.002 * windows)); // an expected 0.001 a window, and its spread
        Assert.InRange(ranges, 0, 3 + (0.002 * windows));
        Assert.StartsWith("Data quality is fine", reports.First(r => r.Findings.Count == 0).Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_values_that_rise_fail_and_name_the_column_with_numbers()
    {
        QualityReport report = Check(TestData.Sample(2, 1000, missing: 0.4));
        QualityMeasure finding = Assert.Single(report.Findings);
        Assert.Equal((QualityKind.Missing, QualitySeverity.Failed, "Speed"), (finding.Kind, finding.Severity, finding.Name));
        Assert.Equal(finding.Count / 1000.0, finding.Value);
        Assert.True(finding.AdjustedPValue < 1e-6);
        Assert.Equal(Reference.Features[0].Missing / 4000.0, finding.Reference!.Value, 1e-12);
        Assert.Contains($"{finding.Count} of 1000 rows", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_values_that_fall_are_no_failure() => Assert.Equal(QualitySeverity.Fine, Check(TestData.Sample(2, 1000, missing: 0)).Verdict);

    [Fact]
    public void Unseen_categories_fail_and_a_few_are_for_watching()
    {
        Assert.Equal(QualitySeverity.Failed, Of(Check(TestData.Sample(2, 1000, operators: ["ACME", "BIRD", "NEWS"])), QualityKind.Unseen).Severity);
        string[] rare = [.. Enumerable.Repeat("ACME", 19), "NEWS"];
        Assert.Equal(QualitySeverity.Watch, Of(Check(TestData.Sample(2, 1000, operators: rare)), QualityKind.Unseen).Severity);
    }

    [Fact]
    public void One_infinity_where_the_reference_has_none_is_for_watching_and_many_fail()
    {
        double[] height = [.. Enumerable.Range(0, 500).Select(i => i == 7 ? double.PositiveInfinity : i)];
        Assert.Equal(QualitySeverity.Watch, Of(Check(Rows(height)), QualityKind.Infinite).Severity);
        height = [.. Enumerable.Range(0, 500).Select(i => i % 20 == 7 ? double.NegativeInfinity : i)];
        QualityMeasure many = Of(Check(Rows(height)), QualityKind.Infinite);
        Assert.Equal((QualitySeverity.Failed, 25L, 0.05), (many.Severity, many.Count, many.Value));
    }

    [Fact]
    public void Numbers_beyond_the_reference_are_measured_in_widths_of_its_range()
    {
        float low = Reference.Features[2].Minimum!.Value;
        float high = Reference.Features[2].Maximum!.Value;
        double[] height = [.. Enumerable.Range(0, 500).Select(i => i == 7 ? high + (2.0 * (high - low)) : 100 + i)];
        QualityMeasure measure = Of(Check(Rows(height)), QualityKind.OutOfRange);
        Assert.Equal(2, measure.Value, 1e-4);
        Assert.Equal(QualitySeverity.Watch, measure.Severity);
        height[7] = high + (20.0 * (high - low));
        Assert.Equal(QualitySeverity.Failed, Of(Check(Rows(height)), QualityKind.OutOfRange).Severity);
    }

    [Fact]
    public void Counts_outside_a_declared_range_are_bounded_by_what_the_bins_know() => Gen.Select(Gen.Double[-50, 9000].Array[300], Gen.Double[0, 3000], Gen.Double[0, 3000]).Sample((height, a, b) =>
    {
        var options = new QualityOptions();
        options.Ranges["Height"] = new QualityRange { Minimum = Math.Min(a, b), Maximum = Math.Max(a, b) };
        long truth = height.LongCount(h => (float)h < Math.Min(a, b) || (float)h > Math.Max(a, b));
        QualityMeasure measure = Of(Check(Rows(height), options), QualityKind.OutOfDeclaredRange);
        Assert.Equal(truth > 0, measure.Severity != QualitySeverity.Fine);
        Assert.True(measure.Count <= truth && (truth == 0 || measure.Count > 0));
        if (truth > 0)
        {
            long most = long.Parse(measure.Message.Split(" to ")[^1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(truth, measure.Count, most);
        }
    }, iter: 300);

    [Fact]
    public void A_column_that_stands_still_fails_unless_chance_explains_it()
    {
        double[] still = [.. Enumerable.Repeat(120.0, 300)];
        QualityMeasure constant = Of(Check(Rows(still)), QualityKind.Constant);
        Assert.Equal((QualitySeverity.Failed, "Height"), (constant.Severity, constant.Name));

        // a flag that is 0 in 999 of 1000 rows is 0 in 300 rows by chance
        EncodedTable flags = TestData.Rows([.. Enumerable.Range(0, 2000).Select(i => i % 1000 == 0 ? 1.0 : 0)], [.. Enumerable.Repeat("ACME", 2000)], [.. Enumerable.Range(0, 2000).Select(i => (double)i)]);
        EncodedTable zeros = TestData.Rows([.. Enumerable.Repeat(0.0, 300)], [.. Enumerable.Repeat("ACME", 300)], [.. Enumerable.Range(0, 300).Select(i => (double)(i * 6))]);
        ReferenceProfile profile = ReferenceProfile.Of(flags);
        Assert.DoesNotContain(DataQuality.Check(profile, MonitorWindow.Of("w", "m", 1, profile, zeros)).Measures, m => m.Kind == QualityKind.Constant);
    }

    [Fact]
    public void Too_few_rows_are_not_judged_by_shares_but_broken_rules_are()
    {
        var raw = new RawQuality { Rows = 10, Columns = [], DistinctRows = 10, DistinctIsExact = true, ContractRows = 10, Violations = new Dictionary<string, long> { ["between(Speed, 0, 500)"] = 1, ["not-null(Speed)"] = 0 } };
        QualityReport report = DataQuality.Check(Reference, MonitorWindow.Of("w", "m", 1, Reference, TestData.Sample(2, 10, missing: 1)), null, raw);
        Assert.Equal((QualityKind.ContractViolated, "between(Speed, 0, 500)", 0.1), Assert.Single(report.Findings) switch { var f => (f.Kind, f.Name, f.Value) });
        Assert.Contains(report.Measures, m => m is { Kind: QualityKind.ContractViolated, Name: "not-null(Speed)", Severity: QualitySeverity.Fine });
    }

    [Fact]
    public void Predictions_that_were_not_recorded_are_told()
    {
        MonitorWindow window = MonitorWindow.Of("w", "m", 1, Reference, TestData.Sample(2, 900)) with { NotRecorded = 100 };
        QualityMeasure lost = Of(DataQuality.Check(Reference, window), QualityKind.NotRecorded);
        Assert.Equal((QualitySeverity.Failed, 0.1), (lost.Severity, lost.Value));
    }

    [Fact]
    public void Ignored_columns_are_measured_and_not_judged()
    {
        var options = new QualityOptions();
        options.Ignored.Add("Speed");
        QualityReport report = Check(TestData.Sample(2, 1000, missing: 0.9), options);
        Assert.Equal(QualitySeverity.Fine, report.Verdict);
        Assert.True(Of(report, QualityKind.Missing).Value > 0.8);
    }

    [Fact]
    public void Every_measure_becomes_a_signal_and_failures_are_counted()
    {
        QualityReport report = Check(TestData.Sample(2, 1000, missing: 0.4));
        IReadOnlyList<MonitorSignal> signals = report.ToSignals();
        Assert.Equal(report.Measures.Count + 1, signals.Count);
        MonitorSignal missing = signals.Single(s => s.Name == "quality.missing_share:Speed");
        Assert.Equal(("m", 1, 1000L), (missing.Model, missing.Version, missing.Rows));
        Assert.InRange(missing.Value, 0.35, 0.45);
        Assert.Equal(1, signals.Single(s => s.Name == "quality.failures").Value);
        Assert.All(signals, s => Assert.True(double.IsFinite(s.Value)));
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused_with_their_names()
    {
        var bad = new QualityOptions { Watch = 0.5, Fail = 0.1 };
        Assert.Contains("Watch (0.5)", Assert.Throws<MlopsException>(() => Check(Trained, bad)).Message, StringComparison.Ordinal);
        var range = new QualityOptions();
        range.Ranges["Speed"] = new QualityRange { Minimum = 5, Maximum = 1 };
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => Check(Trained, range)).Code);
    }

    [Fact]
    public void A_window_of_another_reference_is_refused()
    {
        MonitorWindow window = MonitorWindow.Of("w", "m", 1, ReferenceProfile.Of(Trained, bins: 5), Trained);
        Assert.Equal("monitoring.profile_mismatch", Assert.Throws<MlopsDataException>(() => DataQuality.Check(Reference, window)).Code);
    }

    private static QualityReport Check(EncodedTable rows, QualityOptions? options = null) => DataQuality.Check(Reference, MonitorWindow.Of("w", "m", 1, Reference, rows), options);

    private static QualityMeasure Of(QualityReport report, QualityKind kind) => report.Measures.Single(m => m.Kind == kind);

    private static EncodedTable Rows(double[] height)
    {
        EncodedTable like = TestData.Sample(5, height.Length);
        return TestData.Rows([.. like.Numbers[0].Select(v => (double)v)], [.. Enumerable.Range(0, height.Length).Select(i => like.Texts[0][i])], height);
    }
}

using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Budgets of false alarms, by simulation on data that does not change. MLOPS_TEST_WINDOWS sets how many windows (default 600).</summary>
public sealed class FalseAlarmTests(ITestOutputHelper output)
{
    private static readonly int Windows = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_WINDOWS") ?? "600", CultureInfo.InvariantCulture);
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(20, 1, 1)]
    [InlineData(1, 2, 3)]
    [InlineData(10, 3, 5)]
    public void A_budget_is_kept_when_nothing_changes(int tests, int breaches, int outOf)
    {
        const double budget = 400; // a month: many, so that the simulation can count them
        AlertPolicy policy = AlertPolicy.Create("p", p => p.On("drift.psi:*").FalseAlarms(budget, Every, tests).For(breaches, outOf).ClearAfter(1).DampFlapping(null));
        var random = new Random((tests * 31) + breaches);
        int spans = Math.Max(Windows, 10_000);
        var signals = new List<MonitorSignal>();
        for (int i = 0; i < spans; i++)
        {
            for (int t = 0; t < tests; t++)
            {
                MonitorSignal signal = Signal.At(i, 0.1, $"drift.psi:f{t}", p: random.NextDouble());
                signals.Add(signal with { From = Signal.Start + (Every * i), To = Signal.Start + (Every * (i + 1)) });
            }
        }

        double expected = budget * spans * (Every / TimeSpan.FromDays(30));
        int raised = AlertSimulation.Run([policy], signals).Alerts.Count;
        output.WriteLine($"{tests} tests, {breaches} of {outOf}: {raised} alerts in {spans} windows, budget {expected:0.0}");

        // Poisson: at most the budget but for five standard deviations, and not so few that the level is idle
        Assert.True(raised <= expected + (5 * Math.Sqrt(expected)), $"{raised} alerts, {expected} budgeted");
        Assert.True(raised >= expected / 4, $"{raised} alerts, {expected} budgeted");
    }

    [Fact]
    public void The_default_policy_raises_nothing_on_stable_data_however_many_windows()
    {
        // declared: at most one false alarm a month and model, with a window every five minutes (8,640 a month)
        var profile = ReferenceProfile.Of(TestData.Sample(1, 4000), TestData.Answers(TestData.Sample(1, 4000)));
        var signals = new List<MonitorSignal>();
        for (int i = 0; i < Windows; i++)
        {
            EncodedTable rows = TestData.Sample(1000 + i, 500);
            DriftReport report = DriftDetector.Compare(profile, MonitorWindow.Of($"w{i}", "m", 1, profile, rows, TestData.Answers(rows, i), Signal.Start + (Every * i)));
            signals.AddRange(ReportSignals.Of(report with { From = Signal.Start + (Every * i), To = Signal.Start + (Every * (i + 1)) }));
        }

        int raised = AlertSimulation.Run([AlertPolicy.Drift()], signals).Alerts.Count;
        double highest = signals.Where(s => s.Name.StartsWith("drift.psi:", StringComparison.Ordinal)).Max(s => s.Value);
        output.WriteLine($"{raised} alerts in {Windows} windows of 500 rows; highest PSI {highest:0.000}");
        Assert.True(raised <= Math.Ceiling(Windows / 8640.0), $"{raised} alerts in {Windows} windows");
    }
}

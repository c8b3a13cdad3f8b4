using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The code of docs/guides/data-quality.md, run as a user would.</summary>
public sealed class QualityGuide
{
    private sealed record Trip(double? Distance, string? City, DateTime Start);

    [Fact]
    public void A_host_watches_quality_by_one_line()
    {
        var services = new ServiceCollection();
        IMlopsBuilder mlops = new Builder(services);
        #region host
        mlops.AddDataQuality(quality =>
        {
            quality.Ranges["Distance"] = new QualityRange { Minimum = 0, Maximum = 500 };
            quality.MaximumAge = TimeSpan.FromHours(2);
            quality.Ignored.Add("Year");
        });
        #endregion
        Assert.Contains(services, s => s.ServiceType == typeof(QualityMonitor));
    }

    [Fact]
    public void A_job_counts_raw_rows_and_checks_a_window()
    {
        TimeProvider clock = TimeProvider.System;
        Trip[] batch = [.. Enumerable.Range(0, 200).Select(i => new Trip(i % 50 == 0 ? -1 : i, i % 2 == 0 ? "Oslo" : "Bern", clock.GetUtcNow().UtcDateTime))];
        EncodedTable trained = TestData.Sample(1, 2000);
        ReferenceProfile profile = ReferenceProfile.Of(trained);
        MonitorWindow window = MonitorWindow.Of("today", "taxi-fare", 1, profile, TestData.Sample(2, 500, missing: 0.4));
        #region batch
        DataContract<Trip> contract = new DataContractBuilder<Trip>()
            .NotNull(t => t.City)
            .Between(t => t.Distance, 0, 500)
            .Build();
        var recorder = new QualityRecorder(clock);
        recorder.Record("taxi-fare", batch, contract, eventTime: "Start");

        QualityReport report = DataQuality.Check(profile, window, raw: recorder.Take("taxi-fare"));
        Console.WriteLine(report.ToText());
        foreach (MonitorSignal signal in report.ToSignals())
        {
            Console.WriteLine($"{signal.Name} {signal.Value}");
        }
        #endregion
        Assert.Equal(QualitySeverity.Failed, report.Verdict);
        Assert.Contains("4 of 200 rows (2 %) break the rule between(Distance, 0, 500)", report.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Skew_between_two_tables_is_named()
    {
        double[] metres = [.. TestData.Sample(1, 2000, missing: 0).Numbers[0].Select(v => (double)v)];
        var training = new Table([new NumberColumn("Height", metres)]);
        var serving = new Table([new NumberColumn("Height", [.. metres.Select(m => m / 0.3048)])]);
        #region skew
        SkewReport skew = TrainingServingSkew.Compare(training, serving);
        foreach (SkewFinding finding in skew.Findings)
        {
            Console.WriteLine($"{finding.Kind}: {finding.Message}");
        }
        #endregion
        Assert.Contains("metres to feet", Assert.Single(skew.Findings).Message, StringComparison.Ordinal);
    }

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The code of docs/guides/performance-monitoring.md.</summary>
public sealed class PerformanceGuideTests
{
    [Fact]
    public async Task The_page_does_what_it_says()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        (float[] testProbabilities, bool[] testAnswers, bool[] testTruths) = Rows(1, 2_000);
        ArtifactStore artifacts = host.Artifacts;
        ModelSchema schema = TestData.Schema;
        EncodedTable testRows = TestData.Sample(1, 2_000);
        IReadOnlyList<float[]> testOutputs = [testProbabilities];
        double[] truths = [.. testTruths.Select(t => t ? 1.0 : 0.0)];

        #region reference
        var rows = new ReferenceRows(schema, testRows, testOutputs, truths); // rows the model has not seen
        var files = new List<ModelFile>();
        foreach (ReferenceFile file in new PerformanceFiles().Make(rows))
        {
            ArtifactInfo info = await artifacts.WriteAsync(new MemoryStream(file.Content));
            files.Add(new ModelFile(file.Name, info.Digest, info.Length)); // into the version's manifest
        }
        #endregion

        Assert.Single(files);
        await host.RegisterAsync(null, [.. new PerformanceFiles().Make(rows)]);
        RecordLogs logs = new(world.Store, host.Ledger, world.Time);
        IModelCatalog catalog = host.Registry;
        TimeProvider time = world.Time;

        #region plan
        PerformancePlan plan = new PerformancePlanBuilder("m")
            .SegmentBy("Operator")
            .Kpi("saved_eur", (answer, actual) => answer == 1 && actual == 1 ? 50 : answer == 1 ? -10 : 0, "EUR")
            .Expect(0.01, 0.99)     // probabilities outside are counted
            .ExpectRate(0.1, 0.4)   // the share of yes
            .Build();
        await using var monitor = new PerformanceMonitor(logs, catalog, artifacts, time, plans: [plan]);
        #endregion

        DateTimeOffset day = PerformanceWorld.Start;

        #region outcomes
        await monitor.RecordAsync("m", version: 1, id: "order-1", outputs: new[] { 0.83f }, segment: "ACME");
        await monitor.ActualAsync("m", "order-1", actual: true); // now, later, before, or in another process
        await monitor.FlushAsync("m");
        #endregion

        for (int i = 0; i < 500; i++)
        {
            await monitor.RecordAsync("m", 1, $"day-{i}", testProbabilities.AsMemory(i, 1));
            await monitor.ActualAsync("m", $"day-{i}", testTruths[i]);
        }

        #region measure
        PerformanceWindow window = await monitor.MeasureAsync("m", version: 1, day, day.AddDays(1));
        MetricValue? realised = window.Realised?.Find(PerformanceNames.RocAuc);          // by the truths that came
        MetricValue? estimated = window.Estimated.GetValueOrDefault(PerformanceNames.RocAuc); // without them
        Console.WriteLine($"{window.Labels.Coverage:P0} labelled, AUC {realised?.Value:F3}, estimated {estimated?.Value:F3}");
        #endregion

        Assert.Equal(501, window.Labels.Labelled);
        Assert.Equal(realised!.Value, estimated!.Value, 0.1);

        #region report
        PerformanceReport report = await monitor.ReportAsync("m", version: 1, day, day.AddDays(7), TimeSpan.FromDays(1));
        byte[] json = report.ToJson();
        foreach (PerformanceSeries series in report.Series.Where(s => report.Outside.Contains(s.Metric)))
        {
            Console.WriteLine($"{series.Metric} left its thresholds; training had {series.Reference?.Value:F3}");
        }
        #endregion

        Assert.NotEmpty(json);

        #region rows
        PerformanceRows scored = PerformanceRows.Binary(testProbabilities, testAnswers, testTruths);
        PerformanceValues values = PerformanceMetrics.Of(scored);
        PerformanceReference reference = PerformanceReference.Of(scored);
        IReadOnlyDictionary<string, MetricValue> guess = ConfidenceEstimate.Of(reference, scored.Scores, scored.Predictions);
        #endregion

        Assert.Equal(values.Find(PerformanceNames.Accuracy)!.Value, guess[PerformanceNames.Accuracy].Value, 0.05);
    }

    [Fact]
    public void A_host_is_set_up_as_the_page_says()
    {
        var services = new ServiceCollection();
        IMlopsBuilder mlops = new Builder(services);

        #region host
        mlops.AddMonitoring(m => m.Watch("m", w => w.Every(TimeSpan.FromMinutes(5))))
            .AddPerformance(p => p
                .Measure("m", m => m.SegmentBy("Operator").Kpi("saved_eur", (answer, actual) => answer * actual * 50, "EUR"))
                .Configure(o => o.Horizon = TimeSpan.FromDays(60)));
        #endregion

        Assert.Contains(services, s => s.ServiceType == typeof(PerformanceMonitor));
    }

    private static (float[] Scores, bool[] Answers, bool[] Truths) Rows(int seed, int count)
    {
        var random = new Random(seed);
        float[] scores = [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
        return (scores, [.. scores.Select(s => s >= 0.5f)], [.. scores.Select(s => random.NextDouble() < s)]);
    }

    private sealed class Builder(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

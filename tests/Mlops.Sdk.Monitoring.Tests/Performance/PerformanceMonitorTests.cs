using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class PerformanceMonitorTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_closing_window_gives_realised_estimated_business_and_output_signals()
    {
        await using var world = new PerformanceWorld();
        PerformancePlan plan = new PerformancePlanBuilder("m").SegmentBy("Operator")
            .Kpi("saved_eur", (answer, actual) => answer == 1 && actual == 1 ? 50 : answer == 1 ? -10 : 0, "EUR")
            .Expect(0.05, 0.95).ExpectRate(0.0, 0.2).Build();
        PerformanceWorld.Host host = await world.HostAsync(null, plan);
        await host.RegisterAsync(null, new ReferenceFile(PerformanceReference.FileName, Reference(1).Serialize()));
        await host.ServeAsync();
        world.Time.Advance(TimeSpan.FromHours(1));
        int right = await PredictAsync(host, world, 600, 2);
        world.Time.Advance(TimeSpan.FromHours(1));

        IReadOnlyList<MonitorSignal> signals = await MeasureAsync(host, world);
        MonitorSignal realised = Single("performance.accuracy");
        Assert.Equal((600, right / 600.0), (realised.Rows, realised.Value));
        Assert.True(realised.Low < realised.Value && realised.Reference is > 0.6 and < 1);
        MonitorSignal estimated = Single("estimated.accuracy");
        Assert.True(realised.Value >= estimated.Low && realised.Value <= estimated.High);
        Assert.Equal(realised.Reference, estimated.Reference);
        Assert.Equal(1, Single("performance.label_coverage").Value);
        Assert.NotNull(Single("performance.calibration_error").PValue);
        Assert.NotNull(Single("performance.calibration_slope").Reference);
        Assert.Equal(PerformanceWorld.Start, Single("kpi.saved_eur").From);
        Assert.True(Single("kpi.saved_eur").Value > 0);
        Assert.InRange(Single("output.out_of_range_share").Value, 0.05, 0.15);
        Assert.InRange(Single("output.positive_share").Value, 0.4, 0.6);
        Assert.Equal(Single("output.positive_share").Value - 0.2, Single("output.rate_outside").Value, 1e-12);
        Assert.Equal(["Operator=ACME", "Operator=BIRD"], signals.Where(s => s.Name == "performance.roc_auc").Select(s => s.Segment).OfType<string>().Order());
        Assert.DoesNotContain(await MeasureAsync(host, world), s => s.Name.StartsWith("estimated.", StringComparison.Ordinal)); // nothing was answered since

        MonitorSignal Single(string name) => Xunit.Assert.Single(signals, s => s.Name == name && s.Segment is null);
    }

    [Fact]
    public async Task Business_numbers_are_a_gauge()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(null, new PerformancePlanBuilder("m").Kpi("hits", (answer, actual) => answer == actual ? 1 : 0).Build());
        await host.RegisterAsync();
        await host.ServeAsync();
        int right = await PredictAsync(host, world, 50, 3);
        world.Time.Advance(TimeSpan.FromHours(1));
        await MeasureAsync(host, world);
        var seen = new List<double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "mlops.monitoring.kpi")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
        {
            if (tags.ToArray().Any(t => t is { Key: "mlops.kpi", Value: "hits" }))
            {
                seen.Add(value);
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Contains(right, seen);
    }

    [Fact]
    public async Task A_report_draws_realised_and_estimated_apart_beside_training_and_thresholds()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(null, new PerformancePlanBuilder("m").Kpi("hits", (answer, actual) => answer == actual ? 1 : 0).Build());
        PerformanceReference reference = Reference(1);
        await host.RegisterAsync(null, new ReferenceFile(PerformanceReference.FileName, reference.Serialize()));
        await host.ServeAsync();
        await PredictAsync(host, world, 400, 2);
        world.Time.Advance(TimeSpan.FromDays(1));
        await PredictAsync(host, world, 400, 3, labels: false);
        world.Time.Advance(TimeSpan.FromDays(1));
        await PredictAsync(host, world, 400, 4, flip: true); // the truth no longer hangs on the inputs as it did
        PerformanceReport report = await host.Monitor.ReportAsync("m", 1, PerformanceWorld.Start, PerformanceWorld.Start.AddDays(3), TimeSpan.FromDays(1));

        PerformanceSeries area = report.Series.Single(s => s.Metric == PerformanceNames.RocAuc);
        Assert.Equal(reference.Metrics[PerformanceNames.RocAuc], area.Reference);
        Assert.Equal([true, false, true], area.Points.Select(p => p.Realised is not null));
        Assert.All(area.Points, p => Assert.NotNull(p.Estimated));
        Assert.All(area.Points, p => Assert.True(p.ThresholdLow < p.ThresholdHigh));
        Assert.Equal([false, false, true], area.Points.Select(p => p.RealisedOutside));
        Assert.False(area.Points[2].EstimatedOutside); // concept drift: only labels see it
        Assert.Contains(PerformanceNames.RocAuc, report.Outside);
        Assert.Contains(report.Notes, n => n.Contains("concept drift", StringComparison.Ordinal));
        Assert.Equal([400, 400], report.Kpis.Single().Points.Select(p => p.Value.Rows).Where(r => r > 0));
        PerformanceReport read = PerformanceReport.FromJson(report.ToJson());
        Assert.Equal(report.ToJson(), read.ToJson());
        Assert.Equal("monitoring.newer_format", Assert.Throws<MlopsIntegrityException>(() => PerformanceReport.FromJson((report with { Format = 9 }).ToJson())).Code);
        Assert.Equal("monitoring.unreadable_report", Assert.Throws<MlopsIntegrityException>(() => PerformanceReport.FromJson("{"u8)).Code);
    }

    [Fact]
    public async Task A_regression_is_estimated_by_the_expected_loss_of_its_rows()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(new PerformanceOptions { LossSampling = 1 });
        await host.RegisterAsync(PerformanceWorld.Numbers, [.. new PerformanceFiles().Make(LossModelTests.Draw(1, 4_000, 0).Rows)]);
        await host.ServeAsync();
        (ReferenceRows shifted, double mae, double rmse) = LossModelTests.Draw(2, 2_000, 1.5); // larger ones come now, which are harder
        for (int i = 0; i < shifted.Actuals.Count; i++)
        {
            host.Monitor.OnPredicted("m", 1, new ModelRow([shifted.Table.Numbers[0][i]], []), [shifted.Outputs[0][i]], new PredictionContext(i % 2 == 0 ? $"{i}" : null));
        }

        world.Time.Advance(TimeSpan.FromHours(1));
        PerformanceWindow window = await host.MeasureAsync();
        Assert.Equal(mae, window.Estimated[PerformanceNames.Mae].Value, 0.1 * mae);
        IReadOnlyList<MonitorSignal> signals = await MeasureAsync(host, world);
        MonitorSignal estimated = Assert.Single(signals, s => s.Name == "estimated.mae");
        Assert.Equal(2_000, estimated.Rows);
        Assert.True(mae >= estimated.Low && mae <= estimated.High && mae > 1.2 * estimated.Reference);
        Assert.Equal(rmse, Assert.Single(signals, s => s.Name == "estimated.rmse").Value, 0.1 * rmse);
    }

    [Fact]
    public async Task A_host_gets_the_monitor_as_observer_source_and_maker_of_files()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host other = await world.HostAsync();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Configuration["Mlops:Monitoring:Performance:MinimumLabels"] = "7";
        builder.Services.AddSingleton<IObjectStore>(world.Store).AddSingleton<ILedger>(other.Ledger).AddSingleton<IArtifactStore>(other.Artifacts)
            .AddSingleton<IModelCatalog>(other.Registry).AddSingleton<TimeProvider>(world.Time).AddSingleton<IIdGenerator>(new TimeOrderedIdGenerator(TimeProvider.System));
        new Mlops(builder.Services).AddPerformance(p => p.Measure("m", m => m.Expect(0, 1)).Configure(o => o.Span = TimeSpan.FromHours(2))).AddPerformance();
        using IHost host = builder.Build();
        PerformanceMonitor monitor = host.Services.GetRequiredService<PerformanceMonitor>();
        Assert.Same(monitor, Assert.Single(host.Services.GetServices<IPredictionObserver>()));
        Assert.Same(monitor, Assert.Single(host.Services.GetServices<ISignalSource>()));
        Assert.Single(host.Services.GetServices<IReferenceFileSource>());
        PerformanceOptions options = host.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<PerformanceOptions>>().Value;
        Assert.Equal((7, TimeSpan.FromHours(2)), (options.MinimumLabels, options.Span));
    }

    [Fact]
    public async Task Damaged_facts_do_not_keep_a_version_out_of_service()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync(null, new ReferenceFile(PerformanceReference.FileName, [1, 2, 3]));
        await host.ServeAsync();
        host.Predict("a", 0.9f);
        Assert.Equal(0, host.Monitor.NotRecorded);
        Assert.Equal("monitoring.unreadable_reference", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await host.MeasureAsync())).Code);
    }

    [Fact]
    public void A_plan_refuses_bad_names_and_bounds()
    {
        var builder = new PerformancePlanBuilder("m");
        Assert.Throws<ArgumentException>(() => builder.Kpi("Saved EUR", (_, _) => 0));
        Assert.Throws<ArgumentException>(() => builder.Kpi("a", (_, _) => 0).Kpi("a", (_, _) => 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Expect(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.ExpectRate(0, 2));
        Assert.Equal("m", builder.Build().Model);
    }

    [Fact]
    public void Threads_count_every_answer_once()
    {
        OutcomeLayout layout = OutcomeLayout.Of(TestData.Schema)!;
        var served = new ServedPerformance("m", 1, layout, new VersionFacts(TestData.Schema, layout, null, null), -1, (0, 0.5), 1, default);
        Parallel.For(0, 8, t =>
        {
            for (int i = 0; i < 2_000; i++)
            {
                served.Count(new ModelRow([1f, 2f], ["ACME"]), [i % 4 == 0 ? 0.75f : 0.25f], [], default);
            }
        });
        ServedCounts counts = served.Take(default);
        Assert.Equal((16_000, 4_000, 16_000), (counts.Rows, counts.Outside, counts.Scores!.Rows));
        Assert.Equal(0, served.Take(default).Rows);
    }

    [Fact]
    public async Task Recording_an_answer_with_an_id_allocates_nothing()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.ServeAsync();
        string[] ids = [.. Enumerable.Range(0, 2_000).Select(i => $"order-{i}")];
        float[] row = [1f, 2f];
        string?[] texts = ["ACME"];
        float[] outputs = [0.7f];
        void Pass()
        {
            foreach (string id in ids)
            {
                host.Monitor.OnPredicted("m", 1, new ModelRow(row, texts), outputs, new PredictionContext(id));
            }
        }

        Pass(); // compiles, and lets the log's buffer grow
        Pass();
        await host.Monitor.FlushAsync("m");
        Pass();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Pass();
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / ids.Length;
        Assert.True(each < 64, $"{each} bytes an answer"); // the log's buffer, which doubles now and then, and nothing else
        Time("with an id", Pass);
        Time("without an id", () =>
        {
            foreach (string id in ids)
            {
                host.Monitor.OnPredicted("m", 1, new ModelRow(row, texts), outputs, default);
            }
        });

        void Time(string what, Action pass)
        {
            for (int warm = 0; warm < 20; warm++)
            {
                pass();
            }

            long best = long.MaxValue;
            for (int i = 0; i < 30; i++)
            {
                long start = TimeProvider.System.GetTimestamp();
                pass();
                best = Math.Min(best, TimeProvider.System.GetElapsedTime(start).Ticks * 100 / ids.Length);
            }

            output.WriteLine($"{what}: {best} ns an answer at best"); // told, not judged
        }
    }

    internal static PerformanceReference Reference(int seed)
    {
        (float[] scores, bool[] actual) = Draw(new Random(seed), 5_000);
        return PerformanceReference.Of(PerformanceRows.Binary(scores, [.. scores.Select(s => s >= 0.5f)], actual));
    }

    private static (float[] Scores, bool[] Actual) Draw(Random random, int rows, bool flip = false)
    {
        float[] scores = [.. Enumerable.Range(0, rows).Select(_ => random.NextSingle())];
        return (scores, [.. scores.Select(s => random.NextDouble() < (flip ? 1 - s : s))]);
    }

    private static async Task<int> PredictAsync(PerformanceWorld.Host host, PerformanceWorld world, int rows, int seed, bool labels = true, bool flip = false)
    {
        (float[] scores, bool[] actual) = Draw(new Random(seed), rows, flip);
        int right = 0;
        for (int i = 0; i < rows; i++)
        {
            host.Predict($"{seed}-{i}", scores[i], i % 2 == 0 ? "ACME" : "BIRD");
            right += scores[i] >= 0.5f == actual[i] ? 1 : 0;
            if (labels)
            {
                await host.Monitor.ActualAsync("m", $"{seed}-{i}", actual[i]);
            }
        }

        Assert.Equal(0, host.Monitor.NotRecorded);
        _ = world;
        return right;
    }

    private static ValueTask<IReadOnlyList<MonitorSignal>> MeasureAsync(PerformanceWorld.Host host, PerformanceWorld world)
    {
        var window = new MonitorWindow { Id = "w", Model = "m", Version = 1, Reference = default, From = PerformanceWorld.Start, To = world.Time.GetUtcNow(), Rows = 0, Features = [] };
        return ((ISignalSource)host.Monitor).MeasureAsync(new ClosedWindow(window, null!, null!, null!, TestData.Schema));
    }

    private sealed class Mlops(IServiceCollection services) : IMlopsBuilder
    {
        public IServiceCollection Services => services;
    }
}

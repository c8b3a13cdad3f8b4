using System.Diagnostics;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Comparisons;

/// <summary>Runs on a folder: points a second until they are durable, reading a long series back, asking for a run with many series, searching.</summary>
/// <remarks>The figures to beat are a tracking server with SQLite and a local client: 67 single points/s, 4,100 points/s in batches, 10 runs/s on a run with 1,200 metrics.</remarks>
internal static class TrackingTopic
{
    private const int Points = 1_000_000;
    private const int Rounds = 5;

    public static async Task RunAsync(Report report)
    {
        string folder = Directory.CreateTempSubdirectory("mlops-tracking-topic-").FullName;
        try
        {
            var store = new FolderObjectStore(folder);
            await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
            var artifacts = new ArtifactStore(store);
            var logs = new RecordLogs(store, ledger);
            await using var tracker = new RunTracker(ledger, artifacts, await ModelRegistry.CreateAsync(ledger, artifacts), logs);
            await SeriesAsync(report, tracker);
            await SinglesAsync(report, tracker);
            await BatchesAsync(report, tracker);
            await GetAsync(report, tracker);
            await SearchAsync(report, tracker);
            await RecordsAsync(report, logs);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A million points of four series in one run: logged and flushed, then one series of a million points read back.</summary>
    private static async Task SeriesAsync(Report report, RunTracker tracker)
    {
        var logging = new List<double>();
        var durable = new List<double>();
        var reading = new List<double>();
        for (int round = -1; round < Rounds; round++)
        {
            await using TrackedRun run = await tracker.StartRunAsync(Start($"series-{round + 1}"));
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Points; i++)
            {
                run.LogMetric("loss", 1.0 / (i + 1), i);
            }

            double logged = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await run.FlushAsync();
            double flushed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            int read = await tracker.MetricHistoryAsync(run.RunId, "loss").CountAsync();
            double took = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (read != Points)
            {
                throw new InvalidOperationException($"Read {read} of {Points} points.");
            }

            if (round >= 0)
            {
                logging.Add(Points / logged);
                durable.Add(Points / flushed);
                reading.Add(took * 1000);
            }
        }

        report.AtLeast("points-per-second-logged", Median(logging), 1_000_000);
        report.AtLeast("points-per-second-durable", Median(durable), 410_000);
        report.AtMost("read-1000000-points-ms", Median(reading), 1_000);
    }

    /// <summary>One point a call, each durable before the next: the worst way to log.</summary>
    private static async Task SinglesAsync(Report report, RunTracker tracker)
    {
        const int calls = 200;
        await using TrackedRun run = await tracker.StartRunAsync(Start("singles"));
        var rates = new List<double>();
        for (int round = -1; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < calls; i++)
            {
                run.LogMetric("loss", i, i);
                await run.FlushAsync();
            }

            if (round >= 0)
            {
                rates.Add(calls / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        report.AtLeast("single-durable-points-per-second", Median(rates), 67);
        var reading = new List<double>();
        for (int round = -1; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int read = await tracker.MetricHistoryAsync("singles", "loss").CountAsync();
            if (round >= 0 && read > 0)
            {
                reading.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        report.Note("read-1200-segments-of-one-point-ms", Median(reading));
    }

    /// <summary>1,000 points a call without a handle, each call durable when it returns.</summary>
    private static async Task BatchesAsync(Report report, RunTracker tracker)
    {
        const int calls = 50, each = 1_000;
        await using (await tracker.StartRunAsync(Start("batches")))
        {
            var rates = new List<double>();
            for (int round = -1; round < Rounds; round++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < calls; i++)
                {
                    int from = i * each;
                    await tracker.LogBatchAsync("batches", new RunBatch
                    {
                        Metrics = [.. Enumerable.Range(from, each).Select(p => ("loss", new MetricPoint(p, DateTimeOffset.UnixEpoch.AddSeconds(p), p)))],
                    });
                }

                if (round >= 0)
                {
                    rates.Add(calls * each / Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
            }

            report.AtLeast("batch-durable-points-per-second", Median(rates), 41_000);
        }
    }

    private static async Task GetAsync(Report report, RunTracker tracker)
    {
        const int gets = 2_000;
        await using TrackedRun run = await tracker.StartRunAsync(Start("wide"));
        for (int i = 0; i < 1_200; i++)
        {
            run.LogMetric($"metric-{i}", i);
        }

        await run.FlushAsync();
        var rates = new List<double>();
        for (int round = -1; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < gets; i++)
            {
                if ((await tracker.GetRunAsync("wide"))!.Metrics.Count != 1_200)
                {
                    throw new InvalidOperationException("Metrics are missing.");
                }
            }

            if (round >= 0)
            {
                rates.Add(gets / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        report.AtLeast("get-run-with-1200-metrics-per-second", Median(rates), 1_000);
    }

    private static async Task SearchAsync(Report report, RunTracker tracker)
    {
        const int runs = 1_000;
        for (int i = 0; i < runs; i++)
        {
            await using TrackedRun run = await tracker.StartRunAsync(Start($"search-{i}", "search") with { Parameters = new Dictionary<string, string> { ["trees"] = $"{i % 7}" } });
            run.LogMetric("auc", i / (double)runs);
        }

        var query = new RunQuery { Experiments = ["search"], Filter = RunFilter.Parse("metrics.auc > 0.9 and params.trees = '3'"), OrderBy = [RunOrder.Parse("metrics.auc desc")] };
        var times = new List<double>();
        for (int round = -3; round < 20; round++)
        {
            long start = Stopwatch.GetTimestamp();
            RunPage page = await tracker.SearchRunsAsync(query);
            if (round >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            if (page.Runs.Count != 14)
            {
                throw new InvalidOperationException($"Found {page.Runs.Count} runs.");
            }
        }

        report.AtMost("search-1000-runs-ms", Median(times), 5);
    }

    /// <summary>The record log alone: records of 100 bytes.</summary>
    private static async Task RecordsAsync(Report report, RecordLogs logs)
    {
        byte[] record = new byte[100];
        new Random(7).NextBytes(record);
        var appending = new List<double>();
        var reading = new List<double>();
        for (int round = -1; round < Rounds; round++)
        {
            await using RecordLog log = await logs.OpenAsync($"records-{round + 1}", new RecordLogOptions { MaxBufferedBytes = 64 << 20 });
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < 500_000; i++)
            {
                await log.AppendAsync(record);
            }

            await log.FlushAsync();
            double took = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            long bytes = 0;
            await foreach (StoredRecord stored in log.ReadAsync())
            {
                bytes += stored.Data.Length;
            }

            if (bytes != 50_000_000)
            {
                throw new InvalidOperationException("Records are missing.");
            }

            if (round >= 0)
            {
                appending.Add(500_000 / took);
                reading.Add(500_000 / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        report.Note("records-of-100-bytes-per-second-durable", Median(appending));
        report.Note("records-of-100-bytes-per-second-read-and-verified", Median(reading));
    }

    private static RunStart Start(string runId, string experiment = "comparison") => new(runId, experiment, "manual", "to measure");

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

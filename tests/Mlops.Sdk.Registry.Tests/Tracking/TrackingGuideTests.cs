using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Registry.Tests.Tracking;

/// <summary>The code of docs/guides/tracking.md, run.</summary>
public sealed class TrackingGuideTests
{
    private readonly InMemoryObjectStore _store = new();

    [Fact]
    public async Task The_guide_does_what_it_says()
    {
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(_store))
        {
            await LogAsync(_store, ledger);
        }

        await using ObjectLedger reopened = await ObjectLedger.OpenAsync(_store);
        await using RunTracker tracker = await OpenAsync(_store, reopened);
        await ResumeAsync(tracker);
        Assert.Equal(["try-1"], await SearchAsync(tracker));
        Assert.Equal(200, await ChartAsync(tracker));
        Assert.Equal(2, await RecordsAsync(_store, reopened));
    }

    private static async Task<RunTracker> OpenAsync(IObjectStore store, ILedger ledger)
    {
        #region open
        var artifacts = new ArtifactStore(store);
        ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
        var tracker = new RunTracker(ledger, artifacts, registry, new RecordLogs(store, ledger));
        #endregion
        return tracker;
    }

    private static async Task LogAsync(IObjectStore store, ILedger ledger)
    {
        await using RunTracker tracker = await OpenAsync(store, ledger);
        #region log
        await using TrackedRun run = await tracker.StartRunAsync(
            new RunStart("try-1", "taxi-fare", "manual", "are more trees worth it?")
            {
                Hypothesis = "200 trees beat 100",
                Parameters = new Dictionary<string, string> { ["trees"] = "200" },
            },
            new RunOptions { Name = "more trees", Environment = EnvironmentCapture.Now(seed: 7, "Microsoft.ML") });

        for (int round = 0; round < 5_000; round++)
        {
            run.LogMetric("loss", 1.0 / (round + 1), round);
        }

        run.LogMetric("auc", 0.93);
        await run.FlushAsync();
        await run.SetTagsAsync(new Dictionary<string, string?> { ["region"] = "eu-west" });
        using var report = new MemoryStream("# Report"u8.ToArray());
        await run.LogArtifactAsync("reports/summary.md", report);
        await run.SetOutcomeAsync(new HypothesisOutcome(HypothesisVerdict.Confirmed, "0.93 against 0.91"));
        #endregion
    }

    private static async Task ResumeAsync(RunTracker tracker)
    {
        #region resume
        await using TrackedRun run = await tracker.ResumeAsync("try-1");
        long next = (await run.LastStepAsync("loss") ?? -1) + 1;
        run.LogMetric("loss", 0.0001, next);
        await run.EndAsync(RunStatus.Completed, "enough");
        #endregion
    }

    private static async Task<string[]> SearchAsync(RunTracker tracker)
    {
        #region search
        RunPage page = await tracker.SearchRunsAsync(new RunQuery
        {
            Experiments = ["taxi-fare"],
            Filter = RunFilter.Parse("metrics.auc > 0.9 and params.trees = '200' and tags.region like 'eu%'"),
            OrderBy = [RunOrder.Parse("metrics.auc desc")],
        });

        // the same, typed
        RunFilter typed = RunField.Metric("auc").Above(0.9).And(RunField.Param("trees").Is("200")).And(RunField.Tag("region").Like("eu%"));
        #endregion
        Assert.All(page.Runs, r => Assert.True(typed.Matches(r)));
        return [.. page.Runs.Select(r => r.RunId)];
    }

    private static async Task<int> ChartAsync(RunTracker tracker)
    {
        int points = 0;
        #region chart
        var query = new MetricQuery { MaxPoints = 200, Sampling = MetricSampling.LargestTriangle };
        await foreach (MetricPoint point in tracker.MetricHistoryAsync("try-1", "loss", query))
        {
            points++; // draw point.Step, point.Value
        }
        #endregion
        return points;
    }

    private static async Task<long> RecordsAsync(IObjectStore store, ILedger ledger)
    {
        #region records
        var logs = new RecordLogs(store, ledger);
        await using RecordLog log = await logs.OpenAsync("access", new RecordLogOptions { Compression = RecordCompression.Brotli });
        log.Append("ann read model taxi-fare"u8);
        log.Append("bob read model taxi-fare"u8);
        await log.FlushAsync();
        await foreach (StoredRecord record in log.ReadAsync())
        {
            Console.WriteLine($"{record.Time:O} {System.Text.Encoding.UTF8.GetString(record.Data.Span)}");
        }

        RecordVerification found = await log.VerifyAsync();
        #endregion
        Assert.True(found.Ok);
        return found.Records;
    }
}

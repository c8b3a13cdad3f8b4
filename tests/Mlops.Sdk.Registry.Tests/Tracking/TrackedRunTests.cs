using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Tracking;

public sealed class TrackedRunTests
{
    [Fact]
    public async Task Everything_logged_is_found_by_another_process()
    {
        await using TrackingWorkspace mine = await TrackingWorkspace.OpenAsync();
        var environment = new EnvironmentInfo(".NET 10", "Linux", "x64", 2, new Dictionary<string, string> { ["Microsoft.ML"] = "5.0.1" }, 7) { CpuFeatures = ["avx2"], GitCommit = new string('a', 40) };
        await using TrackedRun run = await mine.StartAsync("run-1", options: new RunOptions { Name = "first try", Environment = environment, Tags = new Dictionary<string, string> { ["team"] = "eu" } }, parameters: ("trees", "100"));
        await run.LogParametersAsync(new Dictionary<string, string> { ["leaves"] = "31", ["trees"] = "100" });
        await run.SetTagsAsync(new Dictionary<string, string?> { ["stage"] = "draft", ["team"] = null });
        for (int step = 0; step < 10; step++)
        {
            run.LogMetrics(new Dictionary<string, double> { ["auc"] = 0.5 + (step * 0.01), ["loss"] = 1.0 / (step + 1) }, step);
            mine.Store.Time.Advance(TimeSpan.FromMilliseconds(10));
        }

        await run.FlushAsync();
        using var content = new MemoryStream("x,y"u8.ToArray());
        RunArtifact artifact = await run.LogArtifactAsync("plots/data.csv", content);
        await run.LogDatasetAsync(new RunDataset("trips", Digest.Of("d"u8), "folder data", "training"));
        await run.SetNoteAsync("# Looks good");
        await run.SetOutcomeAsync(new HypothesisOutcome(HypothesisVerdict.Confirmed, "more trees help"));
        await using TrackingWorkspace other = await TrackingWorkspace.OpenAsync(mine.Store);
        RunDetails found = (await other.Tracker.GetRunAsync("run-1"))!;
        Assert.Equal(("fares", RunStatus.Running, "first try", "# Looks good"), (found.Experiment, found.Status, found.Name, found.Note));
        Assert.Equal(HypothesisVerdict.Confirmed, found.Outcome!.Verdict);
        Assert.Equal([("leaves", "31"), ("trees", "100")], found.Parameters.Select(p => (p.Key, p.Value)).Order());
        Assert.Equal([("stage", "draft")], found.Tags.Select(t => (t.Key, t.Value)));
        Assert.Equal((0.59, 9, 10, 0.5, 0.59), (found.Metrics["auc"].Last, found.Metrics["auc"].LastStep, found.Metrics["auc"].Count, found.Metrics["auc"].Minimum, found.Metrics["auc"].Maximum));
        Assert.Equal(artifact, found.Artifacts["plots/data.csv"]);
        Assert.Equal(new RunDataset("trips", Digest.Of("d"u8), "folder data", "training"), Assert.Single(found.Datasets));
        Assert.Equal((".NET 10", 7, "5.0.1"), (found.Environment!.Runtime, found.Environment.Seed, found.Environment.Packages["Microsoft.ML"]));
        MetricPoint[] history = await other.HistoryAsync("run-1", "loss");
        Assert.Equal(Enumerable.Range(0, 10).Select(i => ((long)i, 1.0 / (i + 1), TestStore.Start.AddMilliseconds(10 * i))), history.Select(p => (p.Step, p.Value, p.Time)));
    }

    [Fact]
    public async Task Values_that_are_no_finite_number_are_kept()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        double[] values = [double.NaN, double.NegativeInfinity, 1, -0.0, double.PositiveInfinity, double.Epsilon, double.NaN];
        for (int i = 0; i < values.Length; i++)
        {
            run.LogMetric("odd", values[i], i);
        }

        run.LogMetric("nan", double.NaN);
        await run.FlushAsync();
        Assert.Equal(values, (await workspace.HistoryAsync("r", "odd")).Select(p => p.Value));
        await using TrackingWorkspace other = await TrackingWorkspace.OpenAsync(workspace.Store);
        RunDetails found = (await other.Tracker.GetRunAsync("r"))!;
        Assert.Equal((double.NaN, double.NegativeInfinity, double.PositiveInfinity), (found.Metrics["odd"].Last, found.Metrics["odd"].Minimum, found.Metrics["odd"].Maximum));
        Assert.Equal((double.NaN, double.NaN, double.NaN), (found.Metrics["nan"].Last, found.Metrics["nan"].Minimum, found.Metrics["nan"].Maximum));
    }

    [Fact]
    public async Task Any_points_in_any_order_over_any_number_of_flushes_come_back_by_step_and_time() => await Gen
        .Select(Gen.Int[0, 3], Gen.Long[-5, 5], Gen.Int[0, 6], Gen.Double, Gen.Int[0, 9]).Array[0, 120].SampleAsync(
        async points =>
        {
            await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
            await using TrackedRun run = await workspace.StartAsync("r");
            Dictionary<(string, long, DateTimeOffset), double> expected = [];
            foreach ((int series, long step, int second, double value, int flush) in points)
            {
                DateTimeOffset time = TestStore.Start.AddSeconds(second);
                run.LogMetric($"m{series}", value, step, time);
                expected[($"m{series}", step, time)] = value; // written last wins
                if (flush == 0)
                {
                    await run.FlushAsync();
                    workspace.Store.Time.Advance(TimeSpan.FromSeconds(1));
                }
            }

            await run.FlushAsync();
            RunDetails found = (await workspace.Tracker.GetRunAsync("r"))!;
            foreach (string metric in (string[])["m0", "m1", "m2", "m3"])
            {
                (long Step, DateTimeOffset Time, double Value)[] wanted = [.. expected.Where(e => e.Key.Item1 == metric).Select(e => (e.Key.Item2, e.Key.Item3, e.Value)).OrderBy(e => e.Item1).ThenBy(e => e.Item2)];
                Assert.Equal(wanted, (await workspace.HistoryAsync("r", metric)).Select(p => (p.Step, p.Time, p.Value)));
                MetricSummary? summary = found.Metrics.GetValueOrDefault(metric);
                Assert.Equal(wanted.Length > 0, summary is not null);
                if (summary is not null)
                {
                    Assert.Equal((wanted[^1].Step, wanted[^1].Value), (summary.LastStep, summary.Last));
                }
            }
        },
        iter: 60);

    [Fact]
    public async Task A_parameter_does_not_change()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r", parameters: ("trees", "100"));
        long before = workspace.Workspace.Ledger.Head.Entries;
        await run.LogParametersAsync(new Dictionary<string, string> { ["trees"] = "100" });
        Assert.Equal(before, workspace.Workspace.Ledger.Head.Entries);
        MlopsConflictException error = await Assert.ThrowsAsync<MlopsConflictException>(async () => await run.LogParametersAsync(new Dictionary<string, string> { ["new"] = "1", ["trees"] = "200" }));
        Assert.Equal("tracking.param_changed", error.Code);
        Assert.Contains("'100'", error.Message, StringComparison.Ordinal);
        Assert.Equal(["trees"], (await workspace.Tracker.GetRunAsync("r"))!.Parameters.Keys);
    }

    [Fact]
    public async Task Of_two_processes_that_log_one_parameter_with_two_values_one_is_refused()
    {
        var store = new TestStore(writersMeet: true);
        await using TrackingWorkspace first = await TrackingWorkspace.OpenAsync(store);
        await using TrackingWorkspace second = await TrackingWorkspace.OpenAsync(store);
        await using (await first.StartAsync("r"))
        {
            for (int i = 0; i < 20; i++)
            {
                string key = $"p{i}";
                bool[] won = await Task.WhenAll(TryAsync(first, key, "a"), TryAsync(second, key, "b"));
                Assert.Single(won, w => w);
            }
        }

        static async Task<bool> TryAsync(TrackingWorkspace workspace, string key, string value)
        {
            try
            {
                await workspace.Tracker.LogBatchAsync("r", new RunBatch { Parameters = new Dictionary<string, string> { [key] = value } });
                return true;
            }
            catch (MlopsConflictException error) when (error.Code == "tracking.param_changed")
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_batch_is_one_commit_however_much_is_in_it()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        long commits = workspace.Workspace.Ledger.Head.Commits;
        Dictionary<string, string> many = Enumerable.Range(0, 1_000).ToDictionary(i => $"p{i}", i => new string('ä', 1_000));
        await run.LogParametersAsync(many);
        Assert.Equal(commits + 1, workspace.Workspace.Ledger.Head.Commits);
        Assert.Equal(1_000, (await workspace.Tracker.GetRunAsync("r"))!.Parameters.Count);
    }

    [Fact]
    public async Task A_run_of_a_killed_process_is_resumed_and_its_series_go_on_without_doubles()
    {
        var memory = new InMemoryObjectStore();
        var faults = new FaultInjectingObjectStore(memory);
        await using (TrackingWorkspace killed = await TrackingWorkspace.OpenAsync(new TestStore(writersMeet: true) { Store = faults }))
        {
            TrackedRun run = await killed.StartAsync("r");
            Log(run, 0, 10);
            await run.FlushAsync();
            Log(run, 10, 20);
            faults.Next(StoreFault.Unavailable, StoreCalls.Put, times: int.MaxValue, skip: 1); // the segment is written, the ledger never hears of it
            await Assert.ThrowsAnyAsync<MlopsException>(async () => await run.FlushAsync());
            Log(run, 20, 30); // lost with the process
        }

        await using TrackingWorkspace next = await TrackingWorkspace.OpenAsync(new TestStore { Store = memory });
        await using TrackedRun resumed = await next.Tracker.ResumeAsync("r");
        Assert.Equal(19, await resumed.LastStepAsync("loss"));
        Log(resumed, 15, 40); // goes on from a checkpoint at step 15
        await resumed.FlushAsync();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => ((long)i, (double)i)), (await next.HistoryAsync("r", "loss")).Select(p => (p.Step, p.Value)));
        RunDetails found = (await next.Tracker.GetRunAsync("r"))!;
        Assert.Equal((39, 39), (found.Metrics["loss"].LastStep, found.Metrics["loss"].Last));

        static void Log(TrackedRun run, int from, int to)
        {
            for (int step = from; step < to; step++)
            {
                run.LogMetric("loss", step, step, TestStore.Start.AddSeconds(step));
            }
        }
    }

    [Fact]
    public async Task Lost_answers_and_outages_at_random_neither_lose_nor_double_a_point() => await Gen.Int[0, 1_000_000].SampleAsync(
        async seed =>
        {
            var faults = new FaultInjectingObjectStore(new InMemoryObjectStore(), seed);
            await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync(new TestStore(writersMeet: true) { Store = faults });
            await using TrackedRun run = await workspace.StartAsync("r");
            faults.Sometimes(StoreFault.LostAnswer, 0.3, StoreCalls.Put);
            faults.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Put | StoreCalls.Open);
            for (int i = 0; i < 20; i++)
            {
                run.LogMetric("loss", i, i);
                try
                {
                    await run.FlushAsync();
                }
                catch (MlopsException)
                {
                    // the next one tries again
                }
            }

            faults.Heal();
            await run.FlushAsync();
            await using TrackingWorkspace other = await TrackingWorkspace.OpenAsync(new TestStore { Store = faults });
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (double)i), (await other.HistoryAsync("r", "loss")).Select(p => p.Value));
            Assert.Equal(20, (await other.Tracker.GetRunAsync("r"))!.Metrics["loss"].Count);
            Assert.True((await other.Logs.Get("metrics/r").VerifyAsync()).Ok);
        },
        iter: 10);

    [Fact]
    public async Task Steps_that_a_resumed_run_went_through_again_at_other_times_can_be_read_once()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        for (int round = 0; round < 2; round++)
        {
            for (int step = round * 5; step < 10; step++)
            {
                run.LogMetric("loss", (round * 100) + step, step);
            }

            workspace.Store.Time.Advance(TimeSpan.FromMinutes(1));
        }

        await run.FlushAsync();
        Assert.Equal(15, (await workspace.HistoryAsync("r", "loss")).Length);
        Assert.Equal([0, 1, 2, 3, 4, 105, 106, 107, 108, 109], (await workspace.HistoryAsync("r", "loss", new MetricQuery { LatestOfEachStep = true })).Select(p => p.Value));
        Assert.Equal([102 + 5.0 - 2, 106], (await workspace.HistoryAsync("r", "loss", new MetricQuery { LatestOfEachStep = true, FromStep = 5, ToStep = 6 })).Select(p => p.Value));
    }

    [Fact]
    public async Task Points_reach_the_store_by_themselves()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        run.LogMetric("loss", 1);
        workspace.Store.Time.Advance(TimeSpan.FromSeconds(5)); // into the log
        workspace.Store.Time.Advance(TimeSpan.FromSeconds(5)); // onto the store
        await foreach (LedgerEntry entry in workspace.Workspace.Ledger.FollowAsync(0).WithCancellation(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token))
        {
            if (entry.Kind == LedgerKinds.RecordsRolled)
            {
                break;
            }
        }

        Assert.Equal(1, (await workspace.Tracker.GetRunAsync("r"))!.Metrics["loss"].Last);
    }

    [Fact]
    public async Task When_the_store_stays_away_points_wait_in_memory_and_then_the_caller_is_told()
    {
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync(new TestStore { Store = faults });
        await using TrackedRun run = await workspace.StartAsync("r");
        faults.Sometimes(StoreFault.Unavailable, 1, StoreCalls.Put);
        int taken = 0;
        MlopsStorageException error = Assert.Throws<MlopsStorageException>(() =>
        {
            for (; taken < 5_000_000; taken++)
            {
                run.LogMetric("loss", taken, taken);
            }
        });
        Assert.Equal("tracking.buffer_full", error.Code);
        Assert.True(taken > 1_000_000, $"{taken}");
        await Assert.ThrowsAnyAsync<MlopsException>(async () => await run.FlushAsync());
        faults.Heal();
        await run.FlushAsync();
        MetricPoint[] history = await workspace.HistoryAsync("r", "loss");
        Assert.Equal(taken, history.Length);
        Assert.Equal(taken - 1, history[^1].Value);
    }

    [Fact]
    public async Task Calls_without_a_handle_are_durable_when_they_return()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        for (int i = 0; i < 40; i++)
        {
            await (await workspace.StartAsync($"r{i}")).DisposeAsync();
        }

        await Parallel.ForAsync(0, 200, async (i, token) => await workspace.Tracker.LogBatchAsync(
            $"r{i % 40}", new RunBatch { Metrics = [("loss", new MetricPoint(i / 40, TestStore.Start, i))], Tags = new Dictionary<string, string?> { [$"t{i}"] = string.Empty } }, token));
        await using TrackingWorkspace other = await TrackingWorkspace.OpenAsync(workspace.Store);
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(Enumerable.Range(0, 5).Select(s => (double)((s * 40) + i)), (await other.HistoryAsync($"r{i}", "loss")).Select(p => p.Value));
            Assert.Equal(5, (await other.Tracker.GetRunAsync($"r{i}"))!.Tags.Count);
        }
    }

    [Fact]
    public async Task Calls_that_do_not_wait_share_a_segment_and_are_read_at_once_in_their_process()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using (await workspace.StartAsync("r"))
        {
            for (int i = 0; i < 100; i++)
            {
                await workspace.Tracker.LogBatchAsync("r", new RunBatch { Metrics = [("loss", new MetricPoint(i, TestStore.Start, i))], WaitUntilDurable = false });
            }

            Assert.Equal(99, (await workspace.Tracker.GetRunAsync("r"))!.Metrics["loss"].Last);
            Assert.Equal(100, (await workspace.HistoryAsync("r", "loss")).Length);
            Assert.Equal(["r"], await workspace.FindAsync("metrics.loss = 99"));
            Assert.Equal(1, Assert.Single(await workspace.Logs.ListAsync("metrics/")).Segments);
        }
    }

    [Fact]
    public async Task A_run_that_was_read_does_not_change_afterwards()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r", parameters: ("a", "1"));
        RunDetails before = (await workspace.Tracker.GetRunAsync("r"))!;
        await run.LogParametersAsync(new Dictionary<string, string> { ["b"] = "2" });
        await run.SetTagsAsync(new Dictionary<string, string?> { ["t"] = "x" });
        run.LogMetric("m", 1);
        await run.FlushAsync();
        using var content = new MemoryStream([1]);
        await run.LogArtifactAsync("f", content);
        await run.LogDatasetAsync(new RunDataset("d", Digest.Of("d"u8), "s", "training"));
        Assert.Equal((1, 0, 0, 0, 0), (before.Parameters.Count, before.Tags.Count, before.Metrics.Count, before.Artifacts.Count, before.Datasets.Count));
        RunDetails after = (await workspace.Tracker.GetRunAsync("r"))!;
        Assert.Equal((2, 1, 1, 1, 1), (after.Parameters.Count, after.Tags.Count, after.Metrics.Count, after.Artifacts.Count, after.Datasets.Count));
    }

    [Fact]
    public async Task Threads_log_to_one_run_at_once()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(t => Task.Run(async () =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                run.LogMetric($"m{t}", i, i);
                if (i % 5_000 == 0)
                {
                    await run.FlushAsync();
                }
            }
        })));
        await run.FlushAsync();
        for (int t = 0; t < 4; t++)
        {
            Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (double)i), (await workspace.HistoryAsync("r", $"m{t}")).Select(p => p.Value));
            Assert.Equal(20_000, (await workspace.Tracker.GetRunAsync("r"))!.Metrics[$"m{t}"].Count);
        }
    }

    [Fact]
    public async Task A_run_ends_by_itself_or_by_its_version()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun completed = await workspace.StartAsync("done");
        Assert.Equal(RunStatus.Completed, (await completed.EndAsync(RunStatus.Completed, "looked around")).Status);
        await using TrackedRun failed = await workspace.StartAsync("failed");
        await failed.EndAsync(RunStatus.Failed, "no memory");
        await using TrackedRun registered = await workspace.StartAsync("registered");
        await workspace.Workspace.Registry.RegisterAsync(await workspace.Workspace.ManifestAsync(runId: "registered"), "passed");
        RunDetails[] runs = [.. (await workspace.Tracker.SearchRunsAsync(new RunQuery { OrderBy = [RunOrder.Parse("run_id")] })).Runs];
        Assert.Equal([RunStatus.Completed, RunStatus.Failed, RunStatus.Registered], runs.Select(r => r.Status));
        Assert.Equal((null, 1, "taxi-fare"), ((int?)runs[0].Version, runs[2].Version!.Value, runs[2].Model));
        Assert.Equal("no memory", runs[1].Message);
        foreach (RunDetails run in runs)
        {
            RunRecord record = (await workspace.Workspace.Registry.ListRunsAsync("fares")).Single(r => r.RunId == run.RunId);
            Assert.Equal((record.Status, record.Ended, record.Version, record.Message), (run.Status, run.Ended, run.Version, run.Message));
        }

        Assert.Equal("registry.run_ended", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await completed.EndAsync(RunStatus.Failed, "no"))).Code);
    }

    [Fact]
    public async Task Runs_have_parents_and_children()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun parent = await workspace.StartAsync("sweep");
        await using TrackedRun first = await workspace.StartAsync("trial-1", options: new RunOptions { Parent = "sweep" });
        await using TrackedRun second = await workspace.StartAsync("trial-2", options: new RunOptions { Parent = "sweep" });
        Assert.Equal(["trial-1", "trial-2"], (await workspace.Tracker.ListChildrenAsync("sweep")).Select(r => r.RunId));
        Assert.Equal(["trial-1", "trial-2"], (await workspace.FindAsync("attributes.parent = 'sweep'")).Order());
        Assert.Equal("registry.run_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.StartAsync("x", options: new RunOptions { Parent = "nobody" }))).Code);
        Assert.Equal("tracking.invalid_value", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.StartAsync("x", options: new RunOptions { Parent = "x" }))).Code);
    }

    [Fact]
    public async Task Starting_a_run_again_changes_nothing()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        var options = new RunOptions { Name = "n", Environment = EnvironmentCapture.Now(3), Tags = new Dictionary<string, string> { ["a"] = "b" } };
        await using TrackedRun first = await workspace.StartAsync("r", options: options);
        long entries = workspace.Workspace.Ledger.Head.Entries;
        await using TrackedRun second = await workspace.StartAsync("r", options: options);
        Assert.Equal(entries, workspace.Workspace.Ledger.Head.Entries);
    }

    [Fact]
    public async Task Runs_are_compared_side_by_side()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun a = await workspace.StartAsync("a", parameters: [("trees", "100"), ("seed", "7")]);
        await using TrackedRun b = await workspace.StartAsync("b", parameters: [("trees", "200"), ("seed", "7"), ("only-b", "1")]);
        a.LogMetric("auc", 0.8);
        b.LogMetric("auc", 0.9);
        await a.FlushAsync();
        await b.FlushAsync();
        RunComparison table = await workspace.Tracker.CompareRunsAsync(["b", "a"]);
        Assert.Equal([("only-b", true), ("seed", false), ("trees", true)], table.Parameters.Select(p => (p.Name, p.Differs)));
        Assert.Equal(["1", null], table.Parameters[0].Values);
        Assert.Equal([0.9, 0.8], Assert.Single(table.Metrics).Values);
        Assert.Equal("registry.run_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Tracker.CompareRunsAsync(["a", "c"]))).Code);
        Assert.Equal("tracking.invalid_query", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Tracker.CompareRunsAsync([]))).Code);
    }

    [Fact]
    public async Task Deleted_runs_and_experiments_are_out_of_sight_take_nothing_and_come_back()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("a");
        await using TrackedRun other = await workspace.StartAsync("b");
        await workspace.Tracker.SetRunDeletedAsync("a", true, "a mistake");
        await workspace.Tracker.SetRunDeletedAsync("a", true, "a mistake");
        Assert.Equal(["b"], await workspace.FindAsync(""));
        Assert.True((await workspace.Tracker.GetRunAsync("a"))!.Deleted);
        Assert.Equal("tracking.run_deleted", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await run.SetNoteAsync("x"))).Code);
        Assert.Equal(1, (await workspace.Tracker.FindExperimentAsync("fares"))!.Runs);
        await workspace.Tracker.SetExperimentDeletedAsync("fares", true, "over");
        Assert.Empty(await workspace.FindAsync(""));
        Assert.Equal(2, (await workspace.Tracker.SearchRunsAsync(new RunQuery { View = RunView.Deleted })).Runs.Count);
        Assert.Equal("tracking.experiment_deleted", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await workspace.StartAsync("c"))).Code);
        Assert.Empty(await workspace.Tracker.ListExperimentsAsync());
        await workspace.Tracker.SetExperimentDeletedAsync("fares", false, "back");
        await workspace.Tracker.SetRunDeletedAsync("a", false, "back");
        Assert.Equal(2, (await workspace.FindAsync("")).Length);
        Assert.Equal("tracking.experiment_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Tracker.SetExperimentDeletedAsync("none", true, "x"))).Code);
    }

    [Fact]
    public async Task Experiments_are_described_and_tagged()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await workspace.Tracker.DescribeExperimentAsync("empty", new ExperimentChange { Description = "nothing yet", Tags = new Dictionary<string, string?> { ["owner"] = "ann", ["old"] = "x" } }, "begin");
        long entries = workspace.Workspace.Ledger.Head.Entries;
        await workspace.Tracker.DescribeExperimentAsync("empty", new ExperimentChange { Description = "nothing yet" }, "again");
        Assert.Equal(entries, workspace.Workspace.Ledger.Head.Entries);
        Experiment found = await workspace.Tracker.DescribeExperimentAsync("empty", new ExperimentChange { Tags = new Dictionary<string, string?> { ["old"] = null } }, "tidy");
        Assert.Equal(("nothing yet", 0), (found.Description, found.Runs));
        Assert.Equal([("owner", "ann")], found.Tags.Select(t => (t.Key, t.Value)));
        await using TrackedRun run = await workspace.StartAsync("r");
        Assert.Equal(["empty", "fares"], (await workspace.Tracker.ListExperimentsAsync()).Select(e => e.Name));
    }

    [Fact]
    public async Task Files_are_listed_by_folder_and_verified_when_read()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        foreach (string path in (string[])["readme.md", "plots/roc curve.svg", "plots/deep/x.bin", "größe.txt"])
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(path));
            await run.LogArtifactAsync(path, content);
        }

        Assert.Equal(["größe.txt", "plots", "readme.md"], (await workspace.Tracker.ListArtifactsAsync("r")).Select(i => i.Path));
        IReadOnlyList<RunArtifactItem> plots = await workspace.Tracker.ListArtifactsAsync("r", "plots");
        Assert.Equal([("plots/deep", true), ("plots/roc curve.svg", false)], plots.Select(i => (i.Path, i.File is null)));
        await using (Stream stream = await workspace.Tracker.OpenArtifactAsync("r", "plots/deep/x.bin"))
        {
            using var reader = new StreamReader(stream);
            Assert.Equal("plots/deep/x.bin", await reader.ReadToEndAsync());
        }

        using (var changed = new MemoryStream("new"u8.ToArray()))
        {
            RunArtifact again = await run.LogArtifactAsync("readme.md", changed);
            Assert.Equal(again, (await workspace.Tracker.GetRunAsync("r"))!.Artifacts["readme.md"]);
            Assert.Equal(Digest.Of("new"u8), again.Digest);
        }

        Assert.Equal("tracking.artifact_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Tracker.OpenArtifactAsync("r", "none"))).Code);
        Assert.Empty(await workspace.Tracker.ListArtifactsAsync("r", "nowhere"));
        foreach (string clash in (string[])["README.md", "plots", "readme.md/x", "Plots/Deep"])
        {
            using var content = new MemoryStream([1]);
            Assert.Equal("tracking.path_clash", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await run.LogArtifactAsync(clash, content))).Code);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a\\b")]
    [InlineData("c:x")]
    [InlineData("a\0b")]
    [InlineData("a%2fb")]
    [InlineData("..%2f..")]
    [InlineData("con")]
    [InlineData("a/LPT1.txt")]
    [InlineData("a /b")]
    [InlineData("a./b")]
    [InlineData(".git/config")]
    [InlineData("~/x")]
    [InlineData("a\u202eb")]
    [InlineData("e\u0301")]
    [InlineData("a\ud800b")]
    [InlineData("a\u2215b")]
    [InlineData("a\uff0fb")]
    [InlineData("file://x")]
    public async Task A_hostile_path_is_refused(string path)
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        using var content = new MemoryStream([1]);
        Assert.Equal("tracking.invalid_path", (await Assert.ThrowsAsync<MlopsDataException>(async () => await run.LogArtifactAsync(path, content))).Code);
        Assert.Equal("tracking.invalid_path", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Tracker.OpenArtifactAsync("r", path))).Code);
    }

    [Fact]
    public void No_path_that_is_accepted_leaves_its_folder() => Gen.Char.Array[1, 40].Select(c => new string(c)).Sample(
        text =>
        {
            if (TrackingRules.WhyNoPath(text) is null)
            {
                string root = Path.Combine(Path.GetTempPath(), "root");
                string full = Path.GetFullPath(Path.Combine(root, text));
                Assert.StartsWith(root + Path.DirectorySeparatorChar, full, StringComparison.Ordinal);
                Assert.Equal(text, Path.GetRelativePath(root, full).Replace('\\', '/'));
            }
        },
        iter: 5_000);

    [Fact]
    public async Task Names_and_values_out_of_range_are_refused_and_nothing_is_logged()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        foreach (RunBatch bad in (RunBatch[])[
            new() { Parameters = new Dictionary<string, string> { [""] = "x" } },
            new() { Parameters = new Dictionary<string, string> { [new string('k', 251)] = "x" } },
            new() { Parameters = new Dictionary<string, string> { ["k"] = new string('v', 8_001) } },
            new() { Parameters = new Dictionary<string, string> { ["k"] = null! } },
            new() { Parameters = new Dictionary<string, string> { ["k"] = "\ud800" } },
            new() { Tags = new Dictionary<string, string?> { ["a\nb"] = "x" } },
            new() { Metrics = [("good", default), ("bad\u0000", default)] }])
        {
            Assert.Equal("tracking.invalid_value", (await Assert.ThrowsAsync<MlopsDataException>(async () => await run.LogBatchAsync(bad))).Code);
        }

        Assert.Equal("tracking.invalid_value", Assert.Throws<MlopsDataException>(() => run.LogMetric("", 1)).Code);
        Assert.Equal("tracking.invalid_value", (await Assert.ThrowsAsync<MlopsDataException>(async () => await run.SetNoteAsync(new string('x', 100_001)))).Code);
        Assert.Equal("registry.run_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Tracker.ResumeAsync("nobody"))).Code);
        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Tracker.GetRunAsync("../x"))).Code);
        await run.FlushAsync();
        RunDetails found = (await workspace.Tracker.GetRunAsync("r"))!;
        Assert.Empty(found.Metrics);
        Assert.Empty(found.Parameters);
    }

    [Fact]
    public async Task Runs_whose_ids_are_no_object_keys_have_series_of_their_own()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        string[] ids = ["Run", "run", "RUN", "con", "a.", "h--1"];
        Assert.Equal(ids.Length, ids.Select(TrackingRules.LogOf).Distinct().Count());
        foreach (string id in ids)
        {
            await using TrackedRun run = await workspace.StartAsync(id);
            run.LogMetric("m", id.Length, 1);
        }

        foreach (string id in ids)
        {
            Assert.Equal([(double)id.Length], (await workspace.HistoryAsync(id, "m")).Select(p => p.Value));
        }
    }

    [Fact]
    public async Task A_segment_that_holds_no_metrics_is_named_when_it_is_read()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        run.LogMetric("m", 1);
        await run.FlushAsync();
        await using (RecordLog log = await workspace.Logs.OpenAsync("metrics/r"))
        {
            log.Append("nonsense"u8);
        }

        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.HistoryAsync("r", "m"));
        Assert.Equal("tracking.unreadable_metrics", error.Code);
    }

    [Fact]
    public async Task The_container_gives_a_tracker_on_the_same_registry()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Store.Store).AddSingleton(workspace.Workspace.Ledger).AddSingleton(workspace.Workspace.Artifacts);
        builder.AddRegistry().AddRegistry();
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        IRunTracker tracker = Assert.Single(provider.GetServices<IRunTracker>());
        await using TrackedRun run = await tracker.StartRunAsync(new RunStart("r", "e", "manual", "why"));
        Assert.Equal("r", (await provider.GetRequiredService<IModelRegistry>().ListRunsAsync("e"))[0].RunId);
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}

using System.Buffers;
using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Registry.Tests.Tracking;

/// <summary>The view that tracking folds from the ledger: equal entries give equal bytes, a saved one answers as the folded one, and foreign entries change nothing.</summary>
public sealed class TrackingStateTests
{
    [Fact]
    public async Task A_saved_view_goes_on_exactly_as_the_folded_one() => await Gen.Select(Gen.Int[0, 7], Gen.Int[0, 3], Gen.Int[0, 4], Gen.Double).Array[1, 60].SampleAsync(
        async steps =>
        {
            await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
            foreach ((int what, int which, int value, double number) in steps)
            {
                await StepAsync(workspace, what, $"r{which}", value, number);
            }

            LedgerEntry[] entries = [.. await workspace.Workspace.EntriesAsync()];
            var whole = new TrackingState();
            Array.ForEach(entries, whole.Apply);
            SnapshotConformance.Check(() => new TrackingState(), entries);
            var loaded = new TrackingState();
            loaded.LoadSnapshot(Save(whole));
            Assert.Equal(JsonSerializer.Serialize(whole.Runs(null).Select(Plain)), JsonSerializer.Serialize(loaded.Runs(null).Select(Plain)));
        },
        iter: 25);

    [Theory]
    [InlineData("run.logged", "r", """{"runId":"other","note":"x"}""")]
    [InlineData("run.logged", "r", """{"note":"x"}""")]
    [InlineData("run.logged", "r", """{"runId":"r","note":5}""")]
    [InlineData("run.logged", "r", """{"runId":"r","outcome":{"verdict":99,"text":"x"}}""")]
    [InlineData("run.logged", "r", """{"runId":"r","artifacts":[{"path":"../x","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","length":1}]}""")]
    [InlineData("run.logged", "r", """{"runId":"r","parameters":{"":"x"}}""")]
    [InlineData("run.logged", "nobody", """{"runId":"nobody","note":"x"}""")]
    [InlineData("run.ended", "r", """{"runId":"r","status":"Registered","message":"x"}""")]
    [InlineData("run.ended", "r", """{"runId":"r","status":17,"message":"x"}""")]
    [InlineData("run.deleted", "r", """{"deleted":true}""")]
    [InlineData("experiment.described", "fares", """{"name":"other","deleted":true}""")]
    public async Task Entries_written_around_the_tracker_change_nothing(string kind, string name, string data)
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        byte[] before = Save(await FoldAsync(workspace));
        await workspace.Workspace.Ledger.AppendAsync([new LedgerDraft(kind, new LedgerResource(kind.Split('.')[0], name), "forged", JsonDocument.Parse(data).RootElement)]);
        Assert.Equal(before, Save(await FoldAsync(workspace)));
    }

    [Fact]
    public async Task A_run_that_a_newer_version_wrote_to_is_not_answered_about()
    {
        await using TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        await using TrackedRun run = await workspace.StartAsync("r");
        await workspace.Workspace.Ledger.AppendAsync([new LedgerDraft("run.logged", new LedgerResource("run", "r"), "newer", JsonDocument.Parse("{}").RootElement) { Format = 2 }]);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.Tracker.GetRunAsync("r"));
        Assert.Equal("registry.newer_format", error.Code);
        Assert.Contains("format 2", error.Message, StringComparison.Ordinal);
    }

    private static object Plain(RunDetails run) => new
    {
        run.RunId,
        run.Experiment,
        Status = run.Status.ToString(),
        run.Note,
        run.Outcome,
        run.Deleted,
        run.Parent,
        Parameters = run.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal),
        Tags = run.Tags.OrderBy(p => p.Key, StringComparer.Ordinal),
        Metrics = run.Metrics.OrderBy(p => p.Key, StringComparer.Ordinal).Select(m => m.ToString()),
        Artifacts = run.Artifacts.Keys.Order(StringComparer.Ordinal),
        Datasets = run.Datasets.Select(d => d.ToString()),
        Environment = run.Environment?.GitCommit,
        run.Version,
        run.Message,
    };

    private static async Task StepAsync(TrackingWorkspace workspace, int what, string runId, int value, double number)
    {
        try
        {
            await using TrackedRun run = await workspace.StartAsync(runId, $"e{value % 2}", value == 4 ? new RunOptions { Environment = new EnvironmentInfo("a", "b", "c", 1, new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" }, 0) } : null);
            switch (what)
            {
                case 0:
                    await run.LogParametersAsync(new Dictionary<string, string> { [$"p{value}"] = $"{value}", ["ü"] = "ß" });
                    break;
                case 1:
                    await run.SetTagsAsync(new Dictionary<string, string?> { [$"t{value % 3}"] = value == 0 ? null : $"{value}" });
                    break;
                case 2 or 3:
                    run.LogMetric($"m{value}", number, value);
                    run.LogMetric("nan", double.NaN, value);
                    break;
                case 4:
                    using (var content = new MemoryStream([(byte)value]))
                    {
                        await run.LogArtifactAsync($"f/{value}", content);
                    }

                    break;
                case 5:
                    await run.LogDatasetAsync(new RunDataset($"d{value}", Digest.Of([(byte)value]), "s", "training"));
                    await run.SetNoteAsync($"{value}");
                    await run.SetOutcomeAsync(new HypothesisOutcome((HypothesisVerdict)(value % 3), "so"));
                    break;
                case 6:
                    await workspace.Tracker.SetRunDeletedAsync(runId, value % 2 == 0, "why");
                    await workspace.Tracker.DescribeExperimentAsync("e0", new ExperimentChange { Description = $"{value}" }, "why");
                    break;
                default:
                    if (value == 0)
                    {
                        await workspace.Workspace.Registry.RegisterAsync(await workspace.Workspace.ManifestAsync(runId: runId), "passed");
                    }
                    else
                    {
                        await run.EndAsync(RunStatus.Failed, "over");
                    }

                    break;
            }
        }
        catch (MlopsConflictException)
        {
            // deleted or ended: part of life
        }
    }

    private static async Task<TrackingState> FoldAsync(TrackingWorkspace workspace)
    {
        var state = new TrackingState();
        (await workspace.Workspace.EntriesAsync()).ForEach(state.Apply);
        return state;
    }

    private static byte[] Save(TrackingState state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        state.SaveSnapshot(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}

using System.Globalization;
using Microsoft.ML;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Pipelines.Tests;

/// <summary>Runs that are repeated, interrupted, raced and run elsewhere.</summary>
public sealed class RepeatTests
{
    private static readonly Ride[] Rows = Rides.Make(900);

    [Fact]
    public async Task Equal_data_and_definition_run_twice_are_one_run_with_one_version()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows));
        PipelineRun second = await workspace.RunAsync(new LateRides(Rows));
        Assert.True(second.Repeated);
        Assert.Equal((first.RunId, first.Version!.Digest), (second.RunId, second.Version!.Digest));
        Assert.Equal(first.Report.Evaluation!.Metrics, second.Report.Evaluation!.Metrics);
        Assert.Single(await workspace.Registry.ListVersionsAsync("late-rides"));
    }

    [Fact]
    public async Task A_run_whose_version_was_deleted_may_be_run_again_and_makes_the_next_version()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows));
        await workspace.Registry.DeleteVersionAsync("late-rides", 1, "by mistake");
        PipelineRun second = await workspace.RunAsync(new LateRides(Rows));
        Assert.False(second.Repeated);
        Assert.NotEqual(first.RunId, second.RunId);
        Assert.Equal(2, second.Version!.Number);
    }

    [Fact]
    public async Task A_changed_rule_label_seed_option_or_row_is_another_run()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        LateRides[] all =
        [
            new(Rows),
            new(Rows) { Rules = g => g.BeatsBaseline(0.01) },
            new(Rows) { Label = r => r.Outcome == "very late", Criteria = _ => { } },
            new(Rows) { Training = t => t.Candidate("trees", new FastTreeOptions { Trees = 13, Leaves = 6 }) },
            new([Rows[0] with { Miles = 1.5f }, .. Rows[1..]]),
            new(Rows) { Criteria = g => g.AtLeast("auc", 0.61) },
        ];
        var ids = new HashSet<string>();
        foreach (LateRides pipeline in all)
        {
            ids.Add((await workspace.RunAsync(pipeline)).RunId);
        }

        ids.Add((await workspace.RunAsync(new LateRides(Rows), seed: 2)).RunId);
        Assert.Equal(all.Length + 1, ids.Count);
    }

    [Fact]
    public async Task Another_label_over_the_same_columns_never_takes_a_model_from_the_cache()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        await workspace.RunAsync(new LateRides(Rows));
        PipelineRun other = await workspace.RunAsync(new LateRides(Rows) { Label = r => r.Outcome == "very late", Criteria = _ => { } });
        Assert.DoesNotContain("cached", other.Report.Steps.Select(s => s.Outcome));
    }

    [Fact]
    public async Task The_same_work_under_another_key_is_taken_from_the_cache_and_makes_the_same_model()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows), key: "monday");
        PipelineRun second = await workspace.RunAsync(new LateRides(Rows), key: "tuesday");
        Assert.Equal(["cached", "cached", "cached"], second.Report.Steps.Where(s => s.Name.StartsWith("train", StringComparison.Ordinal) || s.Name == "refit").Select(s => s.Outcome));
        Assert.Equal(2, second.Version!.Number);
        Assert.Equal(await workspace.ContentAsync(first.Version!), await workspace.ContentAsync(second.Version));
    }

    [Fact]
    public async Task Damage_in_the_cache_is_found_and_trained_over()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun first = await workspace.RunAsync(new LateRides(Rows), key: "monday");
        Digest content = await workspace.ContentAsync(first.Version!);
        int turn = 0;
        await foreach (ObjectInfo record in workspace.Store.ListAsync("cache/"))
        {
            // one record without its hash, as earlier versions wrote them; one of another format; one that names a file which is no model
            using var good = new MemoryStream();
            await (await workspace.Store.OpenAsync(record.Key))!.CopyToAsync(good);
            byte[] bytes = (turn++ % 3) switch
            {
                0 => good.ToArray()[..good.ToArray().AsSpan().IndexOf((byte)'\n')],
                1 => SealedLine.Write("""{"format":99,"model":"sha256:00","length":1}"""u8),
                _ => SealedLine.Write(System.Text.Encoding.UTF8.GetBytes($$"""{"format":1,"model":"{{first.Version!.Digest}}","length":100000}""")),
            };
            using var damaged = new MemoryStream(bytes);
            await workspace.Store.PutAsync(record.Key, damaged);
        }

        PipelineRun second = await workspace.RunAsync(new LateRides(Rows), key: "tuesday");
        Assert.Equal(3, turn);
        Assert.DoesNotContain("cached", second.Report.Steps.Select(s => s.Outcome));
        Assert.Equal(content, await workspace.ContentAsync(second.Version!));
    }

    [Fact]
    public async Task Equal_data_and_seed_give_equal_models_in_another_store_thread_and_culture()
    {
        async Task<(Digest Data, Digest Model, double Auc)> MakeAsync()
        {
            await using Workspace workspace = await Workspace.OpenAsync();
            PipelineRun run = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("linear", new LinearOptions { MaxIterations = 20 }).Candidate("trees", new FastTreeOptions { Trees = 12, Leaves = 6 }).Candidate("boosting", new LightGbmOptions { Trees = 12, Leaves = 6 }) });
            return (run.Report.Dataset!.Fingerprint, await workspace.ContentAsync(run.Version!), run.Version!.Metrics["auc"].Value);
        }

        (Digest Data, Digest Model, double Auc) here = await MakeAsync();
        (Digest Data, Digest Model, double Auc) there = default;
        var thread = new Thread(() =>
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (culture.NumberFormat.NumberDecimalSeparator, culture.NumberFormat.NegativeSign) = (",", "~");
            CultureInfo.CurrentCulture = culture;
            there = Task.Run(MakeAsync).GetAwaiter().GetResult();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(here, there);
    }

    [Fact]
    public async Task Adding_a_candidate_does_not_change_the_others()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        PipelineRun one = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("trees", new FastTreeOptions { Trees = 12, Leaves = 6 }) });
        PipelineRun two = await workspace.RunAsync(new LateRides(Rows) { Training = t => t.Candidate("linear", new LinearOptions { MaxIterations = 5 }).Candidate("trees", new FastTreeOptions { Trees = 12, Leaves = 6 }) });
        Assert.Equal("cached", two.Report.Steps.Single(s => s.Name == "train trees").Outcome);
        Assert.Equal(one.Report.Leaderboard[0].Metrics, two.Report.Leaderboard.Single(r => r.Candidate == "trees").Metrics);
    }

    [Fact]
    public async Task Two_processes_that_run_one_key_at_once_end_in_one_version()
    {
        var store = new InMemoryObjectStore();
        await using Workspace one = await Workspace.OpenAsync(store);
        await using Workspace two = await Workspace.OpenAsync(store);
        PipelineRun[] runs = await Task.WhenAll(
            Task.Run(() => one.RunAsync(new LateRides(Rows), key: "monday")),
            Task.Run(() => two.RunAsync(new LateRides(Rows), key: "monday")));
        Assert.All(runs, r => Assert.IsType<Registered>(r.Outcome));
        Assert.Equal(runs[0].Version!.Digest, runs[1].Version!.Digest);
        Assert.Single(await one.Registry.ListVersionsAsync("late-rides"));
        Assert.Single(await two.Registry.ListRunsAsync("late-rides"));
    }

    [Fact]
    public async Task A_process_that_dies_at_any_write_leaves_nothing_half_and_the_next_one_ends_in_the_same_state()
    {
        Digest expected;
        int writes;
        var counting = new DyingStore(new InMemoryObjectStore(), int.MaxValue);
        await using (Workspace whole = await Workspace.OpenAsync(counting))
        {
            expected = await whole.ContentAsync((await whole.RunAsync(Small(), key: "monday")).Version!);
            writes = counting.Writes;
        }

        for (int after = 0; after < writes; after++)
        {
            var store = new InMemoryObjectStore();
            await Record.ExceptionAsync(async () =>
            {
                await using Workspace dying = await Workspace.OpenAsync(new DyingStore(store, after));
                await dying.RunAsync(Small(), key: "monday");
            });
            await using Workspace next = await Workspace.OpenAsync(store);
            PipelineRun run = await next.RunAsync(Small(), key: "monday");
            Assert.IsType<Registered>(run.Outcome);
            Assert.Equal(1, Assert.Single(await next.Registry.ListVersionsAsync("late-rides")).Number);
            Assert.Equal(expected, await next.ContentAsync(run.Version!));
            Assert.Equal(RunStatus.Registered, (await next.Registry.ListRunsAsync("late-rides"))[^1].Status);
        }

        Assert.InRange(writes, 8, 60);
    }

    private static LateRides Small() => new(Rows[..300]) { Criteria = _ => { }, Rules = g => g.AtLeast("accuracy", 0.1), Training = t => t.Candidate("prior", new Prior()) };

    /// <summary>Answers with the share of yes: trained at once, so that many runs cost little.</summary>
    private sealed record Prior : CandidateOptions
    {
        protected internal override IEstimator<ITransformer> Build(TrainerContext context) => context.Context.BinaryClassification.Trainers.Prior(context.Label);
    }

    /// <summary>A store that takes so many writes and none after: what a killed process leaves.</summary>
    private sealed class DyingStore(IObjectStore inner, int writes) : IObjectStore
    {
        private int _writes;

        public string Description => inner.Description;

        internal int Writes => _writes;

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref _writes) <= writes
                ? inner.PutAsync(key, content, condition, cancellationToken)
                : throw new MlopsStorageException("store.unavailable", "The process died here.");

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

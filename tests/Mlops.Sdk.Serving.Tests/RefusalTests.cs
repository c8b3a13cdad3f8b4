using Mlops.Sdk.Data;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>A bad version never disturbs the one that answers, and never blocks the next.</summary>
public sealed class RefusalTests
{
    private static readonly ModelSchema OtherColumns = FakeModel.Plain with { Inputs = [new ModelInput("Height", InputKind.Number, "Height")] };

    public static TheoryData<string, string> BadVersions => new()
    {
        { "corrupt", "artifact.corrupt" },
        { "unloadable", "model.unloadable" },
        { "wrong columns", "serving.wrong_columns" },
        { "wrong outputs", "serving.wrong_columns" },
        { "unknown format", "serving.unknown_format" },
        { "bad probe", "data.invalid_probe" },
        { "newer probe", "data.newer_format" },
        { "probe of another shape", "data.invalid_probe" },
    };

    [Theory]
    [MemberData(nameof(BadVersions))]
    public async Task The_version_before_goes_on_answering_and_the_next_good_one_is_taken(string what, string code)
    {
        await using var world = new World();
        world.Catalog.Register(1);
        RegisterBad(world, what);
        world.Catalog.Register(3);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();

        world.Catalog.Move(2, "looked good");
        await world.Server.RefreshAsync();
        Assert.Equal(new Prediction<Answer>(new Answer(5, 1), 1), predictor.Predict(new Row(5, null)));
        Assert.Equal((1, 2, code), (world.Status.Version, world.Status.Problem?.Version, world.Status.Problem?.Code));
        Assert.False(world.Status.Loading);
        LedgerEntry failed = Assert.Single(world.Ledger.Entries, e => e.Kind == LedgerKinds.DeploymentFailed);
        Assert.Equal((LedgerOutcome.Failed, "looked good"), (failed.Outcome, failed.Reason));
        DeploymentNote note = LedgerData.Read<DeploymentNote>(failed);
        Assert.Equal(("m", 2, "host-1"), (note.Model, note.Version, note.Host));
        Assert.StartsWith($"[{code}] ", note.Problem, StringComparison.Ordinal);
        Assert.Contains(world.Logger.Lines, l => l.Id == 4002);

        world.Catalog.Move(3, "good at last");
        await world.Server.RefreshAsync();
        Assert.Equal(3, predictor.Predict(new Row(5, null)).Version);
        Assert.Null(world.Status.Problem);
        await World.Until(() => world.Format.Loaded.Where(m => m.Weight != 3).All(m => m.Disposals == 1), "the other models are freed");
    }

    [Theory]
    [MemberData(nameof(BadVersions))]
    public async Task As_the_first_version_it_leaves_the_model_not_ready_until_a_good_one_comes(string what, string code)
    {
        await using var world = new World();
        RegisterBad(world, what);
        world.Catalog.Register(3);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        var error = Assert.Throws<MlopsModelException>(() => predictor.Predict(new Row(1, null)));
        Assert.Equal("serving.not_ready", error.Code);
        Assert.Contains(world.Status.Problem!.Message, error.Message, StringComparison.Ordinal);
        Assert.Equal(code, world.Status.Problem.Code);

        world.Catalog.Move(3);
        await world.Server.RefreshAsync();
        Assert.Equal(3, predictor.Predict(new Row(1, null)).Version);
    }

    [Fact]
    public async Task Going_back_from_a_bad_version_to_the_one_that_answers_clears_the_problem()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        RegisterBad(world, "corrupt");
        world.Catalog.Move(1);
        await world.PredictorAsync();
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.NotNull(world.Status.Problem);

        world.Catalog.Move(1);
        await world.Server.RefreshAsync();
        Assert.Null(world.Status.Problem);
        Assert.Single(world.Format.Loaded);
    }

    [Fact]
    public async Task A_verifier_can_refuse_a_version_before_any_loader_sees_it()
    {
        await using var world = new World();
        world.Verifiers.Add(new Unsigned(2));
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();

        Assert.Equal(1, predictor.Predict(new Row(1, null)).Version);
        Assert.Equal("governance.unsigned", world.Status.Problem?.Code);
        Assert.Single(world.Format.Loaded);
    }

    [Fact]
    public async Task A_version_that_cannot_score_its_own_probe_rows_is_refused_and_freed()
    {
        await using var world = new World();
        byte[] probe = ProbeRows.Serialize(new ProbeRows { Numbers = [[1], [13]], Texts = [["red"], [null]] });
        world.Format.After = model => model.During = x => _ = x == 13 ? throw new InvalidOperationException("unlucky") : 0;
        world.Catalog.Register(1, probe: probe);
        world.Catalog.Move(1);
        await world.PredictorAsync();
        Assert.Equal("serving.probe_failed", world.Status.Problem?.Code);
        Assert.Contains("row 1", world.Status.Problem?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probe_rows_are_scored_before_the_version_goes_live()
    {
        await using var world = new World();
        List<float> seen = [];
        byte[] probe = ProbeRows.Serialize(new ProbeRows { Numbers = [[1], [float.NaN]], Texts = [["red"], [null]] });
        world.Format.After = model => model.During = x =>
        {
            Assert.Null(world.Status.Version);
            seen.Add(x);
        };
        world.Catalog.Register(1, probe: probe);
        world.Catalog.Move(1);
        await world.PredictorAsync();
        Assert.Equal(1, world.Status.Version);
        Assert.Equal([1, float.NaN], seen);
    }

    [Fact]
    public async Task A_load_that_failed_is_tried_again_later_and_told_once()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        int tries = 0;
        world.Format.Before = _ => Interlocked.Increment(ref tries) <= 3 ? throw new IOException("the share is away") : Task.CompletedTask;
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Assert.Equal("serving.load_failed", world.Status.Problem?.Code);

        await World.Until(
            () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return world.Status.Ready;
            },
            "the model is ready");
        Assert.Equal(4, tries);
        Assert.Equal(1, predictor.Predict(new Row(1, null)).Version);
        Assert.Single(world.Ledger.Deployments, d => d.Kind == LedgerKinds.DeploymentFailed);
    }

    [Fact]
    public async Task A_record_that_does_not_fit_the_version_in_service_is_told_at_once_and_disturbs_nobody()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        var error = await Assert.ThrowsAsync<MlopsModelException>(() => world.Server.GetPredictorAsync<Stranger, Answer>("m"));
        Assert.Equal("serving.wrong_columns", error.Code);

        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal(2, predictor.Predict(new Row(1, null)).Version);
    }

    [Fact]
    public async Task A_catalog_that_is_away_for_a_while_only_delays_the_change()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        world.Catalog.Problem = new MlopsStorageException("store.unavailable", "away");
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal(1, predictor.Predict(new Row(1, null)).Version);
        Assert.Equal("store.unavailable", world.Status.Problem?.Code);

        world.Catalog.Problem = null;
        world.Time.Advance(TimeSpan.FromMinutes(1));
        await World.Until(() => world.Status.Version == 2, "version 2 answers");
    }

    [Fact]
    public async Task A_ledger_that_breaks_while_it_is_followed_is_followed_again_and_no_move_is_missed()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        await world.PredictorAsync();
        await world.Server.RefreshAsync();
        world.Ledger.FollowProblem = new MlopsStorageException("store.unavailable", "away");
        world.Catalog.Move(2);
        await World.Until(() => world.Logger.Lines.Any(l => l.Id == 4004) || world.Status.Version == 2, "the follower notices");

        await World.Until(
            () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return world.Status.Version == 2;
            },
            "version 2 answers");
    }

    private static void RegisterBad(World world, string what)
    {
        switch (what)
        {
            case "corrupt":
                world.Catalog.Register(2);
                world.Catalog.Corrupt(2);
                break;
            case "unloadable":
                world.Catalog.Register(2, content: "no number");
                break;
            case "wrong columns":
                world.Catalog.Register(2, schema: OtherColumns);
                break;
            case "wrong outputs":
                world.Catalog.Register(2, schema: FakeModel.Plain with { Outputs = ["Score", "Other"] });
                break;
            case "unknown format":
                world.Catalog.Register(2, format: "onnx");
                break;
            case "newer probe":
                world.Catalog.Register(2, probe: """{"format":2,"numbers":[],"texts":[]}"""u8.ToArray());
                break;
            case "bad probe":
                world.Catalog.Register(2, probe: "{ no json"u8.ToArray());
                break;
            default:
                world.Catalog.Register(2, probe: ProbeRows.Serialize(new ProbeRows { Numbers = [[1, 2]], Texts = [["red"]] }));
                break;
        }
    }

    private sealed record Stranger(float Height);

    private sealed class Unsigned(int number) : IArtifactVerifier
    {
        public ValueTask VerifyAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default) =>
            version.Number == number ? throw new MlopsIntegrityException("governance.unsigned", "no signature") : ValueTask.CompletedTask;
    }
}

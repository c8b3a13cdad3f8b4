using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Serving.Tests;

public sealed class DeploymentTests
{
    [Fact]
    public async Task Deployments_are_recorded_with_their_reasons_in_order()
    {
        var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1, "first");
        await world.PredictorAsync();
        world.Catalog.Move(2, "twice as good");
        await World.Until(() => world.Status.Version == 2, "version 2 answers");
        await world.DisposeAsync();

        Assert.Equal(
            [
                (LedgerKinds.DeploymentStarted, 1, "the host started; first"),
                (LedgerKinds.DeploymentEnded, 1, "twice as good"),
                (LedgerKinds.DeploymentStarted, 2, "twice as good"),
                (LedgerKinds.DeploymentEnded, 2, "the host stopped"),
            ],
            world.Ledger.Deployments);
        LedgerEntry started = world.Ledger.Entries.First(e => e.Kind == LedgerKinds.DeploymentStarted);
        Assert.Equal(new DeploymentNote("m", 1, "host-1", "fake"), LedgerData.Read<DeploymentNote>(started));
        Assert.Equal(("model", "m", 1), (started.Resource.Kind, started.Resource.Name, started.Resource.Version));
        Assert.Equal(Actor.System, started.Actor);
    }

    [Fact]
    public async Task A_version_that_two_aliases_name_is_deployed_once()
    {
        var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        world.Catalog.Move(1, alias: "stable");
        await world.PredictorAsync();
        await world.PredictorAsync(ServedModelOptions.Follow("stable"));
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        await world.DisposeAsync();
        Assert.Equal(
            [(LedgerKinds.DeploymentStarted, 1), (LedgerKinds.DeploymentStarted, 2)],
            world.Ledger.Deployments.Take(2).Select(d => (d.Kind, d.Version)));
        Assert.Equal(4, world.Ledger.Deployments.Count());
    }

    [Fact]
    public async Task A_ledger_that_refuses_entries_holds_no_swap_up_and_gets_them_later()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        world.Catalog.Move(2);
        world.Ledger.AppendProblem = new MlopsStorageException("store.full", "no space");
        await world.Server.RefreshAsync();
        Assert.Equal(2, predictor.Predict(new Row(1, null)).Version);

        world.Ledger.AppendProblem = null;
        await World.Until(
            () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return world.Ledger.Deployments.Any(d => d is { Kind: LedgerKinds.DeploymentStarted, Version: 2 });
            },
            "the entries are written");
        Assert.Equal(3, world.Ledger.Deployments.Count());
    }

    [Fact]
    public async Task Entries_that_a_guard_denies_do_not_block_later_ones()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        world.Catalog.Move(1, alias: "stable");
        world.Ledger.AppendProblem = new MlopsDeniedException("governance.denied", "not on this host");
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Assert.Equal(1, predictor.Predict(new Row(1, null)).Version);
        Assert.Single(world.Logger.Lines, l => l.Id == 4010);

        world.Ledger.AppendProblem = null;
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal([(LedgerKinds.DeploymentEnded, 1), (LedgerKinds.DeploymentStarted, 2)], world.Ledger.Deployments.Select(d => (d.Kind, d.Version)));
    }

    [Fact]
    public async Task Stopping_waits_for_the_call_that_is_under_way()
    {
        var world = new World();
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        world.Format.After = model => model.During = _ =>
        {
            entered.Set();
            go.Wait();
        };
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Task<Prediction<Answer>> call = Task.Run(() => predictor.Predict(new Row(2, null)));
        entered.Wait();
        Task stopping = world.Server.StopAsync();
        await World.Until(() => world.Ledger.Deployments.Any(d => d.Kind == LedgerKinds.DeploymentEnded), "the deployment has ended");
        Assert.False(stopping.IsCompleted);
        Assert.Contains("stopped", Assert.Throws<MlopsModelException>(() => predictor.Predict(new Row(1, null))).Message, StringComparison.Ordinal);

        go.Set();
        await stopping;
        Assert.Equal(2, (await call).Value.Score);
        Assert.Equal((1, 0), (world.Format.Loaded[0].Disposals, world.Format.Loaded[0].Misuses));
        await world.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => world.Server.GetPredictorAsync<Row, Answer>("m"));
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_ever_and_frees_the_model_when_its_last_call_returns()
    {
        var world = new World();
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        world.Format.After = model => model.During = _ =>
        {
            entered.Set();
            go.Wait();
        };
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Task<Prediction<Answer>> call = Task.Run(() => predictor.Predict(new Row(2, null)));
        entered.Wait();
        Task stopping = world.Server.StopAsync();
        await World.Until(
            () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return stopping.IsCompleted;
            },
            "stopping gives up");
        Assert.Contains(world.Logger.Lines, l => l.Id == 4009);
        Assert.Equal(0, world.Format.Loaded[0].Disposals);

        go.Set();
        await call;
        await World.Until(() => world.Format.Loaded[0].Disposals == 1, "the model is freed");
        await world.DisposeAsync();
    }

    [Fact]
    public async Task Stopping_ends_a_load_that_hangs()
    {
        var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Format.Before = _ =>
        {
            loading.TrySetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, world.Time);
        };
        Task<IPredictor<Row, Answer>> asked = world.PredictorAsync();
        await loading.Task;
        await world.DisposeAsync();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(async () =>
        {
            await asked;
            await world.PredictorAsync();
        });
    }

    [Fact]
    public async Task A_loader_that_does_not_listen_cannot_keep_the_host_and_what_it_loads_is_thrown_away()
    {
        var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        using var loading = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        world.Format.After = _ =>
        {
            loading.Set();
            go.Wait();
        };
        Task<IPredictor<Row, Answer>> asked = world.PredictorAsync();
        loading.Wait();
        Task stopping = world.Server.StopAsync();
        await World.Until(
            () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return stopping.IsCompleted;
            },
            "stopping gives up");
        Assert.Contains(world.Logger.Lines, l => l.Id == 4011);

        go.Set();
        IPredictor<Row, Answer> predictor = await asked;
        await World.Until(() => world.Format.Loaded.Count == 1 && world.Format.Loaded[0].Disposals == 1, "the late model is freed");
        Assert.Throws<MlopsModelException>(() => predictor.Predict(new Row(1, null)));
        await world.DisposeAsync();
    }

    [Fact]
    public async Task Loading_does_not_belong_to_the_request_that_asked_first()
    {
        await using var world = new World();
        var ambient = new AsyncLocal<string?> { Value = "a request" };
        string? seen = "nobody looked";
        world.Format.After = _ => seen = ambient.Value;
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        await world.PredictorAsync();
        Assert.Null(seen);
    }

    [Fact]
    public async Task The_status_says_what_answers_and_since_when()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        ModelVersion second = world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        predictor.Predict(new Row(1, null));
        world.Time.Advance(TimeSpan.FromHours(1));
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        predictor.Predict([new Row(1, null), new Row(1, null), new Row(1, null)], new Answer[3]);
        Assert.Equal(
            new ModelStatus("m", "champion") { Version = 2, Digest = second.Digest, Scorer = "fake", Since = world.Time.GetUtcNow(), Predictions = 3 },
            world.Status);
        await world.PredictorAsync(ServedModelOptions.Pin(1));
        Assert.Equal((null, 1, 1), (world.Server.Status[1].Alias, world.Server.Status[1].Pinned, world.Server.Status[1].Version));
    }

    [Fact]
    public async Task Counts_of_versions_outlive_their_models()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.Server.GetPredictorAsync<Row, Answer>("m");
        Dictionary<string, long> counts = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == MlopsDiagnostics.Serving)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        object gate = new();
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            // other tests run at the same time: their model is m too, so only this one's numbers of rows are looked for
            lock (gate)
            {
                counts[$"{instrument.Name} {string.Join(' ', tags.ToArray().Select(t => t.Value))} {value}"] = value;
            }
        });
        listener.Start();
        predictor.Predict(new Row[1_234].Select(_ => new Row(1, null)).ToArray(), new Answer[1_234]);
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        predictor.Predict(new Row[4_321].Select(_ => new Row(1, null)).ToArray(), new Answer[4_321]);
        await World.Until(() => world.Format.Loaded[0].Disposals == 1, "version 1 is freed");
        listener.RecordObservableInstruments();
        lock (gate)
        {
            Assert.Contains("mlops.serving.predictions m 1 1234", counts.Keys);
            Assert.Contains("mlops.serving.predictions m 2 4321", counts.Keys);
            Assert.Contains("mlops.serving.reloads m ok 1", counts.Keys);
        }
    }
}

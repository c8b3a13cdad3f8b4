namespace Mlops.Sdk.Serving.Tests;

public sealed class SwapTests
{
    [Fact]
    public async Task An_alias_that_moves_is_followed_without_being_asked()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Assert.Equal(new Prediction<Answer>(new Answer(3, 1), 1), predictor.Predict(new Row(3, "red")));

        world.Catalog.Move(2, "twice as good");
        await World.Until(() => predictor.Predict(new Row(3, "red")).Version == 2, "version 2 answers");

        Assert.Equal(new Answer(6, 2), predictor.Predict(new Row(3, "red")).Value);
        await World.Until(() => world.Format.Loaded[0].Disposals == 1, "version 1 is freed");
    }

    [Fact]
    public async Task Swaps_under_load_fail_no_call_mix_no_versions_and_free_each_model_once_after_its_last_call()
    {
        const int Swaps = 100;
        await using var world = new World();
        for (int version = 1; version <= Swaps; version++)
        {
            world.Catalog.Register(version);
        }

        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        using var stop = new CancellationTokenSource();
        long calls = 0;
        long wrong = 0;
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            var rows = new Row[5];
            Array.Fill(rows, new Row(t + 1, "red"));
            var answers = new Answer[5];
            while (!stop.IsCancellationRequested)
            {
                Prediction<Answer> one = predictor.Predict(rows[0]);
                bool good = one.Value.Weight == one.Version && one.Value.Score == one.Version * (t + 1);
                int version = predictor.Predict(rows, answers);
                good &= answers.All(a => a.Weight == version && a.Score == version * (t + 1));
                Interlocked.Increment(ref calls);
                if (!good)
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        }))];
        Array.ForEach(threads, t => t.Start());

        for (int version = 2; version <= Swaps; version++)
        {
            long before = Interlocked.Read(ref calls);
            world.Catalog.Move(version);
            await world.Server.RefreshAsync();
            Assert.Equal(version, world.Status.Version);
            await World.Until(() => Interlocked.Read(ref calls) > before, "the threads go on");
        }

        await stop.CancelAsync();
        Array.ForEach(threads, t => t.Join()); // a call that throws ends the process
        Assert.Equal(0, wrong);
        await World.Until(() => world.Format.Loaded.Count(m => m.Disposals == 1) == Swaps - 1, "all but the last are freed");
        Assert.Equal(Swaps, world.Format.Loaded.Count);
        Assert.All(world.Format.Loaded, m => Assert.Equal(0, m.Misuses));
        Assert.Equal(0, world.Format.Loaded[^1].Disposals);
    }

    [Fact]
    public async Task A_version_is_freed_only_after_the_call_that_uses_it_returns()
    {
        await using var world = new World();
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        world.Format.After = model => model.During = x =>
        {
            if (x == 7)
            {
                entered.Set();
                go.Wait();
            }
        };
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Task<Prediction<Answer>> slow = Task.Run(() => predictor.Predict(new Row(7, null)));
        entered.Wait();

        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal(2, predictor.Predict(new Row(1, null)).Version);
        Assert.Equal(0, world.Format.Loaded[0].Disposals);

        go.Set();
        Assert.Equal(new Prediction<Answer>(new Answer(7, 1), 1), await slow);
        await World.Until(() => world.Format.Loaded[0].Disposals == 1, "version 1 is freed");
        Assert.Equal(0, world.Format.Loaded[0].Misuses);
    }

    [Fact]
    public async Task A_rollback_brings_the_version_before_back()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        foreach (int version in (int[])[2, 1, 2, 1])
        {
            world.Catalog.Move(version);
            await world.Server.RefreshAsync();
            Assert.Equal(version, predictor.Predict(new Row(1, null)).Version);
        }
    }

    [Fact]
    public async Task A_pinned_version_never_moves()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        world.Catalog.Register(2);
        world.Catalog.Move(2);
        IPredictor<Row, Answer> pinned = await world.PredictorAsync(ServedModelOptions.Pin(1));
        IPredictor<Row, Answer> champion = await world.PredictorAsync();
        Assert.Equal((1, 2), (pinned.Predict(new Row(1, null)).Version, champion.Predict(new Row(1, null)).Version));

        world.Catalog.Register(3);
        world.Catalog.Move(3);
        await world.Server.RefreshAsync();
        Assert.Equal((1, 3), (pinned.Predict(new Row(1, null)).Version, champion.Predict(new Row(1, null)).Version));
    }

    [Fact]
    public async Task A_pinned_version_that_is_not_registered_yet_is_served_as_soon_as_it_is()
    {
        await using var world = new World();
        world.Catalog.Register(1);
        IPredictor<Row, Answer> pinned = await world.PredictorAsync(ServedModelOptions.Pin(2));
        Assert.Equal("serving.not_ready", Assert.Throws<MlopsModelException>(() => pinned.Predict(new Row(1, null))).Code);

        world.Catalog.Register(2);
        await World.Until(() => world.Status.Version == 2, "version 2 answers");
    }

    [Fact]
    public async Task Of_several_moves_during_a_load_only_the_newest_is_loaded()
    {
        await using var world = new World();
        for (int version = 1; version <= 5; version++)
        {
            world.Catalog.Register(version);
        }

        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Format.Before = weight =>
        {
            if (weight != 2)
            {
                return Task.CompletedTask;
            }

            loading.TrySetResult();
            return go.Task;
        };
        world.Catalog.Move(2);
        await loading.Task;
        world.Catalog.Move(3);
        world.Catalog.Move(4);
        world.Catalog.Move(5);
        Task refreshed = world.Server.RefreshAsync();
        Assert.True(world.Status.Loading);
        Assert.Equal(1, predictor.Predict(new Row(1, null)).Version);

        go.SetResult();
        await refreshed;
        Assert.Equal(5, predictor.Predict(new Row(1, null)).Version);
        Assert.Equal([1, 2, 5], world.Format.Loaded.Select(m => m.Weight));
        Assert.DoesNotContain(world.Ledger.Deployments, d => d.Version == 2);
        await World.Until(() => world.Format.Loaded[1].Disposals == 1, "the overtaken version is freed");
    }

    [Fact]
    public async Task Moves_that_never_end_do_not_starve_the_model()
    {
        await using var world = new World();
        for (int version = 1; version <= 40; version++)
        {
            world.Catalog.Register(version);
        }

        world.Catalog.Move(1);
        await world.PredictorAsync();
        world.Format.Before = weight =>
        {
            // during each load the alias moves on
            if (weight is > 1 and < 40)
            {
                world.Catalog.Move(weight + 1);
                _ = world.Server.RefreshAsync();
            }

            return Task.CompletedTask;
        };
        world.Catalog.Move(2);
        await World.Until(() => world.Status.Version == 40, "version 40 answers");
        await World.Until(() => world.Ledger.Deployments.Any(d => d is { Kind: LedgerKinds.DeploymentStarted, Version: 40 }), "the entries are written");
        Assert.Contains(world.Ledger.Deployments, d => d.Kind == LedgerKinds.DeploymentStarted && d.Version is > 1 and < 40);
    }
}

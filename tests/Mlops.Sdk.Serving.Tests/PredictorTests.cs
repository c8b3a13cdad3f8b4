namespace Mlops.Sdk.Serving.Tests;

public sealed class PredictorTests
{
    [Fact]
    public async Task A_batch_is_answered_in_order_by_one_version()
    {
        await using var world = await WithVersionAsync();
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        var answers = new Answer[4];
        int version = predictor.Predict([new Row(1, "red"), new Row(2, null), new Row(3, "blue")], answers);
        Assert.Equal(1, version);
        Assert.Equal([1, 2, 3, 0], answers.Select(a => a.Score));
    }

    [Fact]
    public async Task A_batch_without_room_for_its_answers_or_with_a_null_row_is_refused()
    {
        await using var world = await WithVersionAsync();
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Assert.Throws<ArgumentException>(() => predictor.Predict([new Row(1, null), new Row(1, null)], new Answer[1]));
        Assert.Throws<ArgumentException>(() => predictor.Predict([new Row(1, null), null!], new Answer[2]));
        Assert.Throws<ArgumentNullException>(() => predictor.Predict(null!));
        Assert.Equal(0, predictor.Predict([], []) - 1);
    }

    [Fact]
    public async Task A_call_allocates_nothing_when_its_answer_is_a_struct()
    {
        await using var world = new World();
        world.Observers.Add(new Counter());
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        var rows = new Row[] { new(1, "red"), new(2, null) };
        var answers = new Answer[2];
        long bytes = -1;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 2_000; i++)
            {
                predictor.Predict(rows[i & 1]);
                predictor.Predict(rows, answers);
            }

            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, bytes);
    }

    [Fact]
    public async Task What_a_caller_says_reaches_the_observers_and_each_call_is_told_once_answered_or_not()
    {
        await using var world = new World();
        var calls = new Calls();
        world.Observers.Add(calls);
        world.Catalog.Register(1);
        IPredictor<Row, Answer> early = await world.PredictorAsync();
        Assert.Throws<MlopsModelException>(() => early.Predict(new Row(1, "red"), new PredictionContext("order-0", "shop")));
        world.Catalog.Move(1);
        await world.Server.RefreshAsync(TestContext.Current.CancellationToken);
        early.Predict(new Row(1, "red"), new PredictionContext("order-1", "shop"));
        early.Predict([new Row(1, "red"), new Row(2, null)], new Answer[2]);
        Assert.Equal(["order-1 shop", " ", " "], calls.Rows);
        Assert.Equal(["m v0 1 rows serving.not_ready shop", "m v1 1 rows  shop", "m v1 2 rows  "], calls.Told);
    }

    [Fact]
    public async Task Many_types_view_one_served_model()
    {
        await using var world = await WithVersionAsync();
        IPredictor<Row, Answer> first = await world.PredictorAsync();
        IPredictor<Point, OnlyScore> second = await world.Server.GetPredictorAsync<Point, OnlyScore>("m");
        Assert.Same(first, await world.PredictorAsync());
        Assert.Equal(4, second.Predict(new Point(4, "red")).Value.Score);
        Assert.Single(world.Format.Loaded);

        world.Catalog.Register(2);
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal((2, 8f), (first.Predict(new Row(1, null)).Version, second.Predict(new Point(4, "red")).Value.Score));
    }

    [Fact]
    public async Task Every_prediction_is_seen_as_the_model_saw_it_and_activation_comes_first()
    {
        var observer = new Recorder();
        await using var world = new World();
        world.Observers.Add(observer);
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        predictor.Predict(new Row(3, "red"));
        predictor.Predict([new Row(4, null), new Row(5, "blue")], new Answer[2]);
        Assert.Equal(["activated m v1", "m v1: 3 red -> 3 1", "m v1: 4  -> 4 1", "m v1: 5 blue -> 5 1"], observer.Seen);
    }

    [Fact]
    public async Task An_observer_that_throws_is_counted_logged_once_a_minute_and_never_felt_by_the_caller()
    {
        var recorder = new Recorder();
        await using var world = new World();
        world.Observers.Add(new Thrower());
        world.Observers.Add(recorder);
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(i, predictor.Predict(new Row(i, null)).Value.Score);
        }

        Assert.Equal(51, recorder.Seen.Count);
        Assert.Single(world.Logger.Lines, l => l.Id == 4007);
        world.Time.Advance(TimeSpan.FromMinutes(1));
        predictor.Predict(new Row(1, null));
        Assert.Equal(2, world.Logger.Lines.Count(l => l.Id == 4007));
    }

    [Fact]
    public async Task An_observer_may_predict()
    {
        await using var world = new World();
        var nested = new Nested();
        world.Observers.Add(nested);
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        nested.Predictor = await world.PredictorAsync();
        Assert.Equal(7, nested.Predictor.Predict(new Row(7, "red")).Value.Score);
        Assert.Equal(("red", 7f), (nested.Color, nested.X));
    }

    [Fact]
    public async Task A_call_that_fails_gives_its_lease_back_and_is_no_prediction()
    {
        await using var world = await WithVersionAsync(model => model.During = x => _ = x == 13 ? throw new InvalidOperationException("unlucky") : 0);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        predictor.Predict(new Row(1, null));
        Assert.Throws<InvalidOperationException>(() => predictor.Predict(new Row(13, null)));
        Assert.Throws<InvalidOperationException>(() => predictor.Predict([new Row(1, null), new Row(13, null)], new Answer[2]));
        predictor.Predict([new Row(1, null), new Row(2, null)], new Answer[2]);
        Assert.Equal(3, world.Status.Predictions);

        world.Catalog.Register(2);
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        await World.Until(() => world.Format.Loaded[0].Disposals == 1, "version 1 is freed");
    }

    [Fact]
    public async Task A_model_of_more_slots_than_before_is_scored_with_room_for_all()
    {
        await using var world = new World();
        ModelInput[] inputs = [.. Enumerable.Range(0, 100).Select(i => new ModelInput($"X{i}", InputKind.Number, "X")), .. Enumerable.Range(0, 100).Select(i => new ModelInput($"T{i}", InputKind.Text, "Color"))];
        world.Catalog.Register(1);
        world.Catalog.Register(2, schema: FakeModel.Plain with { Inputs = inputs });
        world.Catalog.Move(1);
        IPredictor<Row, Answer> predictor = await world.PredictorAsync();
        Assert.Equal(3, predictor.Predict(new Row(3, "red")).Value.Score);
        world.Catalog.Move(2);
        await world.Server.RefreshAsync();
        Assert.Equal(6, predictor.Predict(new Row(3, "red")).Value.Score);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task A_model_without_a_name_is_refused(string name)
    {
        await using var world = new World();
        await Assert.ThrowsAsync<ArgumentException>(() => world.Server.GetPredictorAsync<Row, Answer>(name));
    }

    [Fact]
    public async Task An_alias_or_version_that_cannot_be_is_refused()
    {
        await using var world = new World();
        await Assert.ThrowsAsync<ArgumentException>(() => world.PredictorAsync(ServedModelOptions.Follow("Champion")));
        await Assert.ThrowsAsync<ArgumentException>(() => world.PredictorAsync(ServedModelOptions.Follow("")));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => world.PredictorAsync(ServedModelOptions.Pin(0)));
    }

    private static async Task<World> WithVersionAsync(Action<FakeModel>? after = null)
    {
        var world = new World();
        world.Format.After = after;
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        await world.PredictorAsync();
        return world;
    }

    private sealed record Point(float X, string Color);

    private sealed record OnlyScore(float Score);

    private sealed class Recorder : IPredictionObserver
    {
        public List<string> Seen { get; } = [];

        public void OnVersionActivated(ModelVersion version, ModelManifest manifest) => Seen.Add($"activated {version}");

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) =>
            Seen.Add($"{model} v{version}: {row.Numbers[0]} {row.Texts[0]} -> {outputs[0]} {outputs[1]}");
    }

    private sealed class Counter : IPredictionObserver
    {
        private long _seen;

        public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
        {
        }

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => Interlocked.Increment(ref _seen);
    }

    private sealed class Calls : IPredictionObserver
    {
        public List<string> Rows { get; } = [];

        public List<string> Told { get; } = [];

        public bool ObservesCalls => true;

        public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
        {
        }

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => Assert.Fail("The other one is called.");

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context) =>
            Rows.Add($"{context.Id} {context.Caller}");

        public void OnCalled(in PredictionCall call) => Told.Add($"{call.Model} v{call.Version} {call.Rows} rows {call.Error} {call.Context.Caller}");
    }

    private sealed class Thrower : IPredictionObserver
    {
        public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
        {
        }

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => throw new InvalidOperationException("not my day");
    }

    private sealed class Nested : IPredictionObserver
    {
        private bool _inside;

        public IPredictor<Row, Answer>? Predictor { get; set; }

        public string? Color { get; private set; }

        public float X { get; private set; }

        public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
        {
        }

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs)
        {
            if (_inside)
            {
                return;
            }

            _inside = true;
            Predictor!.Predict(new Row(99, "blue"));
            (Color, X) = (row.Texts[0], row.Numbers[0]); // still the outer call's
            _inside = false;
        }
    }
}

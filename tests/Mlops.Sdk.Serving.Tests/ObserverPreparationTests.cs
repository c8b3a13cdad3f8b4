namespace Mlops.Sdk.Serving.Tests;

public sealed class ObserverPreparationTests
{
    [Fact]
    public async Task A_version_goes_into_service_only_when_its_observers_are_ready()
    {
        await using var world = new World();
        var observer = new Preparing();
        world.Observers.Add(observer);
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        Task<IPredictor<Row, Answer>> opening = world.PredictorAsync();
        await observer.Asked.Task;
        Assert.Equal("prepare m v1", Assert.Single(observer.Seen));
        observer.Ready.SetResult();
        Assert.Equal(3, (await opening).Predict(new Row(3, "red")).Value.Score);
        Assert.Equal(["prepare m v1", "activated m v1", "predicted"], observer.Seen);
    }

    [Fact]
    public async Task An_observer_that_cannot_get_ready_is_logged_and_keeps_no_version_out()
    {
        await using var world = new World();
        var observer = new Preparing();
        observer.Ready.SetException(new MlopsDataException("data.invalid_profile", "unreadable"));
        world.Observers.Add(observer);
        world.Catalog.Register(1);
        world.Catalog.Move(1);
        Assert.Equal(1, (await world.PredictorAsync()).Predict(new Row(3, "red")).Version);
        Assert.Single(world.Logger.Lines, l => l.Id == 4007);
    }

    private sealed class Preparing : IPredictionObserver
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ready { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<string> Seen { get; } = [];

        public async ValueTask PrepareAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
        {
            Seen.Add($"prepare {version}");
            Asked.TrySetResult();
            await Ready.Task;
        }

        public void OnVersionActivated(ModelVersion version, ModelManifest manifest) => Seen.Add($"activated {version}");

        public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => Seen.Add("predicted");
    }
}

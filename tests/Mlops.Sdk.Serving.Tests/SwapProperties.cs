namespace Mlops.Sdk.Serving.Tests;

/// <summary>Any sequence of moves to good and bad versions ends as a simple model of it says.</summary>
public sealed class SwapProperties
{
    private static readonly int[] Bad = [2, 5];

    [Fact]
    public Task After_any_moves_the_last_good_target_answers_and_every_model_but_it_is_freed() =>
        Gen.Int[1, 6].Array[1, 15].SampleAsync(
            async moves =>
            {
                await using var world = new World();
                for (int version = 1; version <= 6; version++)
                {
                    world.Catalog.Register(version);
                    if (Bad.Contains(version))
                    {
                        world.Catalog.Corrupt(version);
                    }
                }

                IPredictor<Row, Answer> predictor = await world.PredictorAsync();
                int? expected = null;
                foreach (int target in moves)
                {
                    world.Catalog.Move(target);
                    await world.Server.RefreshAsync();
                    bool good = !Bad.Contains(target);
                    expected = good ? target : expected;
                    Assert.Equal(expected, world.Status.Version);
                    Assert.Equal(good, world.Status.Problem is null);
                    if (expected is { } answering)
                    {
                        Assert.Equal(new Prediction<Answer>(new Answer(2 * answering, answering), answering), predictor.Predict(new Row(2, "red")));
                    }
                }

                await World.Until(() => world.Format.Loaded.Count(m => m.Disposals == 0) == (expected is null ? 0 : 1), "all other models are freed");
                Assert.All(world.Format.Loaded, m => Assert.Equal((true, 0), (m.Disposals <= 1, m.Misuses)));

                // the ledger tells the same story: what started and did not end is what answers
                await world.DisposeAsync();
                Assert.Equal(
                    world.Ledger.Deployments.Where(d => d.Kind == LedgerKinds.DeploymentStarted).Select(d => d.Version),
                    world.Ledger.Deployments.Where(d => d.Kind == LedgerKinds.DeploymentEnded).Select(d => d.Version));
            },
            iter: 100,
            threads: 2);
}

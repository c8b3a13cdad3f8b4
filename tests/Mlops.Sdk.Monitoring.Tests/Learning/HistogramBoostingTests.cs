using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class HistogramBoostingTests
{
    [Fact]
    public void Learns_exclusive_or_which_no_single_feature_tells()
    {
        BoostingFrame frame = Uniform(2, 4000, seed: 5);
        float[] target = Target(frame, (x, _) => (x[0] > 0.5f) ^ (x[1] > 0.5f) ? 1 : 0);
        BoostingModel model = HistogramBoosting.Fit(frame, target, new BoostingOptions { Loss = BoostingLoss.Logistic, Rounds = 60, LearningRate = 0.3 });
        BoostingFrame fresh = Uniform(2, 2000, seed: 6);
        float[] truth = Target(fresh, (x, _) => (x[0] > 0.5f) ^ (x[1] > 0.5f) ? 1 : 0);
        double[] predicted = model.Predict(fresh);
        double right = predicted.Zip(truth).Count(p => (p.First > 0.5) == (p.Second == 1)) / 2000.0;
        Assert.InRange(right, 0.98, 1);
    }

    [Fact]
    public void Learns_a_number_to_a_small_error_and_names_the_features_that_matter()
    {
        BoostingFrame frame = Uniform(5, 8000, seed: 7);
        float[] target = Target(frame, (x, _) => (10 * x[1]) + MathF.Sin(6 * x[3]));
        BoostingModel model = HistogramBoosting.Fit(frame, target, new BoostingOptions { Rounds = 150, LearningRate = 0.2 });
        BoostingFrame fresh = Uniform(5, 2000, seed: 8);
        float[] truth = Target(fresh, (x, _) => (10 * x[1]) + MathF.Sin(6 * x[3]));
        Assert.InRange(Math.Sqrt(MeanSquare(model.Predict(fresh), truth)), 0, 0.15);
        Assert.Equal(["f1", "f3"], model.Importance().Take(2).Select(f => f.Name));
        Assert.True(model.Importance()[1].Share > 10 * model.Importance().Skip(2).Sum(f => f.Share));
        Assert.Equal(1, model.Importance().Sum(f => f.Share), 12);
    }

    [Theory]
    [InlineData(BoostingLoss.Squared)]
    [InlineData(BoostingLoss.Logistic)]
    internal void Loss_on_the_rows_it_learns_from_falls_with_every_tree(BoostingLoss loss)
    {
        BoostingFrame frame = Uniform(4, 3000, seed: 9);
        float[] target = Target(frame, (x, r) => x[0] + (0.3f * x[1]) > 0.4f + (0.5f * (float)r.NextDouble()) ? 1 : 0);
        var losses = new List<double>();
        BoostingModel model = HistogramBoosting.Fit(frame, target, new BoostingOptions { Loss = loss, Rounds = 40 });
        for (int trees = 0; trees <= model.Trees.Count; trees++)
        {
            double[] p = new BoostingModel(loss, model.Bins, model.Start, [.. model.Trees.Take(trees)], [.. model.Gains]).Predict(frame);
            losses.Add(loss == BoostingLoss.Squared ? MeanSquare(p, target) : p.Zip(target).Average(x => -Math.Log(x.Second == 1 ? x.First : 1 - x.First)));
        }

        Assert.Equal(41, losses.Count);
        Assert.All(losses.Zip(losses.Skip(1)), pair => Assert.True(pair.Second < pair.First));
    }

    [Fact]
    public void One_seed_gives_the_same_trees_with_one_thread_and_with_four()
    {
        BoostingFrame frame = Mixed(30_000, seed: 10);
        float[] target = Target(frame, (x, r) => x[0] + (x[1] * x[1]) + (float)r.NextDouble());
        var options = new BoostingOptions { Rounds = 8, RowShare = 0.7, Seed = 3 };
        BoostingModel one = HistogramBoosting.Fit(frame, target, options);
        BoostingModel four = HistogramBoosting.Fit(frame, target, options with { Threads = 4 });
        BoostingModel other = HistogramBoosting.Fit(frame, target, options with { Seed = 4 });
        Assert.Equal(one.Predict(frame), four.Predict(frame));
        Assert.Equal(one.Gains, four.Gains);
        Assert.NotEqual(one.Predict(frame), other.Predict(frame));
    }

    [Fact]
    public void Missing_values_are_a_reason_of_their_own()
    {
        var random = new SeededRandom(11);
        float[] x = [.. Enumerable.Range(0, 4000).Select(_ => random.NextDouble() < 0.3 ? float.NaN : (float)random.NextDouble())];
        float[] target = Array.ConvertAll(x, v => float.IsNaN(v) ? 5f : v > 0.5f ? 1f : 0f);
        BoostingModel model = HistogramBoosting.Fit(new BoostingFrame(4000, ["x"], [x]), target, new BoostingOptions { Rounds = 100, LearningRate = 0.3 });
        Assert.Equal(5, model.Predict([float.NaN], []), 0.05);
        Assert.Equal(1, model.Predict([0.8f], []), 0.05);
        Assert.Equal(0, model.Predict([0.2f], []), 0.05);
    }

    [Fact]
    public void Categories_that_no_order_of_their_names_tells_are_learned_and_unlisted_ones_answered()
    {
        var random = new SeededRandom(12);
        string[] names = [.. Enumerable.Range(0, 40).Select(i => $"c{i:00}")];
        int[] codes = [.. Enumerable.Range(0, 8000).Select(_ => random.Next(40))];
        float[] target = Array.ConvertAll(codes, c => c % 3 == 0 ? 1f : 0f);
        var frame = new BoostingFrame(8000, [], [], ["c"], [new TextColumn("c", codes, names)]);
        BoostingModel model = HistogramBoosting.Fit(frame, target, new BoostingOptions { Loss = BoostingLoss.Logistic, Rounds = 60, LearningRate = 0.3 });
        Assert.All(names.Index(), c => Assert.Equal(c.Index % 3 == 0, model.Predict([], [c.Item]) > 0.5));
        Assert.InRange(model.Predict([], ["never seen"]), 0, 1);
        Assert.InRange(model.Predict([], [null]), 0, 1);
    }

    [Fact]
    public void A_row_alone_is_predicted_as_it_is_in_a_table_with_another_dictionary()
    {
        BoostingFrame frame = Mixed(3000, seed: 13);
        float[] target = Target(frame, (x, r) => x[0] + (float)r.NextDouble());
        BoostingModel model = HistogramBoosting.Fit(frame, target, new BoostingOptions { Rounds = 20 });
        BoostingFrame turned = frame.Take([.. Enumerable.Range(0, 3000).Reverse()]).Append(frame);
        double[] predicted = model.Predict(turned);
        for (int row = 0; row < turned.Rows; row += 37)
        {
            Assert.Equal(predicted[row], model.Predict([.. turned.Numbers.Select(n => n[row])], [.. turned.Texts.Select(t => t[row])]));
        }
    }

    [Fact]
    public void Infinite_values_lie_beyond_all_others()
    {
        float[] x = [.. Enumerable.Range(0, 900).Select(i => (i % 3) switch { 0 => float.NegativeInfinity, 1 => float.PositiveInfinity, _ => i })];
        float[] target = Array.ConvertAll(x, v => float.IsNegativeInfinity(v) ? -1f : float.IsPositiveInfinity(v) ? 1f : 0f);
        BoostingModel model = HistogramBoosting.Fit(new BoostingFrame(900, ["x"], [x]), target, new BoostingOptions { Rounds = 80, LearningRate = 0.3 });
        Assert.Equal(-1, model.Predict([float.NegativeInfinity], []), 0.01);
        Assert.Equal(1, model.Predict([float.PositiveInfinity], []), 0.01);
        Assert.Equal(0, model.Predict([450f], []), 0.01);
    }

    [Fact]
    public void A_constant_target_needs_no_tree() =>
        Assert.Equal(3, HistogramBoosting.Fit(Uniform(3, 500, seed: 1), [.. Enumerable.Repeat(3f, 500)], new BoostingOptions()).Predict([0.1f, 0.2f, 0.3f], []), 12);

    [Fact]
    public void Stops_when_told_to()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => HistogramBoosting.Fit(Uniform(3, 500, seed: 1), new float[500], new BoostingOptions(), stop.Token));
    }

    [Fact]
    public void Refuses_targets_that_the_loss_does_not_take()
    {
        float[] target = new float[500];
        target[7] = 2;
        ArgumentException error = Assert.Throws<ArgumentException>(() => HistogramBoosting.Fit(Uniform(3, 500, seed: 1), target, new BoostingOptions { Loss = BoostingLoss.Logistic }));
        Assert.Contains("row 7 has 2", error.Message, StringComparison.Ordinal);
    }

    internal static BoostingFrame Uniform(int features, int rows, long seed)
    {
        var random = new SeededRandom(seed);
        float[][] numbers = [.. Enumerable.Range(0, features).Select(_ => (float[])[.. Enumerable.Range(0, rows).Select(_ => (float)random.NextDouble())])];
        return new BoostingFrame(rows, [.. Enumerable.Range(0, features).Select(f => $"f{f}")], numbers);
    }

    internal static BoostingFrame Mixed(int rows, long seed)
    {
        var random = new SeededRandom(seed);
        BoostingFrame numbers = Uniform(6, rows, seed);
        int[] codes = [.. Enumerable.Range(0, rows).Select(_ => random.Next(7) - 1)];
        return new BoostingFrame(rows, numbers.NumberNames, numbers.Numbers, ["t"], [new TextColumn("t", codes, ["a", "b", "c", "d", "e", "f"])]);
    }

    private static float[] Target(BoostingFrame frame, Func<float[], SeededRandom, float> of)
    {
        var random = new SeededRandom(99);
        return [.. Enumerable.Range(0, frame.Rows).Select(row => of([.. frame.Numbers.Select(n => n[row])], random))];
    }

    private static double MeanSquare(double[] predicted, float[] truth) => predicted.Zip(truth).Average(p => (p.First - p.Second) * (p.First - p.Second));
}

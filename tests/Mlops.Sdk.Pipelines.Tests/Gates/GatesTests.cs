namespace Mlops.Sdk.Pipelines.Tests;

public sealed class GatesTests
{
    private static readonly bool[] Labels = [.. Enumerable.Range(0, 400).Select(i => i % 4 == 0)];

    [Fact]
    public void A_model_equal_to_the_champion_is_not_worse_and_not_better()
    {
        float[] scores = Scores(1, seed: 1);
        Assert.True(Gates.AgainstChampion(Binary(scores, scores), "not-worse-than-champion", 0.01).Passed);
        Assert.False(Gates.AgainstChampion(Binary(scores, scores), "beats-champion", 0).Passed);
        float[] numbers = [.. Enumerable.Range(0, 400).Select(i => (float)i)];
        Assert.True(Gates.AgainstChampion(Regression(numbers, numbers, noise: 0), "not-worse-than-champion", 0.01).Passed);
        Assert.False(Gates.AgainstChampion(Regression(numbers, numbers, noise: 0), "beats-champion", 0).Passed);
    }

    [Fact]
    public void A_clearly_worse_model_fails_and_a_clearly_better_one_beats_with_numbers_behind_it()
    {
        GateResult worse = Gates.AgainstChampion(Binary(Scores(0.5, 2), Scores(3, 3)), "not-worse-than-champion", 0.02);
        GateResult better = Gates.AgainstChampion(Binary(Scores(3, 3), Scores(0.5, 2)), "beats-champion", 0);
        Assert.False(worse.Passed);
        Assert.True(better.Passed);
        Assert.True(worse.Numbers["p"] > 0.5 && better.Numbers["p"] < 0.001);
        Assert.Equal(["auc", "championAuc", "difference", "lower", "margin", "p"], worse.Numbers.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("m v7", worse.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_small_loss_within_the_margin_needs_enough_rows_to_be_proven()
    {
        // the same models on 400 rows and on 60: only the first is sure that the loss is below the margin
        float[] champion = Scores(0.7, 4);
        float[] candidate = [.. champion.Select((s, i) => s + (i % 5 == 0 ? 0.02f : 0))];
        GateResult many = Gates.AgainstChampion(Binary(candidate, champion), "not-worse-than-champion", 0.02);
        GateResult few = Gates.AgainstChampion(Binary(candidate[..60], champion[..60]), "not-worse-than-champion", 0.02);
        Assert.True(many.Passed, many.Message);
        Assert.False(few.Passed, few.Message);
    }

    [Fact]
    public void Too_few_rows_of_a_class_leave_it_undecided_whatever_they_say()
    {
        float[] perfect = [.. Labels[..36].Select(l => l ? 0.9f : 0.1f)];
        GateResult found = Gates.AgainstChampion(Binary(perfect, perfect), "not-worse-than-champion", 0.3);
        Assert.False(found.Passed);
        Assert.StartsWith("undecided", found.Message, StringComparison.Ordinal);
        Assert.Equal(9, found.Numbers["positives"]);
    }

    [Fact]
    public void Without_a_champion_a_first_version_passes_and_with_one_that_cannot_be_asked_nothing_does()
    {
        GateInput first = Binary(Scores(1, 1), Scores(1, 1)) with { ChampionScores = null, Champion = null };
        Assert.True(Gates.AgainstChampion(first, "beats-champion", 0).Passed);
        GateInput mute = first with { Champion = "m v7", ChampionProblem = "There is no column 'Speed'." };
        GateResult found = Gates.AgainstChampion(mute, "not-worse-than-champion", 0.1);
        Assert.False(found.Passed);
        Assert.Contains("no column 'Speed'", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_share_of_false_promotions_among_equal_models_is_about_the_five_percent_it_says()
    {
        var random = new Random(11);
        int passed = 0;
        for (int round = 0; round < 400; round++)
        {
            passed += Gates.AgainstChampion(Binary(Scores(1, random.Next()), Scores(1, random.Next())), "beats-champion", 0).Passed ? 1 : 0;
        }

        Assert.InRange(passed / 400.0, 0.02, 0.085); // seeded, so it is the same every time
    }

    [Fact]
    public void The_base_rate_is_beaten_by_signal_and_not_by_chance()
    {
        Assert.True(Gates.BeatsBaseline(Binary(Scores(2, 5), []), 0.05).Passed);
        Assert.False(Gates.BeatsBaseline(Binary(Scores(0, 5), []), 0).Passed);
        float[] numbers = [.. Enumerable.Range(0, 400).Select(i => (float)(i % 20))];
        float[] mean = [.. Enumerable.Repeat(9.5f, 400)];
        Assert.True(Gates.BeatsBaseline(Regression(numbers, mean, noise: 1), 0).Passed);
        Assert.False(Gates.BeatsBaseline(Regression(mean, mean, noise: 0) with { NumberLabels = numbers }, 0).Passed);
    }

    [Fact]
    public void A_limit_holds_on_its_own_side_and_an_undefined_metric_is_never_good_enough()
    {
        Evaluation found = new(10, new Dictionary<string, MetricValue> { ["auc"] = new(0.7), ["mae"] = new(3) });
        Assert.True(new MetricLimit("auc", 0.7, isMinimum: true).Decide(found).Passed);
        Assert.False(new MetricLimit("auc", 0.71, isMinimum: true).Decide(found).Passed);
        Assert.True(new MetricLimit("mae", 3, isMinimum: false).Decide(found).Passed);
        Assert.False(new MetricLimit("mae", 2.9, isMinimum: false).Decide(found).Passed);
        GateResult missing = new MetricLimit("f1", 0, isMinimum: true).Decide(found, "goal");
        Assert.Equal(("goal(f1)", false), (missing.Name, missing.Passed));
        Assert.Equal("pipeline.unknown_metric", Assert.Throws<MlopsException>(() => new MetricLimit("AUC", 0.5, isMinimum: true)).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MetricLimit("auc", double.NaN, isMinimum: true));
    }

    private static float[] Scores(double signal, int seed)
    {
        var random = new Random(seed);
        return Array.ConvertAll(Labels, l => (float)(1 / (1 + Math.Exp(1.1 - (l ? signal : 0) - (random.NextDouble() * 2) + 1))));
    }

    private static GateInput Binary(float[] scores, float[] champion)
    {
        bool[] labels = Labels[..scores.Length];
        Evaluation baseline = Evaluator.Binary([.. Enumerable.Repeat(0.25f, scores.Length)], new bool[scores.Length], labels);
        return new GateInput(ModelTask.Binary, Evaluator.Binary(scores, Array.ConvertAll(scores, s => s > 0.5f), labels), baseline, scores, [], champion, "m v7", labels, null);
    }

    private static GateInput Regression(float[] scores, float[] others, float noise)
    {
        float[] labels = [.. scores.Select((s, i) => s + (i % 3 * noise))];
        return new GateInput(ModelTask.Regression, Evaluator.Regression(scores, labels), Evaluator.Regression(others, labels), scores, others, others, "m v7", null, labels);
    }
}

using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class LateLabelTests
{
    [Fact]
    public async Task Truths_join_in_any_order_and_from_other_hosts()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host serving = await world.HostAsync();
        await serving.RegisterAsync();
        await serving.ServeAsync();
        PerformanceWorld.Host telling = await world.HostAsync();
        await telling.Monitor.ActualAsync("m", "early", true);                   // before its prediction
        await telling.Monitor.FlushAsync("m");
        world.Time.Advance(TimeSpan.FromMinutes(10));
        serving.Predict("early", 0.9f);
        serving.Predict("late", 0.2f);
        serving.Predict("never", 0.4f);
        serving.Predict(null, 0.4f);                                              // cannot be joined
        await serving.Monitor.FlushAsync("m");
        world.Time.Advance(TimeSpan.FromHours(5));
        await telling.Monitor.ActualAsync("m", "late", true);
        await telling.Monitor.ActualAsync("m", "nobody", true);

        PerformanceWindow window = await telling.MeasureAsync();
        Assert.Equal((3, 2, 1, 0), (window.Labels.Predictions, window.Labels.Labelled, window.Labels.Waiting, window.Labels.Expired));
        Assert.Equal(0.5, window.Realised!.Find(PerformanceNames.Accuracy)!.Value);
        Assert.Equal([0, 5 * 3600, 5 * 3600], window.Labels.Delays);
        await telling.Monitor.FlushAsync("m");
        Assert.Equal(window.Labels.Labelled, (await serving.MeasureAsync()).Labels.Labelled); // every host measures the same
    }

    [Theory]
    [InlineData(RepeatedTruth.Last, 0.0)]
    [InlineData(RepeatedTruth.First, 1.0)]
    public async Task A_truth_told_twice_counts_once_and_the_option_says_which(RepeatedTruth repeated, double accuracy)
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(new PerformanceOptions { Repeated = repeated });
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict("a", 0.9f);
        for (int i = 0; i < 3; i++)
        {
            await host.Monitor.ActualAsync("m", "a", true); // the same again is no correction
        }

        Assert.Equal((1, 0), ((await host.MeasureAsync()).Labels.Labelled, (await host.MeasureAsync()).Labels.Relabelled));
        world.Time.Advance(TimeSpan.FromMinutes(1));
        await host.Monitor.ActualAsync("m", "a", false);
        PerformanceWindow window = await host.MeasureAsync();
        Assert.Equal((1, 1), (window.Labels.Labelled, window.Labels.Relabelled));
        Assert.Equal(accuracy, window.Realised!.Find(PerformanceNames.Accuracy)!.Value);
    }

    [Fact]
    public async Task A_prediction_without_a_truth_expires_at_the_horizon_and_a_truth_beyond_it_does_not_count()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(new PerformanceOptions { Horizon = TimeSpan.FromHours(2) });
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict("a", 0.9f);
        Assert.Equal(1, (await host.MeasureAsync()).Labels.Waiting);
        world.Time.Advance(TimeSpan.FromHours(3));
        await host.Monitor.ActualAsync("m", "a", true);
        Assert.Equal((0, 0, 1), await CountsAsync());
        host.Predict("b", 0.9f);
        world.Time.Advance(TimeSpan.FromHours(3));
        Assert.Equal((0, 1, 1), await CountsAsync());

        async Task<(long, long, long)> CountsAsync()
        {
            LabelCounts labels = (await host.MeasureAsync()).Labels;
            return (labels.Labelled, labels.Expired, labels.TooLate);
        }
    }

    [Fact]
    public async Task A_truth_told_too_long_before_does_not_count()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(new PerformanceOptions { Early = TimeSpan.FromMinutes(30) });
        await host.RegisterAsync();
        await host.ServeAsync();
        await host.Monitor.ActualAsync("m", "a", true);
        await host.Monitor.ActualAsync("m", "b", true, at: PerformanceWorld.Start.AddMinutes(50));
        world.Time.Advance(TimeSpan.FromHours(1));
        host.Predict("a", 0.9f);
        host.Predict("b", 0.9f);
        LabelCounts labels = (await host.MeasureAsync()).Labels;
        Assert.Equal((1, 1), (labels.Labelled, labels.TooLate));
    }

    [Fact]
    public async Task A_truth_for_one_version_leaves_the_others_alone_and_one_for_all_counts_for_each()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.RegisterAsync();
        await host.ServeAsync(1);
        await host.ServeAsync(2);
        host.Predict("a", 0.9f, version: 1);
        host.Predict("a", 0.1f, version: 2);
        host.Predict("b", 0.9f, version: 1);
        await host.Monitor.ActualAsync("m", "a", true);
        await host.Monitor.ActualAsync("m", "b", true, version: 2);
        PerformanceWindow first = await host.MeasureAsync(1);
        PerformanceWindow second = await host.MeasureAsync(2);
        Assert.Equal((2, 1, 1), (first.Labels.Predictions, first.Labels.Labelled, first.Labels.OtherVersion));
        Assert.Equal((1, 1), (second.Labels.Predictions, second.Labels.Labelled));
        Assert.Equal((1.0, 0.0), (first.Realised!.Find(PerformanceNames.Accuracy)!.Value, second.Realised!.Find(PerformanceNames.Accuracy)!.Value));
    }

    [Fact]
    public async Task An_id_that_was_asked_twice_counts_once_with_its_later_answer()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict("a", 0.1f);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        host.Predict("a", 0.9f);
        await host.Monitor.ActualAsync("m", "a", true);
        PerformanceWindow window = await host.MeasureAsync();
        Assert.Equal((1, 1, 1), (window.Labels.Predictions, window.Labels.Labelled, window.Labels.Repeated));
        Assert.Equal(1, window.Realised!.Find(PerformanceNames.Accuracy)!.Value);
    }

    [Fact]
    public async Task More_ids_than_fit_are_joined_part_by_part_with_the_same_result()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.ServeAsync();
        var random = new Random(5);
        for (int i = 0; i < 6_000; i++)
        {
            host.Predict($"order-{i}", random.NextSingle(), version: 1);
            if (i % 3 != 0)
            {
                await host.Monitor.ActualAsync("m", $"order-{i}", random.Next(2) == 0);
            }
        }

        PerformanceWindow whole = await host.MeasureAsync();
        await host.Monitor.FlushAsync("m");
        PerformanceWorld.Host narrow = await world.HostAsync(new PerformanceOptions { MaxJoined = 1_000 });
        PerformanceWindow parts = await narrow.MeasureAsync();
        Assert.Equal((6_000, 4_000), (whole.Labels.Predictions, whole.Labels.Labelled));
        Assert.Equal(whole.Labels with { Delays = [] }, parts.Labels with { Delays = [] });
        Assert.All(whole.Realised!.Metrics, m => Assert.Equal(m.Value.Value, parts.Realised!.Find(m.Key)!.Value, 1e-9));
    }

    [Fact]
    public async Task What_was_flushed_survives_a_process_that_dies()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host dying = await world.HostAsync();
        await dying.RegisterAsync();
        await dying.ServeAsync();
        dying.Predict("written", 0.9f);
        await dying.Monitor.FlushAsync("m");
        dying.Predict("lost", 0.9f); // and no clean stop
        PerformanceWorld.Host other = await world.HostAsync();
        Assert.Equal(1, (await other.MeasureAsync()).Labels.Predictions);
        await dying.Monitor.DisposeAsync(); // a clean stop would have written it
        Assert.Equal(2, (await other.MeasureAsync()).Labels.Predictions);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a secret of this workspace")]
    public async Task No_id_lies_in_the_store(string key)
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync(new PerformanceOptions { IdKey = key });
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict("jane.doe@example.org", 0.9f);
        await host.Monitor.ActualAsync("m", "jane.doe@example.org", true);
        Assert.Equal(1, (await host.MeasureAsync()).Labels.Labelled);
        await foreach (ObjectInfo found in world.Store.ListAsync(string.Empty))
        {
            using var bytes = new MemoryStream();
            await using Stream stream = (await world.Store.OpenAsync(found.Key))!;
            await stream.CopyToAsync(bytes);
            Assert.DoesNotContain("jane.doe", Encoding.UTF8.GetString(bytes.ToArray()), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Truths_come_from_streams_and_tables_as_well()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync(PerformanceWorld.Classes);
        await host.ServeAsync();
        for (int i = 0; i < 4; i++)
        {
            await host.Monitor.RecordAsync("m", 1, $"{i}", new float[] { 0.1f, 0.7f, 0.2f }, at: PerformanceWorld.Start.AddHours(1));
        }

        var table = new Table(
        [
            new NumberColumn("Order", [0, 1, double.NaN]),
            new TextColumn("Animal", [0, 1, 0], ["dog", "cat"]),
            new TimeColumn("Seen", [PerformanceWorld.Start.AddHours(3).UtcTicks, PerformanceWorld.Start.AddHours(3).UtcTicks, 0], dateOnly: false),
        ]);
        Assert.Equal(2, await host.Monitor.ActualsAsync("m", table, "Order", "Animal", "Seen"));
        Assert.Equal(2, await host.Monitor.ActualsAsync("m", Stream()));
        PerformanceWindow window = await host.MeasureAsync();
        Assert.Equal((4, 3, 1), (window.Labels.Predictions, window.Labels.Labelled, window.Labels.Unusable));
        Assert.Equal(2.0 / 3, window.Realised!.Find(PerformanceNames.Accuracy)!.Value, 1e-12);

        static async IAsyncEnumerable<ActualValue> Stream()
        {
            await Task.Yield();
            yield return new ActualValue("2", 1);
            yield return new ActualValue("3", double.NaN, "yak"); // no class of this model
        }
    }

    [Fact]
    public async Task Labels_that_come_sooner_for_one_class_are_flagged()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        for (int i = 0; i < 400; i++)
        {
            bool yes = i % 2 == 0;
            DateTimeOffset made = PerformanceWorld.Start.AddMinutes(i);
            await host.Monitor.RecordAsync("m", 1, $"{i}", new[] { yes ? 0.8f : 0.3f }, at: made);
            if (yes || i % 4 == 1)
            {
                await host.Monitor.ActualAsync("m", $"{i}", yes, at: made.AddMinutes(yes ? 10 + (i % 7) : 200 + (i % 50)));
            }
        }

        world.Time.Advance(TimeSpan.FromHours(12));
        PerformanceWindow window = await host.MeasureAsync();
        Assert.True(window.Labels.Biased);
        Assert.Equal(3, window.Notes.Count); // coverage, delay, and those that wait
        Assert.Equal(0.75, window.Labels.Coverage);
    }

    [Fact]
    public async Task Ids_and_truths_that_are_none_are_refused_and_the_hot_path_only_counts_them()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict(new string('x', 129), 0.5f);
        host.Predict(string.Empty, 0.5f);
        host.Predict("a", float.NaN);
        host.Predict("a", 0.5f, version: 7);
        Assert.Equal(4, host.Monitor.NotRecorded);
        await Assert.ThrowsAsync<ArgumentException>(async () => await host.Monitor.ActualAsync("m", string.Empty, true));
        await Assert.ThrowsAsync<ArgumentException>(async () => await host.Monitor.ActualAsync("m", "a", double.NaN));
        await Assert.ThrowsAsync<ArgumentException>(async () => await host.Monitor.ActualAsync("m", "a", new string('x', 257)));
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await host.Monitor.RecordAsync("m", 9, "a", new float[1]))).Code);
        Assert.Equal("monitoring.unusable_outcome", (await Assert.ThrowsAsync<MlopsDataException>(async () => await host.Monitor.RecordAsync("m", 1, "a", new[] { float.NaN }))).Code);
        Assert.Equal("monitoring.invalid_option", (await Assert.ThrowsAsync<MlopsException>(() => world.HostAsync(new PerformanceOptions { Horizon = TimeSpan.Zero }))).Code);
    }

    [Fact]
    public async Task Old_outcomes_can_be_forgotten_and_the_ledger_says_so()
    {
        await using var world = new PerformanceWorld();
        PerformanceWorld.Host host = await world.HostAsync();
        await host.RegisterAsync();
        await host.ServeAsync();
        host.Predict("a", 0.9f);
        await host.Monitor.FlushAsync("m");
        RecordDeletion gone = await host.Monitor.ForgetAsync("m", PerformanceWorld.Start.AddDays(1), "kept long enough");
        Assert.Equal(1, gone.Records);
        Assert.Equal(0, (await host.MeasureAsync()).Labels.Predictions);
    }

    [Fact]
    public void Any_bytes_read_as_a_record_or_are_refused() => Gen.Byte.Array[0, 80].Sample(bytes =>
    {
        try
        {
            bool truth = OutcomeCodec.Head(bytes).IsTruth;
            _ = truth ? OutcomeCodec.ReadTruth(bytes).Version : OutcomeCodec.ReadPrediction(bytes).Version;
        }
        catch (MlopsIntegrityException error)
        {
            Assert.True(error.Code is "monitoring.unreadable_outcome" or "monitoring.newer_format", error.Code);
        }
    });

    [Fact]
    public void A_prediction_reads_as_it_was_written() => Gen.Select(Gen.Single[-1, 1].Array[1, 9], Gen.Char['a', 'z'].Array[0, 70].Select(c => new string(c)), Gen.Int[1, 1_000_000], Gen.Bool).Sample((scores, segment, version, losses) =>
    {
        byte[] bytes = new byte[OutcomeCodec.MaxBytes(scores.Length)];
        int length = OutcomeCodec.WritePrediction(bytes, 12345, version, scores, scores[0], losses ? [1f, 2f] : [], segment, hasSegment: true);
        StoredPrediction read = OutcomeCodec.ReadPrediction(bytes.AsSpan(0, length));
        Assert.Equal(scores, read.Scores);
        Assert.Equal((version, scores[0]), (read.Version, read.Answer));
        Assert.Equal(segment[..Math.Min(segment.Length, OutcomeCodec.MaxSegment)], read.Segment);
        Assert.Equal(losses, float.IsFinite(read.AbsoluteLoss));
        Assert.Equal((UInt128)12345, OutcomeCodec.Head(bytes).Id);
    });
}

using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MonitorHistoryTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Backfilled_hours_are_listed_and_roll_into_the_days_that_one_pass_gives()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        #region backfill
        // rows of the past: from a log, a table, or a channel; read one at a time
        BackfillResult result = await host.Monitor.BackfillAsync("m", 1, PastRows(3 * 24 * 60), WindowKind.Tumbling(TimeSpan.FromHours(1)));

        var history = new MonitorHistory(host.Ledger, world.Store);
        await foreach (MonitorWindow day in history.RollAsync("m", WindowKind.Calendar(CalendarUnit.Day, TimeZoneInfo.Utc)))
        {
            Console.WriteLine($"{day.From:d}: {day.Rows} rows, mean speed {day.Features[0].Mean:F1}");
        }
        #endregion
        Assert.Equal(new BackfillResult(72, 3 * 24 * 60, 0), result);
        MonitorWindow[] hours = await history.ListAsync("m").ToArrayAsync();
        Assert.Equal(72, hours.Length);
        Assert.Equal(hours.OrderBy(w => w.From), hours);
        MonitorWindow[] days = await history.RollAsync("m", WindowKind.Calendar(CalendarUnit.Day, TimeZoneInfo.Utc)).ToArrayAsync();
        var whole = new WindowStream("m", 1, TestData.Schema, ReferenceProfile.Of(world.Trained), WindowKind.Calendar(CalendarUnit.Day, TimeZoneInfo.Utc));
        MonitorWindow[] expected = await whole.CountAsync(PastRows(3 * 24 * 60)).ToArrayAsync();
        Assert.Equal(expected.Select(w => (w.From, w.To, w.Rows)), days.Select(w => (w.From, w.To, w.Rows)));
        Assert.All(expected.Zip(days), pair => PredictionRecorderTests.Same(pair.First, pair.Second));
        Assert.Equal([(12, 12 * 60L), (13, 13 * 60L)], await history.RollAsync("m", WindowKind.Sliding(13 * Hour, Hour)).Skip(11).Take(2).Select(w => ((int)(w.To - hours[0].From).TotalHours, w.Rows)).ToArrayAsync());
        Assert.Equal(24, await history.ListAsync("m", from: hours[24].From, to: hours[48].From, version: 1).CountAsync());
        Assert.Empty(await history.ListAsync("m", version: 2).ToArrayAsync());
    }

    [Fact]
    public async Task The_same_backfill_again_writes_nothing_new_and_raises_no_alert()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        for (int i = 0; i < 2; i++)
        {
            await host.Monitor.BackfillAsync("m", 1, PastRows(1_500, mean: 300), WindowKind.OfRows(750)); // far from training
        }

        Assert.Equal(["window_closed", "window_closed"], await host.KindsAsync());
        Assert.Empty(await host.Monitor.OpenAlertsAsync("m"));
    }

    [Fact]
    public async Task A_table_is_backfilled_by_a_column_of_times_in_whatever_order_its_rows_are()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        var random = new Random(3);
        long[] ticks = [.. Enumerable.Range(0, 300).Select(i => WindowStreamTests.Row(i).Time.UtcTicks)];
        random.Shuffle(ticks);
        ticks[7] = TimeColumn.Missing;
        EncodedTable rows = TestData.Sample(3, 300);
        var table = new Table(
        [
            new NumberColumn("Speed", [.. rows.Numbers[0].Select(v => (double)v)]), rows.Texts[0],
            new NumberColumn("Height", [.. rows.Numbers[1].Select(v => (double)v)]), new TimeColumn("At", ticks),
        ]);
        Assert.Equal(new BackfillResult(5, 299, 0), await host.Monitor.BackfillAsync("m", 1, table, "At", WindowKind.Tumbling(Hour)));
        Assert.Equal("data.column_kind", (await Assert.ThrowsAsync<MlopsDataException>(async () => await host.Monitor.BackfillAsync("m", 1, table, "Speed", WindowKind.Tumbling(Hour)))).Code);
    }

    [Fact]
    public async Task A_window_whose_bytes_changed_is_named()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await host.Monitor.BackfillAsync("m", 1, PastRows(600), WindowKind.OfRows(600));
        var history = new MonitorHistory(host.Ledger, world.Store);
        MonitorWindow window = await history.ListAsync("m").SingleAsync();
        await world.Store.PutAsync(ObjectKey.Parse($"monitoring/{window.Id}"), new MemoryStream((window with { NotRecorded = 1 }).Serialize()));
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await history.ListAsync("m").SingleAsync());
        Assert.Equal("monitoring.window_changed", error.Code);
        await world.Store.DeleteAsync(ObjectKey.Parse($"monitoring/{window.Id}"));
        Assert.Contains("not in the store", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await history.ListAsync("m").SingleAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_window_is_compared_with_training_a_fixed_span_the_one_before_or_the_same_season()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;

        // nights are slow and days are fast: against training every night drifts, against the same hours before none does
        await host.Monitor.BackfillAsync("m", 1, Seasons(), WindowKind.Tumbling(12 * Hour));
        var history = new MonitorHistory(host.Ledger, world.Store);
        MonitorWindow night = (await history.ListAsync("m").ToArrayAsync())[^2];
        var training = ReferenceProfile.Of(world.Trained, TestData.Answers(world.Trained));
        #region reference
        ReferenceProfile? sameHours = await history.ReferenceAsync(night, WindowReference.Season(TimeSpan.FromDays(1), times: 3), training);
        DriftReport report = DriftDetector.Compare(sameHours!, night);
        #endregion
        Assert.Equal(DriftStatus.Stable, report.Status);
        Assert.Equal(3 * 720, report.ReferenceRows);
        Assert.Same(training, await history.ReferenceAsync(night, WindowReference.Training, training));
        Assert.Equal(DriftStatus.Drifted, DriftDetector.Compare(training, night).Status);
        Assert.Equal(DriftStatus.Drifted, DriftDetector.Compare((await history.ReferenceAsync(night, WindowReference.Moving(12 * Hour), training))!, night).Status);
        Assert.Equal(DriftStatus.Stable, DriftDetector.Compare((await history.ReferenceAsync(night, WindowReference.Fixed(night.From - (24 * Hour), night.From - (12 * Hour)), training))!, night).Status);
        Assert.Null(await history.ReferenceAsync(night, WindowReference.Fixed(night.To.AddDays(9), night.To.AddDays(10)), training));

        static async IAsyncEnumerable<TimedRow> Seasons()
        {
            EncodedTable slow = TestData.Sample(7, 4_000, mean: 60);
            EncodedTable fast = TestData.Sample(8, 4_000, mean: 100);
            for (int minute = 0; minute < 5 * 1_440; minute++)
            {
                yield return WindowStreamTests.Row(minute, minute % 1_440 < 720 ? slow : fast);
            }

            await Task.CompletedTask;
        }
    }

    private static async IAsyncEnumerable<TimedRow> PastRows(int rows, double mean = 100)
    {
        EncodedTable table = TestData.Sample(3, 2_000, mean);
        for (int minute = 0; minute < rows; minute++)
        {
            yield return WindowStreamTests.Row(minute, table);
        }

        await Task.CompletedTask;
    }
}

using System.Threading.Channels;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class WindowStreamTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
    private static readonly EncodedTable Rows = TestData.Sample(3, 2_000);
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(TestData.Sample(1, 3_000));

    [Fact]
    public void Rows_in_any_order_within_the_lateness_give_what_the_sorted_rows_give() => Gen.Select(Gen.Int[0, 999], Gen.Int[1, 300]).Sample((seed, lateness) =>
    {
        var random = new Random(seed);
        int[] order = [.. Enumerable.Range(0, 600)];
        int[] mixed = [.. order.OrderBy(i => i + (random.NextDouble() * lateness))]; // a row comes after a newer one by at most that many minutes
        MonitorWindow[] sorted = Run(order, WindowKind.Tumbling(TimeSpan.FromHours(1)), default);
        MonitorWindow[] found = Run(mixed, WindowKind.Tumbling(TimeSpan.FromHours(1)), TimeSpan.FromMinutes(lateness));
        Assert.Equal(sorted.Select(w => (w.From, w.To, w.Rows, w.Late)), found.Select(w => (w.From, w.To, w.Rows, w.Late)));
        foreach ((MonitorWindow a, MonitorWindow b) in sorted.Zip(found))
        {
            PredictionRecorderTests.Same(a, b);
        }

        return found.Sum(w => w.Rows) == 600;
    }, iter: 20);

    [Fact]
    public void What_comes_too_late_is_counted_as_late_and_in_no_window()
    {
        MonitorWindow[] windows = Run([0, 30, 61, 59, 62, 125, 3, 119, 130], WindowKind.Tumbling(TimeSpan.FromHours(1)), TimeSpan.FromMinutes(5));
        Assert.Equal([(3L, 0L), (2L, 0L), (2L, 2L)], windows.Select(w => (w.Rows, w.Late)));
    }

    [Fact]
    public void A_sliding_window_is_what_counting_its_rows_alone_gives() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 99]).Sample((steps, seed) =>
    {
        var random = new Random(seed);
        int[] minutes = [.. Enumerable.Range(0, 900).Where(_ => random.Next(40) == 0)];
        TimeSpan step = TimeSpan.FromMinutes(30);
        MonitorWindow[] windows = Run(minutes, WindowKind.Sliding(steps * step, step), default);
        foreach (MonitorWindow window in windows)
        {
            Assert.Equal(steps * step, window.To - window.From);
            int[] inside = [.. minutes.Where(m => Start.AddMinutes(m) >= window.From && Start.AddMinutes(m) < window.To)];
            PredictionRecorderTests.Same(Run(inside, WindowKind.OfRows(1_000), default)[0], window);
        }

        return windows.Sum(w => w.Rows) == (long)steps * minutes.Length && windows.Zip(windows.Skip(1)).All(w => w.First.To < w.Second.To);
    }, iter: 15);

    [Fact]
    public void Windows_by_count_have_that_many_rows_each()
    {
        MonitorWindow[] windows = Run([.. Enumerable.Range(0, 250)], WindowKind.OfRows(100), default);
        Assert.Equal([100, 100, 50], windows.Select(w => w.Rows));
        Assert.Equal((Start, Start.AddMinutes(99)), (windows[0].From, windows[0].To));
    }

    [Fact]
    public void The_same_rows_are_the_same_windows_by_id()
    {
        int[] minutes = [.. Enumerable.Range(0, 200)];
        Assert.Equal(
            Run(minutes, WindowKind.Tumbling(TimeSpan.FromHours(1)), default).Select(w => w.Id),
            Run(minutes, WindowKind.Tumbling(TimeSpan.FromHours(1)), default).Select(w => w.Id));
    }

    [Fact]
    public async Task A_bounded_channel_is_read_no_faster_than_windows_are_taken()
    {
        var channel = Channel.CreateBounded<TimedRow>(10);
        WindowStream stream = Stream(WindowKind.Tumbling(TimeSpan.FromHours(1)), default);
        CancellationToken stop = TestContext.Current.CancellationToken;
        await using IAsyncEnumerator<MonitorWindow> windows = stream.CountAsync(channel.Reader.ReadAllAsync(stop), stop).GetAsyncEnumerator(stop);
        int written = 0;
        while (channel.Writer.TryWrite(Row(written)))
        {
            written++;
        }

        Assert.Equal((10, 0L), (written, stream.Rows)); // nobody asked for a window yet, so nothing was read
        ValueTask<bool> first = windows.MoveNextAsync();
        while (!first.IsCompleted)
        {
            await channel.Writer.WriteAsync(Row(written++), stop);
        }

        Assert.True(await first);
        Assert.Equal(60, windows.Current.Rows);
        Assert.Equal(61, stream.Rows); // the row that closed it, and none more
        channel.Writer.Complete();
        Assert.True(await windows.MoveNextAsync());
        Assert.False(await windows.MoveNextAsync());
    }

    [Fact]
    public void Rows_so_far_apart_that_memory_would_not_do_are_refused()
    {
        WindowStream stream = Stream(WindowKind.Tumbling(TimeSpan.FromSeconds(1)), TimeSpan.FromDays(300));
        MlopsDataException error = Assert.Throws<MlopsDataException>(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                stream.Add(Start.AddMinutes(i), new ModelRow([1, 2], ["ACME"]), []);
            }
        });
        Assert.Equal("monitoring.too_many_windows", error.Code);
    }

    internal static TimedRow Row(int minute, EncodedTable? rows = null)
    {
        var numbers = new float[2];
        var texts = new string?[1];
        (rows ?? Rows).ReadRow(minute % (rows ?? Rows).Rows, numbers, texts);
        return new TimedRow(Start.AddMinutes(minute), numbers, texts, []);
    }

    private static WindowStream Stream(WindowKind kind, TimeSpan lateness) => new("m", 1, TestData.Schema, Reference, kind, lateness);

    private static MonitorWindow[] Run(int[] minutes, WindowKind kind, TimeSpan lateness)
    {
        WindowStream stream = Stream(kind, lateness);
        var windows = new List<MonitorWindow>();
        foreach (int minute in minutes)
        {
            TimedRow row = Row(minute);
            windows.AddRange(stream.Add(row.Time, new ModelRow(row.Numbers, row.Texts), row.Outputs));
        }

        windows.AddRange(stream.Complete());
        return [.. windows];
    }
}

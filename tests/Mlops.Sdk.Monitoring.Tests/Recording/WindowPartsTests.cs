using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>What is flushed is closed once, by whoever is left. See docs/decisions/005-recording-parts.md.</summary>
public sealed class WindowPartsTests
{
    private static readonly TimeSpan Abandoned = new RecordingOptions().AbandonedAfter + TimeSpan.FromSeconds(1);

    [Fact]
    public async Task What_a_dead_process_had_flushed_is_closed_by_a_survivor_once()
    {
        (MonitorWorld world, MonitorWorld.Host dead) = await MonitorWorld.OpenAsync();
        await dead.ServeAsync(1);
        dead.Predict(TestData.Sample(5, 900));
        await dead.Monitor.FlushAsync();
        dead.Predict(TestData.Sample(6, 100)); // lost with it
        MonitorWorld.Host[] left = [await world.HostAsync(), await world.HostAsync()];
        foreach (MonitorWorld.Host host in left)
        {
            await host.Monitor.CheckAsync("m");
        }

        Assert.Empty(await ClosedAsync(left[0], world.Store));
        world.Time.Advance(Abandoned);
        foreach (MonitorWorld.Host host in left)
        {
            await host.Monitor.CheckAsync("m");
            await host.Monitor.CheckAsync("m");
        }

        MonitorWindow window = Assert.Single(await ClosedAsync(left[0], world.Store));
        PredictionRecorderTests.Same(Expected(world, TestData.Sample(5, 900)), window);
        Assert.Empty(await PartsAsync(world.Store));
    }

    [Fact]
    public async Task A_process_that_was_only_slow_goes_on_with_what_the_other_one_did_not_take()
    {
        (MonitorWorld world, MonitorWorld.Host slow) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await slow.ServeAsync(1);
        slow.Predict(TestData.Sample(5, 900));
        await slow.Monitor.FlushAsync();
        slow.Predict(TestData.Sample(6, 600));
        MonitorWorld.Host other = await world.HostAsync();
        await other.Monitor.CheckAsync("m");
        world.Time.Advance(Abandoned);
        await other.Monitor.CheckAsync("m");
        await slow.Monitor.FlushAsync();
        await slow.Monitor.FlushAsync();
        slow.Predict(TestData.Sample(7, 10));
        await slow.Monitor.DisposeAsync();
        MonitorWindow[] windows = await ClosedAsync(other, world.Store);
        Assert.Equal([900, 610], windows.Select(w => w.Rows));
        Assert.Empty(await PartsAsync(world.Store));
    }

    [Fact]
    public async Task A_process_that_is_taken_for_dead_while_it_closes_closes_only_the_rest()
    {
        (MonitorWorld world, MonitorWorld.Host slow) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        await slow.ServeAsync(1);
        slow.Predict(TestData.Sample(5, 900));
        await slow.Monitor.FlushAsync();
        MonitorWorld.Host other = await world.HostAsync();
        await other.Monitor.CheckAsync("m");
        world.Time.Advance(Abandoned);
        await other.Monitor.CheckAsync("m");
        await slow.Monitor.CheckAsync("m"); // nothing is left of its window
        slow.Predict(TestData.Sample(6, 600));
        await slow.Monitor.CheckAsync("m");
        Assert.Equal([900, 600], (await ClosedAsync(other, world.Store)).Select(w => w.Rows));
    }

    [Fact]
    public async Task Every_row_is_in_one_closed_window_whatever_answers_the_store_loses_and_whoever_takes_over()
    {
        for (int seed = 0; seed < 12; seed++)
        {
            (MonitorWorld world, MonitorWorld.Host first) = await MonitorWorld.OpenAsync();
            var random = new Random(seed);
            var lossy = new LosingStore(world.Store, new Random(seed));
            MonitorWorld.Host[] hosts = [await world.HostAsync(store: lossy), await world.HostAsync(store: lossy)];
            long rows = 0;
            foreach (MonitorWorld.Host host in hosts)
            {
                await host.ServeAsync(1);
            }

            lossy.Losing = true;
            for (int step = 0; step < 30; step++)
            {
                MonitorWorld.Host host = hosts[random.Next(2)];
                int more = random.Next(0, 300);
                if (more > 0)
                {
                    host.Predict(TestData.Sample(step, more));
                    rows += more;
                }

                world.Time.Advance(random.Next(3) == 0 ? Abandoned : TimeSpan.FromSeconds(20));
                await Try(() => random.Next(3) == 0 ? new ValueTask(host.Monitor.CheckAsync("m").AsTask()) : host.Monitor.FlushAsync());
            }

            lossy.Losing = false;
            foreach (MonitorWorld.Host host in hosts)
            {
                await host.Monitor.DisposeAsync();
            }

            await first.Monitor.CheckAsync("m");
            world.Time.Advance(Abandoned);
            await first.Monitor.CheckAsync("m");
            Assert.Equal((seed, rows), (seed, (await ClosedAsync(first, world.Store)).Sum(w => w.Rows)));
            Assert.Empty(await PartsAsync(world.Store));
            await world.DisposeAsync();
        }
    }

    [Fact]
    public async Task Rows_of_a_version_without_reference_are_no_part_and_stand_in_no_flush_s_way()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync(withProfile: false);
        await using MonitorWorld _ = world;
        await host.ServeAsync(1);
        host.Predict(TestData.Sample(5, 10));
        await host.Monitor.FlushAsync();
        Assert.Empty(await PartsAsync(world.Store));
        Assert.Equal(10, (await host.Monitor.CheckAsync("m")).Report!.NotRecorded);
    }

    [Fact]
    public async Task A_part_that_does_not_read_is_left_alone()
    {
        (MonitorWorld world, MonitorWorld.Host host) = await MonitorWorld.OpenAsync();
        await using MonitorWorld _ = world;
        ObjectKey key = WindowParts.KeyOf("m", "strange");
        await world.Store.PutAsync(key, new MemoryStream("{\"format\":9,\"sequence\":1}"u8.ToArray()));
        await host.Monitor.CheckAsync("m");
        world.Time.Advance(Abandoned);
        await host.Monitor.CheckAsync("m");
        Assert.Equal([key.Value], await PartsAsync(world.Store));
    }

    internal static async Task<MonitorWindow[]> ClosedAsync(MonitorWorld.Host host, IObjectStore store)
    {
        var windows = new List<MonitorWindow>();
        foreach (LedgerEntry entry in await host.EntriesAsync(MonitoringKinds.WindowClosed))
        {
            using var bytes = new MemoryStream();
            await using Stream stream = (await store.OpenAsync(ObjectKey.Parse($"monitoring/{entry.Data.GetProperty("windowId").GetString()}")))!;
            await stream.CopyToAsync(bytes);
            windows.Add(MonitorWindow.Deserialize(bytes.ToArray()));
        }

        return [.. windows];
    }

    internal static async Task<string[]> PartsAsync(IObjectStore store)
    {
        var keys = new List<string>();
        await foreach (ObjectInfo info in store.ListAsync("monitoring/parts/"))
        {
            keys.Add(info.Key.Value);
        }

        return [.. keys];
    }

    private static MonitorWindow Expected(MonitorWorld world, EncodedTable rows)
    {
        PredictionRecorder recorder = new(world.Time, new SequentialIdGenerator());
        recorder.Watch("m", 1, TestData.Schema, ReferenceProfile.Of(world.Trained, TestData.Answers(world.Trained)));
        new MonitorWorld.Host(null!, null!, null!, recorder, null!, null!).Predict(rows);
        return recorder.TakeWindows("m")[0];
    }

    private static async Task Try(Func<ValueTask> act)
    {
        try
        {
            await act();
        }
        catch (MlopsStorageException)
        {
            // the answer was lost
        }
    }

    /// <summary>Now and then does what it is asked and answers with an error, or answers with an error and does not.</summary>
    private sealed class LosingStore(IObjectStore inner, Random random) : IObjectStore
    {
        internal bool Losing { get; set; }

        public string Description => inner.Description;

        public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            bool parts = Losing && key.Value.StartsWith("monitoring/", StringComparison.Ordinal);
            int chance = parts ? random.Next(4) : 3;
            if (chance == 0)
            {
                throw new MlopsStorageException("store.unavailable", "not done");
            }

            PutResult result = await inner.PutAsync(key, content, condition, cancellationToken);
            return chance == 1 ? throw new MlopsStorageException("store.unavailable", "done, perhaps") : result;
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests.Usage;

public sealed class UsageLogTests
{
    private const UsageParts All = UsageParts.Hour | UsageParts.Version | UsageParts.Caller | UsageParts.Error;

    [Fact]
    public async Task Eight_threads_are_counted_exactly_while_the_counts_are_taken_out()
    {
        const int threads = 8;
        const int each = 20_000;
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync();
        int running = threads;
        Task[] calling = [.. Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < each; i++)
                {
                    log.OnCalled(UsageWorld.Call(version: 1 + (i % 3), caller: $"c{i % 7}", error: i % 10 == 0 ? "serving.not_ready" : null, rows: 2, milliseconds: i % 5));
                }

                Interlocked.Decrement(ref running);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        while (Volatile.Read(ref running) > 0)
        {
            await log.FlushAsync();
        }

        await Task.WhenAll(calling);
        UsageTable table = await log.QueryAsync(new UsageQuery { By = All });
        Assert.Equal(3 * 7 * 2, table.Rows.Count);
        Assert.Equal(threads * each, table.Rows.Sum(r => r.Calls));
        Assert.Equal(2 * threads * each, table.Rows.Sum(r => r.Rows));
        Assert.Equal(threads * each / 10, table.Rows.Sum(r => r.Errors));
        Assert.Equal(threads * each * 2, table.Rows.Sum(r => (long)r.Busy.TotalMilliseconds));
        for (int version = 1; version <= 3; version++)
        {
            int expected = threads * Enumerable.Range(0, each).Count(i => 1 + (i % 3) == version && i % 7 == 4 && i % 10 == 0);
            Assert.Equal(expected, table.Rows.Single(r => r.Version == version && r.Caller == "c4" && r.Error == "serving.not_ready").Calls);
        }

        Assert.Equal(0, log.NotCounted);
    }

    [Fact]
    public async Task Counts_of_any_processes_flushed_at_any_time_are_those_of_one()
    {
        Gen<(int Process, bool Flush, PredictionCall Call)> one = Gen.Select(
            Gen.Int[0, 2],
            Gen.Bool,
            Gen.Select(Gen.Int[0, 1], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[1, 100], Gen.Double[0, 5_000], (model, version, caller, error, rows, milliseconds) =>
                UsageWorld.Call($"m{model}", version, caller == 0 ? null : $"c{caller}", error == 0 ? null : $"e{error}", rows, milliseconds)));
        await one.Array[1, 60].SampleAsync(
            async calls =>
            {
                var options = new UsageOptions { Price = new UsagePrice { PerCall = 0.01m, PerRow = 0.001m, PerCpuSecond = 0.7m } };
                await using var many = new UsageWorld();
                UsageLog[] processes = [await many.OpenAsync(options), await many.OpenAsync(options), await many.OpenAsync(options)];
                await using var single = new UsageWorld();
                UsageLog whole = await single.OpenAsync(options);
                foreach ((int process, bool flush, PredictionCall call) in calls)
                {
                    many.Time.Advance(TimeSpan.FromSeconds(37));
                    single.Time.Advance(TimeSpan.FromSeconds(37));
                    processes[process].OnCalled(call);
                    whole.OnCalled(call);
                    if (flush)
                    {
                        await processes[process].FlushAsync();
                    }
                }

                foreach (UsageLog process in processes)
                {
                    await process.FlushAsync();
                }

                foreach (UsageParts by in new[] { UsageParts.None, UsageParts.Hour, UsageParts.Caller | UsageParts.Error, All })
                {
                    Assert.Equal((await whole.QueryAsync(new UsageQuery { By = by })).ToText(), (await processes[1].QueryAsync(new UsageQuery { By = by })).ToText());
                }

                return true;
            },
            iter: 30);
    }

    [Fact]
    public async Task A_million_callers_take_the_memory_of_a_few_and_none_of_their_calls_is_lost()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync(new UsageOptions { MaxCallers = 50 });
        for (int i = 0; i < 1_000_000; i++)
        {
            log.OnCalled(UsageWorld.Call(caller: $"caller {i}"));
        }

        log.OnCalled(UsageWorld.Call(caller: new string('x', 10_000_000)));
        Assert.InRange(log.Cells, 51, 2 * 51); // one thread, which now and then may be moved on to another lane
        UsageTable table = await log.QueryAsync(new UsageQuery { By = UsageParts.Caller });
        Assert.Equal(51, table.Rows.Count);
        Assert.All(table.Rows.Where(r => r.Caller != UsageLog.Other), r => Assert.Equal(1, r.Calls));
        Assert.Equal(1_000_001 - 50, table.Rows.Single(r => r.Caller == UsageLog.Other).Calls);
        log.OnCalled(UsageWorld.Call(caller: "too late for this hour"));
        Assert.Equal(51, (await log.QueryAsync(new UsageQuery { By = UsageParts.Caller })).Rows.Count); // a flush does not make room for more
        world.Time.Advance(TimeSpan.FromHours(1));
        await log.FlushAsync(); // a new hour begins with no names
        log.OnCalled(UsageWorld.Call(caller: "late"));
        Assert.Equal("late", Assert.Single((await log.QueryAsync(new UsageQuery { By = UsageParts.Caller, From = UsageWorld.Start.AddHours(1) })).Rows).Caller);
    }

    [Fact]
    public async Task Thousands_of_versions_and_errors_are_counted_together_before_memory_grows()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync();
        for (int i = 0; i < 20_000; i++)
        {
            log.OnCalled(UsageWorld.Call(version: i % 5_000, error: $"e{i}", caller: "c"));
        }

        Assert.InRange(log.Cells, 1, 2 * 4_608);
        Assert.Equal(20_000, (await log.QueryAsync(new UsageQuery { By = UsageParts.None })).Rows.Single().Calls + log.NotCounted);
        Assert.Equal(65, (await log.QueryAsync(new UsageQuery { By = UsageParts.Error })).Rows.Count); // 64 and the others
    }

    [Fact]
    public async Task Counting_allocates_nothing_once_the_combination_was_seen()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync();
        PredictionCall[] calls = [.. Enumerable.Range(0, 20).Select(i => UsageWorld.Call(version: i % 2, caller: $"c{i % 5}", milliseconds: i))];
        Count(2);
        await log.FlushAsync();
        Count(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Count(1_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Count(int times)
        {
            for (int i = 0; i < times; i++)
            {
                foreach (PredictionCall call in calls)
                {
                    log.OnCalled(call);
                }
            }
        }
    }

    [Fact]
    public async Task A_call_belongs_to_the_hour_that_it_ended_in_whenever_it_is_written_and_though_the_clock_goes_back()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync();
        world.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        log.OnCalled(UsageWorld.Call(rows: 1)); // the last tick of 10 o'clock
        world.Time.Advance(TimeSpan.FromTicks(1));
        log.OnCalled(UsageWorld.Call(rows: 2)); // the first of 11
        await log.FlushAsync();
        log.OnCalled(UsageWorld.Call(rows: 4));
        world.Time.AdjustTime(UsageWorld.Start.AddMinutes(30)); // back to half past ten
        log.OnCalled(UsageWorld.Call(rows: 8));
        await log.FlushAsync();
        Assert.Equal([(10, 9L), (11, 6L)], (await log.QueryAsync()).Rows.Select(r => (r.Hour!.Value.Hour, r.Rows)));
        Assert.Equal([9L], (await log.QueryAsync(new UsageQuery { To = UsageWorld.Start.AddHours(1) })).Rows.Select(r => r.Rows));
        Assert.Equal([6L], (await log.QueryAsync(new UsageQuery { From = UsageWorld.Start.AddMinutes(61) })).Rows.Select(r => r.Rows)); // the whole hour that the time lies in
    }

    [Fact]
    public async Task What_was_counted_is_written_at_the_interval_and_a_clean_stop_loses_nothing()
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync(new UsageOptions { FlushInterval = TimeSpan.FromMinutes(2) });
        UsageLog elsewhere = await world.OpenAsync();
        log.OnCalled(UsageWorld.Call());
        world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty((await elsewhere.QueryAsync()).Rows);
        world.Time.Advance(TimeSpan.FromMinutes(1));
        await log.LastFlush;
        Assert.Equal(1, (await elsewhere.QueryAsync()).Rows.Single().Calls);
        log.OnCalled(UsageWorld.Call());
        await log.DisposeAsync();
        Assert.Equal(2, (await elsewhere.QueryAsync()).Rows.Single().Calls);
    }

    [Fact]
    public async Task While_the_store_is_away_counts_wait_and_a_stop_does_not_fail()
    {
        await using var world = new UsageWorld();
        var faults = new FaultInjectingObjectStore(world.Store, seed: 1);
        UsageLog log = await world.OpenAsync(store: faults);
        UsageLog gone = await world.OpenAsync(store: faults);
        log.OnCalled(UsageWorld.Call());
        await log.FlushAsync();
        log.OnCalled(UsageWorld.Call());
        gone.OnCalled(UsageWorld.Call());
        faults.Sometimes(StoreFault.Unavailable, 1);
        Assert.Equal("store.unavailable", (await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.FlushAsync())).Code);
        world.Time.Advance(TimeSpan.FromMinutes(1)); // at the interval it fails silently
        await log.LastFlush;
        await gone.DisposeAsync(); // its call is lost, and its host stops
        faults.Heal();
        log.OnCalled(UsageWorld.Call());
        await log.FlushAsync();
        Assert.Equal(3, (await log.QueryAsync()).Rows.Single().Calls);
    }

    [Fact]
    public async Task Use_costs_what_was_declared_for_answered_calls_rows_and_seconds()
    {
        await using var world = new UsageWorld();
        var options = new UsageOptions { Price = new UsagePrice { PerCall = 1 }, Currency = "EUR" };
        options.Prices["dear"] = new UsagePrice { PerCall = 0.5m, PerRow = 0.01m, PerCpuSecond = 3 };
        UsageLog log = await world.OpenAsync(options);
        UsageLog abroad = await world.OpenAsync(new UsageOptions { Price = new UsagePrice { PerCall = 2 }, Currency = "SEK" });
        log.OnCalled(UsageWorld.Call("dear", rows: 10, milliseconds: 1_500));
        log.OnCalled(UsageWorld.Call("dear", rows: 10, milliseconds: 500, error: "serving.not_ready"));
        log.OnCalled(UsageWorld.Call("cheap", rows: 1_000, milliseconds: 60_000));
        abroad.OnCalled(UsageWorld.Call("cheap"));
        await abroad.FlushAsync();
        IReadOnlyList<UsageRow> rows = (await log.QueryAsync(new UsageQuery { By = UsageParts.None })).Rows;
        Assert.Equal([new UsageCost("EUR", 1), new UsageCost("SEK", 2)], rows[0].Costs);
        Assert.Equal([new UsageCost("EUR", 0.5m + 0.1m + 4.5m + 1.5m)], rows[1].Costs);
        Assert.Equal((2, 1, 0.5), (rows[1].Calls, rows[1].Errors, rows[1].ErrorShare));
    }

    [Theory]
    [InlineData("""{"f":2,"h":490930,"cur":"EUR","rows":[]}""", "monitoring.newer_format")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":-1,"r":1,"t":1,"x":1,"b":[],"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":1,"r":1,"t":1,"x":1,"b":[99999,1],"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":2,"r":1,"t":1,"x":1,"b":[5,1],"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":0,"r":9223372036854775807,"t":1,"x":1,"b":[],"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[null]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR"}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":null,"v":1,"n":0,"r":0,"t":0,"x":0,"b":[],"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":0,"r":0,"t":0,"x":0,"b":null,"cost":0}]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":1,"cur":"EUR","rows":[]}""", "monitoring.unreadable_usage")]
    [InlineData("""{"f":1,"h":490930,"cur":"EUR","rows":[{"m":"m","v":1,"n":0,"r":0,"t":0,"x":0,"b":[],"cost":1e28}]}""", "monitoring.unreadable_usage")]
    [InlineData("null", "monitoring.unreadable_usage")]
    [InlineData("no json", "monitoring.unreadable_usage")]
    [InlineData("[[[[[[[[[[[[[[[[", "monitoring.unreadable_usage")]
    public async Task A_record_that_no_counting_gives_is_refused_by_name(string record, string code)
    {
        await using var world = new UsageWorld();
        UsageLog log = await world.OpenAsync();
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(world.Store);
        await using (RecordLog foreign = await new RecordLogs(world.Store, ledger).OpenAsync(UsageLog.LogName))
        {
            foreign.Append(Encoding.UTF8.GetBytes(record), UsageWorld.Start);
        }

        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await log.QueryAsync());
        Assert.Equal(code, error.Code);
        Assert.Contains("'usage'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_callers_call_themselves_they_are_counted_and_shown_on_one_line() =>
        await Gen.OneOf(Gen.String, Gen.Const("a\nb\u001b[31m\u202e"), Gen.Const("\ud800"), Gen.Const(string.Empty), Gen.Const("(other)")).SampleAsync(
            async caller =>
            {
                await using var world = new UsageWorld();
                UsageLog log = await world.OpenAsync();
                log.OnCalled(UsageWorld.Call(caller: caller));
                UsageTable table = await log.QueryAsync(new UsageQuery { By = UsageParts.Caller });
                string text = table.ToText();
                return table.Rows.Single().Calls == 1 && text.Count(c => c == '\n') == 2 && !text.Any(c => char.IsControl(c) && c != '\n');
            },
            iter: 100);

    [Fact]
    public async Task A_wrong_option_is_named()
    {
        await using var world = new UsageWorld();
        foreach ((UsageOptions options, string named) in new[]
        {
            (new UsageOptions { FlushInterval = TimeSpan.FromMilliseconds(1) }, "FlushInterval"),
            (new UsageOptions { MaxCallers = 0 }, "MaxCallers"),
            (new UsageOptions { Currency = " " }, "Currency"),
            (new UsageOptions { Price = new UsagePrice { PerRow = -1 } }, "PerRow"),
            (new UsageOptions { Prices = { ["m"] = new UsagePrice { PerCpuSecond = decimal.MaxValue } } }, "Prices:m:PerCpuSecond"),
        })
        {
            MlopsException error = await Assert.ThrowsAsync<MlopsException>(() => world.OpenAsync(options));
            Assert.Equal("monitoring.invalid_option", error.Code);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }
}

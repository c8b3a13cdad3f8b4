using System.Diagnostics.Metrics;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Records;

public sealed class RecordLogTests
{
    private static readonly byte[] Payload = new byte[100];

    [Fact]
    public async Task What_was_flushed_is_read_by_another_process()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        await using (RecordLog log = await workspace.Logs.OpenAsync("access"))
        {
            Assert.True(log.Append("one"u8));
            workspace.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(log.Append("two"u8));
            await log.FlushAsync();
            await using RecordWorkspace other = await RecordWorkspace.OpenAsync(workspace.Store);
            Assert.Equal(["one", "two"], await other.TextsAsync("access"));
            StoredRecord first = await other.Logs.Get("access").ReadAsync().FirstAsync();
            Assert.Equal((RecordWorkspace.Start, 0), (first.Time, first.Segment));
        }

        RecordLogSummary summary = Assert.Single(await workspace.Logs.ListAsync());
        Assert.Equal(("access", 1, 2L, RecordWorkspace.Start, RecordWorkspace.Start.AddSeconds(1)), (summary.Name, summary.Segments, summary.Records, summary.From!.Value, summary.To!.Value));
    }

    [Fact]
    public async Task Segments_roll_by_size_by_count_and_by_age_without_a_flush()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        await using RecordLog bySize = await workspace.Logs.OpenAsync("by-size", new RecordLogOptions { SegmentBytes = 4096 });
        await using RecordLog byCount = await workspace.Logs.OpenAsync("by-count", new RecordLogOptions { SegmentRecords = 10 });
        await using RecordLog byAge = await workspace.Logs.OpenAsync("by-age", new RecordLogOptions { SegmentAge = TimeSpan.FromSeconds(5) });
        for (int i = 0; i < 100; i++)
        {
            bySize.Append(Payload);
            byCount.Append(Payload);
        }

        byAge.Append(Payload);
        workspace.Clock.Advance(TimeSpan.FromSeconds(4));
        byAge.Append(Payload);
        workspace.Clock.Advance(TimeSpan.FromSeconds(1));
        byAge.Append(Payload);
        await Task.WhenAll(bySize.FlushAsync().AsTask(), byCount.FlushAsync().AsTask(), byAge.FlushAsync().AsTask());
        Dictionary<string, RecordLogSummary> found = (await workspace.Logs.ListAsync()).ToDictionary(s => s.Name);
        Assert.Equal((3, 100), (found["by-size"].Segments, found["by-size"].Records));
        Assert.Equal((10, 100), (found["by-count"].Segments, found["by-count"].Records));
        Assert.Equal((2, 3), (found["by-age"].Segments, found["by-age"].Records));
    }

    [Theory]
    [InlineData(RecordCompression.None)]
    [InlineData(RecordCompression.Deflate)]
    [InlineData(RecordCompression.Brotli)]
    public async Task Records_of_any_size_come_back_however_they_are_compressed(RecordCompression compression) => await Gen.Byte.Array[0, 300].Array[1, 60].SampleAsync(
        async records =>
        {
            await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
            await using (RecordLog log = await workspace.Logs.OpenAsync("any", new RecordLogOptions { Compression = compression, SegmentBytes = 4096 }))
            {
                Array.ForEach(records, r => Assert.True(log.Append(r)));
            }

            byte[][] found = await workspace.Logs.Get("any").ReadAsync().Select(r => r.Data.ToArray()).ToArrayAsync();
            Assert.Equal(records, found);
            Assert.True((await workspace.Logs.Get("any").VerifyAsync()).Ok);
        },
        iter: 30);

    [Fact]
    public async Task Compression_makes_repetitive_records_small()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        foreach (RecordCompression compression in Enum.GetValues<RecordCompression>())
        {
            await using RecordLog log = await workspace.Logs.OpenAsync($"c{(int)compression}", new RecordLogOptions { Compression = compression });
            for (int i = 0; i < 1000; i++)
            {
                log.Append(Payload);
            }
        }

        long[] bytes = [.. (await workspace.Logs.ListAsync("c")).Select(s => s.Bytes)];
        Assert.True(bytes[0] > 100_000 && bytes[1] < 5_000 && bytes[2] < 5_000, string.Join(' ', bytes));
    }

    [Fact]
    public async Task Records_of_all_writers_come_in_time_order_and_in_any_window() => await Gen.Select(Gen.Int[0, 3], Gen.Int[-50, 50], Gen.Bool).Array[1, 80].SampleAsync(
        async steps =>
        {
            await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
            RecordLog[] writers = [.. Enumerable.Range(0, 4).Select(_ => workspace.Logs.Get("many"))];
            List<(long Ticks, string Text)> expected = [];
            for (int i = 0; i < steps.Length; i++)
            {
                (int writer, int offset, bool flush) = steps[i];
                DateTimeOffset time = RecordWorkspace.Start.AddSeconds(offset); // a clock that goes back and forth
                writers[writer].Append(RecordWorkspace.Bytes($"{i}"), time);
                expected.Add((time.UtcTicks, $"{i}"));
                if (flush)
                {
                    await writers[writer].FlushAsync();
                }
            }

            foreach (RecordLog writer in writers)
            {
                await writer.DisposeAsync();
            }

            StoredRecord[] all = await workspace.Logs.Get("many").ReadAsync().ToArrayAsync();
            Assert.Equal(expected.Select(e => e.Text).Order(), all.Select(r => System.Text.Encoding.UTF8.GetString(r.Data.Span)).Order());
            Assert.Equal(all.Select(r => r.Time).Order(), all.Select(r => r.Time));
            DateTimeOffset from = RecordWorkspace.Start.AddSeconds(-10), to = RecordWorkspace.Start.AddSeconds(20);
            foreach (RecordOrder order in Enum.GetValues<RecordOrder>())
            {
                Assert.Equal(
                    expected.Where(e => e.Ticks >= from.UtcTicks && e.Ticks < to.UtcTicks).Select(e => e.Text).Order(),
                    (await workspace.TextsAsync("many", from, to, order)).Order());
            }
        },
        iter: 60);

    [Fact]
    public async Task Threads_append_at_once_and_nothing_is_lost_or_doubled()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        await using (RecordLog log = await workspace.Logs.OpenAsync("threads", new RecordLogOptions { SegmentBytes = 4096, MaxBufferedBytes = 1 << 16 }))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
            {
                for (int i = 0; i < 2_000; i++)
                {
                    await log.AppendAsync(RecordWorkspace.Bytes($"{t}-{i}"));
                }
            })));
        }

        List<string> found = await workspace.TextsAsync("threads");
        Assert.Equal(16_000, found.Distinct().Count());
        Assert.Equal(16_000, found.Count);
        for (int t = 0; t < 8; t++)
        {
            Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"{t}-{i}"), found.Where(f => f.StartsWith($"{t}-", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Without_room_append_drops_and_counts_and_the_async_one_waits()
    {
        long told = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Name == MlopsDiagnostics.Core && instrument.Name == "mlops.records.dropped")
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => told += tags.Contains(new KeyValuePair<string, object?>("mlops.log", "full")) ? value : 0);
        listener.Start();
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
        await using RecordLog log = await workspace.Logs.OpenAsync("full", new RecordLogOptions { SegmentBytes = 4096, MaxBufferedBytes = 8192 });
        faults.Sometimes(StoreFault.Unavailable, 1, StoreCalls.Put);
        int taken = 0;
        for (int i = 0; i < 200; i++)
        {
            taken += log.Append(Payload) ? 1 : 0;
        }

        Assert.InRange(taken, 60, 82);
        Assert.Equal(200 - taken, log.Dropped);
        Assert.Equal(200 - taken, told);
        Assert.Equal("store.unavailable", (await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.AppendAsync(Payload))).Code);
        faults.Heal();
        for (int i = 0; i < 200; i++)
        {
            await log.AppendAsync(Payload);
        }

        await log.FlushAsync();
        Assert.Equal(taken + 200, (await workspace.TextsAsync("full")).Count);
    }

    [Fact]
    public async Task A_store_that_fails_and_comes_back_loses_nothing_even_without_another_flush()
    {
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
        await using RecordLog log = await workspace.Logs.OpenAsync("retry");
        log.Append("kept"u8);
        faults.Sometimes(StoreFault.Unavailable, 1, StoreCalls.Put);
        Assert.Equal("store.unavailable", (await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.FlushAsync())).Code);
        faults.Heal();
        workspace.Clock.Advance(TimeSpan.FromSeconds(1)); // the log's own retry
        await log.FlushAsync();
        Assert.Equal(["kept"], await workspace.TextsAsync("retry"));
    }

    [Fact]
    public async Task Lost_answers_and_outages_at_random_neither_lose_nor_double_a_record() => await Gen.Int[0, 1_000_000].SampleAsync(
        async seed =>
        {
            var faults = new FaultInjectingObjectStore(new InMemoryObjectStore(), seed);
            await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
            RecordLog log = await workspace.Logs.OpenAsync("faults", new RecordLogOptions { SegmentRecords = 3 });
            faults.Sometimes(StoreFault.LostAnswer, 0.3, StoreCalls.Put);
            faults.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Put | StoreCalls.Open);
            for (int i = 0; i < 30; i++)
            {
                log.Append(RecordWorkspace.Bytes($"{i}"));
            }

            for (int tries = 0; tries < 500; tries++)
            {
                try
                {
                    await log.FlushAsync();
                    break;
                }
                catch (MlopsException)
                {
                    // asked again, as an application would
                }
            }

            faults.Heal();
            await log.DisposeAsync();
            await using RecordWorkspace reader = await RecordWorkspace.OpenAsync(faults);
            Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}"), await reader.TextsAsync("faults", order: RecordOrder.Writer));
            Assert.True((await reader.Logs.Get("faults").VerifyAsync()).Ok);
        },
        iter: 20);

    [Fact]
    public async Task A_segment_whose_answer_was_lost_and_that_reads_badly_once_is_not_written_twice()
    {
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
        await using RecordLog log = await workspace.Logs.OpenAsync("once");
        log.Append("one"u8);
        faults.Next(StoreFault.LostAnswer, StoreCalls.Put);
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.FlushAsync());
        faults.Next(StoreFault.FlippedBit, StoreCalls.Open);
        Assert.Equal("records.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await log.FlushAsync())).Code);
        await log.FlushAsync();
        await using RecordLog opened = await workspace.Logs.OpenAsync("once");
        Assert.Equal(["one"], await workspace.TextsAsync("once"));
        Assert.Single(await workspace.KeysAsync());
    }

    [Fact]
    public async Task A_full_disk_is_told_and_nothing_is_half_there()
    {
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
        await using RecordLog log = await workspace.Logs.OpenAsync("disk");
        log.Append("one"u8);
        faults.Next(StoreFault.Full, StoreCalls.Put);
        Assert.Equal("store.full", (await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.FlushAsync())).Code);
        Assert.Empty(await workspace.KeysAsync());
        log.Append("two"u8);
        await log.FlushAsync();
        Assert.Equal(["one", "two"], await workspace.TextsAsync("disk"));
    }

    [Fact]
    public async Task A_segment_left_between_store_and_ledger_is_committed_by_the_next_who_opens_the_log()
    {
        var memory = new InMemoryObjectStore();
        var faults = new FaultInjectingObjectStore(memory);
        await using (RecordWorkspace killed = await RecordWorkspace.OpenAsync(faults))
        {
            RecordLog log = await killed.Logs.OpenAsync("orphans");
            log.Append("found"u8);
            faults.Next(StoreFault.Unavailable, StoreCalls.Put, times: int.MaxValue, skip: 1); // the segment is written, its ledger entry is not
            await Assert.ThrowsAnyAsync<MlopsException>(async () => await log.FlushAsync());
        }

        await using RecordWorkspace next = await RecordWorkspace.OpenAsync(memory);
        Assert.Empty(await next.TextsAsync("orphans"));
        RecordVerification before = await next.Logs.Get("orphans").VerifyAsync();
        Assert.Equal((true, 0L, 1), (before.Ok, before.Segments, before.Uncommitted));
        await using RecordLog opened = await next.Logs.OpenAsync("orphans");
        await using RecordLog again = await next.Logs.OpenAsync("orphans");
        Assert.Equal(["found"], await next.TextsAsync("orphans"));
        RecordVerification after = await next.Logs.Get("orphans").VerifyAsync();
        Assert.Equal((true, 1L, 0), (after.Ok, after.Segments, after.Uncommitted));
        Assert.Single(await next.Ledger.ReadAsync().ToArrayAsync(), e => e.Kind == LedgerKinds.RecordsRolled);
    }

    [Fact]
    public async Task Entries_that_accompany_a_segment_are_in_its_commit_once_even_after_adoption()
    {
        static IReadOnlyList<LedgerDraft> Sum(RecordSegment segment) =>
        [
            new LedgerDraft("test.sum", new LedgerResource("sum", "s"), "summed", System.Text.Json.JsonDocument.Parse($$"""{"records":{{segment.Records.Count()}}}""").RootElement) { Id = $"sum-{segment.Note.Digest.Hex}" },
        ];
        var memory = new InMemoryObjectStore();
        var faults = new FaultInjectingObjectStore(memory);
        await using (RecordWorkspace killed = await RecordWorkspace.OpenAsync(faults))
        {
            RecordLog log = await killed.Logs.OpenAsync("sums", new RecordLogOptions { Accompany = Sum });
            log.Append("a"u8);
            await log.FlushAsync();
            log.Append("b"u8);
            log.Append("c"u8);
            faults.Next(StoreFault.Unavailable, StoreCalls.Put, times: int.MaxValue, skip: 1);
            await Assert.ThrowsAnyAsync<MlopsException>(async () => await log.FlushAsync());
        }

        await using RecordWorkspace next = await RecordWorkspace.OpenAsync(memory);
        await using RecordLog opened = await next.Logs.OpenAsync("sums", new RecordLogOptions { Accompany = Sum });
        LedgerEntry[] entries = await next.Ledger.ReadAsync().ToArrayAsync();
        Assert.Equal([1, 2], entries.Where(e => e.Kind == "test.sum").Select(e => e.Data.GetProperty("records").GetInt32()));
        Assert.All(entries.Where(e => e.Kind == "test.sum"), sum => Assert.Contains(entries, e => e.Commit == sum.Commit && e.Kind == LedgerKinds.RecordsRolled));
    }

    [Fact]
    public async Task Old_segments_are_deleted_by_age_and_nobody_takes_them_for_lost()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        await using RecordLog log = await workspace.Logs.OpenAsync("aged");
        for (int day = 0; day < 4; day++)
        {
            log.Append(RecordWorkspace.Bytes($"day {day}"));
            await log.FlushAsync();
            workspace.Clock.Advance(TimeSpan.FromDays(1));
        }

        DateTimeOffset before = RecordWorkspace.Start.AddDays(2);
        RecordDeletion plan = await log.DeleteBeforeAsync(before, "kept two days", dryRun: true);
        Assert.Equal((2, 2L), (plan.Segments, plan.Records));
        Assert.Equal(4, (await workspace.KeysAsync()).Length);
        Assert.Equal(plan.Keys, (await log.DeleteBeforeAsync(before, "kept two days")).Keys);
        Assert.Equal(0, (await log.DeleteBeforeAsync(before, "kept two days")).Segments);
        await using RecordWorkspace reader = await RecordWorkspace.OpenAsync(workspace.Store);
        Assert.Equal(["day 2", "day 3"], await reader.TextsAsync("aged"));
        RecordVerification found = await reader.Logs.Get("aged").VerifyAsync();
        Assert.Equal((true, 2L), (found.Ok, found.Segments));
        LedgerEntry entry = Assert.Single(await reader.Ledger.ReadAsync().ToArrayAsync(), e => e.Kind == LedgerKinds.RecordsDeleted);
        Assert.Equal((2, "kept two days"), (LedgerData.Read<RecordDeletionNote>(entry).Segments, entry.Reason));
    }

    [Fact]
    public async Task A_deletion_that_was_interrupted_is_finished_when_the_log_is_opened()
    {
        var faults = new FaultInjectingObjectStore(new InMemoryObjectStore());
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync(faults);
        await using RecordLog log = await workspace.Logs.OpenAsync("half");
        log.Append("old"u8);
        await log.FlushAsync();
        faults.Sometimes(StoreFault.Unavailable, 1, StoreCalls.Delete);
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await log.DeleteBeforeAsync(RecordWorkspace.Start.AddDays(1), "old"));
        faults.Heal();
        Assert.Single(await workspace.KeysAsync());
        await using RecordLog opened = await workspace.Logs.OpenAsync("half");
        Assert.Empty(await workspace.KeysAsync());
    }

    [Fact]
    public async Task Processes_whose_ids_are_not_random_do_not_stand_in_each_others_way()
    {
        var memory = new InMemoryObjectStore();
        for (int process = 0; process < 3; process++)
        {
            await using ObjectLedger ledger = await ObjectLedger.OpenAsync(memory);
            await using RecordLog log = await new RecordLogs(memory, ledger, ids: new Counting()).OpenAsync("same");
            for (int i = 0; i < 3; i++)
            {
                log.Append(RecordWorkspace.Bytes($"{process}-{i}"));
                await log.FlushAsync();
            }
        }

        await using RecordWorkspace reader = await RecordWorkspace.OpenAsync(memory);
        Assert.Equal(["0-0", "0-1", "0-2", "1-0", "1-1", "1-2", "2-0", "2-1", "2-2"], (await reader.TextsAsync("same")).Order());
        RecordVerification found = await reader.Logs.Get("same").VerifyAsync();
        Assert.Equal((true, 9L, 0), (found.Ok, found.Segments, found.Uncommitted));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("Access")]
    [InlineData("a\\b")]
    [InlineData("nul")]
    public async Task A_name_that_could_leave_its_folder_is_refused(string name)
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        Assert.Equal("records.invalid_name", Assert.Throws<MlopsDataException>(() => workspace.Logs.Get(name)).Code);
        Assert.Equal("records.invalid_name", Assert.Throws<MlopsDataException>(() => workspace.Logs.Get(new string('a', 401))).Code);
    }

    [Fact]
    public async Task Options_and_records_out_of_range_are_refused()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        foreach (RecordLogOptions bad in (RecordLogOptions[])[
            new() { SegmentBytes = 100 }, new() { SegmentRecords = 0 }, new() { SegmentAge = TimeSpan.Zero }, new() { MaxBufferedBytes = 1 }, new() { Compression = (RecordCompression)9 }])
        {
            Assert.Equal("records.invalid_option", (await Assert.ThrowsAsync<MlopsException>(async () => await workspace.Logs.OpenAsync("x", bad))).Code);
        }

        await using RecordLog log = await workspace.Logs.OpenAsync("x");
        Assert.Equal("records.too_large", Assert.Throws<MlopsDataException>(() => log.Append(new byte[(16 << 20) + 1])).Code);
        Assert.True(log.Append(new byte[16 << 20]));
        await log.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => log.Append(Payload));
        Assert.Equal(16 << 20, (await workspace.Logs.Get("x").ReadAsync().SingleAsync()).Data.Length);
    }

    /// <summary>Ids as a test host makes them: the same in every process, and none that may stand in a key.</summary>
    private sealed class Counting : IIdGenerator
    {
        private int _made;

        public string NewId() => $"Id {++_made}";
    }
}

using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>Old commits are folded into segments; nothing that a reader sees changes by it.</summary>
public sealed class FoldingTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly InMemoryObjectStore _store;

    public FoldingTests() => _store = new InMemoryObjectStore(_time);

    [Fact]
    public async Task A_folded_ledger_reads_as_before_after_reopening()
    {
        LedgerCheckpoint before;
        string[] ids;
        await using (ObjectLedger ledger = await OpenAsync())
        {
            await AppendAsync(ledger, 0, 50);
            before = await ledger.CheckpointAsync();
            ids = [.. await ledger.ReadAsync().Select(e => e.Id).ToArrayAsync()];
        }

        Assert.NotEmpty(await KeysAsync("ledger/segments/"));
        await using ObjectLedger again = await OpenAsync();
        Assert.Equal(before, await again.CheckpointAsync());
        Assert.Equal(ids, await again.ReadAsync().Select(e => e.Id).ToArrayAsync());
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), await again.ReadAsync().Select(e => e.Number).ToArrayAsync());
        Assert.Equal(ids[37], (await again.ReadAsync(37).FirstAsync()).Id);
        await AppendAsync(again, 50, 5);
        LedgerVerification found = await again.VerifyAsync(before);
        Assert.True(found.Ok, found.Problem);
        Assert.Equal(await again.CheckpointAsync(), found.Checkpoint);
    }

    [Fact]
    public async Task Folded_commits_are_removed_after_the_grace_and_all_still_reads()
    {
        await FillAsync(50);
        _time.Advance(TimeSpan.FromHours(2));
        await using (ObjectLedger ledger = await OpenAsync())
        {
            await AppendAsync(ledger, 50, 20);
            await ledger.CompactAsync();
        }

        string[] left = await KeysAsync("ledger/commits/");
        Assert.DoesNotContain("ledger/commits/000000000000", left);
        Assert.True(left.Length < 40, $"{left.Length} commits of 70 are left.");
        await using ObjectLedger again = await OpenAsync();
        Assert.Equal(140, await again.ReadAsync().CountAsync());
        LedgerVerification found = await again.VerifyAsync();
        Assert.True(found.Ok, found.Problem);
        Assert.Equal(70, found.Proven.Commits);
    }

    [Fact]
    public async Task Young_commits_stay_beside_their_segment()
    {
        await FillAsync(50);
        await using ObjectLedger ledger = await OpenAsync();
        Assert.Equal(0, await ledger.CompactAsync());
        Assert.Equal(50, (await KeysAsync("ledger/commits/")).Length);
    }

    [Fact]
    public async Task A_retry_of_an_entry_that_was_folded_long_ago_writes_nothing()
    {
        await FillAsync(6_000);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, time: _time);
        LedgerReceipt receipt = await ledger.AppendAsync([Drafts.Of("e3") with { Id = "id-3-0" }, Drafts.Of("e3") with { Id = "id-3-1" }]);
        Assert.Equal([6L, 7L], receipt.Entries.Select(e => e.Number));
        Assert.Equal(12_000, ledger.Head.Entries);
        MlopsConflictException reused = await Assert.ThrowsAsync<MlopsConflictException>(async () => await ledger.AppendAsync([Drafts.Of("other") with { Id = "id-3-0" }]));
        Assert.Equal("ledger.id_reused", reused.Code);
        await ledger.AppendAsync([Drafts.Of("new") with { Id = "id-never-used" }]);
        Assert.Equal(12_001, ledger.Head.Entries);
    }

    [Fact]
    public async Task A_writer_that_was_held_up_while_its_number_was_folded_away_takes_its_commit_back_and_writes_it_again()
    {
        var gate = new GatedStore(_store);
        await using ObjectLedger slow = await ObjectLedger.OpenAsync(gate, Options(), _time);
        gate.Close();
        Task<LedgerReceipt> held = slow.AppendAsync([Drafts.Of("held") with { Id = "held" }]).AsTask();
        await gate.Reached;

        // meanwhile others write, fold and, hours later, remove what was folded
        await FillAsync(50);
        _time.Advance(TimeSpan.FromHours(3));
        await using (ObjectLedger others = await OpenAsync())
        {
            await AppendAsync(others, 50, 10);
            await others.CompactAsync();
        }

        string[] commits = await KeysAsync("ledger/commits/");
        gate.Open();
        Assert.DoesNotContain("ledger/commits/000000000000", commits);
        LedgerReceipt receipt = await held;
        Assert.Equal(120, receipt.Entries[0].Number);
        Assert.DoesNotContain("ledger/commits/000000000000", await KeysAsync("ledger/commits/"));
        await using ObjectLedger again = await OpenAsync();
        Assert.Equal("held", (await again.ReadAsync(120).SingleAsync()).Id);
        Assert.True((await again.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task A_reader_that_slept_through_a_folding_goes_on_where_it_was()
    {
        await using ObjectLedger sleeper = await OpenAsync();
        await AppendAsync(sleeper, 0, 3);
        await using (ObjectLedger others = await OpenAsync())
        {
            await AppendAsync(others, 3, 40);
        }

        _time.Advance(TimeSpan.FromHours(3));
        await using (ObjectLedger others = await OpenAsync())
        {
            await AppendAsync(others, 43, 40);
            await others.CompactAsync();
        }

        Assert.DoesNotContain("ledger/commits/000000000003", await KeysAsync("ledger/commits/"));
        Assert.Equal(166, (await sleeper.RefreshAsync()).Entries);
        Assert.Equal(Enumerable.Range(0, 166).Select(i => (long)i), await sleeper.ReadAsync().Select(e => e.Number).ToArrayAsync());
    }

    [Fact]
    public async Task Two_processes_that_fold_at_once_make_one_and_the_same_segment()
    {
        // by the real clock: a still one never ends the back-off of writers that meet
        await using ObjectLedger one = await ObjectLedger.OpenAsync(_store, Options());
        await using ObjectLedger other = await ObjectLedger.OpenAsync(_store, Options());
        await Task.WhenAll(AppendAsync(one, 0, 60), AppendAsync(other, 1_000, 60));
        await one.RefreshAsync();
        await other.RefreshAsync();
        Assert.Equal(await one.CheckpointAsync(), await other.CheckpointAsync());
        Assert.True((await one.VerifyAsync()).Ok);
        Assert.Equal(240, await other.ReadAsync().CountAsync());
    }

    [Fact]
    public async Task Every_flipped_bit_and_every_cut_of_a_segment_is_found_and_named()
    {
        await FillAsync(17);
        string key = (await KeysAsync("ledger/segments/"))[0];
        await using ObjectLedger witness = await OpenAsync();
        await ExpectEveryChangeFoundAsync(witness, key, step: 7); // with the commits still beside it
        _time.Advance(TimeSpan.FromHours(2));
        await AppendAsync(witness, 100, 1);
        Assert.Equal(16, await witness.CompactAsync());
        Assert.True((await witness.VerifyAsync()).Ok);
        await ExpectEveryChangeFoundAsync(witness, key, step: 1);
    }

    private async Task ExpectEveryChangeFoundAsync(ObjectLedger witness, string key, int step)
    {
        byte[] good = await ReadAsync(key);
        for (int bit = 0; bit < good.Length * 8; bit += step)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            await ExpectFoundAsync(witness, key, bad);
        }

        for (int cut = 0; cut < good.Length; cut += step)
        {
            await ExpectFoundAsync(witness, key, good[..cut]);
        }

        await ExpectFoundAsync(witness, key, [.. good, 0]);
        Assert.True((await witness.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task A_segment_that_is_missing_or_copied_over_another_is_named()
    {
        await FillAsync(60);
        string[] keys = await KeysAsync("ledger/segments/");
        await using ObjectLedger witness = await OpenAsync();
        byte[][] good = [await ReadAsync(keys[0]), await ReadAsync(keys[1]), await ReadAsync(keys[2])];
        await ExpectFoundAsync(witness, keys[1], good[2]);
        await ExpectFoundAsync(witness, keys[1], good[0]);
        await _store.DeleteAsync(ObjectKey.Parse(keys[1]));
        LedgerVerification found = await witness.VerifyAsync();
        Assert.False(found.Ok);
        Assert.Contains(keys[1], found.Problem, StringComparison.Ordinal);
        Assert.Equal(16, found.BadCommit);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await witness.ReadAsync().CountAsync());
        Assert.Equal("ledger.corrupt", error.Code);
    }

    [Fact]
    public async Task A_damaged_newest_segment_is_gone_round_while_its_commits_are_there_and_refused_once_they_are_not()
    {
        await FillAsync(40);
        string newest = (await KeysAsync("ledger/segments/"))[^1];
        byte[] bad = await ReadAsync(newest);
        bad[20] ^= 1;
        await WriteAsync(newest, bad);
        await using (ObjectLedger ledger = await OpenAsync())
        {
            Assert.Equal(80, await ledger.ReadAsync().CountAsync());
        }

        foreach (string commit in await KeysAsync("ledger/commits/"))
        {
            await _store.DeleteAsync(ObjectKey.Parse(commit));
        }

        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await OpenAsync());
        Assert.Equal("ledger.corrupt", error.Code);
        Assert.Contains(newest, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cut_tail_and_a_store_rolled_back_are_found_by_a_checkpoint_kept_elsewhere()
    {
        await FillAsync(40);
        LedgerCheckpoint kept;
        await using (ObjectLedger ledger = await OpenAsync())
        {
            kept = await ledger.CheckpointAsync();
        }

        await _store.DeleteAsync(ObjectKey.Parse("ledger/commits/000000000039"));
        await using ObjectLedger cut = await OpenAsync();
        Assert.True((await cut.VerifyAsync()).Ok);
        LedgerVerification found = await cut.VerifyAsync(kept);
        Assert.False(found.Ok);
        Assert.Contains("cut off", found.Problem, StringComparison.Ordinal);
        await AppendAsync(cut, 77, 2);
        found = await cut.VerifyAsync(kept);
        Assert.False(found.Ok);
        Assert.Contains("rewritten", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Followers_read_what_was_folded_and_then_what_is_new()
    {
        await FillAsync(50);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, Options());
        var seen = new List<long>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (LedgerEntry entry in ledger.FollowAsync(3, patience.Token))
        {
            seen.Add(entry.Number);
            if (entry.Number == 99)
            {
                await AppendAsync(ledger, 50, 1);
            }

            if (entry.Number == 101)
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(3, 99).Select(i => (long)i), seen);
    }

    [Fact]
    public async Task A_saved_view_is_loaded_and_only_what_came_later_is_applied()
    {
        await using (ObjectLedger ledger = await OpenAsync())
        {
            await ledger.AttachAsync(new Tally());
            await AppendAsync(ledger, 0, 50);
            await FoldedAsync(ledger);
        }

        string saved = (await KeysAsync("ledger/snapshots/tally/1/"))[^1];
        var tally = new Tally();
        await using ObjectLedger again = await OpenAsync();
        await again.AttachAsync(tally);
        Assert.Equal(100, tally.Total);
        Assert.True(tally.Applied < 100, $"{tally.Applied} of 100 entries were applied.");
        Assert.True((await again.VerifyAsync()).Ok);

        // damaged: it is found, and passed over
        byte[] good = await ReadAsync(saved);
        byte[] bad = [.. good];
        bad[^1] ^= 1;
        await WriteAsync(saved, bad);
        LedgerVerification found = await again.VerifyAsync();
        Assert.False(found.Ok);
        Assert.Contains(saved, found.Problem, StringComparison.Ordinal);
        await using (ObjectLedger third = await OpenAsync())
        {
            var whole = new Tally();
            await third.AttachAsync(whole);
            Assert.Equal(100, whole.Total);
        }

        // forged, with a digest that fits: only folding the ledger again can tell
        await WriteAsync(saved, SnapshotCodec.Encode(new Tally { Total = 7 }, await HeadOfAsync(saved, good)));
        found = await again.VerifyAsync();
        Assert.False(found.Ok);
        Assert.Contains("not what the ledger says", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Views_of_another_format_and_states_that_do_not_read_are_folded_anew()
    {
        await using (ObjectLedger ledger = await OpenAsync())
        {
            await ledger.AttachAsync(new Tally());
            await AppendAsync(ledger, 0, 50);
            await FoldedAsync(ledger);
        }

        await using ObjectLedger again = await OpenAsync();
        var newer = new Tally { SnapshotFormat = 2 };
        await again.AttachAsync(newer);
        Assert.Equal((100, 100), (newer.Total, newer.Applied));
        var unable = new Tally { Refuses = true };
        await again.AttachAsync(unable);
        Assert.Equal((100, 100), (unable.Total, unable.Applied));
    }

    [Fact]
    public async Task A_store_that_fails_while_folding_delays_it_and_loses_nothing()
    {
        var faults = new FaultInjectingObjectStore(_store, seed: 3);
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(faults, Options(), _time))
        {
            await AppendAsync(ledger, 0, 15);
            faults.Next(StoreFault.LostAnswer, StoreCalls.Put, skip: 1);
            faults.Next(StoreFault.Unavailable, StoreCalls.List, times: 3);
            for (int i = 15; i < 80; i++)
            {
                Task appended = AppendAsync(ledger, i, 1);
                while (!appended.IsCompleted)
                {
                    _time.Advance(TimeSpan.FromMilliseconds(50)); // back-off waits by the fake clock
                    await Task.Yield();
                }

                await appended;
            }

            Assert.Equal(160, await ledger.ReadAsync().CountAsync());
        }

        faults.Heal();
        await using ObjectLedger again = await OpenAsync();
        Assert.Equal(160, again.Head.Entries);
        Assert.True((await again.VerifyAsync()).Ok);
    }

    private static LedgerOptions Options() => new() { SegmentCommits = 16, SnapshotEntries = 20 };

    private ValueTask<ObjectLedger> OpenAsync() => ObjectLedger.OpenAsync(_store, Options(), _time);

    private async Task FillAsync(int commits)
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(_store, commits > 1_000 ? null : Options(), _time);
        await AppendAsync(ledger, 0, commits);
        await FoldedAsync(ledger);
    }

    /// <summary>Waits until nothing is left to fold: another append starts what is due.</summary>
    private static async Task FoldedAsync(ObjectLedger ledger)
    {
        await ledger.RefreshAsync();
        await ledger.WhenFoldedAsync();
    }

    private static async Task AppendAsync(ObjectLedger ledger, int from, int commits)
    {
        for (int i = from; i < from + commits; i++)
        {
            await ledger.AppendAsync([Drafts.Of($"e{i}") with { Id = $"id-{i}-0" }, Drafts.Of($"e{i}") with { Id = $"id-{i}-1" }]);
        }
    }

    private async Task ExpectFoundAsync(ObjectLedger witness, string key, byte[] bad)
    {
        byte[] good = await ReadAsync(key);
        await WriteAsync(key, bad);
        LedgerVerification found = await witness.VerifyAsync();
        Assert.False(found.Ok, "The change was not found.");
        Assert.Contains(key, found.Problem, StringComparison.Ordinal);
        await WriteAsync(key, good);
    }

    private static async Task<LedgerHead> HeadOfAsync(string key, byte[] saved)
    {
        await Task.CompletedTask;
        (LedgerHead head, _) = SnapshotCodec.Parse(saved, new Tally());
        Assert.EndsWith($"{head.Entries:D12}", key, StringComparison.Ordinal);
        return head;
    }

    private async Task<string[]> KeysAsync(string prefix) => await _store.ListAsync(prefix).Select(o => o.Key.Value).ToArrayAsync();

    private async Task<byte[]> ReadAsync(string key)
    {
        await using Stream stream = (await _store.OpenAsync(ObjectKey.Parse(key)))!;
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private async Task WriteAsync(string key, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        await _store.PutAsync(ObjectKey.Parse(key), content);
    }

    /// <summary>Counts entries.</summary>
    private sealed class Tally : ISnapshotProjection
    {
        public string SnapshotName => "tally";

        public int SnapshotFormat { get; init; } = 1;

        internal int Total { get; set; }

        internal int Applied { get; private set; }

        internal bool Refuses { get; init; }

        public void Apply(LedgerEntry entry)
        {
            Total++;
            Applied++;
        }

        public ISnapshotProjection NewEmpty() => new Tally { SnapshotFormat = SnapshotFormat };

        public void SaveSnapshot(IBufferWriter<byte> writer) => writer.Write(BitConverter.GetBytes(Total));

        public void LoadSnapshot(ReadOnlyMemory<byte> snapshot) => Total = Refuses ? throw new FormatException("it is refused") : BitConverter.ToInt32(snapshot.Span);
    }

    /// <summary>Holds writes of commits back while it is closed.</summary>
    private sealed class GatedStore(IObjectStore inner) : IObjectStore
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _closed;

        public string Description => inner.Description;

        internal Task Reached => _reached.Task;

        internal void Close() => _closed = true;

        internal void Open()
        {
            _closed = false;
            _open.TrySetResult();
        }

        public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            if (_closed)
            {
                _reached.TrySetResult();
                await _open.Task;
            }

            return await inner.PutAsync(key, content, condition, cancellationToken);
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

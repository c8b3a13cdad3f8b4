using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Records;

/// <summary>Whatever is done to the stored bytes of a log is found, and the segment is named.</summary>
public sealed class RecordVerificationTests
{
    [Theory]
    [InlineData(RecordCompression.None)]
    [InlineData(RecordCompression.Deflate)]
    public async Task Every_flipped_bit_of_every_segment_is_found_on_reading_and_on_verifying(RecordCompression compression)
    {
        await using RecordWorkspace workspace = await FillAsync(compression);
        foreach (string key in await workspace.KeysAsync())
        {
            byte[] good = await workspace.ReadAsync(key);
            for (int bit = 0; bit < good.Length * 8; bit++)
            {
                byte[] bad = [.. good];
                bad[bit / 8] ^= (byte)(1 << (bit % 8));
                await workspace.WriteAsync(key, bad);
                await ExpectAsync(workspace, key, "records.corrupt", reading: bit % 8 == bit / 8 % 8);
            }

            await workspace.WriteAsync(key, good);
        }

        Assert.True((await workspace.Logs.Get("l").VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Every_cut_and_every_surplus_byte_is_found()
    {
        await using RecordWorkspace workspace = await FillAsync();
        string key = (await workspace.KeysAsync())[1];
        byte[] good = await workspace.ReadAsync(key);
        for (int cut = 0; cut < good.Length; cut++)
        {
            await workspace.WriteAsync(key, good[..cut]);
            await ExpectAsync(workspace, key, "records.corrupt");
        }

        await workspace.WriteAsync(key, [.. good, 0]);
        await ExpectAsync(workspace, key, "records.corrupt");
    }

    [Fact]
    public async Task A_missing_segment_is_named()
    {
        await using RecordWorkspace workspace = await FillAsync();
        string key = (await workspace.KeysAsync())[1];
        await workspace.Store.DeleteAsync(ObjectKey.Parse(key));
        await ExpectAsync(workspace, key, "records.missing");
    }

    [Fact]
    public async Task Swapped_and_rewritten_segments_are_found()
    {
        await using RecordWorkspace workspace = await FillAsync();
        string[] keys = await workspace.KeysAsync();
        byte[] first = await workspace.ReadAsync(keys[0]), second = await workspace.ReadAsync(keys[1]);
        await workspace.WriteAsync(keys[0], second);
        await ExpectAsync(workspace, keys[0], "records.corrupt");
        await workspace.WriteAsync(keys[0], Sealed(Encoding.UTF8.GetString(first[..^32]).Replace("r0", "rX", StringComparison.Ordinal)));
        await ExpectAsync(workspace, keys[0], "records.corrupt");
    }

    [Fact]
    public async Task A_segment_that_was_removed_before_it_was_on_the_ledger_is_missed_by_the_next_ones_number()
    {
        await using RecordWorkspace workspace = await FillAsync();
        string[] keys = await workspace.KeysAsync();
        string next = keys[2][..^8] + "00000004"; // 3 was never seen
        (byte[] bytes, _) = SegmentCodec.Write(new SegmentHeader("l", keys[2].Split('/', '-')[2], 4, Digest.Of([1]), RecordCompression.None, 1, 3, 10, 10), "\u0001\u0014x"u8);
        await workspace.WriteAsync(next, bytes);
        RecordVerification found = await workspace.Logs.Get("l").VerifyAsync();
        RecordProblem problem = Assert.Single(found.Problems);
        Assert.Equal((keys[2][..^8] + "00000003", "records.missing"), (problem.Key, problem.Code));
    }

    [Fact]
    public async Task A_damaged_segment_that_is_not_on_the_ledger_is_named_and_never_adopted()
    {
        await using RecordWorkspace workspace = await FillAsync();
        string[] keys = await workspace.KeysAsync();
        string stray = keys[2][..^1] + "3";
        await workspace.WriteAsync(stray, (await workspace.ReadAsync(keys[2]))[..^1]);
        await using RecordLog log = await workspace.Logs.OpenAsync("l");
        RecordProblem problem = Assert.Single((await log.VerifyAsync()).Problems);
        Assert.Equal((stray, "records.corrupt"), (problem.Key, problem.Code));
        Assert.Equal(3, (await workspace.TextsAsync("l")).Count);
    }

    [Fact]
    public async Task A_segment_of_a_newer_format_is_refused_with_both_versions_named()
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        const string key = "records/l/w-00000000";
        byte[] bytes = Sealed("""{"format":2,"something":"else"}""" + "\n");
        await workspace.WriteAsync(key, bytes);
        await AppendAsync(workspace, new RecordSegmentNote("l", key, Digest.Of(bytes), 1, bytes.Length));
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.TextsAsync("l"));
        Assert.Equal("records.newer_format", error.Code);
        Assert.Contains("format 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"none","records":2000000000,"length":2000000000,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "")]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"none","records":1,"length":2,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "\u0001")]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"zip","records":1,"length":1,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "x")]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"deflate","records":1,"length":9,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "nonsense")]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"none","records":1,"length":2,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "\u0000\u0000")]
    [InlineData("""{"format":1,"log":"l","writer":"w","segment":0,"compression":"none","records":1,"length":0,"from":"2026-01-01T00:00:00Z","to":"2025-01-01T00:00:00Z"}""", "")]
    [InlineData("""{"format":"1"}""", "")]
    [InlineData("[]", "")]
    [InlineData("nonsense", "")]
    public async Task A_segment_that_lies_is_refused_though_its_hashes_hold(string header, string body)
    {
        await using RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        const string key = "records/l/w-00000000";
        byte[] bytes = Sealed(header + "\n" + body);
        await workspace.WriteAsync(key, bytes);
        await AppendAsync(workspace, new RecordSegmentNote("l", key, Digest.Of(bytes), 1, bytes.Length));
        await ExpectAsync(workspace, key, "records.corrupt");
    }

    [Fact]
    public async Task A_segment_that_unpacks_to_more_than_it_says_stops_early()
    {
        byte[] zeros = new byte[50_000_000];
        (byte[] bomb, _) = SegmentCodec.Write(new SegmentHeader("l", "w", 0, null, RecordCompression.Brotli, 1, 1000, 0, 0), zeros);
        long before = GC.GetAllocatedBytesForCurrentThread();
        FormatException error = Assert.Throws<FormatException>(() => SegmentCodec.Read(bomb, "k"));
        Assert.Contains("unpack to more", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Entries_that_name_no_segment_of_the_log_change_nothing()
    {
        await using RecordWorkspace workspace = await FillAsync();
        Digest digest = Digest.Of("x"u8);
        foreach (RecordSegmentNote note in (RecordSegmentNote[])[
            new("l", "records/l/../x-00000000", digest, 1, 1), new("l", "artifacts/sha256/x", digest, 1, 1), new("l", "records/other/w-00000000", digest, 1, 1),
            new("l", "records/l/w-1", digest, 1, 1), new("l", "records/l/w-99999999999", digest, 1, 1), new("l", "records/l/w-00000000", digest, -1, 1),
            new("l", "records/l/w-00000000", digest, 1, long.MaxValue), new("m", "records/l/w-00000000", digest, 1, 1), new("l", "records/l/W-00000000", digest, 1, 1)])
        {
            await AppendAsync(workspace, note);
        }

        Assert.Equal(3, Assert.Single(await workspace.Logs.ListAsync()).Segments);
        Assert.True((await workspace.Logs.Get("l").VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Random_bytes_are_no_segment() => await Gen.Byte.Array[0, 300].SampleAsync(
        async bytes =>
        {
            Assert.Throws<FormatException>(() => SegmentCodec.Read(bytes, "k"));
            byte[] signed = [.. bytes, .. SHA256.HashData(bytes)]; // even with the right hash
            Assert.ThrowsAny<Exception>(() => SegmentCodec.Read(signed, "k").Records().Count());
            await Task.CompletedTask;
        },
        iter: 500);

    [Fact]
    public async Task A_saved_view_gives_equal_bytes_and_answers_as_the_folded_one()
    {
        await using RecordWorkspace workspace = await FillAsync();
        await using (RecordLog log = await workspace.Logs.OpenAsync("l"))
        {
            await log.DeleteBeforeAsync(RecordWorkspace.Start.AddSeconds(1), "old");
        }

        SnapshotConformance.Check(() => new RecordIndex(), await workspace.Ledger.ReadAsync().ToArrayAsync());
        RecordIndex folded = await FoldAsync(workspace);
        var loaded = new RecordIndex();
        loaded.LoadSnapshot(Save(folded));
        Assert.Equal(folded.Segments("l"), loaded.Segments("l"));
        Assert.Contains(loaded.Segments("l"), s => s.Deleted);
    }

    private static async Task<RecordWorkspace> FillAsync(RecordCompression compression = RecordCompression.None)
    {
        RecordWorkspace workspace = await RecordWorkspace.OpenAsync();
        await using RecordLog log = await workspace.Logs.OpenAsync("l", new RecordLogOptions { Compression = compression });
        for (int i = 0; i < 3; i++)
        {
            log.Append(RecordWorkspace.Bytes($"r{i}"));
            await log.FlushAsync();
            workspace.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        return workspace;
    }

    private static async Task ExpectAsync(RecordWorkspace workspace, string key, string code, bool reading = true)
    {
        RecordVerification found = await workspace.Logs.Get("l").VerifyAsync();
        Assert.Contains(found.Problems, p => p.Key == key && p.Code == code);
        if (reading)
        {
            MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.TextsAsync("l"));
            Assert.Equal(code, error.Code);
            Assert.Contains(key, error.Message, StringComparison.Ordinal);
        }
    }

    private static async Task AppendAsync(RecordWorkspace workspace, RecordSegmentNote note) =>
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.RecordsRolled, new LedgerResource("records", "l"), "forged", LedgerData.Of(note))]);

    private static byte[] Sealed(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. bytes, .. SHA256.HashData(bytes)];
    }

    private static async Task<RecordIndex> FoldAsync(RecordWorkspace workspace)
    {
        var index = new RecordIndex();
        await foreach (LedgerEntry entry in workspace.Ledger.ReadAsync())
        {
            index.Apply(entry);
        }

        return index;
    }

    private static byte[] Save(RecordIndex index)
    {
        var buffer = new ArrayBufferWriter<byte>();
        index.SaveSnapshot(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}

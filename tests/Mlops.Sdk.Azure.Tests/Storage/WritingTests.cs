using System.Text;
using Azure.Core;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Mlops.Sdk.Azure.Tests.Emulator;
using static Mlops.Sdk.Azure.Tests.Storage.Objects;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>Writing: the truth after lost answers, bounded memory, races of large objects.</summary>
public sealed class WritingTests(Azurite azurite)
{
    private const int Block = 1 << 16;

    [Fact]
    public async Task A_put_if_absent_whose_answer_is_lost_is_told_as_written_though_the_retry_is_refused()
    {
        (AzureBlobObjectStore store, LostAnswers lost) = NewStore();
        lost.Next(IsPut);
        PutResult result = await store.PutAsync("k", "mine", PutCondition.IfAbsent);
        Assert.Equal((true, 1), (result.Written, lost.Lost));
        Assert.Equal((await store.HeadAsync(ObjectKey.Parse("k")))!.ETag, result.ETag);
    }

    [Fact]
    public async Task A_put_if_absent_whose_refusal_is_lost_is_told_as_not_written()
    {
        (AzureBlobObjectStore store, LostAnswers lost) = NewStore();
        await store.PutAsync("k", "theirs");
        lost.Next(IsPut);
        Assert.False((await store.PutAsync("k", "mine", PutCondition.IfAbsent)).Written);
        Assert.Equal(("theirs", 1), (await store.TextAsync("k"), lost.Lost));
    }

    [Fact]
    public async Task A_put_if_match_whose_answer_is_lost_is_told_as_written()
    {
        (AzureBlobObjectStore store, LostAnswers lost) = NewStore();
        string old = (await store.PutAsync("k", "old")).ETag!;
        lost.Next(IsPut);
        PutResult result = await store.PutAsync("k", "new", PutCondition.IfMatch(old));
        Assert.True(result.Written);
        Assert.True((await store.PutAsync("k", "newer", PutCondition.IfMatch(result.ETag!))).Written);
    }

    [Fact]
    public async Task When_a_put_if_match_loses_its_answer_and_another_writer_follows_the_outcome_is_told_as_not_known()
    {
        (AzureBlobObjectStore store, LostAnswers lost) = NewStore();
        string old = (await store.PutAsync("k", "old")).ETag!;
        lost.Next(IsPut, async () => await store.PutAsync("k", "others"));
        MlopsStorageException error = await FailsAsync("store.unavailable", () => store.PutAsync("k", "mine", PutCondition.IfMatch(old)));
        Assert.Contains("not known", error.Message, StringComparison.Ordinal);
        Assert.Equal("others", await store.TextAsync("k"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Blocks_whose_last_answer_is_lost_are_told_as_written(bool ifAbsent)
    {
        (AzureBlobObjectStore store, LostAnswers lost) = NewStore();
        PutCondition condition = ifAbsent ? PutCondition.IfAbsent : PutCondition.IfMatch((await store.PutAsync("k", "old")).ETag!);
        byte[] bytes = Noise(5 * Block);
        lost.Next(r => r.Uri.Query.Contains("comp=blocklist", StringComparison.Ordinal));
        PutResult result = await store.PutAsync("k", bytes, condition);
        Assert.Equal((true, 1), (result.Written, lost.Lost));
        Assert.Equal((await store.HeadAsync(ObjectKey.Parse("k")))!.ETag, result.ETag);
        Assert.Equal(bytes, await store.ReadAsync("k"));
    }

    [Fact]
    public async Task What_fits_into_a_block_takes_one_request_written_or_refused()
    {
        var requests = new Requests();
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { BlockSize = Block, Client = Azurite.Client(requests) });
        await store.PutAsync("first", "makes the container");
        foreach (byte[] bytes in new[] { [], Noise(1), Noise(Block - 1), Noise(Block) })
        {
            requests.Clear();
            Assert.True((await store.PutAsync($"k{bytes.Length}", bytes, PutCondition.IfAbsent)).Written);
            Assert.False((await store.PutAsync($"k{bytes.Length}", bytes, PutCondition.IfAbsent)).Written);
            Assert.Equal(2, requests.All.Length);
        }
    }

    [Theory]
    [InlineData("*")]
    [InlineData("W/\"x\"")]
    [InlineData("a\" b")]
    [InlineData("a\r\nx-ms-meta: y")]
    public async Task A_text_that_is_no_ETag_matches_nothing(string etag)
    {
        AzureBlobObjectStore store = azurite.NewStore();
        await store.PutAsync("k", "old");
        Assert.False((await store.PutAsync("k", "new", PutCondition.IfMatch(etag))).Written);
        Assert.False(await store.DeleteAsync(ObjectKey.Parse("k"), etag));
        Assert.Equal("old", await store.TextAsync("k"));
    }

    [Fact]
    public async Task Large_content_waits_in_a_few_blocks_of_memory_however_long_it_is()
    {
        const int parallelism = 2;
        const int length = 300 * Block;
        var requests = new Requests();
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { BlockSize = Block, Parallelism = parallelism, Client = Azurite.Client(requests) });
        await store.PutAsync("first", "makes the container");
        long start = requests.Sent;
        long most = 0;
        using var content = new Watched(length, read => most = Math.Max(most, read - (requests.Sent - start)));
        Assert.True((await store.PutAsync(ObjectKey.Parse("k"), content)).Written);
        Assert.InRange(most, 1, (parallelism + 3) * Block); // on their way, waiting for a slot, and being read
        Assert.InRange(requests.Most, 1, parallelism);
        Assert.Equal(length, (await store.HeadAsync(ObjectKey.Parse("k")))!.Length);
    }

    [Fact]
    public async Task Content_that_fails_in_a_later_block_leaves_what_was_there()
    {
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { BlockSize = Block });
        await store.PutAsync("k", "old");
        using var content = new Watched(20 * Block, read =>
        {
            if (read > 10 * Block)
            {
                throw new InvalidDataException("as the test wants");
            }
        });
        await Assert.ThrowsAsync<InvalidDataException>(async () => await store.PutAsync(ObjectKey.Parse("k"), content));
        Assert.Equal("old", await store.TextAsync("k"));
        Assert.Single(await store.ListAsync("").ToArrayAsync());
    }

    [Fact]
    public async Task A_write_that_is_stopped_in_the_middle_leaves_what_was_there()
    {
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { BlockSize = Block });
        await store.PutAsync("k", "old");
        using var stop = new CancellationTokenSource();
        using var content = new Watched(20 * Block, read =>
        {
            if (read > 10 * Block)
            {
                stop.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.PutAsync(ObjectKey.Parse("k"), content, PutCondition.Any, stop.Token));
        Assert.Equal("old", await store.TextAsync("k"));
    }

    [Fact]
    public async Task Racing_replacements_in_blocks_all_succeed_and_leave_one_of_them_whole()
    {
        string name = azurite.NewName();
        AzureBlobObjectStore Open() => new(azurite.ConnectionString, name, new AzureBlobOptions { BlockSize = Block });
        const int length = (5 * Block) + 7;
        PutResult[] results = await Task.WhenAll(Enumerable.Range(0, 6).Select(w => Task.Run(async () =>
        {
            AzureBlobObjectStore store = Open();
            PutResult last = default;
            for (int i = 0; i < 3; i++)
            {
                last = await store.PutAsync("k", Encoding.ASCII.GetBytes(new string((char)('a' + w), length)));
                Assert.True(last.Written);
            }

            return last;
        })));
        byte[] found = (await Open().ReadAsync("k"))!;
        Assert.Equal(length, found.Length);
        Assert.Single(found.Distinct());
        Assert.Contains(await Open().HeadAsync(ObjectKey.Parse("k")) is { } head ? head.ETag : null, results.Select(r => r.ETag));
    }

    [Fact]
    public async Task Of_racing_puts_if_absent_in_blocks_exactly_one_is_done()
    {
        string name = azurite.NewName();
        PutResult[] results = await Task.WhenAll(Enumerable.Range(0, 6).Select(w => Task.Run(() =>
            new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { BlockSize = Block }).PutAsync("k", Noise(4 * Block, w), PutCondition.IfAbsent))));
        int winner = Assert.Single(Enumerable.Range(0, 6), w => results[w].Written);
        Assert.Equal(Noise(4 * Block, winner), await new AzureBlobObjectStore(azurite.ConnectionString, name).ReadAsync("k"));
    }

    [Fact]
    public async Task A_replacement_overtaken_by_another_write_counts_as_written_before_it()
    {
        var requests = new Requests();
        string name = azurite.NewName();
        var store = new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { BlockSize = Block, Client = Azurite.Client(requests) });
        var other = new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { BlockSize = Block });
        await other.PutAsync("k", "old");
        requests.Before = async request =>
        {
            if (request.Uri.Query.Contains("comp=blocklist", StringComparison.Ordinal))
            {
                requests.Before = null;
                await other.PutAsync("k", Noise(2 * Block, 9));
            }
        };
        PutResult result = await store.PutAsync("k", Noise(3 * Block));
        Assert.True(result.Written);
        Assert.Equal(Noise(2 * Block, 9), await other.ReadAsync("k"));
        Assert.False((await store.PutAsync("k", "more", PutCondition.IfMatch(result.ETag!))).Written);
    }

    [Fact]
    public async Task An_object_that_somebody_holds_a_lease_on_is_refused_and_not_taken_for_a_condition()
    {
        string name = azurite.NewName();
        var store = new AzureBlobObjectStore(azurite.ConnectionString, name);
        await store.PutAsync("k", "old");
        BlobLeaseClient lease = new BlobContainerClient(azurite.ConnectionString, name).GetBlobClient("k").GetBlobLeaseClient();
        await lease.AcquireAsync(TimeSpan.FromSeconds(60));
        Assert.Contains("lease", (await FailsAsync("store.access_denied", () => store.PutAsync("k", "new"))).Message, StringComparison.Ordinal);
        await FailsAsync("store.access_denied", async () => await store.DeleteAsync(ObjectKey.Parse("k")));
        Assert.Equal("old", await store.TextAsync("k"));
    }

    [Fact]
    public async Task Touching_renews_time_and_ETag_and_leaves_bytes_and_the_puts_id_alone()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        var key = ObjectKey.Parse("k");
        Assert.False(await store.TouchAsync(key));
        await store.PutAsync("k", "old");
        ObjectInfo before = (await store.HeadAsync(key))!;
        bool[] touched = await Task.WhenAll(Enumerable.Range(0, 160).Select(_ => Task.Run(async () => await store.TouchAsync(key))));
        Assert.All(touched, Assert.True);
        ObjectInfo after = (await store.HeadAsync(key))!;
        Assert.NotEqual(before.ETag, after.ETag);
        Assert.True(after.Modified >= before.Modified);
        Assert.False(await store.DeleteAsync(key, before.ETag));
        Assert.Equal("old", await store.TextAsync("k"));
    }

    private static bool IsPut(Request request) => request.Method == RequestMethod.Put && !request.Uri.Query.Contains("restype=container", StringComparison.Ordinal);

    private (AzureBlobObjectStore Store, LostAnswers Lost) NewStore()
    {
        var lost = new LostAnswers();
        string name = azurite.NewName();
        new BlobContainerClient(azurite.ConnectionString, name).Create();
        return (new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { BlockSize = Block, Client = Azurite.Client(lost) }), lost);
    }

    /// <summary>Content of a length that the store is not told, which says how much of it was taken.</summary>
    private sealed class Watched(long length, Action<long> taken) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, length - _read);
            _read += read;
            taken(_read);
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

using Mlops.Sdk.Azure.Tests.Emulator;
using static Mlops.Sdk.Azure.Tests.Storage.Objects;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>Uploads that go on where an earlier process stopped.</summary>
public sealed class UploadTests(Azurite azurite) : IDisposable
{
    private const int Part = 100_000;
    private static readonly ObjectKey Key = ObjectKey.Parse("k");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlops-azure-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_upload_goes_on_behind_the_parts_that_are_durable_and_is_invisible_until_it_is_complete()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        byte[] bytes = Noise((5 * Part) + 17);
        await using (IObjectUpload first = await OpenAsync(store, "one"))
        {
            Assert.Empty(first.Parts);
            await AppendAsync(first, bytes, 0, 3);
        }

        Assert.Null(await store.HeadAsync(Key));
        Assert.Null(await store.ReadAsync("k"));
        Assert.Empty(await store.ListAsync("").ToArrayAsync());
        await using IObjectUpload second = await OpenAsync(store, "one");
        Assert.Equal(Enumerable.Range(0, 3).Select(i => new UploadPart(i * Part, Part, Digest.Of(bytes.AsSpan(i * Part, Part)))), second.Parts);
        await AppendAsync(second, bytes, 3, 6);
        PutResult result = await second.CompleteAsync(PutCondition.IfAbsent);
        Assert.True(result.Written);
        Assert.Equal((bytes.Length, result.ETag), (await store.HeadAsync(Key) is { } head ? ((int)head.Length, head.ETag) : default));
        Assert.Equal(bytes, await store.ReadAsync("k"));
        await using IObjectUpload third = await OpenAsync(store, "one");
        Assert.Empty(third.Parts);
    }

    [Fact]
    public async Task Uploads_with_other_ids_do_not_see_each_others_parts()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        await using (IObjectUpload first = await OpenAsync(store, "one"))
        {
            await AppendAsync(first, Noise(2 * Part), 0, 2);
        }

        await using IObjectUpload other = await OpenAsync(store, "other");
        Assert.Empty(other.Parts);
        await AppendAsync(other, Noise(Part, 2), 0, 1);
        Assert.True((await other.CompleteAsync()).Written);
        Assert.Equal(Noise(Part, 2), await store.ReadAsync("k"));
    }

    [Fact]
    public async Task What_was_abandoned_is_not_seen_again_however_often()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        for (int round = 0; round < 3; round++)
        {
            await using IObjectUpload upload = await OpenAsync(store, "one");
            Assert.Empty(upload.Parts);
            await AppendAsync(upload, Noise(2 * Part, round), 0, 2);
            await upload.AbandonAsync();
            Assert.Empty(upload.Parts);
        }

        await using (IObjectUpload upload = await OpenAsync(store, "one"))
        {
            Assert.Empty(upload.Parts);
            await AppendAsync(upload, Noise(2 * Part, 7), 0, 1);
        }

        await using IObjectUpload last = await OpenAsync(store, "one");
        Assert.Equal(Digest.Of(Noise(2 * Part, 7).AsSpan(0, Part)), Assert.Single(last.Parts).Digest);
        await AppendAsync(last, Noise(2 * Part, 7), 1, 2);
        Assert.True((await last.CompleteAsync()).Written);
        Assert.Equal(Noise(2 * Part, 7), await store.ReadAsync("k"));
    }

    [Fact]
    public async Task A_part_that_never_arrived_ends_what_counts_as_durable()
    {
        var requests = new Requests();
        string name = azurite.NewName();
        var store = new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { Parallelism = 1, Client = Azurite.Client(requests) });
        byte[] bytes = Noise(5 * Part);
        int blocks = 0;
        requests.Before = request => request.Uri.Query.Contains("comp=block&", StringComparison.Ordinal) && Interlocked.Increment(ref blocks) is >= 3 and < 9
            ? throw new IOException("Injected: no way to the service.") // the third part, at every attempt
            : Task.CompletedTask;
        IObjectUpload first = await OpenAsync(store, "one");
        await AppendAsync(first, bytes, 0, 2);
        await FailsAsync("store.unavailable", async () =>
        {
            await AppendAsync(first, bytes, 2, 3);
            await first.CompleteAsync();
        });
        await first.DisposeAsync();
        requests.Before = null;
        await using IObjectUpload second = await OpenAsync(store, "one");
        Assert.Equal(2, second.Parts.Count);
        await AppendAsync(second, bytes, 2, 5);
        Assert.True((await second.CompleteAsync()).Written);
        Assert.Equal(bytes, await store.ReadAsync("k"));
    }

    [Fact]
    public async Task When_the_condition_does_not_hold_the_object_stays_and_the_parts_are_dropped()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        await using IObjectUpload upload = await OpenAsync(store, "one");
        await AppendAsync(upload, Noise(Part), 0, 1);
        await store.PutAsync("k", "first");
        Assert.False((await upload.CompleteAsync(PutCondition.IfAbsent)).Written);
        Assert.Equal("first", await store.TextAsync("k"));
        await using IObjectUpload again = await OpenAsync(store, "one");
        Assert.Empty(again.Parts);
    }

    [Fact]
    public async Task An_upload_overtaken_by_another_write_counts_as_written_before_it()
    {
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { BlockSize = 1 << 16 });
        await using IObjectUpload upload = await OpenAsync(store, "one");
        await AppendAsync(upload, Noise(2 * Part), 0, 2);
        await upload.DisposeAsync();
        await using IObjectUpload again = await OpenAsync(store, "one");
        Assert.Equal(2, again.Parts.Count);
        await store.PutAsync("k", Noise(Part, 9)); // in blocks of its own
        Assert.True((await again.CompleteAsync()).Written);
        Assert.Equal(Noise(Part, 9), await store.ReadAsync("k"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Upper")]
    [InlineData("a/b")]
    [InlineData("a.b")]
    public async Task An_id_that_is_none_is_refused(string id) =>
        await Assert.ThrowsAsync<ArgumentException>(async () => await azurite.NewStore().OpenUploadAsync(Key, id));

    [Fact]
    public async Task A_large_file_that_was_stopped_on_its_way_is_not_sent_from_the_start_again()
    {
        var requests = new Requests();
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { Parallelism = 1, Client = Azurite.Client(requests) });
        var artifacts = new ArtifactStore(store);
        string path = Path.Combine(_folder.FullName, "model.bin");
        byte[] bytes = Noise((5 << 23) + 5);
        await File.WriteAllBytesAsync(path, bytes);
        using var stop = new CancellationTokenSource();
        int blocks = 0;
        requests.Before = async request =>
        {
            if (request.Uri.Query.Contains("comp=block&", StringComparison.Ordinal) && Interlocked.Increment(ref blocks) == 4)
            {
                await stop.CancelAsync();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await artifacts.WriteFileAsync(path, null, stop.Token));
        requests.Before = null;
        requests.Clear();
        ArtifactInfo info = await artifacts.WriteFileAsync(path);
        Assert.Equal(new ArtifactInfo(Digest.Of(bytes), bytes.Length), info);
        Assert.InRange(requests.All.Count(r => r.Contains("comp=block&", StringComparison.Ordinal)), 1, 3); // of six
        Assert.Equal(bytes, await artifacts.ReadAsync(info.Digest, bytes.Length));
    }

    [Fact]
    public void A_blocks_name_reads_back_and_other_names_do_not() => Gen.Select(Gen.String[1, 30], Gen.Int[0, int.MaxValue], Gen.Int[0, int.MaxValue], Gen.Byte.Array[0, 60]).Sample((owner, generation, index, junk) =>
    {
        var id = new BlockId(BlockId.OwnerOf(owner), generation, index, Digest.Of(junk));
        return BlockId.TryParse(id.ToString(), out BlockId read) && read == id && id.ToString().Length == 72 && (junk.Length == 54 || !BlockId.TryParse(Convert.ToBase64String(junk), out _)) && !BlockId.TryParse(owner, out _);
    });

    private static async Task<IObjectUpload> OpenAsync(AzureBlobObjectStore store, string id) => await store.OpenUploadAsync(Key, id) ?? throw new InvalidOperationException("It can.");

    private static async Task AppendAsync(IObjectUpload upload, byte[] bytes, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            int length = Math.Min(Part, bytes.Length - (i * Part));
            byte[] own = bytes.AsSpan(i * Part, length).ToArray();
            await upload.AppendAsync(own);
            Array.Clear(own); // free to be used again
        }
    }
}

using Mlops.Sdk.Azure.Tests.Emulator;
using static Mlops.Sdk.Azure.Tests.Storage.Objects;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>Reading large objects: any range, one state, a few blocks ahead.</summary>
public sealed class ReadingTests(Azurite azurite)
{
    private const int Block = 1 << 16;
    private static readonly ObjectKey Key = ObjectKey.Parse("k");

    [Fact]
    public async Task Any_range_of_an_object_in_blocks_is_exactly_its_bytes()
    {
        AzureBlobObjectStore store = NewStore();
        byte[] bytes = Noise((7 * Block) + 11);
        await store.PutAsync("k", bytes);
        Gen<(int, int)> ranges = Gen.Select(Gen.Int[0, bytes.Length], Gen.Int[0, bytes.Length + 10]);
        await ranges.SampleAsync(
            async range =>
            {
                (int offset, int length) = range;
                byte[]? found = await store.ReadAsync("k", new ByteRange(offset, length));
                return found is not null && found.AsSpan().SequenceEqual(bytes.AsSpan(offset, Math.Min(length, bytes.Length - offset)));
            },
            iter: 25,
            threads: 2);
    }

    [Fact]
    public async Task What_fits_into_a_block_takes_one_request()
    {
        var requests = new Requests();
        AzureBlobObjectStore store = NewStore(requests);
        await store.PutAsync("k", Noise(Block));
        requests.Clear();
        Assert.Equal(Block, (await store.ReadAsync("k"))!.Length);
        Assert.Null(await store.ReadAsync("absent"));
        Assert.Equal(2, requests.All.Length);
    }

    [Fact]
    public async Task Reading_ahead_starts_slowly_and_goes_no_further_than_it_may()
    {
        var requests = new Requests();
        AzureBlobObjectStore store = NewStore(requests, parallelism: 3);
        await store.PutAsync("k", Noise(40 * Block));
        requests.Clear();
        await using Stream stream = (await store.OpenAsync(Key))!;
        await stream.ReadExactlyAsync(new byte[10]);
        Assert.InRange(requests.All.Length, 1, 2); // who looks at the head of an object does not pay for more
        await stream.ReadExactlyAsync(new byte[(40 * Block) - 10]);
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
        Assert.Equal(40, requests.All.Length);
        Assert.InRange(requests.Most, 1, 3);
    }

    [Fact]
    public async Task A_reader_goes_on_when_the_object_is_touched()
    {
        AzureBlobObjectStore store = NewStore();
        byte[] bytes = Noise(20 * Block);
        await store.PutAsync("k", bytes);
        await using Stream stream = (await store.OpenAsync(Key))!;
        byte[] found = new byte[bytes.Length];
        for (int done = 0; done < found.Length; done += 2 * Block)
        {
            Assert.True(await store.TouchAsync(Key));
            await stream.ReadExactlyAsync(found.AsMemory(done, 2 * Block));
        }

        Assert.Equal(bytes, found);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_of_a_large_object_that_is_replaced_or_removed_is_told_and_never_given_a_mixture(bool removed)
    {
        AzureBlobObjectStore store = NewStore();
        await store.PutAsync("k", new byte[20 * Block]);
        await using Stream stream = (await store.OpenAsync(Key))!;
        await stream.ReadExactlyAsync(new byte[10]);
        byte[] others = new byte[20 * Block];
        Array.Fill(others, (byte)1);
        _ = removed ? await store.DeleteAsync(Key) : (await store.PutAsync("k", others)).Written;
        byte[] buffer = new byte[20 * Block];
        int read = 0;
        MlopsStorageException error = await FailsAsync("store.changed_while_read", async () =>
        {
            while (await stream.ReadAsync(buffer.AsMemory(read)) is var more and > 0)
            {
                read += more;
            }
        });
        Assert.Contains(removed ? "removed" : "replaced", error.Message, StringComparison.Ordinal);
        Assert.False(buffer.AsSpan(0, read).ContainsAnyExcept((byte)0));
        await FailsAsync("store.changed_while_read", async () => await stream.ReadExactlyAsync(new byte[1])); // and stays so
    }

    [Fact]
    public async Task A_reader_may_read_without_waiting_stop_early_or_be_stopped()
    {
        AzureBlobObjectStore store = NewStore();
        byte[] bytes = Noise(6 * Block);
        await store.PutAsync("k", bytes);
        using (Stream stream = (await store.OpenAsync(Key))!)
        {
            byte[] found = new byte[bytes.Length];
#pragma warning disable CA1849 // what is not asynchronous is tested
            stream.ReadExactly(found);
#pragma warning restore CA1849
            Assert.Equal(bytes, found);
        }

        await using (Stream early = (await store.OpenAsync(Key))!)
        {
            await early.ReadExactlyAsync(new byte[Block + 1]);
        }

        await using Stream stopped = (await store.OpenAsync(Key))!;
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await stopped.ReadExactlyAsync(new byte[1], stop.Token));
        await stopped.ReadExactlyAsync(new byte[6 * Block]); // the call was stopped, the reader was not
    }

    private AzureBlobObjectStore NewStore(Requests? requests = null, int parallelism = 4)
    {
        AzureBlobOptions options = new() { BlockSize = Block, Parallelism = parallelism, Client = requests is null ? null : Azurite.Client(requests) };
        return azurite.NewStore(options);
    }
}

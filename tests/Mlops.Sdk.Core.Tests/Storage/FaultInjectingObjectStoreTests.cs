using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>The faults are the ones that were asked for.</summary>
public sealed class FaultInjectingObjectStoreTests
{
    private static readonly ObjectKey Key = ObjectKey.Parse("k");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly InMemoryObjectStore _inner = new();

    [Fact]
    public async Task A_timeout_waits_on_the_clock_and_has_no_effect()
    {
        var store = new FaultInjectingObjectStore(_inner, time: _time) { Patience = TimeSpan.FromSeconds(30) };
        store.Next(StoreFault.Timeout, StoreCalls.Put);
        Task<PutResult> put = PutAsync(store);
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(put.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        MlopsStorageException error = await Assert.ThrowsAsync<MlopsStorageException>(() => put);
        Assert.Equal("store.unavailable", error.Code);
        Assert.IsType<TimeoutException>(error.InnerException);
        Assert.Null(await _inner.HeadAsync(Key));
    }

    [Fact]
    public async Task A_throttled_store_refuses_everything_until_a_second_has_gone()
    {
        var store = new FaultInjectingObjectStore(_inner, time: _time);
        await PutAsync(store);
        store.Next(StoreFault.Throttled, StoreCalls.Head);
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await store.HeadAsync(Key));
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await store.OpenAsync(Key));
        await Assert.ThrowsAsync<MlopsStorageException>(() => PutAsync(store));
        await Assert.ThrowsAsync<MlopsStorageException>(async () => await store.TouchAsync(Key));
        Assert.Equal(4, store.Injected);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(await store.HeadAsync(Key));
    }

    [Fact]
    public async Task A_broken_write_sends_a_part_and_leaves_nothing_and_a_slow_one_sends_all()
    {
        var store = new FaultInjectingObjectStore(_inner, seed: 2);
        store.Next(StoreFault.BrokenWrite, StoreCalls.All);
        Assert.IsType<IOException>((await Assert.ThrowsAsync<MlopsStorageException>(() => PutAsync(store, 100_000))).InnerException);
        Assert.Null(await _inner.HeadAsync(Key));
        store.Next(StoreFault.SlowWrite, StoreCalls.All);
        Assert.True((await PutAsync(store, 100_000)).Written);
        Assert.Equal(100_000, (await _inner.HeadAsync(Key))!.Length);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_faults()
    {
        Assert.Equal(await FaultsAsync(5), await FaultsAsync(5));
        Assert.NotEqual(await FaultsAsync(5), await FaultsAsync(6));

        static async Task<string> FaultsAsync(int seed)
        {
            var store = new FaultInjectingObjectStore(new InMemoryObjectStore(), seed);
            store.Sometimes(StoreFault.Unavailable, 0.3);
            var met = new List<bool>();
            for (int i = 0; i < 100; i++)
            {
                met.Add(await Record.ExceptionAsync(async () => await store.HeadAsync(Key)) is not null);
            }

            return string.Join(string.Empty, met.Select(m => m ? 'x' : '.'));
        }
    }

    [Fact]
    public async Task A_store_that_cannot_stage_or_resume_says_so_through_the_wrapper()
    {
        Assert.Null(await new FaultInjectingObjectStore(new FaultInjectingObjectStore(_inner)).StageAsync());
        await using IObjectUpload? upload = await new FaultInjectingObjectStore(_inner).OpenUploadAsync(Key, "id");
        Assert.NotNull(upload);
    }

    private static async Task<PutResult> PutAsync(FaultInjectingObjectStore store, int length = 3)
    {
        using var content = new MemoryStream(new byte[length]);
        return await store.PutAsync(Key, content);
    }
}

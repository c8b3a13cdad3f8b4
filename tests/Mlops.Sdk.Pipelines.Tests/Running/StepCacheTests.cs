using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Pipelines.Tests.Running;

/// <summary>A record of the step cache is believed only as it was written.</summary>
public sealed class StepCacheTests
{
    private static readonly ObjectKey Key = StepCache.KeyOf(Digest.Of("inputs"u8));
    private static readonly TrainedRecord Record = new(TrainedRecord.CurrentFormat, Digest.Of("model"u8), 4_711);

    [Fact]
    public async Task What_was_written_is_read() => Assert.Equal(Record, await StepCache.ReadAsync(await StoreAsync(), Key, CancellationToken.None));

    [Fact]
    public async Task No_flipped_bit_and_no_cut_end_is_believed()
    {
        byte[] good = await BytesAsync(await StoreAsync());
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<FormatException>(() => StepCache.Read(bad));
        }

        for (int cut = 0; cut < good.Length; cut++)
        {
            Assert.Throws<FormatException>(() => StepCache.Read(good.AsSpan(0, cut)));
        }

        Assert.Throws<FormatException>(() => StepCache.Read([.. good, (byte)'\n']));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"format":1}""")]
    [InlineData("""{"format":1,"model":"sha256:00","length":1}""")]
    [InlineData("""{"format":2,"model":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","length":1}""")]
    [InlineData("""{"format":1,"model":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","length":-1}""")]
    [InlineData("""{"format":1,"model":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","length":9223372036854775807}""")]
    public void A_line_that_lies_is_refused_though_its_hash_holds(string line) =>
        Assert.Throws<FormatException>(() => StepCache.Read(SealedLine.Write(Encoding.UTF8.GetBytes(line))));

    [Fact]
    public async Task A_record_that_is_too_long_is_refused_before_it_is_read()
    {
        var store = new InMemoryObjectStore();
        using var content = new MemoryStream(SealedLine.Write(Encoding.UTF8.GetBytes($$"""{"format":1,"x":"{{new string('x', StepCache.MaxBytes)}}"}""")));
        await store.PutAsync(Key, content);
        await Assert.ThrowsAsync<FormatException>(async () => await StepCache.ReadAsync(store, Key, CancellationToken.None));
    }

    private static async Task<InMemoryObjectStore> StoreAsync()
    {
        var store = new InMemoryObjectStore();
        await StepCache.WriteAsync(store, Key, Record, CancellationToken.None);
        return store;
    }

    private static async Task<byte[]> BytesAsync(InMemoryObjectStore store)
    {
        using var copy = new MemoryStream();
        await (await store.OpenAsync(Key))!.CopyToAsync(copy);
        return copy.ToArray();
    }
}

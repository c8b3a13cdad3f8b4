using System.Security.Cryptography;
using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Artifacts;

public sealed class ArtifactStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_name_is_the_digest_and_the_place_is_documented()
    {
        var artifacts = new ArtifactStore(new FolderObjectStore(_folder.Path));
        ArtifactInfo info = await WriteAsync(artifacts, "abc");

        // FIPS 180-2, appendix B.1
        Assert.Equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", info.Digest.ToString());
        Assert.Equal(3, info.Length);
        Assert.Equal("abc", await File.ReadAllTextAsync(_folder[$"artifacts/sha256/ba/{info.Digest.Hex}"]));
    }

    [Fact]
    public async Task Any_bytes_come_back_through_any_kind_of_stream() => await Gen.Select(Gen.Byte.Array[0, 3_000], Gen.Bool, Gen.Int[0, 20]).SampleAsync(async (bytes, seekable, skip) =>
    {
        var artifacts = new ArtifactStore(new InMemoryObjectStore());
        skip = Math.Min(skip, bytes.Length);
        using var memory = new MemoryStream(bytes) { Position = skip };
        using Stream content = seekable ? memory : new OneWayStream(memory);
        ArtifactInfo info = await artifacts.WriteAsync(content);
        byte[] expected = bytes[skip..];
        Assert.Equal((Digest.FromHash(SHA256.HashData(expected)), expected.LongLength), (info.Digest, info.Length));
        Assert.Equal(expected, await artifacts.ReadAsync(info.Digest, expected.Length));
    });

    [Fact]
    public async Task The_same_content_is_stored_once()
    {
        var store = new InMemoryObjectStore();
        var artifacts = new ArtifactStore(store);
        ArtifactInfo first = await WriteAsync(artifacts, "same");
        var counting = new FaultInjectingObjectStore(store);
        counting.Sometimes(StoreFault.Full, 1, StoreCalls.Put);
        Assert.Equal(first, await WriteAsync(new ArtifactStore(counting), "same"));
        Assert.Equal(0, counting.Injected);
        Assert.Single(await store.ListAsync("artifacts/").ToArrayAsync());
    }

    [Fact]
    public async Task Writers_of_the_same_content_at_once_all_succeed()
    {
        var artifacts = new ArtifactStore(new FolderObjectStore(_folder.Path));
        ArtifactInfo[] all = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => WriteAsync(artifacts, "shared"))));
        Digest digest = Assert.Single(all.Distinct()).Digest;
        Assert.Equal("shared"u8.ToArray(), await artifacts.ReadAsync(digest, 100));
    }

    [Fact]
    public async Task Every_flipped_bit_and_every_cut_is_found_on_reading_and_healed_by_writing_again()
    {
        var artifacts = new ArtifactStore(new FolderObjectStore(_folder.Path));
        ArtifactInfo info = await WriteAsync(artifacts, "a small model");
        string file = _folder[$"artifacts/sha256/{info.Digest.Hex[..2]}/{info.Digest.Hex}"];
        byte[] good = await File.ReadAllBytesAsync(file);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            await ExpectCorruptAsync(bad);
        }

        for (int cut = 0; cut < good.Length; cut++)
        {
            await ExpectCorruptAsync(good[..cut]);
        }

        await ExpectCorruptAsync([.. good, 0]);
        Assert.Equal(info, await WriteAsync(artifacts, "a small model"));
        Assert.Equal(good, await artifacts.ReadAsync(info.Digest, 100));

        async Task ExpectCorruptAsync(byte[] bad)
        {
            await File.WriteAllBytesAsync(file, bad);
            MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await artifacts.ReadAsync(info.Digest, 100));
            Assert.Equal("artifact.corrupt", error.Code);
            Assert.Contains(info.Digest.ToString(), error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Damage_on_the_way_is_found_too()
    {
        var store = new FaultInjectingObjectStore(new InMemoryObjectStore(), seed: 5);
        var artifacts = new ArtifactStore(store);
        ArtifactInfo info = await WriteAsync(artifacts, new string('m', 10_000));
        foreach (StoreFault fault in new[] { StoreFault.TornRead, StoreFault.FlippedBit })
        {
            store.Next(fault, StoreCalls.Open);
            Assert.Equal("artifact.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await artifacts.ReadAsync(info.Digest, 20_000))).Code);
        }

        Assert.Equal(10_000, (await artifacts.ReadAsync(info.Digest, 20_000)).Length);
    }

    [Fact]
    public async Task A_reader_that_reads_in_any_pieces_meets_the_damage_before_the_end() => await Gen.Select(Gen.Int[1, 64], Gen.Bool).SampleAsync(async (piece, damaged) =>
    {
        var store = new InMemoryObjectStore();
        var artifacts = new ArtifactStore(store);
        ArtifactInfo info = await WriteAsync(artifacts, new string('x', 200));
        if (damaged)
        {
            using var other = new MemoryStream(Encoding.ASCII.GetBytes(new string('x', 199) + "y"));
            await store.PutAsync((await store.ListAsync("artifacts/").SingleAsync()).Key, other);
        }

        await using Stream stream = await artifacts.OpenAsync(info.Digest);
        byte[] buffer = new byte[piece];
        async Task ReadAllAsync()
        {
            while (await stream.ReadAsync(buffer) > 0)
            {
            }
        }

        if (damaged)
        {
            await Assert.ThrowsAsync<MlopsIntegrityException>(ReadAllAsync);
        }
        else
        {
            await ReadAllAsync();
        }
    });

    [Fact]
    public async Task What_is_too_large_is_refused_before_it_is_taken_in()
    {
        var artifacts = new ArtifactStore(new InMemoryObjectStore());
        ArtifactInfo info = await WriteAsync(artifacts, "0123456789");
        Assert.Equal("artifact.too_large", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await artifacts.ReadAsync(info.Digest, 9))).Code);
        Assert.Equal(10, (await artifacts.ReadAsync(info.Digest, 10)).Length);
    }

    [Fact]
    public async Task What_is_absent_is_said_to_be_absent()
    {
        var artifacts = new ArtifactStore(new InMemoryObjectStore());
        Digest digest = Digest.Of("nothing"u8);
        Assert.False(await artifacts.ExistsAsync(digest));
        Assert.Equal("artifact.not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await artifacts.OpenAsync(digest))).Code);
        await WriteAsync(artifacts, "nothing");
        Assert.True(await artifacts.ExistsAsync(digest));
    }

    [Fact]
    public async Task Content_that_changes_while_it_is_stored_does_not_get_the_name_of_what_it_was()
    {
        var store = new InMemoryObjectStore();
        var artifacts = new ArtifactStore(store);
        using var shifting = new ShiftingStream();
        Assert.Equal("artifact.changed_while_stored", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await artifacts.WriteAsync(shifting))).Code);
        Assert.Empty(await store.ListAsync(string.Empty).ToArrayAsync());
    }

    [Theory]
    [InlineData(StoreFault.Full, "store.full")]
    [InlineData(StoreFault.Unavailable, "store.unavailable")]
    [InlineData(StoreFault.LostAnswer, "store.unavailable")]
    public async Task A_failed_write_can_be_repeated(StoreFault fault, string code)
    {
        var store = new FaultInjectingObjectStore(new FolderObjectStore(_folder.Path));
        var artifacts = new ArtifactStore(store);
        store.Next(fault, StoreCalls.Put);
        Assert.Equal(code, (await Assert.ThrowsAsync<MlopsStorageException>(() => WriteAsync(artifacts, "again"))).Code);
        ArtifactInfo info = await WriteAsync(artifacts, "again");
        Assert.Equal("again"u8.ToArray(), await artifacts.ReadAsync(info.Digest, 10));
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("sha256:../../../../etc/passwd")]
    [InlineData("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    [InlineData("md5:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0")]
    public void A_text_that_is_no_digest_is_refused(string text) =>
        Assert.Equal("artifact.invalid_digest", Assert.Throws<MlopsIntegrityException>(() => Digest.Parse(text)).Code);

    private static async Task<ArtifactInfo> WriteAsync(ArtifactStore artifacts, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return await artifacts.WriteAsync(content);
    }

    /// <summary>Content that cannot be read twice.</summary>
    private sealed class OneWayStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, 700));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    /// <summary>Content that is another one each time it is read from the start.</summary>
    private sealed class ShiftingStream : MemoryStream
    {
        private readonly byte[] _bytes;

        internal ShiftingStream()
            : this(new byte[3 << 20]) // more than is taken into memory
        {
        }

        private ShiftingStream(byte[] bytes)
            : base(bytes) => _bytes = bytes;

        public override long Position
        {
            get => base.Position;
            set
            {
                base.Position = value;
                _bytes[50]++;
            }
        }
    }
}

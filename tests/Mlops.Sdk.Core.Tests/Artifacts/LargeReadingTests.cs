using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Artifacts;

/// <summary>Artifacts that are read ahead: in any pieces, to the end or not, whole or damaged.</summary>
public sealed class LargeReadingTests : IDisposable
{
    private const int Length = 3_000_001;
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _bytes = new byte[Length];
    private readonly ArtifactStore _artifacts;

    public LargeReadingTests()
    {
        new Random(1).NextBytes(_bytes);
        _artifacts = new ArtifactStore(new FolderObjectStore(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Any_pieces_asked_for_in_any_way_give_the_bytes_in_order()
    {
        Digest digest = await WriteAsync();
        await Gen.Select(Gen.Int[1, 700_000].Array[1, 20], Gen.Bool.Array[1, 7]).SampleAsync(
            async (pieces, asynchronous) =>
            {
                await using Stream stream = await _artifacts.OpenAsync(digest);
                byte[] buffer = new byte[700_000];
                int at = 0;
                for (int i = 0; ; i++)
                {
                    Memory<byte> piece = buffer.AsMemory(0, pieces[i % pieces.Length]);
                    int read = asynchronous[i % asynchronous.Length] ? await stream.ReadAsync(piece) : stream.Read(piece.Span);
                    if (read == 0)
                    {
                        break;
                    }

                    Assert.True(piece.Span[..read].SequenceEqual(_bytes.AsSpan(at, read)), $"other bytes after {at}");
                    at += read;
                }

                Assert.Equal(Length, at);
                Assert.Equal(0, await stream.ReadAsync(buffer));
            },
            iter: 20);
    }

    [Fact]
    public async Task A_flipped_bit_anywhere_is_met_before_the_end_and_again_by_who_reads_on()
    {
        Digest digest = await WriteAsync();
        string file = _folder[$"artifacts/sha256/{digest.Hex[..2]}/{digest.Hex}"];
        var random = new Random(2);
        foreach (int at in Enumerable.Range(0, 20).Select(_ => random.Next(Length)).Concat([0, 1 << 20, Length - 1]))
        {
            byte[] bad = [.. _bytes];
            bad[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(file, bad);
            await using Stream stream = await _artifacts.OpenAsync(digest);
            for (int again = 0; again < 2; again++)
            {
                Assert.Equal("artifact.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(() => stream.CopyToAsync(Stream.Null))).Code);
            }
        }
    }

    [Fact]
    public async Task A_reading_that_is_left_or_cancelled_ends_without_waiting_for_the_rest()
    {
        Digest digest = await WriteAsync();
        foreach (int read in new[] { 0, 1, 1_100_000, 2_999_999 })
        {
            Stream stream = await _artifacts.OpenAsync(digest);
            await stream.ReadExactlyAsync(new byte[read]);
            await stream.DisposeAsync();
            await stream.DisposeAsync();
            await using Stream another = await _artifacts.OpenAsync(digest);
            another.ReadExactly(new byte[read]);
        }

        await using Stream cancelled = await _artifacts.OpenAsync(digest);
        await cancelled.ReadExactlyAsync(new byte[2_000_000]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled.ReadExactlyAsync(new byte[1_000_001], new CancellationToken(canceled: true)));
        await cancelled.ReadExactlyAsync(new byte[1_000_001]);
        Assert.Equal(0, await cancelled.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task An_empty_artifact_that_was_filled_stays_refused()
    {
        using var nothing = new MemoryStream();
        Digest digest = (await _artifacts.WriteAsync(nothing)).Digest;
        await File.WriteAllTextAsync(_folder[$"artifacts/sha256/{digest.Hex[..2]}/{digest.Hex}"], "something");
        await using Stream stream = await _artifacts.OpenAsync(digest);
        await stream.ReadExactlyAsync(new byte[9]);
        await Assert.ThrowsAsync<MlopsIntegrityException>(() => stream.CopyToAsync(Stream.Null));
        await Assert.ThrowsAsync<MlopsIntegrityException>(() => stream.CopyToAsync(Stream.Null));
    }

    [Fact]
    public async Task A_connection_that_breaks_while_reading_is_told_where_it_broke()
    {
        var inner = new InMemoryObjectStore();
        var faulty = new FaultInjectingObjectStore(inner, seed: 4);
        using var content = new MemoryStream(_bytes);
        Digest digest = (await new ArtifactStore(inner).WriteAsync(content)).Digest;
        for (int i = 0; i < 10; i++)
        {
            faulty.Next(StoreFault.BrokenRead, StoreCalls.Open);
            await using Stream stream = await new ArtifactStore(faulty).OpenAsync(digest);
            using var got = new MemoryStream();
            await Assert.ThrowsAsync<IOException>(() => stream.CopyToAsync(got));
            Assert.True(_bytes.AsSpan().StartsWith(got.ToArray()));
        }
    }

    private async Task<Digest> WriteAsync()
    {
        using var content = new MemoryStream(_bytes);
        return (await _artifacts.WriteAsync(content)).Digest;
    }
}

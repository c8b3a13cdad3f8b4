using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Mlops.Sdk.Core.Tests.Processes;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Artifacts;

/// <summary>Files, large ones: taken in once, and gone on with after a crash.</summary>
public sealed class ArtifactFileTests : IDisposable
{
    private const int MiB = 1 << 20;
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public ArtifactFileTests() => _file = _folder["source"];

    public static TheoryData<string> Stores => ["folder", "memory", "neither stages nor resumes"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_file_of_any_length_comes_back_and_progress_ends_at_its_length(string kind)
    {
        var artifacts = new ArtifactStore(Open(kind));
        foreach (int length in new[] { 0, 1, MiB - 1, MiB, MiB + 1, (8 * MiB) - 1, 8 * MiB, (19 * MiB) + 7 })
        {
            byte[] bytes = Source(length);
            var told = new List<long>();
            ArtifactInfo info = await artifacts.WriteFileAsync(_file, new Progress(told.Add));
            Assert.Equal((Digest.FromHash(SHA256.HashData(bytes)), length), (info.Digest, info.Length));
            Assert.Equal(bytes, await artifacts.ReadAsync(info.Digest, length));
            Assert.Equal(length, told[^1]);
            Assert.Equal(told.Order(), told);
            Assert.Equal(info, await artifacts.WriteFileAsync(_file)); // it is there already
        }
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_stream_of_any_length_comes_back_whether_it_can_be_read_twice_or_not(string kind)
    {
        var artifacts = new ArtifactStore(Open(kind));
        foreach (int length in new[] { MiB, MiB + 1, (3 * MiB) + 1 })
        {
            byte[] bytes = Source(length);
            using var seekable = new MemoryStream(bytes);
            Digest digest = (await artifacts.WriteAsync(seekable)).Digest;
            Assert.Equal(bytes, await artifacts.ReadAsync(digest, length));
            bytes[0]++;
            using var inner = new MemoryStream(bytes);
            await using var oneWay = new System.IO.Compression.BrotliStream(Compressed(bytes), System.IO.Compression.CompressionMode.Decompress);
            digest = (await artifacts.WriteAsync(oneWay)).Digest;
            Assert.Equal(bytes, await artifacts.ReadAsync(digest, length));
        }
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("memory")]
    public async Task What_was_taken_in_before_it_was_stopped_is_not_sent_again(string kind)
    {
        byte[] bytes = Source(40 * MiB);
        var artifacts = new ArtifactStore(Open(kind));
        using var stop = new CancellationTokenSource();
        long stoppedAt = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await artifacts.WriteFileAsync(_file, new Progress(at => Stop(at)), stop.Token));
        var told = new List<long>();
        ArtifactInfo info = await artifacts.WriteFileAsync(_file, new Progress(told.Add));
        Assert.True(stoppedAt > 0 && told[0] >= stoppedAt && told[0] < bytes.Length, $"stopped at {stoppedAt}, gone on at {told[0]}");
        Assert.Equal(Digest.FromHash(SHA256.HashData(bytes)), info.Digest);
        Assert.Equal(bytes.Length, (await artifacts.ReadAsync(info.Digest, bytes.Length)).Length);

        void Stop(long at)
        {
            if (at >= 16 * MiB && stoppedAt == 0)
            {
                stoppedAt = at;
                stop.Cancel();
            }
        }
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("memory")]
    public async Task A_connection_that_breaks_all_the_time_still_ends_with_the_whole_file(string kind)
    {
        byte[] bytes = Source(50 * MiB);
        var store = new FaultInjectingObjectStore(Open(kind), seed: 3);
        store.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Append | StoreCalls.Put);
        store.Sometimes(StoreFault.LostAnswer, 0.1, StoreCalls.Append | StoreCalls.Put);
        var artifacts = new ArtifactStore(store);
        ArtifactInfo? info = null;
        long furthest = 0;
        for (int attempt = 0; info is null && attempt < 100; attempt++)
        {
            var told = new List<long>();
            try
            {
                info = await artifacts.WriteFileAsync(_file, new Progress(told.Add));
            }
            catch (MlopsStorageException)
            {
                Assert.True(told.Count == 0 || told[0] >= furthest, $"what was sent up to {furthest} is sent again from {told.FirstOrDefault()}");
                furthest = told.Count == 0 ? furthest : told[^1];
            }
        }

        store.Heal();
        Assert.True(store.Injected > 0);
        Assert.Equal(Digest.FromHash(SHA256.HashData(bytes)), info!.Digest);
        Assert.Equal(bytes, await artifacts.ReadAsync(info.Digest, bytes.Length));
    }

    [Fact]
    public async Task After_kill_9_in_the_middle_the_next_process_goes_on_and_memory_does_not_depend_on_the_length()
    {
        byte[] bytes = Source(96 * MiB);
        long durable = 0;
        foreach (int stopAt in new[] { 20 * MiB, 50 * MiB, 80 * MiB })
        {
            using Process process = WorkerProcess.Start(WorkerProcess.Host, ["exec", WorkerProcess.Assembly, "file", _folder["store"], _file, stopAt.ToString(CultureInfo.InvariantCulture)]);
            long first = -1;
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                long at = long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
                first = first < 0 ? at : first;
                if (at >= stopAt)
                {
                    process.Kill();
                    await process.WaitForExitAsync();
                    Assert.True(first >= durable, $"{durable} bytes were there and it began at {first}");
                    durable = at;
                    break;
                }
            }

            Assert.True(durable >= stopAt, await process.StandardError.ReadToEndAsync());
        }

        Assert.Single(Directory.GetFiles(_folder["store/.tmp/uploads"]));
        using Process last = WorkerProcess.Start(WorkerProcess.Host, ["exec", WorkerProcess.Assembly, "file", _folder["store"], _file, long.MaxValue.ToString(CultureInfo.InvariantCulture)]);
        string[] said = (await last.StandardOutput.ReadToEndAsync()).Split('\n');
        await last.WaitForExitAsync();
        Assert.True(long.Parse(said[0].Split(' ')[1], CultureInfo.InvariantCulture) >= durable, said[0]);
        Assert.Contains($"done {Digest.FromHash(SHA256.HashData(bytes))} {bytes.Length}", said);
        long allocated = long.Parse(said.Single(s => s.StartsWith("allocated ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
        Assert.True(allocated < 24 * MiB, $"{allocated} bytes were allocated for a file of {bytes.Length}");
        Assert.Empty(Directory.GetFiles(_folder["store/.tmp/uploads"]));
    }

    [Theory]
    [InlineData("another byte in the file, with the old time")]
    [InlineData("another byte in what was staged")]
    [InlineData("less staged than was told")]
    public async Task What_is_left_of_an_earlier_call_and_is_not_the_file_is_dropped(string damage)
    {
        byte[] bytes = Source(24 * MiB);
        var artifacts = new ArtifactStore(new FolderObjectStore(_folder["store"]));
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await artifacts.WriteFileAsync(_file, new Progress(at => (at >= 8 * MiB ? stop : new CancellationTokenSource()).Cancel()), stop.Token));
        string staged = Assert.Single(Directory.GetFiles(_folder["store/.tmp/uploads"]));
        DateTime written = File.GetLastWriteTimeUtc(_file);
        switch (damage)
        {
            case "another byte in the file, with the old time":
                bytes[1_000]++;
                await File.WriteAllBytesAsync(_file, bytes);
                File.SetLastWriteTimeUtc(_file, written);
                break;
            case "another byte in what was staged":
                using (FileStream file = File.OpenWrite(staged))
                {
                    file.Position = 5 * MiB;
                    file.WriteByte((byte)(bytes[5 * MiB] + 1));
                }

                break;
            default:
                using (FileStream file = File.OpenWrite(staged))
                {
                    file.SetLength(1_234_567);
                }

                break;
        }

        ArtifactInfo info = await artifacts.WriteFileAsync(_file);
        Assert.Equal(Digest.FromHash(SHA256.HashData(bytes)), info.Digest);
        Assert.Equal(bytes, await artifacts.ReadAsync(info.Digest, bytes.Length));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_file_that_is_written_to_meanwhile_is_not_stored(string kind)
    {
        byte[] bytes = Source(24 * MiB);
        IObjectStore store = Open(kind);
        using var other = new FileStream(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        int calls = 0;
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await new ArtifactStore(store is InMemoryObjectStore or FolderObjectStore ? store : new Plain(store, Change)).WriteFileAsync(_file, new Progress(_ => Change())));
        Assert.Equal("artifact.changed_while_stored", error.Code);
        Assert.Empty(await store.ListAsync("artifacts/").ToArrayAsync());

        void Change()
        {
            if (calls++ == 0)
            {
                other.Position = bytes.Length - 1;
                other.WriteByte((byte)(bytes[^1] + 1));
                other.Flush(flushToDisk: true);
                File.SetLastWriteTimeUtc(other.SafeFileHandle, File.GetLastWriteTimeUtc(other.SafeFileHandle).AddSeconds(2));
            }
        }
    }

    [Fact]
    public async Task Callers_that_store_the_same_file_at_once_all_succeed()
    {
        byte[] bytes = Source(20 * MiB);
        ArtifactInfo[] all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () => await new ArtifactStore(new FolderObjectStore(_folder["store"])).WriteFileAsync(_file))));
        Assert.Equal(Digest.FromHash(SHA256.HashData(bytes)), Assert.Single(all.Distinct()).Digest);
        Assert.Empty(Directory.GetFiles(_folder["store/.tmp"]));
        Assert.Empty(Directory.GetFiles(_folder["store/.tmp/uploads"]));
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_said_to_be_absent() =>
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await new ArtifactStore(new InMemoryObjectStore()).WriteFileAsync(_folder["absent"]));

    private static MemoryStream Compressed(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var stream = new System.IO.Compression.BrotliStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            stream.Write(bytes);
        }

        packed.Position = 0;
        return packed;
    }

    private IObjectStore Open(string kind) => kind switch
    {
        "folder" => new FolderObjectStore(_folder["store"]),
        "memory" => new InMemoryObjectStore(),
        _ => new Plain(new InMemoryObjectStore(), () => { }),
    };

    private byte[] Source(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        File.WriteAllBytes(_file, bytes);
        return bytes;
    }

    private sealed class Progress(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }

    /// <summary>A store that can only put.</summary>
    private sealed class Plain(IObjectStore inner, Action beforePut) : IObjectStore
    {
        public string Description => inner.Description;

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            beforePut();
            return inner.PutAsync(key, content, condition, cancellationToken);
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}

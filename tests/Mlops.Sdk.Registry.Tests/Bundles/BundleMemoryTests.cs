using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk.Registry.Tests.Bundles;

/// <summary>Measured alone: what other tests allocate meanwhile would count.</summary>
[CollectionDefinition("memory of bundles", DisableParallelization = true)]
public sealed class BundleMemoryCollection;

[Collection("memory of bundles")]
public sealed class BundleMemoryTests
{
    [Fact]
    public async Task Memory_does_not_depend_on_the_size_of_the_model()
    {
        using TemporaryFolder folder = new();
        FolderObjectStore store = new(Path.Combine(folder.Path, "a"));
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        ArtifactStore artifacts = new(store);
        ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
        const long Size = 96L << 20;
        ArtifactInfo file = await artifacts.WriteAsync(new Zeros(Size));
        await registry.RegisterAsync(
            new ModelManifest { Model = "big", ModelFormat = "mlnet", Algorithm = "a", Files = [new ModelFile("model.zip", file.Digest, file.Length)], Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("a", InputKind.Number, "a")], ["Score"], "l") },
            "big");
        ModelBundles bundles = new(ledger, artifacts, registry);
        await using FileStream zip = new(Path.Combine(folder.Path, "big.zip"), FileMode.Create, FileAccess.ReadWrite);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await bundles.ExportAsync("big", 1, zip);
        zip.Position = 0;
        BundleInfo info = await ModelBundles.ReadAsync(zip);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.Equal(Size, info.Files[0].Length);
        Assert.True(allocated < 16 << 20, $"{allocated} bytes were allocated for a model of {Size}.");
    }

    [Fact]
    public async Task A_million_entries_are_refused_without_being_read()
    {
        byte[] zip = Many(1_000_000, lie: false);
        byte[] liar = Many(1_000_000, lie: true);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Assert.Equal("bundle.unsafe", await HostileBundleTests.CodeAsync(zip));
        Assert.Equal("bundle.unsafe", await HostileBundleTests.CodeAsync(liar));
        Assert.True(GC.GetTotalAllocatedBytes(precise: true) - before < 8 << 20);
    }

    /// <summary>A zip whose directory has very many entries; one that lies says it has three.</summary>
    private static byte[] Many(int count, bool lie)
    {
        const int Record = 46 + 9;
        byte[] zip = new byte[(count * Record) + 56 + 20 + 22];
        for (int i = 0; i < count; i++)
        {
            Span<byte> record = zip.AsSpan(i * Record);
            BinaryPrimitives.WriteUInt32LittleEndian(record, 0x02014b50);
            BinaryPrimitives.WriteUInt16LittleEndian(record[28..], 9);
            Encoding.ASCII.GetBytes("files/x.y", record[46..]);
        }

        int end64 = count * Record;
        long stated = lie ? 3 : count;
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(end64), 0x06064b50);
        BinaryPrimitives.WriteInt64LittleEndian(zip.AsSpan(end64 + 24), stated);
        BinaryPrimitives.WriteInt64LittleEndian(zip.AsSpan(end64 + 32), stated);
        BinaryPrimitives.WriteInt64LittleEndian(zip.AsSpan(end64 + 40), lie ? 3 * Record : end64);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(end64 + 56), 0x07064b50);
        BinaryPrimitives.WriteInt64LittleEndian(zip.AsSpan(end64 + 64), end64);
        int end = end64 + 76;
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(end), 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(zip.AsSpan(end + 8), ushort.MaxValue);
        BinaryPrimitives.WriteUInt16LittleEndian(zip.AsSpan(end + 10), ushort.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(end + 12), uint.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(end + 16), uint.MaxValue);
        return zip;
    }

    private sealed class Zeros(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, _left);
            buffer.AsSpan(offset, read).Clear();
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class TemporaryFolder : IDisposable
    {
        internal string Path { get; } = Directory.CreateTempSubdirectory("mlops-bundles-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

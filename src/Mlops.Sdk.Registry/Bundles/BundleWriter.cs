using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Writes the zip of a bundle: stored entries in the given order, fixed times, nothing of the machine. Equal content gives equal bytes on any platform; memory does not depend on the size.</summary>
/// <remarks>Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5. Checksums follow the content (bit 3 of the flags), so that nothing is read twice.</remarks>
internal sealed class BundleWriter(Stream destination) : IDisposable
{
    private const uint Large = uint.MaxValue;
    private const int Block = 1 << 17;
    private const ushort FixedDate = 0x21; // 1 January 1980
    private const ushort Flags = 0x0808;   // sizes behind the content; names in UTF-8
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<(string Name, uint Checksum, long Length, long Header)> _entries = [];

    internal long Length { get; private set; }

    public void Dispose() => _hash.Dispose();

    /// <summary>Writes an entry.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">How many bytes the content has.</param>
    /// <param name="content">The content.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    internal async ValueTask AddAsync(string name, long length, Stream content, CancellationToken cancellationToken)
    {
        long header = Length;
        bool large = length >= Large;
        byte[] local = new byte[30 + name.Length + (large ? 20 : 0)];
        BinaryPrimitives.WriteUInt32LittleEndian(local, 0x04034b50);
        WriteCommon(local.AsSpan(4), large);
        if (large)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(local.AsSpan(18), Large);
            BinaryPrimitives.WriteUInt32LittleEndian(local.AsSpan(22), Large);
            BinaryPrimitives.WriteUInt16LittleEndian(local.AsSpan(30 + name.Length), 1);
            BinaryPrimitives.WriteUInt16LittleEndian(local.AsSpan(32 + name.Length), 16);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(local.AsSpan(26), (ushort)name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(local.AsSpan(28), (ushort)(large ? 20 : 0));
        Encoding.ASCII.GetBytes(name, local.AsSpan(30));
        await WriteAsync(local, cancellationToken).ConfigureAwait(false);

        uint checksum = await CopyAsync(content, length, name, cancellationToken).ConfigureAwait(false);
        byte[] behind = new byte[large ? 24 : 16];
        BinaryPrimitives.WriteUInt32LittleEndian(behind, 0x08074b50);
        BinaryPrimitives.WriteUInt32LittleEndian(behind.AsSpan(4), checksum);
        if (large)
        {
            BinaryPrimitives.WriteInt64LittleEndian(behind.AsSpan(8), length);
            BinaryPrimitives.WriteInt64LittleEndian(behind.AsSpan(16), length);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(behind.AsSpan(8), (uint)length);
            BinaryPrimitives.WriteUInt32LittleEndian(behind.AsSpan(12), (uint)length);
        }

        await WriteAsync(behind, cancellationToken).ConfigureAwait(false);
        _entries.Add((name, checksum, length, header));
    }

    /// <summary>Writes the directory.</summary>
    /// <returns>The digest of the whole bundle.</returns>
    internal async ValueTask<Digest> FinishAsync(CancellationToken cancellationToken)
    {
        long start = Length;
        foreach ((string name, uint checksum, long length, long header) in _entries)
        {
            await WriteAsync(DirectoryEntry(name, checksum, length, header), cancellationToken).ConfigureAwait(false);
        }

        long size = Length - start;
        if (start >= Large || size >= Large)
        {
            byte[] end64 = new byte[56 + 20];
            BinaryPrimitives.WriteUInt32LittleEndian(end64, 0x06064b50);
            BinaryPrimitives.WriteUInt64LittleEndian(end64.AsSpan(4), 44);
            BinaryPrimitives.WriteUInt16LittleEndian(end64.AsSpan(12), 0x0300 | 45);
            BinaryPrimitives.WriteUInt16LittleEndian(end64.AsSpan(14), 45);
            BinaryPrimitives.WriteUInt64LittleEndian(end64.AsSpan(24), (ulong)_entries.Count);
            BinaryPrimitives.WriteUInt64LittleEndian(end64.AsSpan(32), (ulong)_entries.Count);
            BinaryPrimitives.WriteInt64LittleEndian(end64.AsSpan(40), size);
            BinaryPrimitives.WriteInt64LittleEndian(end64.AsSpan(48), start);
            BinaryPrimitives.WriteUInt32LittleEndian(end64.AsSpan(56), 0x07064b50);
            BinaryPrimitives.WriteInt64LittleEndian(end64.AsSpan(64), start + size);
            BinaryPrimitives.WriteUInt32LittleEndian(end64.AsSpan(72), 1);
            await WriteAsync(end64, cancellationToken).ConfigureAwait(false);
        }

        byte[] end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(8), (ushort)_entries.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(10), (ushort)_entries.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)Math.Min(size, Large));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)Math.Min(start, Large));
        await WriteAsync(end, cancellationToken).ConfigureAwait(false);
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        return Digest.FromHash(_hash.GetHashAndReset());
    }

    private static byte[] DirectoryEntry(string name, uint checksum, long length, long header)
    {
        int extra = (length >= Large ? 16 : 0) + (header >= Large ? 8 : 0);
        byte[] entry = new byte[46 + name.Length + (extra > 0 ? extra + 4 : 0)];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, 0x02014b50);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(4), (ushort)(0x0300 | (extra > 0 ? 45 : 20)));
        WriteCommon(entry.AsSpan(6), extra > 0);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(16), checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(20), (uint)Math.Min(length, Large));
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(24), (uint)Math.Min(length, Large));
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(28), (ushort)name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(30), (ushort)(extra > 0 ? extra + 4 : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(38), 0x81A4u << 16); // a plain file that all may read
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(42), (uint)Math.Min(header, Large));
        Encoding.ASCII.GetBytes(name, entry.AsSpan(46));
        if (extra > 0)
        {
            Span<byte> rest = entry.AsSpan(46 + name.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(rest, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], (ushort)extra);
            rest = rest[4..];
            if (length >= Large)
            {
                BinaryPrimitives.WriteInt64LittleEndian(rest, length);
                BinaryPrimitives.WriteInt64LittleEndian(rest[8..], length);
                rest = rest[16..];
            }

            if (header >= Large)
            {
                BinaryPrimitives.WriteInt64LittleEndian(rest, header);
            }
        }

        return entry;
    }

    /// <summary>Writes what local header and directory share: version needed, flags, method stored, time.</summary>
    private static void WriteCommon(Span<byte> to, bool large)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)(large ? 45 : 20));
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], FixedDate);
    }

    private async ValueTask<uint> CopyAsync(Stream content, long length, string name, CancellationToken cancellationToken)
    {
        Crc32 checksum = new();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            long copied = 0;
            while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                copied += read;
                checksum.Append(buffer.AsSpan(0, read));
                await WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }

            return copied == length
                ? checksum.GetCurrentHashAsUInt32()
                : throw new MlopsIntegrityException("artifact.corrupt", $"'{name}' should have {length} bytes and has {copied}. The bundle is not whole; do not use what was written of it.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _hash.AppendData(bytes.Span);
        await destination.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        Length += bytes.Length;
    }
}

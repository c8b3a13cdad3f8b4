using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>An entry of a zip, as its central directory tells.</summary>
internal sealed record ZipEntry(string Name, bool Deflated, uint Checksum, long Compressed, long Length, long Start);

/// <summary>
/// Reads the zip of a bundle strictly. Only what a bundle can be is accepted: known names, each once; plain files, stored or deflated, not
/// encrypted; entries that lie one behind the other; sizes within the limits. The directory is bounded before it is read.
/// </summary>
/// <remarks>Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.</remarks>
internal static class BundleZip
{
    internal const int MaxEntries = 2_010;
    private const int MaxDirectory = 1 << 20;
    private const int MaxRatio = 200;
    private const long RatioFloor = 8 << 20;
    private const int EndLength = 22;
    private const int LocatorLength = 20;
    private const int End64Length = 56;
    private const int LocalLength = 30;
    private const int CentralLength = 46;
    private const int MaxDescriptor = 24;

    /// <summary>Reads and checks the directory and all local headers.</summary>
    /// <param name="zip">The bytes, seekable.</param>
    /// <param name="maxBytes">The most bytes that all entries may unpack to.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The entries by name.</returns>
    /// <exception cref="MlopsDataException">It is no zip (<c>bundle.unreadable</c>), one that no bundle is (<c>bundle.unsafe</c>), or too large (<c>bundle.too_large</c>).</exception>
    internal static async ValueTask<Dictionary<string, ZipEntry>> ReadAsync(Stream zip, long maxBytes, CancellationToken cancellationToken)
    {
        (long offset, int size, int count) = await FindDirectoryAsync(zip, cancellationToken).ConfigureAwait(false);
        byte[] directory = await ReadAtAsync(zip, offset, size, cancellationToken).ConfigureAwait(false);
        Dictionary<string, ZipEntry> entries = new(count, StringComparer.Ordinal);
        List<(ZipEntry Entry, long Header)> all = ParseDirectory(directory, count, offset);
        long total = 0;
        foreach ((ZipEntry entry, _) in all)
        {
            if (!entries.TryAdd(entry.Name, entry))
            {
                throw Unsafe($"'{entry.Name}' is in it twice");
            }

            if (entry.Length > maxBytes - total)
            {
                throw TooLarge(maxBytes);
            }

            total += entry.Length;
            if (entry.Length > Math.Max(RatioFloor, entry.Compressed * (double)MaxRatio))
            {
                throw Unsafe($"'{entry.Name}' would unpack to more than {MaxRatio} times its size");
            }
        }

        long end = 0;
        foreach ((ZipEntry entry, long header) in all.OrderBy(e => e.Header))
        {
            // entries lie one behind the other; only a data descriptor may stand between two
            if (header < end || header - end > (end == 0 ? 0 : MaxDescriptor))
            {
                throw Unsafe($"'{entry.Name}' overlaps another entry, or bytes that belong to none stand before it");
            }

            ZipEntry placed = await CheckLocalAsync(zip, entry, header, cancellationToken).ConfigureAwait(false);
            entries[entry.Name] = placed;
            end = placed.Start + placed.Compressed;
        }

        return end <= offset && offset - end <= MaxDescriptor ? entries : throw Unsafe("entries reach into the directory, or bytes that belong to none stand before it");
    }

    /// <summary>Opens the content of an entry. It ends after exactly the stated number of bytes, or throws.</summary>
    internal static Stream Open(Stream zip, ZipEntry entry)
    {
        Stream part = new PartStream(zip, entry.Start, entry.Compressed);
        return entry.Deflated ? new ExactStream(new DeflateStream(part, CompressionMode.Decompress), entry) : part;
    }

    private static async ValueTask<(long Offset, int Size, int Count)> FindDirectoryAsync(Stream zip, CancellationToken cancellationToken)
    {
        long length = zip.Length;
        if (length < EndLength)
        {
            throw Unreadable("it is too short");
        }

        byte[] end = await ReadAtAsync(zip, length - EndLength, EndLength, cancellationToken).ConfigureAwait(false);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != 0x06054b50)
        {
            throw Unreadable("it does not end as a zip does (a bundle has no comment behind its directory)");
        }

        ushort disks = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(4)) | BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(6)));
        ulong here = BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(8));
        ulong count = BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(10));
        ulong size = BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(12));
        ulong offset = BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(16));
        long directoryEnd = length - EndLength;
        if (count == ushort.MaxValue || size == uint.MaxValue || offset == uint.MaxValue)
        {
            directoryEnd -= LocatorLength + End64Length;
            byte[] end64 = directoryEnd < 0 ? [] : await ReadAtAsync(zip, directoryEnd, End64Length + LocatorLength, cancellationToken).ConfigureAwait(false);
            if (directoryEnd < 0 || BinaryPrimitives.ReadUInt32LittleEndian(end64) != 0x06064b50 || BinaryPrimitives.ReadUInt32LittleEndian(end64.AsSpan(End64Length)) != 0x07064b50
                || BinaryPrimitives.ReadUInt64LittleEndian(end64.AsSpan(End64Length + 8)) != (ulong)directoryEnd)
            {
                throw Unsafe("its large-file directory is not where it belongs");
            }

            disks |= (ushort)(BinaryPrimitives.ReadUInt32LittleEndian(end64.AsSpan(16)) | BinaryPrimitives.ReadUInt32LittleEndian(end64.AsSpan(20)));
            here = BinaryPrimitives.ReadUInt64LittleEndian(end64.AsSpan(24));
            count = BinaryPrimitives.ReadUInt64LittleEndian(end64.AsSpan(32));
            size = BinaryPrimitives.ReadUInt64LittleEndian(end64.AsSpan(40));
            offset = BinaryPrimitives.ReadUInt64LittleEndian(end64.AsSpan(48));
        }

        if (disks != 0 || here != count)
        {
            throw Unsafe("it is one of several parts");
        }

        if (count is 0 or > MaxEntries || size > MaxDirectory)
        {
            throw Unsafe($"it says it has {count} entries in a directory of {size} bytes; 1 to {MaxEntries} in {MaxDirectory} are allowed");
        }

        return offset <= long.MaxValue && (long)offset + (long)size == directoryEnd ? ((long)offset, (int)size, (int)count) : throw Unsafe("its directory is not where it says");
    }

    private static List<(ZipEntry Entry, long Header)> ParseDirectory(ReadOnlySpan<byte> rest, int count, long directory)
    {
        List<(ZipEntry, long)> all = new(count);
        for (int i = 0; i < count; i++)
        {
            if (rest.Length < CentralLength || BinaryPrimitives.ReadUInt32LittleEndian(rest) != 0x02014b50)
            {
                throw Unsafe("its directory has fewer entries than it says");
            }

            ushort madeBy = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
            ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(rest[8..]);
            ushort method = BinaryPrimitives.ReadUInt16LittleEndian(rest[10..]);
            uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(rest[16..]);
            ulong compressed = BinaryPrimitives.ReadUInt32LittleEndian(rest[20..]);
            ulong length = BinaryPrimitives.ReadUInt32LittleEndian(rest[24..]);
            int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[28..]);
            int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[30..]);
            int commentLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
            ushort disk = BinaryPrimitives.ReadUInt16LittleEndian(rest[34..]);
            uint attributes = BinaryPrimitives.ReadUInt32LittleEndian(rest[38..]);
            ulong header = BinaryPrimitives.ReadUInt32LittleEndian(rest[42..]);
            if (rest.Length < CentralLength + nameLength + extraLength + commentLength)
            {
                throw Unsafe("its directory ends within an entry");
            }

            string name = NameOf(rest.Slice(CentralLength, nameLength));
            ReadLarge(rest.Slice(CentralLength + nameLength, extraLength), name, ref length, ref compressed, ref header);
            CheckKind(name, madeBy, flags, method, disk, attributes);
            if (length > long.MaxValue || compressed > (ulong)directory || header >= (ulong)directory || (method == 0 && compressed != length))
            {
                throw Unsafe($"the sizes of '{name}' cannot be");
            }

            all.Add((new ZipEntry(name, method == 8, checksum, (long)compressed, (long)length, 0), (long)header));
            rest = rest[(CentralLength + nameLength + extraLength + commentLength)..];
        }

        return rest.IsEmpty ? all : throw Unsafe("its directory has more entries than it says");
    }

    /// <summary>Reads a name. Whatever is no name of a bundle is refused: parents, absolute paths, backslashes, drives, folders, upper case, other alphabets.</summary>
    private static string NameOf(ReadOnlySpan<byte> bytes)
    {
        string name = Encoding.Latin1.GetString(bytes.Length <= 300 ? bytes : bytes[..300]);
        return BundleNames.IsAllowed(name) ? name : throw Unsafe($"it holds {RegistryRules.Show(name)}, which is no name in a bundle");
    }

    private static void CheckKind(string name, ushort madeBy, ushort flags, ushort method, ushort disk, uint attributes)
    {
        const int Encrypted = 0x2041; // by password, strongly, or with a masked directory
        if ((flags & Encrypted) != 0)
        {
            throw Unsafe($"'{name}' is encrypted");
        }

        if (method is not (0 or 8))
        {
            throw Unsafe($"'{name}' is packed by method {method}; stored (0) and deflated (8) are read");
        }

        uint type = (attributes >> 16) & 0xF000;
        if ((madeBy >> 8 is 3 or 19 || type != 0) && type is not (0 or 0x8000))
        {
            throw Unsafe($"'{name}' is a link or another thing that is no plain file");
        }

        if ((attributes & 0x10) != 0 || disk != 0)
        {
            throw Unsafe($"'{name}' is a folder, or in another part");
        }
    }

    private static void ReadLarge(ReadOnlySpan<byte> extra, string name, ref ulong length, ref ulong compressed, ref ulong header)
    {
        while (extra.Length >= 4)
        {
            ushort id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int size = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (size > extra.Length - 4)
            {
                break;
            }

            if (id == 1)
            {
                ReadOnlySpan<byte> values = extra.Slice(4, size);
                Take(ref values, name, ref length);
                Take(ref values, name, ref compressed);
                Take(ref values, name, ref header);
                return;
            }

            extra = extra[(4 + size)..];
        }

        if (length == uint.MaxValue || compressed == uint.MaxValue || header == uint.MaxValue)
        {
            throw Unsafe($"the sizes of '{name}' are missing");
        }
    }

    private static void Take(ref ReadOnlySpan<byte> values, string name, ref ulong value)
    {
        if (value != uint.MaxValue)
        {
            return;
        }

        if (values.Length < 8)
        {
            throw Unsafe($"the sizes of '{name}' are missing");
        }

        value = BinaryPrimitives.ReadUInt64LittleEndian(values);
        values = values[8..];
    }

    private static async ValueTask<ZipEntry> CheckLocalAsync(Stream zip, ZipEntry entry, long header, CancellationToken cancellationToken)
    {
        byte[] local = await ReadAtAsync(zip, header, LocalLength, cancellationToken).ConfigureAwait(false);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(local.AsSpan(26));
        int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(local.AsSpan(28));
        if (BinaryPrimitives.ReadUInt32LittleEndian(local) != 0x04034b50 || nameLength != entry.Name.Length
            || BinaryPrimitives.ReadUInt16LittleEndian(local.AsSpan(8)) != (entry.Deflated ? 8 : 0) || (BinaryPrimitives.ReadUInt16LittleEndian(local.AsSpan(6)) & 0x2041) != 0)
        {
            throw Unsafe($"'{entry.Name}' says other things before its content than in the directory");
        }

        byte[] name = await ReadAtAsync(zip, header + LocalLength, nameLength, cancellationToken).ConfigureAwait(false);
        return Encoding.Latin1.GetString(name) == entry.Name
            ? entry with { Start = header + LocalLength + nameLength + extraLength }
            : throw Unsafe($"'{entry.Name}' has another name before its content than in the directory");
    }

    private static async ValueTask<byte[]> ReadAtAsync(Stream zip, long offset, int length, CancellationToken cancellationToken)
    {
        if (offset < 0 || offset > zip.Length - length)
        {
            throw Unsafe("it points outside of itself");
        }

        byte[] bytes = new byte[length];
        zip.Position = offset;
        try
        {
            await zip.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (EndOfStreamException error)
        {
            throw new MlopsDataException("bundle.unreadable", "The file is no bundle: it became shorter while it was read. Nothing was stored.", error);
        }

        return bytes;
    }

    internal static MlopsDataException Unsafe(string what) => new("bundle.unsafe", $"The bundle is refused: {what}. Nothing was stored. Export it again from where it came from.");

    internal static MlopsDataException TooLarge(long max) => new("bundle.too_large", $"The bundle would unpack to more than the {max} bytes that are accepted here. Nothing was stored. Raise the limit if that is right.");

    private static MlopsDataException Unreadable(string why) => new("bundle.unreadable", $"The file is no bundle: {why}. Nothing was stored.");
}

/// <summary>A part of a seekable stream, itself seekable, so that it can be hashed and then stored without a copy. Not thread-safe.</summary>
internal sealed class PartStream(Stream inner, long start, long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 && value <= length ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        inner.Position = start + _position;
        int read = inner.Read(buffer[..(int)Math.Min(buffer.Length, length - _position)]);
        _position += read;
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        inner.Position = start + _position;
        int read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, length - _position)], cancellationToken).ConfigureAwait(false);
        _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => length + offset };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Inflates an entry, counting: what unpacks to more or less than it states throws.</summary>
internal sealed class ExactStream(Stream inner, ZipEntry entry) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Count(inner.Read(buffer), buffer.Length);
        }
        catch (InvalidDataException error)
        {
            throw Damaged(error);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Length);
        }
        catch (InvalidDataException error)
        {
            throw Damaged(error);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Count(int read, int asked)
    {
        _read += read;
        return _read > entry.Length || (read == 0 && asked > 0 && _read < entry.Length)
            ? throw BundleZip.Unsafe($"'{entry.Name}' states {entry.Length} bytes and unpacks to {(_read > entry.Length ? "more" : "fewer")}")
            : read;
    }

    private MlopsDataException Damaged(InvalidDataException error) =>
        new("bundle.unsafe", $"The bundle is refused: '{entry.Name}' does not unpack ({error.Message}). Nothing was stored. Export it again from where it came from.", error);
}

using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>What stands in the first line of a segment.</summary>
internal sealed record SegmentHeader(string Log, string Writer, int Segment, Digest? Previous, RecordCompression Compression, int Records, int Length, long FromTicks, long ToTicks);

/// <summary>The bytes of a segment: a line of JSON, the records (compressed or not), and 32 bytes that are the SHA-256 of all before them.</summary>
internal static class SegmentCodec
{
    internal const int NewestFormat = 1;
    internal const int MaxBody = RecordLogOptions.MaxSegmentBytes + RecordLogOptions.MaxRecordBytes + 1024;
    internal const int MaxObject = MaxBody + MaxHeader + SHA256.HashSizeInBytes;
    private const int MaxHeader = 4096;

    /// <summary>Makes a segment's bytes.</summary>
    internal static (byte[] Bytes, Digest Digest) Write(SegmentHeader header, ReadOnlySpan<byte> body)
    {
        var stored = new ArrayBufferWriter<byte>(body.Length + 1024);
        using (var json = new Utf8JsonWriter(stored))
        {
            json.WriteStartObject();
            json.WriteNumber("format"u8, NewestFormat);
            json.WriteString("log"u8, header.Log);
            json.WriteString("writer"u8, header.Writer);
            json.WriteNumber("segment"u8, header.Segment);
            if (header.Previous is { } previous)
            {
                json.WriteString("previous"u8, previous.ToString());
            }

            json.WriteString("compression"u8, header.Compression switch { RecordCompression.Brotli => "brotli"u8, RecordCompression.Deflate => "deflate"u8, _ => "none"u8 });
            json.WriteNumber("records"u8, header.Records);
            json.WriteNumber("length"u8, header.Length);
            json.WriteString("from"u8, TimeText(header.FromTicks));
            json.WriteString("to"u8, TimeText(header.ToTicks));
            json.WriteEndObject();
        }

        stored.Write("\n"u8);
        Compress(header.Compression, body, stored);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(stored.WrittenSpan);
        Span<byte> trailer = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetCurrentHash(trailer);
        hash.AppendData(trailer);
        stored.Write(trailer);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetCurrentHash(whole);
        return (stored.WrittenSpan.ToArray(), Digest.FromHash(whole));
    }

    /// <summary>Reads a segment: first the hash over everything, then what it says.</summary>
    /// <exception cref="FormatException">The bytes are no segment; the message says why.</exception>
    /// <exception cref="MlopsIntegrityException">It is of a newer format; code <c>records.newer_format</c>.</exception>
    internal static DecodedSegment Read(byte[] bytes, string key)
    {
        if (bytes.Length <= SHA256.HashSizeInBytes)
        {
            throw new FormatException($"it has {bytes.Length} bytes, too few for a segment");
        }

        ReadOnlySpan<byte> hashed = bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(hashed);
        Span<byte> found = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetCurrentHash(found);
        ReadOnlySpan<byte> trailer = bytes.AsSpan(hashed.Length);
        if (!found.SequenceEqual(trailer))
        {
            throw new FormatException("the hash at its end is not that of what stands before it");
        }

        hash.AppendData(trailer);
        hash.GetCurrentHash(found);
        int end = hashed[..Math.Min(hashed.Length, MaxHeader)].IndexOf((byte)'\n');
        if (end < 0)
        {
            throw new FormatException("it has no header line");
        }

        SegmentHeader header = ReadHeader(hashed[..end], key);
        ReadOnlyMemory<byte> stored = bytes.AsMemory(end + 1, hashed.Length - end - 1);
        ReadOnlyMemory<byte> body = header.Compression == RecordCompression.None ? stored : Inflate(header, stored);
        if (body.Length != header.Length)
        {
            throw new FormatException($"its records have {body.Length} bytes, the header says {header.Length}");
        }

        return new DecodedSegment(header, body, Digest.FromHash(found));
    }

    internal static string TimeText(long ticks) => new DateTime(ticks, DateTimeKind.Utc).ToString("O", CultureInfo.InvariantCulture);

    private static SegmentHeader ReadHeader(ReadOnlySpan<byte> line, string key)
    {
        try
        {
            return ReadHeaderJson(line, key);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or MlopsIntegrityException { Code: "artifact.invalid_digest" })
        {
            throw new FormatException("its header does not read", error);
        }
    }

    private static SegmentHeader ReadHeaderJson(ReadOnlySpan<byte> line, string key)
    {
        var reader = new Utf8JsonReader(line);
        int format = 0, segment = -1, records = -1, length = -1;
        string? log = null, writer = null, compression = null;
        Digest? previous = null;
        long from = long.MaxValue, to = long.MinValue;
        EntryCodec.ExpectStart(ref reader);
        while (EntryCodec.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("format"u8))
            {
                format = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("log"u8))
            {
                log = EntryCodec.ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("writer"u8))
            {
                writer = EntryCodec.ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("segment"u8))
            {
                segment = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("previous"u8))
            {
                previous = Digest.Parse(EntryCodec.ReadText(ref reader));
            }
            else if (reader.ValueTextEquals("compression"u8))
            {
                compression = EntryCodec.ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("records"u8))
            {
                records = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("length"u8))
            {
                length = EntryCodec.ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("from"u8))
            {
                reader.Read();
                from = reader.GetDateTimeOffset().UtcTicks;
            }
            else if (reader.ValueTextEquals("to"u8))
            {
                reader.Read();
                to = reader.GetDateTimeOffset().UtcTicks;
            }
            else
            {
                reader.Skip();
            }
        }

        if (format > NewestFormat)
        {
            throw Newer(key, format);
        }

        RecordCompression? known = compression switch { "none" => RecordCompression.None, "deflate" => RecordCompression.Deflate, "brotli" => RecordCompression.Brotli, _ => null };
        return format == NewestFormat && log is not null && writer is not null && segment >= 0 && known is { } method && length is >= 0 and <= MaxBody && records >= 0 && records <= length && from <= to
            ? new SegmentHeader(log, writer, segment, previous, method, records, length, from, to)
            : throw new FormatException("its header lacks a member or has one that cannot be");
    }

    internal static MlopsIntegrityException Newer(string key, int format) => new(
        "records.newer_format", $"The segment '{key}' has format {format}; this version of the library reads up to {NewestFormat}. Update Mlops.Sdk in this process.");

    private static void Compress(RecordCompression method, ReadOnlySpan<byte> body, ArrayBufferWriter<byte> target)
    {
        switch (method)
        {
            case RecordCompression.Brotli:
                Span<byte> space = target.GetSpan(BrotliEncoder.GetMaxCompressedLength(body.Length));
                target.Advance(BrotliEncoder.TryCompress(body, space, out int written, quality: 4, window: 20) ? written : throw new InvalidOperationException("Brotli found no room in the room it asked for."));
                break;
            case RecordCompression.Deflate:
                using (var memory = new MemoryStream(body.Length / 2))
                {
                    using (var deflate = new DeflateStream(memory, CompressionLevel.Fastest, leaveOpen: true))
                    {
                        deflate.Write(body);
                    }

                    target.Write(memory.GetBuffer().AsSpan(0, (int)memory.Length));
                }

                break;
            default:
                target.Write(body);
                break;
        }
    }

    /// <summary>Inflates into exactly as many bytes as the header says, of which there are at most <see cref="MaxBody"/>, growing only with what really comes.</summary>
    private static byte[] Inflate(SegmentHeader header, ReadOnlyMemory<byte> stored)
    {
        using var source = new MemoryStream(stored.ToArray(), writable: false);
        using Stream inflate = header.Compression == RecordCompression.Brotli ? new BrotliStream(source, CompressionMode.Decompress) : new DeflateStream(source, CompressionMode.Decompress);
        var target = new ArrayBufferWriter<byte>(Math.Clamp(stored.Length, 256, header.Length + 256));
        try
        {
            while (inflate.Read(target.GetSpan(1 << 14)) is var read and > 0)
            {
                target.Advance(read);
                if (target.WrittenCount > header.Length)
                {
                    throw new FormatException($"its records unpack to more than the {header.Length} bytes that the header says");
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException)
        {
            throw new FormatException("its records do not unpack", error);
        }

        return target.WrittenSpan.ToArray();
    }
}

/// <summary>A segment that was read and whose hash holds.</summary>
internal sealed class DecodedSegment(SegmentHeader header, ReadOnlyMemory<byte> body, Digest digest)
{
    internal SegmentHeader Header => header;

    internal Digest Digest => digest;

    /// <summary>Cuts the records out, as written.</summary>
    /// <exception cref="FormatException">The frames do not add up.</exception>
    internal IEnumerable<StoredRecord> Records()
    {
        int at = 0, count = 0;
        long ticks = 0;
        while (at < body.Length)
        {
            (int start, int length, ticks) = Frame(at, ticks);
            yield return new StoredRecord(new DateTimeOffset(ticks, TimeSpan.Zero), header.Writer, header.Segment, body.Slice(start, length));
            at = start + length;
            count++;
        }

        if (count != header.Records)
        {
            throw new FormatException($"it has {count} records, the header says {header.Records}");
        }
    }

    /// <summary>Cuts the records out by time; those of one time as written.</summary>
    internal IEnumerable<StoredRecord> RecordsByTime()
    {
        bool ordered = true;
        long last = long.MinValue;
        foreach (StoredRecord record in Records())
        {
            ordered &= record.Time.UtcTicks >= last;
            last = record.Time.UtcTicks;
        }

        return ordered ? Records() : Records().OrderBy(r => r.Time.UtcTicks); // a stable sort
    }

    private (int Start, int Length, long Ticks) Frame(int at, long lastTicks)
    {
        var reader = new CompactReader(body.Span[at..]);
        int length = reader.Int32();
        long ticks = unchecked(lastTicks + reader.Signed());
        if (length > reader.Left)
        {
            throw new FormatException("a record is longer than what is left");
        }

        return ticks < header.FromTicks || ticks > header.ToTicks
            ? throw new FormatException("a record has a time outside those of its segment")
            : (body.Length - reader.Left, length, ticks);
    }
}

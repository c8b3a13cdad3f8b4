using System.Buffers;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace Mlops.Sdk.MLNet;

/// <summary>Looks at a model zip before ML.NET does: a small file must not become gigabytes, and its content has one digest whatever the time of saving.</summary>
internal static class ModelZip
{
    internal const long MaxBytes = 1L << 30;
    private const long MaxInflated = 4L << 30;
    private const int MaxEntries = 10_000;
    private const int MaxRatio = 200;
    private const long RatioFloor = 8 << 20;
    private const int Block = 64 * 1024;

    /// <summary>Refuses what is no sound zip of bounded size. Every entry is inflated once, because the sizes that a zip states may be lies.</summary>
    /// <exception cref="MlopsModelException">The bytes are refused; code <c>model.unsafe_file</c>.</exception>
    internal static void Check(byte[] bytes, string model)
    {
        try
        {
            using var zip = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
            if (zip.Entries.Count is 0 or > MaxEntries)
            {
                throw Unsafe(model, $"it has {zip.Entries.Count} entries, 1 to {MaxEntries} are allowed");
            }

            long allowed = Math.Min(MaxInflated, Math.Max(RatioFloor, (long)bytes.Length * MaxRatio));
            long stated = 0;
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                if (!names.Add(entry.FullName.Replace('\\', '/')) || entry.FullName.Split('/', '\\').Contains("..") || Path.IsPathRooted(entry.FullName))
                {
                    throw Unsafe(model, "an entry's name appears twice or leaves the archive");
                }

                stated += entry.Length;
                if (stated > allowed)
                {
                    throw Unsafe(model, $"{bytes.Length} bytes would unpack to over {allowed}");
                }
            }

            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                CheckEntry(entry, model);
            }
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or IOException or ArgumentException)
        {
            throw new MlopsModelException("model.unsafe_file", $"The file of model '{model}' is no sound zip archive: {error.Message} It was not handed to ML.NET.", error);
        }
    }

    /// <summary>Hashes names and contents of the entries: saving the same model twice gives other bytes (the zip holds times) and the same digest.</summary>
    internal static Digest ContentDigest(byte[] bytes)
    {
        using var zip = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
        var lines = new List<string>();
        foreach (ZipArchiveEntry entry in zip.Entries.OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            using Stream stream = entry.Open();
            using var content = new MemoryStream();
            stream.CopyTo(content);
            lines.Add($"{entry.FullName.Length}:{entry.FullName}:{Digest.Of(content.GetBuffer().AsSpan(0, (int)content.Length)).Hex}");
        }

        return Digest.Of(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
    }

    private static void CheckEntry(ZipArchiveEntry entry, string model)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            var checksum = new Crc32();
            long length = 0;
            using Stream stream = entry.Open();
            while (stream.Read(buffer) is var read and > 0)
            {
                length += read;
                if (length > entry.Length)
                {
                    throw Unsafe(model, $"an entry states {entry.Length} bytes and unpacks to more");
                }

                checksum.Append(buffer.AsSpan(0, read));
            }

            if (length != entry.Length || checksum.GetCurrentHashAsUInt32() != entry.Crc32)
            {
                throw Unsafe(model, "an entry is not what its checksum says");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static MlopsModelException Unsafe(string model, string what) =>
        new("model.unsafe_file", $"The file of model '{model}' is refused: {what}. It was not handed to ML.NET. If it is yours and really that large, train a smaller model.");
}

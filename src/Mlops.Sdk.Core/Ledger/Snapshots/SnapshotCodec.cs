using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>A saved view: a line that says of what and up to where, a line with that line's hash, and the state. See docs/store-format.md.</summary>
internal static class SnapshotCodec
{
    internal const int Format = 1;
    internal const long MaxBytes = 1 << 30;
    private const int MaxHeader = 1 << 12;

    internal static byte[] Encode(ISnapshotProjection projection, LedgerHead head)
    {
        var state = new ArrayBufferWriter<byte>(1 << 16);
        projection.SaveSnapshot(state);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteString("view", projection.SnapshotName);
            json.WriteNumber("version", projection.SnapshotFormat);
            json.WriteNumber("commits", head.Commits);
            json.WriteNumber("entries", head.Entries);
            json.WriteString("hash", head.Hash.ToString());
            json.WriteString("state", Digest.Of(state.WrittenSpan).ToString());
            json.WriteEndObject();
        }

        return [.. SealedLine.Write(buffer.WrittenSpan), .. state.WrittenSpan];
    }

    /// <summary>Reads a saved view.</summary>
    /// <exception cref="FormatException">It is none, was changed, or is of another view or version.</exception>
    internal static (LedgerHead Head, ReadOnlyMemory<byte> State) Parse(ReadOnlyMemory<byte> bytes, ISnapshotProjection projection) =>
        Parse(bytes, projection.SnapshotName, projection.SnapshotFormat);

    /// <summary>Reads a saved view of a name and version without knowing what its state means.</summary>
    /// <exception cref="FormatException">It is none, was changed, or is of another view or version.</exception>
    internal static (LedgerHead Head, ReadOnlyMemory<byte> State) Parse(ReadOnlyMemory<byte> bytes, string view, int version)
    {
        ReadOnlyMemory<byte> state = bytes[SealedLine.Read(bytes.Span, MaxHeader, out ReadOnlySpan<byte> line)..];
        try
        {
            var reader = new Utf8JsonReader(line);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            JsonElement header = document.RootElement;
            if (header.GetProperty("format").GetInt32() != Format || header.GetProperty("view").GetString() != view || header.GetProperty("version").GetInt32() != version)
            {
                throw new FormatException("it is of another view or version");
            }

            var head = new LedgerHead(header.GetProperty("commits").GetInt64(), header.GetProperty("entries").GetInt64(), Digest.Parse(header.GetProperty("hash").GetString()!));
            return Digest.Of(state.Span).ToString() == header.GetProperty("state").GetString() ? (head, state) : throw new FormatException("its state is not what was written");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or MlopsIntegrityException)
        {
            throw new FormatException($"its first line does not read ({error.Message})", error);
        }
    }
}

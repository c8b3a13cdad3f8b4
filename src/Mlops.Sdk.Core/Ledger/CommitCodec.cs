using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>
/// The bytes of a commit: UTF-8 lines. First a header with format, number, first entry, count and the hash of the commit before; then an
/// entry a line; last a line with the SHA-256 of all bytes above it, which is the commit's hash. See docs/store-format.md.
/// </summary>
internal static class CommitCodec
{
    internal const int Format = 1;
    internal const int MaxEntries = 1_000;
    internal const int MaxCommitBytes = 64 << 20;

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = false };
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 64 };

    internal static byte[] Encode(long number, LedgerHead before, IReadOnlyList<LedgerEntry> entries, out Digest hash)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, Writing);
        json.WriteStartObject();
        json.WriteNumber("format", Format);
        json.WriteNumber("number", number);
        json.WriteNumber("first", before.Entries);
        json.WriteNumber("count", entries.Count);
        if (before.Hash.HasValue)
        {
            json.WriteString("previous", before.Hash.ToString());
        }

        json.WriteEndObject();
        EndLine(json, buffer);
        foreach (LedgerEntry entry in entries)
        {
            Write(json, entry);
            EndLine(json, buffer);
        }

        hash = Digest.Of(buffer.WrittenSpan);
        buffer.Write(Encoding.ASCII.GetBytes(Trailer(hash)));
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a commit and checks its own hash, its number and that it follows <paramref name="before"/>.</summary>
    /// <exception cref="FormatException">It is not that commit; the message says how.</exception>
    internal static (IReadOnlyList<LedgerEntry> Entries, Digest Hash) Decode(ReadOnlyMemory<byte> bytes, long number, LedgerHead before)
    {
        int trailer = Trailer(default).Length + 64;
        if (bytes.Length <= trailer)
        {
            throw new FormatException($"it has only {bytes.Length} bytes");
        }

        ReadOnlyMemory<byte> body = bytes[..^trailer];
        Digest hash = Digest.Of(body.Span);
        if (!bytes.Span[^trailer..].SequenceEqual(Encoding.ASCII.GetBytes(Trailer(hash))))
        {
            throw new FormatException("its bytes do not have the hash that stands at its end");
        }

        try
        {
            return (DecodeBody(body, number, before), hash);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or MlopsIntegrityException)
        {
            throw new FormatException($"a line does not read ({error.Message})", error);
        }
    }

    private static LedgerEntry[] DecodeBody(ReadOnlyMemory<byte> body, long number, LedgerHead before)
    {
        int end = body.Span.IndexOf((byte)'\n');
        using JsonDocument header = JsonDocument.Parse(body[..end], Reading);
        JsonElement root = header.RootElement;
        int format = root.GetProperty("format").GetInt32();
        if (format > Format)
        {
            throw new MlopsIntegrityException("ledger.newer_format", $"Commit {number} has format {format}; this version of the library reads up to {Format}. Update Mlops.Sdk in this process.");
        }

        Digest previous = root.TryGetProperty("previous", out JsonElement text) ? Digest.Parse(text.GetString()!) : default;
        int count = root.GetProperty("count").GetInt32();
        if (root.GetProperty("number").GetInt64() != number || root.GetProperty("first").GetInt64() != before.Entries)
        {
            throw new FormatException("it is another commit: its number or first entry is not the one that belongs here");
        }

        if (previous != before.Hash)
        {
            throw new FormatException("it does not follow the commit before it: the hash it names is another one");
        }

        if (count is < 1 or > MaxEntries)
        {
            throw new FormatException($"it says it has {count} entries, 1 to {MaxEntries} are allowed");
        }

        var entries = new LedgerEntry[count];
        int at = end + 1;
        for (int i = 0; i < count; i++)
        {
            int length = body.Span[at..].IndexOf((byte)'\n');
            if (length < 0)
            {
                throw new FormatException($"it says it has {count} entries and has {i}");
            }

            entries[i] = Read(body.Slice(at, length), before.Entries + i, number);
            at += length + 1;
        }

        return at == body.Length ? entries : throw new FormatException($"it has more than the {count} entries it says");
    }

    private static void Write(Utf8JsonWriter json, LedgerEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("id", entry.Id);
        json.WriteString("time", entry.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("kind", entry.Kind);
        json.WriteNumber("format", entry.Format);
        json.WriteStartObject("resource");
        json.WriteString("kind", entry.Resource.Kind);
        json.WriteString("name", entry.Resource.Name);
        if (entry.Resource.Version is { } version)
        {
            json.WriteNumber("version", version);
        }

        if (entry.Resource.Digest is { } digest)
        {
            json.WriteString("digest", digest.ToString());
        }

        json.WriteEndObject();
        if (entry.Outcome != LedgerOutcome.Done)
        {
            json.WriteString("outcome", entry.Outcome == LedgerOutcome.Denied ? "denied" : "failed");
        }

        json.WriteStartObject("actor");
        json.WriteString("id", entry.Actor.Id);
        json.WriteString("kind", entry.Actor.Kind switch { ActorKind.User => "user", ActorKind.Service => "service", _ => "system" });
        WriteOptional(json, "scheme", entry.Actor.Scheme);
        WriteOptional(json, "onBehalfOf", entry.Actor.OnBehalfOf);
        json.WriteEndObject();
        json.WriteString("reason", entry.Reason);
        json.WriteString("source", entry.Source);
        WriteOptional(json, "correlation", entry.Correlation);
        json.WritePropertyName("data");
        entry.Data.WriteTo(json);
        json.WriteEndObject();
    }

    private static LedgerEntry Read(ReadOnlyMemory<byte> line, long entryNumber, long commit)
    {
        using JsonDocument document = JsonDocument.Parse(line, Reading);
        JsonElement root = document.RootElement;
        JsonElement resource = root.GetProperty("resource");
        JsonElement actor = root.GetProperty("actor");
        return new LedgerEntry
        {
            Number = entryNumber,
            Commit = commit,
            Id = root.GetProperty("id").GetString()!,
            Time = DateTimeOffset.Parse(root.GetProperty("time").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            Kind = root.GetProperty("kind").GetString()!,
            Format = root.GetProperty("format").GetInt32(),
            Resource = new LedgerResource(
                resource.GetProperty("kind").GetString()!,
                resource.GetProperty("name").GetString()!,
                resource.TryGetProperty("version", out JsonElement version) ? version.GetInt32() : null,
                resource.TryGetProperty("digest", out JsonElement digest) ? Digest.Parse(digest.GetString()!) : null),
            Outcome = Optional(root, "outcome") switch { null => LedgerOutcome.Done, "denied" => LedgerOutcome.Denied, _ => LedgerOutcome.Failed },
            Actor = new Actor(
                actor.GetProperty("id").GetString()!,
                actor.GetProperty("kind").GetString() switch { "user" => ActorKind.User, "service" => ActorKind.Service, _ => ActorKind.System },
                Optional(actor, "scheme"),
                Optional(actor, "onBehalfOf")),
            Reason = root.GetProperty("reason").GetString()!,
            Source = root.GetProperty("source").GetString()!,
            Correlation = Optional(root, "correlation"),
            Data = root.GetProperty("data").Clone(),
        };
    }

    private static string? Optional(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static string Trailer(Digest hash) => $"{{\"sha256\":\"{(hash.HasValue ? hash.Hex : string.Empty)}\"}}\n";

    private static void EndLine(Utf8JsonWriter json, ArrayBufferWriter<byte> buffer)
    {
        json.Flush();
        json.Reset();
        buffer.Write("\n"u8);
    }
}

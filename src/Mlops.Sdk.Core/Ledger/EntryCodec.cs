using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>One entry as one line of JSON. Members have a fixed order and the line holds no number, so its bytes are the same wherever the entry stands: the leaf of the Merkle tree.</summary>
internal static class EntryCodec
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly TextPool Texts = new();

    /// <summary>Writes a draft as the line that will stand in the ledger.</summary>
    internal static byte[] Write(LedgerDraft draft, string id, DateTimeOffset time, string source)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        Write(buffer, id, time, draft.Kind, draft.Format, draft.Resource, draft.Outcome, draft.Actor!, draft.Reason, source, draft.Correlation, draft.Data);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes an entry as the line that stands in the ledger, without a line feed: the same bytes, so that they can be proven against a checkpoint.</summary>
    internal static void Write(IBufferWriter<byte> writer, LedgerEntry entry) =>
        Write(writer, entry.Id, entry.Time, entry.Kind, entry.Format, entry.Resource, entry.Outcome, entry.Actor, entry.Reason, entry.Source, entry.Correlation, entry.Data);

    /// <summary>Reads a line. Members that are not known are passed over.</summary>
    /// <exception cref="JsonException">The line is no JSON.</exception>
    /// <exception cref="InvalidOperationException">A member is of another type.</exception>
    /// <exception cref="FormatException">A member is missing.</exception>
    internal static LedgerEntry Read(ReadOnlyMemory<byte> line, long number, long commit) =>
        EntryScanner.TryRead(line, number, commit, Texts) ?? ReadJson(line.Span, number, commit);

    /// <summary>Reads a line as any JSON: the long way, and the one that says what is wrong.</summary>
    internal static LedgerEntry ReadJson(ReadOnlySpan<byte> line, long number, long commit)
    {
        var reader = new Utf8JsonReader(line);
        string? id = null, kind = null, reason = null, source = null, correlation = null;
        DateTimeOffset? time = null;
        int format = 0;
        var outcome = LedgerOutcome.Done;
        LedgerResource? resource = null;
        Actor? actor = null;
        JsonElement data = default;
        ExpectStart(ref reader);
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
            {
                id = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("time"u8))
            {
                reader.Read();
                time = reader.GetDateTimeOffset().ToUniversalTime();
            }
            else if (reader.ValueTextEquals("kind"u8))
            {
                kind = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("format"u8))
            {
                format = ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("resource"u8))
            {
                resource = ReadResource(ref reader);
            }
            else if (reader.ValueTextEquals("outcome"u8))
            {
                outcome = ReadShared(ref reader) == "denied" ? LedgerOutcome.Denied : LedgerOutcome.Failed;
            }
            else if (reader.ValueTextEquals("actor"u8))
            {
                actor = ReadActor(ref reader);
            }
            else if (reader.ValueTextEquals("reason"u8))
            {
                reason = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("source"u8))
            {
                source = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("correlation"u8))
            {
                correlation = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                reader.Read();
                data = JsonElement.ParseValue(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        if (reader.Read())
        {
            throw new FormatException($"entry {number} goes on after its end");
        }

        return new LedgerEntry
        {
            Number = number,
            Commit = commit,
            Id = id ?? throw Missing(number, "id"),
            Time = time ?? throw Missing(number, "time"),
            Kind = kind ?? throw Missing(number, "kind"),
            Format = format > 0 ? format : throw Missing(number, "format"),
            Resource = resource ?? throw Missing(number, "resource"),
            Outcome = outcome,
            Actor = actor ?? throw Missing(number, "actor"),
            Reason = reason ?? throw Missing(number, "reason"),
            Source = source ?? throw Missing(number, "source"),
            Correlation = correlation,
            Data = data.ValueKind == JsonValueKind.Object ? data : throw Missing(number, "data"),
        };
    }

    internal static void ExpectStart(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new FormatException("a line is no JSON object");
        }
    }

    /// <summary>Moves to the next member of the object the reader is in, or past its end.</summary>
    internal static bool NextProperty(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    internal static int ReadInt32(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TryGetInt32(out int value) ? value : throw new FormatException("a number is no 32-bit integer");
    }

    internal static long ReadInt64(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TryGetInt64(out long value) ? value : throw new FormatException("a number is no 64-bit integer");
    }

    internal static string ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString() ?? throw new FormatException("a text is null");
    }

    /// <summary>Reads a text of which there are few different ones: the same text is one string in memory.</summary>
    private static string ReadShared(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped ? Texts.Get(reader.ValueSpan) : reader.GetString() ?? throw new FormatException("a text is null");
    }

    private static LedgerResource ReadResource(ref Utf8JsonReader reader)
    {
        string? kind = null, name = null;
        int? version = null;
        Digest? digest = null;
        ExpectStart(ref reader);
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("kind"u8))
            {
                kind = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("name"u8))
            {
                name = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("version"u8))
            {
                version = ReadInt32(ref reader);
            }
            else if (reader.ValueTextEquals("digest"u8))
            {
                digest = Digest.Parse(ReadText(ref reader));
            }
            else
            {
                reader.Skip();
            }
        }

        return new LedgerResource(kind ?? throw new FormatException("a resource has no kind"), name ?? throw new FormatException("a resource has no name"), version, digest);
    }

    private static Actor ReadActor(ref Utf8JsonReader reader)
    {
        string? id = null, kind = null, scheme = null, onBehalfOf = null;
        ExpectStart(ref reader);
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
            {
                id = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("kind"u8))
            {
                kind = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("scheme"u8))
            {
                scheme = ReadShared(ref reader);
            }
            else if (reader.ValueTextEquals("onBehalfOf"u8))
            {
                onBehalfOf = ReadShared(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        ActorKind known = kind switch { "user" => ActorKind.User, "service" => ActorKind.Service, _ => ActorKind.System };
        return new Actor(id ?? throw new FormatException("an actor has no id"), known, scheme, onBehalfOf);
    }

    private static FormatException Missing(long number, string member) => new($"entry {number} has no '{member}'");

    private static void Write(
        IBufferWriter<byte> writer, string id, DateTimeOffset time, string kind, int format, LedgerResource resource, LedgerOutcome outcome,
        Actor actor, string reason, string source, string? correlation, JsonElement data)
    {
        using var json = new Utf8JsonWriter(writer, Writing);
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteString("time"u8, time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("kind"u8, kind);
        json.WriteNumber("format"u8, format);
        json.WriteStartObject("resource"u8);
        json.WriteString("kind"u8, resource.Kind);
        json.WriteString("name"u8, resource.Name);
        if (resource.Version is { } version)
        {
            json.WriteNumber("version"u8, version);
        }

        if (resource.Digest is { } digest)
        {
            json.WriteString("digest"u8, digest.ToString());
        }

        json.WriteEndObject();
        if (outcome != LedgerOutcome.Done)
        {
            json.WriteString("outcome"u8, outcome == LedgerOutcome.Denied ? "denied"u8 : "failed"u8);
        }

        json.WriteStartObject("actor"u8);
        json.WriteString("id"u8, actor.Id);
        json.WriteString("kind"u8, actor.Kind switch { ActorKind.User => "user"u8, ActorKind.Service => "service"u8, _ => "system"u8 });
        WriteOptional(json, "scheme"u8, actor.Scheme);
        WriteOptional(json, "onBehalfOf"u8, actor.OnBehalfOf);
        json.WriteEndObject();
        json.WriteString("reason"u8, reason);
        json.WriteString("source"u8, source);
        WriteOptional(json, "correlation"u8, correlation);
        json.WritePropertyName("data"u8);
        data.WriteTo(json);
        json.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}

using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>An entry as the line that stands in the ledger: the same bytes, so that it can be proven against a checkpoint of the ledger it comes from.</summary>
internal static class EntryLine
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static void Write(IBufferWriter<byte> lines, LedgerEntry entry)
    {
        using (Utf8JsonWriter json = new(lines, Writing))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, entry.Id);
            json.WriteString("time"u8, entry.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("kind"u8, entry.Kind);
            json.WriteNumber("format"u8, entry.Format);
            json.WriteStartObject("resource"u8);
            json.WriteString("kind"u8, entry.Resource.Kind);
            json.WriteString("name"u8, entry.Resource.Name);
            if (entry.Resource.Version is { } version)
            {
                json.WriteNumber("version"u8, version);
            }

            if (entry.Resource.Digest is { } digest)
            {
                json.WriteString("digest"u8, digest.ToString());
            }

            json.WriteEndObject();
            if (entry.Outcome != LedgerOutcome.Done)
            {
                json.WriteString("outcome"u8, entry.Outcome == LedgerOutcome.Denied ? "denied"u8 : "failed"u8);
            }

            json.WriteStartObject("actor"u8);
            json.WriteString("id"u8, entry.Actor.Id);
            json.WriteString("kind"u8, entry.Actor.Kind switch { ActorKind.User => "user"u8, ActorKind.Service => "service"u8, _ => "system"u8 });
            WriteOptional(json, "scheme"u8, entry.Actor.Scheme);
            WriteOptional(json, "onBehalfOf"u8, entry.Actor.OnBehalfOf);
            json.WriteEndObject();
            json.WriteString("reason"u8, entry.Reason);
            json.WriteString("source"u8, entry.Source);
            WriteOptional(json, "correlation"u8, entry.Correlation);
            json.WritePropertyName("data"u8);
            entry.Data.WriteTo(json);
            json.WriteEndObject();
        }

        lines.Write("\n"u8);
    }

    private static void WriteOptional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}

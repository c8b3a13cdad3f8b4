using System.Text;
using System.Text.Json;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>An entry's line: what is read is what was written, whichever of the two readers reads it.</summary>
public sealed class EntryCodecTests
{
    private static readonly DateTimeOffset Time = new(2026, 11, 23, 7, 8, 9, 123, TimeSpan.FromHours(2));

    private static readonly Gen<string> Text = Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 1, 20], Gen.String[1, 20].Select(Whole), Gen.String[Gen.Char["\"\\\n\t/<>&'+äß€\u2028\u00a0\u0001"], 1, 8]);

    private static readonly Gen<LedgerDraft> AnyDraft = Gen.Select(
        Gen.Select(Text, Text, Gen.Int.Nullable(), Gen.Bool).Select((kind, name, version, digest) => new LedgerResource(kind, name, version, digest ? Digest.Of(Encoding.UTF8.GetBytes(name)) : null)),
        Gen.Select(Text, Gen.Enum<ActorKind>(), Text.Null(), Text.Null()).Select((id, kind, scheme, other) => new Actor(id, kind, scheme, other)),
        Gen.Select(Text, Text.Null(), Gen.Enum<LedgerOutcome>(), Gen.Int[1, 9]),
        Gen.Dictionary(Text, Text)[0, 4].Select(d => JsonSerializer.SerializeToElement(d)),
        (resource, actor, rest, data) => new LedgerDraft("test.kind", resource, rest.Item1, data) { Actor = actor, Correlation = rest.Item2, Outcome = rest.Item3, Format = rest.Item4 });

    [Fact]
    public void Every_entry_reads_back_as_it_was_written_by_both_readers() => AnyDraft.Sample(draft =>
    {
        byte[] line = EntryCodec.Write(draft, "the-id", Time, "host/1/0.1.0");
        Assert.DoesNotContain((byte)'\n', line);
        LedgerEntry[] read = [EntryCodec.Read(line, 7, 3), EntryCodec.ReadJson(line, 7, 3)];
        foreach (LedgerEntry entry in read)
        {
            Assert.Equal((7L, 3L, "the-id", "host/1/0.1.0"), (entry.Number, entry.Commit, entry.Id, entry.Source));
            Assert.Equal((draft.Kind, draft.Resource, draft.Reason, draft.Outcome), (entry.Kind, entry.Resource, entry.Reason, entry.Outcome));
            Assert.Equal((draft.Actor, draft.Correlation, draft.Format), (entry.Actor, entry.Correlation, entry.Format));
            Assert.Equal((Time, TimeSpan.Zero), (entry.Time, entry.Time.Offset));
            Assert.True(JsonElement.DeepEquals(draft.Data, entry.Data));
        }
    });

    [Fact]
    public void An_entry_written_again_has_the_same_bytes() => AnyDraft.Sample(draft =>
    {
        byte[] line = EntryCodec.Write(draft, "id", Time, "s");
        LedgerEntry entry = EntryCodec.Read(line, 0, 0);
        var again = new LedgerDraft(entry.Kind, entry.Resource, entry.Reason, entry.Data) { Actor = entry.Actor, Correlation = entry.Correlation, Outcome = entry.Outcome, Format = entry.Format };
        Assert.Equal(line, EntryCodec.Write(again, entry.Id, entry.Time, entry.Source));
    });

    [Fact]
    public void Members_in_another_order_and_members_that_are_not_known_read_too()
    {
        LedgerEntry entry = EntryCodec.Read(
            """{ "later":[1,{"x":2}], "data":{"v":1}, "reason":"r", "source":"s","actor":{"kind":"service","new":null,"id":"a"}, "resource":{"name":"n","x":{},"kind":"k"},"format":2,"kind":"test.k","time":"2026-01-02T03:04:05Z","id":"i"}"""u8.ToArray(), 1, 1);
        Assert.Equal(("i", "test.k", 2, "r", "s", ActorKind.Service), (entry.Id, entry.Kind, entry.Format, entry.Reason, entry.Source, entry.Actor.Kind));
        Assert.Equal(1, entry.Data.GetProperty("v").GetInt32());
    }

    [Fact]
    public void A_line_without_a_member_or_with_one_of_another_type_is_no_entry()
    {
        byte[] line = EntryCodec.Write(Drafts.Of("a") with { Actor = new Actor("ann") }, "id", Time, "s");
        using var whole = JsonDocument.Parse(line);
        foreach (JsonProperty member in whole.RootElement.EnumerateObject())
        {
            foreach (string? other in new[] { null, "true", "[]" })
            {
                string changed = "{" + string.Join(',', whole.RootElement.EnumerateObject().Where(m => m.Name != member.Name || other is not null).Select(m => $"\"{m.Name}\":{(m.Name == member.Name ? other : m.Value.GetRawText())}")) + "}";
                Exception? error = Record.Exception(() => EntryCodec.Read(Encoding.UTF8.GetBytes(changed), 0, 0));
                Assert.True(error is FormatException or InvalidOperationException or JsonException, $"{changed}: {error}");
            }
        }
    }

    [Fact]
    public void Data_that_is_no_JSON_is_said_so_when_it_is_asked_for()
    {
        byte[] line = EntryCodec.Write(Drafts.Of("a") with { Actor = new Actor("ann") }, "id", Time, "s");
        string broken = Encoding.UTF8.GetString(line).Replace("\"data\":{}", "\"data\":{oops}", StringComparison.Ordinal);
        LedgerEntry entry = EntryCodec.Read(Encoding.UTF8.GetBytes(broken), 5, 0);
        MlopsIntegrityException error = Assert.Throws<MlopsIntegrityException>(() => entry.Data);
        Assert.Equal("ledger.unreadable_data", error.Code);
    }

    /// <summary>Takes out halves of characters, which JSON cannot carry.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}

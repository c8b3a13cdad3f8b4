using System.Text;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>What an entry must be before it is written.</summary>
internal static class DraftRules
{
    private const int MaxReason = 4_000;
    private const int MaxName = 512;
    private const int MaxData = 1 << 20;

    internal static LedgerDraft Check(LedgerDraft draft, Actor current)
    {
        ArgumentNullException.ThrowIfNull(draft);
        if (draft.Kind is not { Length: > 0 and <= 64 } || draft.Kind.Any(c => !(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '.')))
        {
            throw Invalid("kind", "1 to 64 of a-z, 0-9, '_' and '.'");
        }

        if (string.IsNullOrWhiteSpace(draft.Reason))
        {
            throw new MlopsException("ledger.reason_required", $"'{draft.Kind}' of {draft.Resource} needs a reason; none was given. Say in a few words why, so that the history can be understood.");
        }

        if (draft.Reason.Length > MaxReason)
        {
            throw Invalid("reason", $"at most {MaxReason} characters");
        }

        if (draft.Resource is not { Kind.Length: > 0 and <= 64, Name.Length: > 0 and <= MaxName })
        {
            throw Invalid("resource", $"a kind of 1 to 64 and a name of 1 to {MaxName} characters");
        }

        if (draft.Id is { } id && (id.Length is 0 or > 128 || id.Any(char.IsControl)))
        {
            throw Invalid("id", "1 to 128 characters");
        }

        if (draft.Data.ValueKind != JsonValueKind.Object || Encoding.UTF8.GetByteCount(draft.Data.GetRawText()) > MaxData)
        {
            throw Invalid("data", $"a JSON object of at most {MaxData} bytes");
        }

        Actor actor = draft.Actor ?? current;
        return actor.Id is { Length: > 0 and <= 256 }
            ? draft with { Actor = actor }
            : throw Invalid("actor", "an id of 1 to 256 characters");
    }

    /// <summary>Checks the drafts of one append together.</summary>
    internal static void CheckAppend(LedgerDraft[] drafts)
    {
        if (drafts.Length > CommitCodec.MaxEntries)
        {
            throw new MlopsException("ledger.invalid_entry", $"One append has {drafts.Length} entries, 1 to {CommitCodec.MaxEntries} are allowed. Split it.");
        }

        if (drafts.Length > 1 && drafts.Where(d => d.Id is not null).GroupBy(d => d.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new MlopsException("ledger.invalid_entry", $"Two entries of one append have the id '{twice.Key}'. Ids name one entry each; nothing was written.");
        }
    }

    /// <summary>Writes the lines of an append and reads them as every later reader will: what would not read must not be written, for it could never be taken back.</summary>
    internal static (byte[][] Lines, LedgerEntry[] Entries) Encode(LedgerDraft[] drafts, Func<LedgerDraft, byte[]> write, long first, long commit)
    {
        byte[][] lines;
        LedgerEntry[] entries;
        try
        {
            lines = [.. drafts.Select(write)];
            entries = [.. lines.Select((line, i) => EntryCodec.Read(line, first + i, commit))];
            if (Array.Find(entries, e => e.Data.ValueKind != JsonValueKind.Object) is { } bad)
            {
                throw new FormatException($"the data of '{bad.Kind}' is no object");
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or MlopsIntegrityException)
        {
            throw new MlopsException("ledger.invalid_entry", $"An entry of the append '{drafts[0].Kind}' of {drafts[0].Resource} would not read back: {error.Message} Data may be nested {LedgerEntry.MaxDataDepth} levels deep. Nothing was written.", error);
        }

        return lines.Sum(l => l.Length + 1L) <= CommitCodec.MaxEntryBytes
            ? (lines, entries)
            : throw new MlopsException("ledger.invalid_entry", $"The {lines.Length} entries of one append have {lines.Sum(l => (long)l.Length)} bytes, {CommitCodec.MaxEntryBytes} are allowed. Split it, or store what is large as an artifact and write its digest.");
    }

    private static MlopsException Invalid(string what, string rule) =>
        new("ledger.invalid_entry", $"The {what} of a ledger entry must be {rule}; what was given is not. Nothing was written.");
}

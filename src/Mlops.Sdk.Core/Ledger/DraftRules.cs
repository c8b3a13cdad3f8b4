using System.Text;

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

        if (draft.Data.ValueKind != System.Text.Json.JsonValueKind.Object || Encoding.UTF8.GetByteCount(draft.Data.GetRawText()) > MaxData)
        {
            throw Invalid("data", $"a JSON object of at most {MaxData} bytes");
        }

        Actor actor = draft.Actor ?? current;
        return actor.Id is { Length: > 0 and <= 256 }
            ? draft with { Actor = actor }
            : throw Invalid("actor", "an id of 1 to 256 characters");
    }

    private static MlopsException Invalid(string what, string rule) =>
        new("ledger.invalid_entry", $"The {what} of a ledger entry must be {rule}; what was given is not. Nothing was written.");
}

namespace Mlops.Sdk;

/// <summary>What kind of thing a verification found.</summary>
public enum StoreFindingKind
{
    /// <summary>The bytes are not what was written.</summary>
    Damaged,

    /// <summary>Something names the object, and it is not there.</summary>
    Missing,

    /// <summary>The bytes are whole and contradict something else: a history that was rewritten or cut, a place behind the end of the ledger, a file of another length than its manifest says.</summary>
    Contradiction,

    /// <summary>A newer version of the library wrote it: this one cannot tell whether it is good.</summary>
    NewerFormat,

    /// <summary>It could not be checked, because the medium failed or because something that it hangs on is damaged.</summary>
    NotChecked,

    /// <summary>It is whole, and the ledger does not name it: a writer is between the store and the ledger, or was killed there.</summary>
    NotCommitted,

    /// <summary>It is whole and no longer needed: what was deleted or can be made again.</summary>
    Surplus,

    /// <summary>Nobody knows it by its key: a foreign file, or an object of a package that is not installed here.</summary>
    Unknown,
}

/// <summary>How bad a finding is.</summary>
public enum StoreFindingSeverity
{
    /// <summary>Nothing is lost: the object can be removed, or becomes useful by itself.</summary>
    Leftover,

    /// <summary>Whether something is lost is not known.</summary>
    Unchecked,

    /// <summary>Something that was written is gone or was changed.</summary>
    Damage,
}

/// <summary>One thing that a verification of a store found.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Key">The key of the object; for a file in the folder of a store that is no object, its path below that folder.</param>
/// <param name="Expected">What should be there.</param>
/// <param name="Found">What is there.</param>
/// <param name="Advice">What to do about it.</param>
public sealed record StoreFinding(StoreFindingKind Kind, string Key, string Expected, string Found, string Advice)
{
    /// <summary>Gets the area that the object belongs to: that of the inspector, or <c>unknown</c>.</summary>
    public string Area { get; init; } = "unknown";

    /// <summary>Gets how bad it is.</summary>
    public StoreFindingSeverity Severity => Kind switch
    {
        StoreFindingKind.Damaged or StoreFindingKind.Missing or StoreFindingKind.Contradiction => StoreFindingSeverity.Damage,
        StoreFindingKind.NewerFormat or StoreFindingKind.NotChecked => StoreFindingSeverity.Unchecked,
        _ => StoreFindingSeverity.Leftover,
    };

    /// <summary>Returns the finding in one line.</summary>
    /// <returns>The severity, the kind, the key, what was expected and found, and the advice.</returns>
    public override string ToString() => $"{Severity}: {Kind} '{Key}': expected {Expected}; found {Found}. {Advice}";

    /// <summary>An object whose key nobody knows.</summary>
    internal static StoreFinding UnknownObject(ObjectKey key, string why) => new(
        StoreFindingKind.Unknown, key.Value, "no such object", why, "Nothing of this library reads it. Find out who wrote it, and remove it if nobody needs it.");
}

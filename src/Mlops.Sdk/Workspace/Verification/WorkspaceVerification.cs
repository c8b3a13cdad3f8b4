namespace Mlops.Sdk;

/// <summary>What a verification of a whole workspace found.</summary>
/// <param name="Ledger">How the ledger was found. Keep its <see cref="LedgerVerification.Checkpoint"/> elsewhere to verify against it later.</param>
/// <param name="Areas">What was looked at, by area, in order of their names.</param>
/// <param name="Findings">What was found: damage first, then what could not be checked, then leftovers, each by key. At most 2,000; one for each object.</param>
/// <param name="NotListed">How many findings there are besides <paramref name="Findings"/>.</param>
public sealed record WorkspaceVerification(LedgerVerification Ledger, IReadOnlyList<AreaVerification> Areas, IReadOnlyList<StoreFinding> Findings, long NotListed)
{
    /// <summary>Gets whether everything was checked and is what was written. Leftovers do no harm and are not counted here.</summary>
    public bool Ok => Areas.All(a => a.Damaged == 0 && a.Unchecked == 0);

    /// <summary>Gets how many objects there are.</summary>
    public long Objects => Areas.Sum(a => a.Objects);

    /// <summary>Gets how many bytes were read.</summary>
    public long Bytes => Areas.Sum(a => a.Bytes);
}

/// <summary>What was looked at in one area.</summary>
/// <param name="Area">The area, such as <c>artifacts</c>; <c>unknown</c> for objects that nobody knows.</param>
/// <param name="Objects">How many objects it has.</param>
/// <param name="Bytes">How many bytes of them were read.</param>
/// <param name="Damaged">How many findings are damage.</param>
/// <param name="Unchecked">How many could not be checked.</param>
/// <param name="Leftovers">How many are leftovers.</param>
public sealed record AreaVerification(string Area, long Objects, long Bytes, long Damaged, long Unchecked, long Leftovers);

/// <summary>How far a verification is. How much there is, is not known before the end.</summary>
/// <param name="Objects">How many objects were looked at.</param>
/// <param name="Bytes">How many bytes were read.</param>
/// <param name="Findings">How many things were found.</param>
public readonly record struct WorkspaceVerificationProgress(long Objects, long Bytes, long Findings);

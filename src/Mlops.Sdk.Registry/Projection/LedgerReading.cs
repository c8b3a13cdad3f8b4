using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Registry;

internal static class LedgerReading
{
    /// <summary>Entries between two wanted ones that are read and passed over rather than starting to read anew.</summary>
    private const long Gap = 4_096;

    /// <summary>Reads the entries of given numbers, in rising order: neighbours in one go, and nothing of a long stretch that has none of them.</summary>
    internal static async IAsyncEnumerable<LedgerEntry> ReadThoseAsync(this ILedger ledger, long[] numbers, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int next = 0;
        while (next < numbers.Length)
        {
            int before = next;
            await foreach (LedgerEntry entry in ledger.ReadAsync(numbers[next], cancellationToken).ConfigureAwait(false))
            {
                if (entry.Number == numbers[next])
                {
                    next++;
                    yield return entry;
                    if (next == numbers.Length || numbers[next] - entry.Number > Gap)
                    {
                        break;
                    }
                }
            }

            if (next == before)
            {
                throw new MlopsIntegrityException("registry.entry_missing", $"Entry {numbers[next]} was read when the ledger was opened and is not there any more. Verify the ledger; somebody may have replaced it by an older copy.");
            }
        }
    }
}

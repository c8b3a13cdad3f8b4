namespace Mlops.Sdk;

/// <summary>Where the ledger's objects are.</summary>
internal static class LedgerKeys
{
    internal const string Commits = "ledger/commits/";
}

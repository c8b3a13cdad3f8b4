using System.Text.Json;

namespace Mlops.Sdk.Core.Tests.Ledger;

internal static class Drafts
{
    private static readonly JsonElement Nothing = JsonDocument.Parse("{}").RootElement;

    internal static LedgerDraft Of(string name, int value = 0) => new(
        "test.happened", new LedgerResource("thing", name), "to see", value == 0 ? Nothing : JsonDocument.Parse($$"""{"value":{{value}}}""").RootElement);
}

/// <summary>Holds the last value written.</summary>
internal sealed class Counter : ILedgerProjection
{
    internal int Value { get; private set; }

    internal List<long> Seen { get; } = [];

    public void Apply(LedgerEntry entry)
    {
        Seen.Add(entry.Number);
        Value = entry.Data.TryGetProperty("value", out JsonElement value) ? value.GetInt32() : Value;
    }
}

namespace Mlops.Sdk.Registry;

internal enum MatchField
{
    Model,
    Alias,
    Owner,
    Task,
    Stage,
    State,
    Algorithm,
    Format,
    Run,
    By,
    Dataset,
    Drift,
    Tag,
}

internal enum NumberField
{
    Metric,
    Version,
    Approvals,
    Rows,
    Rating,
    Ratings,
    Requests,
}

internal enum FlagField
{
    Deprecated,
    Approved,
    Signed,
    Live,
}

internal sealed record AllFilter() : CatalogFilter(1, 1);

internal sealed record WordFilter(string Text) : CatalogFilter(1, 1);

internal sealed record PhraseFilter(string Text) : CatalogFilter(1, 1);

internal sealed record MatchFilter(MatchField Field, string? Key, string Pattern, bool MatchCase) : CatalogFilter(1, 1);

internal sealed record NumberFilter(NumberField Field, string? Key, CatalogComparison Comparison, double Value) : CatalogFilter(1, 1);

internal sealed record TimeFilter(CatalogComparison Comparison, long Ticks) : CatalogFilter(1, 1);

internal sealed record AgeFilter(CatalogComparison Comparison, long Minutes) : CatalogFilter(1, 1);

internal sealed record FlagFilter(FlagField Field, bool Wanted) : CatalogFilter(1, 1);

internal sealed record NotFilter(CatalogFilter Inner) : CatalogFilter(Inner.Depth + 1, Inner.Terms);

internal sealed record AndFilter(CatalogFilter[] Items) : CatalogFilter(Items.Max(i => i.Depth) + 1, Items.Sum(i => i.Terms))
{
    public bool Equals(AndFilter? other) => other is not null && Items.AsSpan().SequenceEqual(other.Items);

    public override int GetHashCode() => Items.Aggregate(1, HashCode.Combine);
}

internal sealed record OrFilter(CatalogFilter[] Items) : CatalogFilter(Items.Max(i => i.Depth) + 1, Items.Sum(i => i.Terms))
{
    public bool Equals(OrFilter? other) => other is not null && Items.AsSpan().SequenceEqual(other.Items);

    public override int GetHashCode() => Items.Aggregate(2, HashCode.Combine);
}

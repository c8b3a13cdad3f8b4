namespace Mlops.Sdk.Monitoring;

/// <summary>What was counted about raw rows, before they were encoded for the model. Counts only: no value of a row is kept. Immutable.</summary>
public sealed record RawQuality
{
    /// <summary>Gets how many rows were counted.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the columns in order of their first row.</summary>
    public required IReadOnlyList<RawColumnQuality> Columns { get; init; }

    /// <summary>Gets how many rows were checked against a contract.</summary>
    public long ContractRows { get; init; }

    /// <summary>Gets how many rows break each rule of the contract.</summary>
    public IReadOnlyDictionary<string, long> Violations { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Gets how many different rows there are: exact up to 16,384, an estimate with a standard error of about 1 % beyond.</summary>
    public required double DistinctRows { get; init; }

    /// <summary>Gets whether <see cref="DistinctRows"/> is exact.</summary>
    public required bool DistinctIsExact { get; init; }

    /// <summary>Gets when the newest row came, or null without rows.</summary>
    public DateTimeOffset? NewestRow { get; init; }

    /// <summary>Gets the newest event time among the rows, or null when none was named.</summary>
    public DateTimeOffset? NewestEvent { get; init; }

    /// <summary>Gets the share of rows that repeat an earlier one, in [0, 1].</summary>
    public double DuplicateShare => Rows == 0 ? 0 : Math.Clamp(1 - (DistinctRows / Rows), 0, 1);
}

/// <summary>What was counted about one raw column.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Missing">Rows without a value.</param>
/// <param name="Numbers">Rows with a number.</param>
/// <param name="Infinite">Those of the numbers that are infinite.</param>
/// <param name="Texts">Rows with a text.</param>
/// <param name="NumericTexts">Those of the texts that read as a number.</param>
/// <param name="Times">Rows with a date or time.</param>
public sealed record RawColumnQuality(string Name, long Missing, long Numbers, long Infinite, long Texts, long NumericTexts, long Times)
{
    /// <summary>Gets how many rows have a value.</summary>
    public long Values => Numbers + Texts + Times;
}

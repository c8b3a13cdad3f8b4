using System.IO.Hashing;
using System.Text;

namespace Mlops.Sdk.Data;

/// <summary>Rows for training and rows for testing.</summary>
/// <param name="Train">The training rows' indexes, ascending.</param>
/// <param name="Test">The test rows' indexes, ascending.</param>
public sealed record Split(int[] Train, int[] Test)
{
    /// <summary>Splits by time: the last share of rows is the test. Rows of one instant stay together, so no training row is as late as a test row.</summary>
    /// <param name="time">The time of each row; rows without one are refused.</param>
    /// <param name="test">The share of test rows, in (0, 1).</param>
    /// <returns>The split.</returns>
    /// <exception cref="MlopsDataException">A row has no time (<c>data.time_missing</c>), or one side would be empty (<c>data.cannot_split</c>).</exception>
    public static Split ByTime(TimeColumn time, double test)
    {
        ArgumentNullException.ThrowIfNull(time);
        CheckShare(test);
        if (Array.IndexOf(time.Ticks, TimeColumn.Missing) is var missing and >= 0)
        {
            throw new MlopsDataException("data.time_missing", $"Row {missing} has no '{time.Name}'; a split by time needs one in every row. Demand it in the contract with NotNull.");
        }

        long[] sorted = [.. time.Ticks];
        Array.Sort(sorted);
        int cut = sorted.Length - (int)Math.Round(sorted.Length * test);
        long border = cut < sorted.Length ? sorted[cut] : long.MaxValue;
        return Make(time.Rows, row => time.Ticks[row] >= border);
    }

    /// <summary>Splits at random by a hash of a key per row: one seed gives one split, whatever the order of the rows, and rows of one key stay together.</summary>
    /// <param name="keys">The key of each row.</param>
    /// <param name="test">The share of test rows, in (0, 1), met in expectation.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>The split.</returns>
    /// <exception cref="MlopsDataException">One side would be empty; code <c>data.cannot_split</c>.</exception>
    public static Split ByKey(IReadOnlyList<string> keys, double test, int seed)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckShare(test);
        return Make(keys.Count, row => Uniform(keys[row], seed) < test);
    }

    private static double Uniform(string key, int seed)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        return (XxHash3.HashToUInt64(bytes, seed) >> 11) * (1.0 / (1UL << 53));
    }

    private static void CheckShare(double test)
    {
        if (!(test > 0 && test < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(test), test, "The share of test rows is between 0 and 1, both excluded.");
        }
    }

    private static Split Make(int rows, Func<int, bool> isTest)
    {
        var train = new List<int>(rows);
        var test = new List<int>();
        for (int row = 0; row < rows; row++)
        {
            (isTest(row) ? test : train).Add(row);
        }

        return train.Count > 0 && test.Count > 0
            ? new Split([.. train], [.. test])
            : throw new MlopsDataException("data.cannot_split", $"{rows} rows give {train.Count} training and {test.Count} test rows; both need at least one. Use more rows or another share.");
    }
}

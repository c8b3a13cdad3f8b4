namespace Mlops.Sdk.Data;

/// <summary>A column that says more about the label than it could know when the question is asked.</summary>
/// <param name="Column">The column.</param>
/// <param name="Block">True when it must not be trained on; false when a person should look.</param>
/// <param name="Reason">Why, with numbers, for a person.</param>
public sealed record LeakFinding(string Column, bool Block, string Reason);

/// <summary>Finds columns that leak the label.</summary>
/// <remarks>
/// Two patterns. A column that alone ranks the label almost perfectly (area under the ROC curve above 0.98 blocks, above 0.9 warns). And a
/// column that is filled in afterwards: at its default (zero or missing) in at least 90 % of rows, while among the others the label is
/// decided: at least half of them are positive, and the lower end of the rate's Wilson 95 % interval is at least 3 times the base rate. A
/// column of the same pattern whose filled rows lie, at least half of them, within those of a blocked one goes with it.
/// Source of the interval: E. B. Wilson, JASA 22 (1927).
/// </remarks>
public static class LeakageScreen
{
    private const double DefaultShare = 0.9;
    private const double Lift = 3;
    private const double Decided = 0.5;
    private const double Contained = 0.5;

    /// <summary>Looks at every column.</summary>
    /// <param name="table">The rows; training rows only, so that the screen learns nothing from the test.</param>
    /// <param name="label">The label of each row, shape [rows].</param>
    /// <param name="columns">The names of the columns to look at.</param>
    /// <returns>What was found, blocking findings first.</returns>
    public static IReadOnlyList<LeakFinding> Find(Table table, ReadOnlySpan<bool> label, IReadOnlyCollection<string> columns)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(columns);
        bool[] labels = label.ToArray();
        int positives = labels.Count(l => l);
        if (positives == 0 || positives == labels.Length)
        {
            return [];
        }

        double baseRate = (double)positives / labels.Length;
        var findings = new List<LeakFinding>();
        var filled = new Dictionary<string, bool[]>(StringComparer.Ordinal);
        foreach (string name in columns)
        {
            Column column = table[name];
            if (FilledRows(column) is { } rows && rows.Count(r => r) is var count && count >= 10 && count <= rows.Length * (1 - DefaultShare))
            {
                filled[name] = rows;
                int hits = labels.Where((l, i) => l && rows[i]).Count();
                double rate = (double)hits / count;
                if (rate >= Decided && WilsonLower(hits, count) >= Lift * baseRate)
                {
                    findings.Add(new LeakFinding(name, true, FormattableString.Invariant($"filled in afterwards: it has a value in {count} of {rows.Length} rows, and {rate:P0} of those are positive against {baseRate:P1} of all")));
                    continue;
                }
            }

            double auc = RankingPower(column, labels);
            if (auc > 0.9)
            {
                findings.Add(new LeakFinding(name, auc > 0.98, FormattableString.Invariant($"it alone ranks the label with an area under the ROC curve of {auc:0.000}")));
            }
        }

        foreach ((string name, bool[] rows) in filled.Where(f => findings.TrueForAll(x => x.Column != f.Key)))
        {
            int count = rows.Count(r => r);
            LeakFinding? parent = findings.Find(f => f.Block && filled.TryGetValue(f.Column, out bool[]? other) && rows.Where((r, i) => r && other[i]).Count() >= Contained * count);
            if (parent is not null)
            {
                findings.Add(new LeakFinding(name, true, $"it is filled in together with '{parent.Column}', which leaks"));
            }
        }

        return [.. findings.OrderByDescending(f => f.Block)];
    }

    /// <summary>Which rows of a number column hold something else than zero and missing; null for other columns.</summary>
    private static bool[]? FilledRows(Column column) => column is NumberColumn numbers
        ? Array.ConvertAll(numbers.Values, v => !double.IsNaN(v) && v != 0)
        : null;

    private static double WilsonLower(int hits, int count)
    {
        const double z = 1.959963984540054;
        double p = (double)hits / count;
        double z2 = z * z / count;
        return (p + (z2 / 2) - (z * Math.Sqrt((p * (1 - p) / count) + (z2 / (4 * count))))) / (1 + z2);
    }

    /// <summary>The area under the ROC curve of the column alone: by value for numbers and times, by the label rate of each category, computed without the row itself, for texts.</summary>
    private static double RankingPower(Column column, bool[] labels)
    {
        double[] scores = column switch
        {
            NumberColumn numbers => numbers.Values,
            TimeColumn times => Array.ConvertAll(times.Ticks, t => t == TimeColumn.Missing ? double.NaN : t),
            TextColumn texts => LeaveOneOutRates(texts, labels),
            _ => [],
        };
        double auc = AreaUnderCurve(scores, labels);
        return column is TextColumn ? auc : Math.Max(auc, 1 - auc);
    }

    private static double[] LeaveOneOutRates(TextColumn column, bool[] labels)
    {
        double baseRate = (double)labels.Count(l => l) / labels.Length;
        int[] counts = new int[column.Dictionary.Length + 1];
        int[] hits = new int[column.Dictionary.Length + 1];
        for (int i = 0; i < labels.Length; i++)
        {
            counts[column.Codes[i] + 1]++;
            hits[column.Codes[i] + 1] += labels[i] ? 1 : 0;
        }

        // shrunk towards the base rate by ten rows, so that rare categories say little
        double[] rates = new double[labels.Length];
        for (int i = 0; i < rates.Length; i++)
        {
            int code = column.Codes[i] + 1;
            rates[i] = (hits[code] - (labels[i] ? 1 : 0) + (10 * baseRate)) / (counts[code] - 1 + 10);
        }

        return rates;
    }

    private static double AreaUnderCurve(double[] scores, bool[] labels)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length)];
        double[] keys = Array.ConvertAll(scores, s => double.IsNaN(s) ? double.NegativeInfinity : s);
        Array.Sort(keys, order);
        double rankSum = 0;
        long positives = 0;
        for (int i = 0; i < order.Length;)
        {
            int end = i;
            while (end < order.Length && keys[end] == keys[i])
            {
                end++;
            }

            double middle = (i + 1 + end) / 2.0;
            for (; i < end; i++)
            {
                if (labels[order[i]])
                {
                    rankSum += middle;
                    positives++;
                }
            }
        }

        long negatives = scores.Length - positives;
        return positives == 0 || negatives == 0 ? 0.5 : (rankSum - (positives * (positives + 1) / 2.0)) / ((double)positives * negatives);
    }
}

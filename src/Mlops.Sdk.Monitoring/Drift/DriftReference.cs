using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>A table sorted and counted once, to be compared with many others. Immutable; any thread may read it.</summary>
/// <remarks>Holds 8 bytes a number and the counts of each text. Times are taken as seconds since 0001 and are not judged, since time always moves.</remarks>
public sealed class DriftReference
{
    private const int MaxCategories = 1_000;

    private DriftReference(long rows, ColumnReference[] columns)
    {
        Rows = rows;
        Columns = columns;
    }

    /// <summary>Gets how many rows it has.</summary>
    public long Rows { get; }

    internal IReadOnlyList<ColumnReference> Columns { get; }

    /// <summary>Sorts and counts a table, on all cores.</summary>
    /// <param name="table">The table.</param>
    /// <param name="roles">Which columns are predictions (<see cref="FeatureRole.Output"/>) or the truth (<see cref="FeatureRole.Label"/>), by name; the others are inputs.</param>
    /// <returns>The reference.</returns>
    public static DriftReference Of(Table table, IReadOnlyDictionary<string, FeatureRole>? roles = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        var columns = new ColumnReference[table.Columns.Count];
        Parallel.For(0, columns.Length, i => columns[i] = Of(table.Columns[i], roles?.GetValueOrDefault(table.Columns[i].Name) ?? FeatureRole.Input));
        return new DriftReference(table.Rows, columns);
    }

    private static ColumnReference Of(Column column, FeatureRole role)
    {
        if (column is not TextColumn text)
        {
            return new ColumnReference(column.Name, role, column is TimeColumn, Sort(column), null, null);
        }

        (long[] counts, long missing) = Count(text);
        int[] kept = [.. Enumerable.Range(0, counts.Length).Where(i => counts[i] > 0).OrderByDescending(i => counts[i]).ThenBy(i => text.Dictionary[i], StringComparer.Ordinal)];
        var categories = new ReferenceFeature
        {
            Name = column.Name,
            Kind = InputKind.Text,
            Role = role,
            Categories = [.. kept.Take(MaxCategories).Select(i => text.Dictionary[i])],
            CategoryCounts = [.. kept.Take(MaxCategories).Select(i => counts[i])],
            Other = kept.Skip(MaxCategories).Sum(i => counts[i]),
            Missing = missing,
        };
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < categories.Categories.Length; i++)
        {
            codes[categories.Categories[i]] = i;
        }

        return new ColumnReference(column.Name, role, false, null, categories, codes);
    }

    internal static SortedSample Sort(Column column) => column switch
    {
        NumberColumn number => SortedSample.Of(number.Values),
        TimeColumn time => SortedSample.Of(Array.ConvertAll(time.Ticks, t => t == TimeColumn.Missing ? double.NaN : t / (double)TimeSpan.TicksPerSecond)),
        _ => SortedSample.Of(new double[column.Rows].AsSpan()),
    };

    internal static (long[] Counts, long Missing) Count(TextColumn text)
    {
        int[] counts = new int[text.Dictionary.Length + 1]; // the first for missing ones: code -1
        foreach (int code in text.Codes)
        {
            counts[code + 1]++;
        }

        return (Array.ConvertAll(counts[1..], c => (long)c), counts[0]);
    }
}

/// <summary>One column of a reference: sorted numbers, or counted categories with their places.</summary>
internal sealed record ColumnReference(string Name, FeatureRole Role, bool IsTime, SortedSample? Numbers, ReferenceFeature? Categories, Dictionary<string, int>? Codes);

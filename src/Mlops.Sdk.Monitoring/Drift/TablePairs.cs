using System.Diagnostics.CodeAnalysis;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Pairs the columns of two tables.</summary>
internal static class TablePairs
{
    internal static List<FeatureComparison> Of(DriftReference reference, Table current, DriftOptions drift)
    {
        var pairs = new FeatureComparison[reference.Columns.Count];
        string[] lacking = [.. reference.Columns.Where(c => current.Find(c.Name) is not { } found || !Fits(c, found)).Select(c => c.Name)];
        if (lacking.Length > 0)
        {
            throw new MlopsDataException("monitoring.columns_differ", $"The table is compared column by column with a reference that has {string.Join(", ", lacking.Take(5))}{(lacking.Length > 5 ? $" and {lacking.Length - 5} more" : string.Empty)}, as {string.Join(" or ", reference.Columns.Where(c => lacking.Contains(c.Name)).Select(KindOf).Distinct())}; the table found lacks them or holds something else there. It has: {string.Join(", ", current.Columns.Take(20).Select(c => c.Name))}. Read both with one schema, or leave the columns out of the reference.");
        }

        Parallel.For(0, pairs.Length, i =>
        {
            ColumnReference before = reference.Columns[i];
            Column now = current[before.Name];
            FeaturePair pair = before.Numbers is null
                ? new CategoryPair(before, now, reference.Rows, drift.EmptyShare)
                : new SamplePair(before, now, reference.Rows, drift.EmptyShare);
            pairs[i] = new FeatureComparison(pair, drift);
        });
        return [.. pairs];
    }

    private static string KindOf(ColumnReference column) => column.Numbers is null ? "text" : column.IsTime ? "time" : "number";

    private static bool Fits(ColumnReference reference, Column found) => reference.Numbers is null
        ? found is TextColumn || AllMissing(found)
        : (found is TimeColumn && reference.IsTime) || (found is NumberColumn && !reference.IsTime) || AllMissing(found);

    internal static bool AllMissing(Column column)
    {
        for (int row = 0; row < column.Rows; row++)
        {
            if (!column.IsMissing(row))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A column of numbers in both tables: every number is there.</summary>
internal sealed class SamplePair : FeaturePair
{
    private const int BinCount = 10;
    private const int FewValues = 5;
    private const int SmallReference = 1_000;

    private readonly SortedSample _before;
    private readonly SortedSample _now;
    private EdfDistances? _distances;

    [SetsRequiredMembers]
    internal SamplePair(ColumnReference reference, Column current, long referenceRows, double emptyShare)
    {
        _before = reference.Numbers!;
        _now = TablePairs.AllMissing(current) ? SortedSample.Of(Enumerable.Repeat(double.NaN, current.Rows).ToArray().AsSpan()) : DriftReference.Sort(current);
        Name = reference.Name;
        Kind = InputKind.Number;
        Role = reference.Role;
        IsTime = reference.IsTime;
        ReferenceRows = referenceRows;
        Rows = current.Rows;
        EmptyShare = emptyShare;
        Outside = [(ShareKind.Missing, _before.Missing, _now.Missing), (ShareKind.Infinite, _before.Infinite, _now.Infinite)];
        double[] edges = QuantileBins.EdgesOf(_before, BinCount);
        long[] before = _before.CountIn(edges);
        long[] now = _now.CountIn(edges);
        bool constant = edges.Length == 2 && edges[0] == Math.BitDecrement(edges[1]);
        Bins = [.. before.Select((count, i) => new DriftBin(LabelOf(edges, i, constant), count, now[i]))];
        Reference = SampleMoments.Of(_before);
        Current = SampleMoments.Of(_now);
    }

    private EdfDistances Distances => _distances ??= EdfDistances.Of(_before.Values, _now.Values);

    internal override DriftMethod? BySize()
    {
        int values = _before.Distinct > FewValues ? _before.Distinct : Values(_before, _now);
        return ReferenceRows <= SmallReference
            ? (values > FewValues ? DriftMethod.KolmogorovSmirnov : values == 2 ? DriftMethod.ShareZ : DriftMethod.ChiSquare)
            : values > FewValues ? DriftMethod.NormalizedWasserstein : DriftMethod.NaturalJensenShannon;
    }

    protected override DriftStatistic? MeasureSamples(DriftMethod method)
    {
        switch (method)
        {
            case DriftMethod.KolmogorovSmirnov:
                return Of(method, _before.Count == 0 || _now.Count == 0 ? TwoSampleResult.Untested : TwoSample.KolmogorovSmirnov(Distances, _before.Count, _now.Count), DriftBasis.Samples);
            case DriftMethod.CramerVonMises:
                return Of(method, TwoSample.CramerVonMises(_before, _now), DriftBasis.Samples);
            case DriftMethod.AndersonDarling:
                return Of(method, TwoSample.AndersonDarling(_before, _now), DriftBasis.Samples);
            case DriftMethod.EppsSingleton:
                return Of(method, TwoSample.EppsSingleton(_before, _now), DriftBasis.Samples);
            case DriftMethod.MannWhitney:
                return Of(method, TwoSample.MannWhitney(_before, _now), DriftBasis.Samples);
            case DriftMethod.Wasserstein:
                return new DriftStatistic(method, Distances.Wasserstein);
            case DriftMethod.NormalizedWasserstein:
                return new DriftStatistic(method, TwoSample.Normalize(Distances.Wasserstein, _before.StandardDeviation));
            case DriftMethod.Energy:
                return new DriftStatistic(method, Distances.Energy);
            case DriftMethod.JointPopulationStability:
                (long[] r, long[] c) = JointBins.Of(_before, _now);
                return new DriftStatistic(method, JointBins.PopulationStability(r, c));
            case DriftMethod.NaturalJensenShannon or DriftMethod.ChiSquare or DriftMethod.ShareZ or DriftMethod.GTest or DriftMethod.FisherExact when _before.Distinct <= FewValues && _before.Count > 0 && _now.Count > 0:
                (long[] before, long[] now) = JointBins.Of(_before, _now); // a bin for each value
                return MeasureBins(method, before, now, DriftBasis.Samples);
            default:
                return null;
        }
    }

    private static int Values(SortedSample before, SortedSample now)
    {
        int values = 0;
        var runs = new PooledRuns(before.Values, now.Values);
        while (values <= FewValues && runs.Next())
        {
            values++;
        }

        return values;
    }
}

/// <summary>A column of texts in both tables.</summary>
internal sealed class CategoryPair : FeaturePair
{
    private const int SmallReference = 1_000;

    private readonly long[] _allBefore;
    private readonly long[] _allNow;

    [SetsRequiredMembers]
    internal CategoryPair(ColumnReference reference, Column current, long referenceRows, double emptyShare)
    {
        ReferenceFeature before = reference.Categories!;
        long[] counts = new long[before.Categories.Length];
        long unseen = 0;
        long missing = current.Rows;
        if (current is TextColumn text)
        {
            (long[] byCode, missing) = DriftReference.Count(text);
            for (int code = 0; code < byCode.Length; code++)
            {
                if (byCode[code] > 0 && reference.Codes!.TryGetValue(text.Dictionary[code], out int place))
                {
                    counts[place] += byCode[code];
                }
                else
                {
                    unseen += byCode[code];
                }
            }
        }

        Name = reference.Name;
        Kind = InputKind.Text;
        Role = reference.Role;
        ReferenceRows = referenceRows;
        Rows = current.Rows;
        EmptyShare = emptyShare;
        JudgesUnseen = before.Other == 0;
        Outside = [(ShareKind.Missing, before.Missing, missing), (ShareKind.Unseen, before.CategoryCounts.LongCount(c => c == 1), unseen)];
        Bins = CategoryBins(before, counts, counts.Sum(), unseen);
        bool more = unseen + before.Other > 0;
        _allBefore = more ? [.. before.CategoryCounts, before.Other] : before.CategoryCounts;
        _allNow = more ? [.. counts, unseen] : counts;
    }

    internal override DriftMethod? BySize() =>
        ReferenceRows > SmallReference ? DriftMethod.NaturalJensenShannon : _allBefore.Length == 2 ? DriftMethod.ShareZ : DriftMethod.ChiSquare;

    protected override DriftStatistic? MeasureSamples(DriftMethod method) =>
        method is DriftMethod.PopulationStability or DriftMethod.KullbackLeibler ? null : MeasureBins(method, _allBefore, _allNow, DriftBasis.Samples);
}

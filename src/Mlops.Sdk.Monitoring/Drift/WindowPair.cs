using System.Diagnostics.CodeAnalysis;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>A feature of a profile and of a window: counts over the reference's bins, and moments.</summary>
internal sealed class WindowPair : FeaturePair
{
    [SetsRequiredMembers]
    internal WindowPair(ReferenceFeature reference, WindowFeature current, long referenceRows, long rows, double emptyShare)
    {
        Name = reference.Name;
        Kind = reference.Kind;
        Role = reference.Role;
        ReferenceRows = referenceRows;
        Rows = rows;
        EmptyShare = emptyShare;
        JudgesUnseen = reference.Other == 0;
        Outside =
        [
            (ShareKind.Missing, reference.Missing, current.Missing),
            (ShareKind.Infinite, reference.Infinite, current.Infinite),
            (ShareKind.Unseen, reference.CategoryCounts.LongCount(c => c == 1), current.Unseen),
        ];
        if (Kind == InputKind.Text)
        {
            Bins = CategoryBins(reference, current.Counts, current.Values, current.Unseen);
            return;
        }

        double[] edges = Array.ConvertAll(reference.Edges, e => (double)e);
        bool constant = edges.Length == 2 && reference.Edges[0] == MathF.BitDecrement(reference.Edges[1]);
        Bins = [.. reference.Counts.Select((count, i) => new DriftBin(LabelOf(edges, i, constant), count, current.Counts[i]))];
        double values = reference.Counts.Sum();
        Reference = new SampleMoments(values, reference.Mean, reference.StandardDeviation * reference.StandardDeviation * values);
        Current = new SampleMoments(current.Values, current.Mean, current.SquaredDeviations);
    }

    internal override DriftMethod? BySize() => null;

    protected override DriftStatistic? MeasureSamples(DriftMethod method) => null;
}

namespace Mlops.Sdk.Monitoring;

/// <summary>A split and what it gains; no split has gain 0.</summary>
internal struct FoundSplit
{
    internal int Feature;
    internal double Gain;
    internal double LeftGradient;
    internal double LeftCurvature;
    internal BinSet LeftBins;
}

/// <summary>Finds the best split of a leaf by one feature.</summary>
internal static class SplitFinder
{
    private const double CategorySmoothing = 10;
    private const double CategoryShrinkage = 10;
    private const int MinCategoryRows = 5;

    /// <summary>Finds it.</summary>
    /// <param name="sums">The feature's sums in the leaf, shape [bins].</param>
    /// <param name="feature">The feature.</param>
    /// <param name="category">Whether bins are categories.</param>
    /// <param name="gradient">The leaf's sum of gradients.</param>
    /// <param name="curvature">The leaf's sum of curvatures.</param>
    /// <param name="rows">The leaf's rows.</param>
    /// <param name="options">How few rows a side may have, and the shrinkage.</param>
    internal static FoundSplit Find(ReadOnlySpan<BinSum> sums, int feature, bool category, double gradient, double curvature, int rows, BoostingOptions options)
    {
        var leaf = new BinSum { Gradient = gradient, Curvature = curvature, Rows = rows };
        var best = new FoundSplit { Feature = feature };
        if (category)
        {
            ByCategory(sums, leaf, options, ref best);
            return best;
        }

        ByNumber(sums, leaf, options, missingLeft: false, ref best);
        if (sums[BoostingBins.Missing].Rows > 0)
        {
            ByNumber(sums, leaf, options, missingLeft: true, ref best);
        }

        return best;
    }

    private static void ByNumber(ReadOnlySpan<BinSum> sums, in BinSum leaf, BoostingOptions options, bool missingLeft, ref FoundSplit best)
    {
        BinSum left = missingLeft ? sums[BoostingBins.Missing] : default;
        double before = best.Gain;
        int cut = -1;
        double whole = Score(leaf, options.Shrinkage);
        // with nothing missing the last bin is no cut: it would leave the right side empty
        int last = sums[BoostingBins.Missing].Rows > 0 && !missingLeft ? sums.Length : sums.Length - 1;
        for (int bin = 1; bin < last; bin++)
        {
            if (sums[bin].Rows == 0)
            {
                continue;
            }

            Add(ref left, sums[bin]);
            if (leaf.Rows - left.Rows < options.MinRowsPerLeaf)
            {
                break;
            }

            if (left.Rows >= options.MinRowsPerLeaf && Better(leaf, left, options.Shrinkage, whole, ref best))
            {
                cut = bin;
            }
        }

        if (best.Gain > before)
        {
            best.LeftBins = default;
            if (missingLeft)
            {
                best.LeftBins.Add(BoostingBins.Missing);
            }

            for (int bin = 1; bin <= cut; bin++)
            {
                best.LeftBins.Add(bin);
            }
        }
    }

    private static void ByCategory(ReadOnlySpan<BinSum> sums, in BinSum leaf, BoostingOptions options, ref FoundSplit best)
    {
        Span<int> order = stackalloc int[256];
        Span<double> keys = stackalloc double[256];
        int count = 0;
        for (int bin = 0; bin < sums.Length; bin++)
        {
            if (sums[bin].Rows >= MinCategoryRows)
            {
                keys[count] = sums[bin].Gradient / (sums[bin].Curvature + CategorySmoothing);
                order[count++] = bin;
            }
        }

        // equal keys keep the order of their bins, so that the outcome does not hang on the sorting
        Sort(keys[..count], order[..count]);
        double shrinkage = options.Shrinkage + CategoryShrinkage;
        double whole = Score(leaf, shrinkage);
        double before = best.Gain;
        int cut = -1;
        BinSum left = default;
        for (int i = 0; i < count - 1 || (i < count && left.Rows + sums[order[i]].Rows < leaf.Rows); i++)
        {
            Add(ref left, sums[order[i]]);
            if (leaf.Rows - left.Rows < options.MinRowsPerLeaf)
            {
                break;
            }

            if (left.Rows >= options.MinRowsPerLeaf && Better(leaf, left, shrinkage, whole, ref best))
            {
                cut = i;
            }
        }

        if (best.Gain > before)
        {
            best.LeftBins = default;
            for (int i = 0; i <= cut; i++)
            {
                best.LeftBins.Add(order[i]);
            }
        }
    }

    private static void Sort(Span<double> keys, Span<int> order)
    {
        for (int i = 1; i < keys.Length; i++)
        {
            (double key, int bin) = (keys[i], order[i]);
            int at = i;
            for (; at > 0 && keys[at - 1] > key; at--)
            {
                (keys[at], order[at]) = (keys[at - 1], order[at - 1]);
            }

            (keys[at], order[at]) = (key, bin);
        }
    }

    private static bool Better(in BinSum leaf, in BinSum left, double shrinkage, double whole, ref FoundSplit best)
    {
        BinSum right = leaf;
        right.Gradient -= left.Gradient;
        right.Curvature -= left.Curvature;
        double gain = Score(left, shrinkage) + Score(right, shrinkage) - whole;
        if (!(gain > best.Gain))
        {
            return false;
        }

        best.Gain = gain;
        best.LeftGradient = left.Gradient;
        best.LeftCurvature = left.Curvature;
        return true;
    }

    private static double Score(in BinSum sum, double shrinkage) => sum.Gradient * sum.Gradient / (sum.Curvature + shrinkage);

    private static void Add(ref BinSum to, in BinSum what)
    {
        to.Gradient += what.Gradient;
        to.Curvature += what.Curvature;
        to.Rows += what.Rows;
    }
}

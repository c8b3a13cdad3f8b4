namespace Mlops.Sdk.Monitoring;

/// <summary>A fine histogram of scores, one for each class, split by whether the class was the answer: what an estimate needs to know of a window. Merges exactly.</summary>
/// <remarks>Equal bins over [0, 1]: a score moves by at most half a bin (1/8,192 with one class), and a pair of rows within one bin counts as tied.</remarks>
internal sealed class ScoreCounts(int classes)
{
    internal const int MostBins = 4_096;

    /// <summary>Gets how many bins a class has.</summary>
    internal int Bins { get; } = BinsFor(classes);

    internal int Classes { get; } = classes;

    /// <summary>Gets the counts, shape [classes][answered or not][bins], in one array.</summary>
    internal long[] Counts { get; } = new long[classes * 2 * BinsFor(classes)];

    /// <summary>Gets how many rows were counted.</summary>
    internal long Rows
    {
        get
        {
            long sum = 0;
            foreach (long count in Counts.AsSpan(0, 2 * Bins))
            {
                sum += count;
            }

            return sum;
        }
    }

    internal static int BinsFor(int classes) => Math.Clamp(65_536 / classes, 64, MostBins);

    /// <summary>The place of a score in <see cref="Counts"/>.</summary>
    internal static int PlaceOf(int bins, int number, bool answered, float score)
    {
        int bin = (int)(score * bins); // saturates: what is below or above [0, 1] is in the outer bins
        return (((number * 2) + (answered ? 1 : 0)) * bins) + (bin < 0 ? 0 : bin >= bins ? bins - 1 : bin);
    }

    internal void Add(int number, bool answered, float score) => Counts[PlaceOf(Bins, number, answered, score)]++;

    internal void Add(ScoreCounts other)
    {
        for (int i = 0; i < Counts.Length; i++)
        {
            Counts[i] += other.Counts[i];
        }
    }

    internal ReadOnlySpan<long> Of(int number, bool answered) => Counts.AsSpan(((number * 2) + (answered ? 1 : 0)) * Bins, Bins);

    /// <summary>The score in the middle of a bin.</summary>
    internal double ScoreOf(int bin) => (bin + 0.5) / Bins;
}

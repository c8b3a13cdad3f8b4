using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>A column that trees look at, with the thresholds that cut its numbers into bins.</summary>
/// <remarks>
/// Bin b of a number lies above b thresholds: above threshold b - 1 and at most threshold b. One more bin is for NaN. A text has a bin
/// for each category, and one more for all other texts.
/// </remarks>
internal sealed class TreeColumn
{
    private readonly int _count;

    internal TreeColumn(FeatureColumn source, IEnumerable<ForestNode> nodes)
    {
        Source = source;
        if (source.Text is not null)
        {
            Thresholds = [];
            Bins = source.Width + 1;
            return;
        }

        Thresholds = [.. nodes.Select(n => n.Threshold + 0f).Distinct().Order()]; // adding 0 makes one of both zeros
        _count = Thresholds.Length;
        int room = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_count + 1);
        Keys = new int[room];
        Array.Fill(Keys, int.MaxValue);
        for (int i = 0; i < _count; i++)
        {
            Keys[i] = KeyOf(Thresholds[i]);
        }

        Bins = _count + 2;
    }

    internal FeatureColumn Source { get; }

    internal float[] Thresholds { get; }

    /// <summary>Gets the thresholds as whole numbers of the same order, filled up with the largest to a power of two; what <see cref="BinOf"/> searches.</summary>
    internal int[] Keys { get; } = [];

    internal int Bins { get; }

    /// <summary>Gets the bin of NaN.</summary>
    internal int MissingBin => _count + 1;

    /// <summary>Finds the bin of a number that is not NaN: how many thresholds are below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int BinOf(int[] sorted, float value)
    {
        // without a branch that depends on the value: the sign of a difference picks the half
        long key = KeyOf(value + 0f);
        int bin = 0;
        ref int keys = ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(sorted);
        for (int half = sorted.Length >> 1; half > 0; half >>= 1)
        {
            long below = (Unsafe.Add(ref keys, bin + half - 1) - key) >> 63;
            bin += half & (int)below;
        }

        return bin;
    }

    /// <summary>Tells whether a node sends a bin to the right.</summary>
    internal bool GoesRight(ForestNode node, int bin) => node.GoesRight is { } right
        ? right[bin]
        : bin == MissingBin ? !node.MissingLeft : bin > Array.BinarySearch(Thresholds, node.Threshold + 0f);

    /// <summary>Maps a number to a whole number of the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int KeyOf(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits ^ ((bits >> 31) & int.MaxValue);
    }
}

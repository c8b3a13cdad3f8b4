using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mlops.Sdk.Serving;

/// <summary>
/// Scores trees without walking them. For each column and each bin of it there is a row with a mask for each tree: the leaves that the
/// nodes on that column still allow. The masks of all columns ANDed leave the leaf that the tree ends in as the lowest bit.
/// </summary>
/// <remarks>
/// Immutable; any number of threads may score at once, without allocation. Leaf values are added in double precision tree by tree, so that the sum is
/// the model's to the bit; vector instructions are used only for the masks, where the width cannot change a result.
/// Source: C. Lucchese and others, QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees, SIGIR 2015; folded over the columns here.
/// </remarks>
/// <typeparam name="T">The mask: 32 bits for up to 32 leaves, 64 for up to 64.</typeparam>
internal sealed class MaskTables<T> : CompiledModel
    where T : unmanaged, IBinaryInteger<T>
{
    private readonly TreeColumn[] _columns;
    private readonly int[] _firstRow;
    private readonly T[] _masks;
    private readonly double[] _leaves;
    private readonly int _trees;
    private readonly int _stride;
    private readonly int _leafStride;
    private readonly int _divisor;
    private readonly bool _missingKnown;
    private readonly int _width;

    internal MaskTables(ILoadedModel reference, Answer answer, Forest forest, TreeColumn[] columns, int[] columnIndex, int width)
        : base(reference, answer, "mask-tables")
    {
        _columns = columns;
        _trees = forest.Trees.Length;
        _divisor = forest.Divisor;
        _missingKnown = forest.MissingKnown;
        _width = width;
        _stride = Stride(_trees);
        _leafStride = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, forest.MostLeaves));
        _firstRow = new int[columns.Length];
        int rows = 0;
        for (int i = 0; i < columns.Length; i++)
        {
            _firstRow[i] = rows;
            rows += columns[i].Bins;
        }

        _masks = new T[rows * _stride];
        Array.Fill(_masks, T.AllBitsSet);
        _leaves = new double[_trees * _leafStride];
        for (int t = 0; t < _trees; t++)
        {
            ForestTree tree = forest.Trees[t];
            tree.Leaves.CopyTo(_leaves, t * _leafStride);
            for (int n = 0; n < tree.Nodes.Length; n++)
            {
                ForestNode node = tree.Nodes[n];
                int column = columnIndex[node.Column];
                T left = (T.One << (tree.MidLeaf[n] - tree.FirstLeaf[n])) - T.One << tree.FirstLeaf[n];
                for (int bin = 0; bin < columns[column].Bins; bin++)
                {
                    if (columns[column].GoesRight(node, bin))
                    {
                        _masks[((_firstRow[column] + bin) * _stride) + t] &= ~left;
                    }
                }
            }
        }
    }

    /// <summary>Gets the bytes that the masks of so many rows for so many trees take.</summary>
    internal static long Bytes(long rows, int trees) => rows * Stride(trees) * Unsafe.SizeOf<T>();

    [SkipLocalsInit]
    public override void Score(in ModelRow row, Span<float> outputs)
    {
        const int OnStack = 64;
        const int TreesOnStack = 1024;
        Span<int> offsets = stackalloc int[OnStack];
        if (_columns.Length > OnStack)
        {
            offsets = RowBuffers.Integers(_columns.Length);
        }

        if (!TryFind(row, offsets))
        {
            Fallback(row, outputs);
            return;
        }

        Span<T> allowed = stackalloc T[TreesOnStack];
        double sum = 0;
        for (int from = 0; from < _trees; from += TreesOnStack)
        {
            int count = Math.Min(TreesOnStack, _stride - from);
            And(offsets[.._columns.Length], from, allowed[..count]);
            sum = Add(sum, allowed, from, Math.Min(TreesOnStack, _trees - from));
        }

        float score = (float)sum;
        Finish(_divisor == 1 ? score : score / _divisor, outputs);
    }

    private static int Stride(int trees) => (trees + 31) & ~31;

    /// <summary>Finds for each column where the row of its bin starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFind(in ModelRow row, Span<int> offsets)
    {
        for (int i = 0; i < _columns.Length; i++)
        {
            TreeColumn column = _columns[i];
            int bin;
            if (column.Source.Text is { } text)
            {
                bin = text.Find(row.Texts[column.Source.Slot]);
            }
            else
            {
                float value = column.Source.Number.Read(row.Numbers[column.Source.Slot]);
                if (float.IsNaN(value))
                {
                    if (!_missingKnown)
                    {
                        return false;
                    }

                    bin = column.MissingBin;
                }
                else
                {
                    bin = column.BinOf(value);
                }
            }

            offsets[i] = (_firstRow[i] + bin) * _stride;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void And(ReadOnlySpan<int> offsets, int from, Span<T> allowed)
    {
        // offsets are multiples of the stride within the table, and the stride is a multiple of every vector's length
        ref T masks = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_masks), from);
        ref T target = ref MemoryMarshal.GetReference(allowed);
        switch (_width)
        {
            case 512:
                for (int at = 0; at < allowed.Length; at += Vector512<T>.Count)
                {
                    Vector512<T> all = Vector512<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        all &= Vector512.LoadUnsafe(ref masks, (nuint)(offset + at));
                    }

                    all.StoreUnsafe(ref target, (nuint)at);
                }

                break;
            case 256:
                for (int at = 0; at < allowed.Length; at += 2 * Vector256<T>.Count)
                {
                    Vector256<T> first = Vector256<T>.AllBitsSet;
                    Vector256<T> second = Vector256<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        first &= Vector256.LoadUnsafe(ref masks, (nuint)(offset + at));
                        second &= Vector256.LoadUnsafe(ref masks, (nuint)(offset + at + Vector256<T>.Count));
                    }

                    first.StoreUnsafe(ref target, (nuint)at);
                    second.StoreUnsafe(ref target, (nuint)(at + Vector256<T>.Count));
                }

                break;
            case 128:
                for (int at = 0; at < allowed.Length; at += 2 * Vector128<T>.Count)
                {
                    Vector128<T> first = Vector128<T>.AllBitsSet;
                    Vector128<T> second = Vector128<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        first &= Vector128.LoadUnsafe(ref masks, (nuint)(offset + at));
                        second &= Vector128.LoadUnsafe(ref masks, (nuint)(offset + at + Vector128<T>.Count));
                    }

                    first.StoreUnsafe(ref target, (nuint)at);
                    second.StoreUnsafe(ref target, (nuint)(at + Vector128<T>.Count));
                }

                break;
            default:
                for (int at = 0; at < allowed.Length; at++)
                {
                    T all = T.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        all &= Unsafe.Add(ref masks, offset + at);
                    }

                    Unsafe.Add(ref target, at) = all;
                }

                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private double Add(double sum, ReadOnlySpan<T> allowed, int from, int count)
    {
        ref double leaves = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_leaves), from * _leafStride);
        ref T masks = ref MemoryMarshal.GetReference(allowed);
        for (int t = 0; t < count; t++)
        {
            // at least one bit is set: of a tree that was checked, some leaf is always allowed
            T mask = Unsafe.Add(ref masks, t);
            int leaf = Unsafe.SizeOf<T>() == sizeof(ulong) ? BitOperations.TrailingZeroCount(ulong.CreateTruncating(mask)) : BitOperations.TrailingZeroCount(uint.CreateTruncating(mask));
            sum += Unsafe.Add(ref leaves, leaf);
            leaves = ref Unsafe.Add(ref leaves, _leafStride);
        }

        return sum;
    }
}

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
    /// <summary>How many trees are worked on at a time: four vectors of 256 bits with masks of 32.</summary>
    private const int Block = 32;

    private readonly NumberSource[] _numbers;
    private readonly int[][] _keys;
    private readonly int[] _numberRows;
    private readonly int[] _missingRows;
    private readonly int[] _textSlots;
    private readonly TextLookup[] _texts;
    private readonly int[] _textRows;
    private readonly T[] _masks;
    private readonly double[] _leaves;
    private readonly int _trees;
    private readonly int _stride;
    private readonly int _leafStride;
    private readonly int _divisor;
    private readonly int _width;

    internal MaskTables(ILoadedModel reference, Answer answer, Forest forest, TreeColumn[] columns, int[] columnIndex, int width)
        : base(reference, answer, "mask-tables")
    {
        _trees = forest.Trees.Length;
        _divisor = forest.Divisor;
        _width = width;
        _stride = Stride(_trees);
        _leafStride = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, forest.MostLeaves));
        int[] firstRow = new int[columns.Length];
        int rows = 0;
        for (int i = 0; i < columns.Length; i++)
        {
            firstRow[i] = rows;
            rows += columns[i].Bins;
        }

        int[] numbers = [.. Enumerable.Range(0, columns.Length).Where(i => columns[i].Source.Text is null)];
        int[] texts = [.. Enumerable.Range(0, columns.Length).Except(numbers)];
        _numbers = [.. numbers.Select(i => columns[i].Source.Number)];
        _keys = [.. numbers.Select(i => columns[i].Keys)];
        _numberRows = [.. numbers.Select(i => firstRow[i] * _stride)];
        _missingRows = [.. numbers.Select(i => forest.MissingKnown ? (firstRow[i] + columns[i].MissingBin) * _stride : -1)];
        _textSlots = [.. texts.Select(i => columns[i].Source.Slot)];
        _texts = [.. texts.Select(i => columns[i].Source.Text!)];
        _textRows = [.. texts.Select(i => firstRow[i] * _stride)];
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
                        _masks[((firstRow[column] + bin) * _stride) + t] &= ~left;
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
        int columns = _numbers.Length + _texts.Length;
        Span<int> offsets = stackalloc int[OnStack];
        offsets = columns <= OnStack ? offsets[..columns] : RowBuffers.Integers(columns);
        if (!TryFind(row, offsets))
        {
            Fallback(row, outputs);
            return;
        }

        float score = (float)Sum(offsets);
        Finish(_divisor == 1 ? score : score / _divisor, outputs);
    }

    private static int Stride(int trees) => (trees + Block - 1) & ~(Block - 1);

    /// <summary>Finds for each column where the row of its bin starts. The order does not matter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFind(in ModelRow row, Span<int> offsets)
    {
        NumberSource[] numbers = _numbers;
        for (int i = 0; i < numbers.Length; i++)
        {
            float value = numbers[i].Read(row.Numbers[numbers[i].Slot]);
            if (float.IsNaN(value))
            {
                if ((offsets[i] = _missingRows[i]) < 0)
                {
                    return false;
                }
            }
            else
            {
                offsets[i] = _numberRows[i] + (TreeColumn.BinOf(_keys[i], value) * _stride);
            }
        }

        Span<int> rest = offsets[numbers.Length..];
        TextLookup[] texts = _texts;
        for (int i = 0; i < texts.Length; i++)
        {
            rest[i] = _textRows[i] + (texts[i].Find(row.Texts[_textSlots[i]]) * _stride);
        }

        return true;
    }

    /// <summary>Finds the leaf of each tree and adds their values, a block of trees at a time.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private double Sum(ReadOnlySpan<int> offsets)
    {
        Span<T> allowed = stackalloc T[Block];
        ref T masks = ref MemoryMarshal.GetArrayDataReference(_masks);
        ref T target = ref MemoryMarshal.GetReference(allowed);
        ref double leaves = ref MemoryMarshal.GetArrayDataReference(_leaves);
        double sum = 0;
        for (int from = 0; from < _trees; from += Block)
        {
            And(ref Unsafe.Add(ref masks, from), offsets, ref target);
            int count = Math.Min(Block, _trees - from);
            for (int t = 0; t < count; t++)
            {
                // at least one bit is set: of a tree that was checked, some leaf is always allowed
                T mask = Unsafe.Add(ref target, t);
                int leaf = Unsafe.SizeOf<T>() == sizeof(ulong) ? BitOperations.TrailingZeroCount(ulong.CreateTruncating(mask)) : BitOperations.TrailingZeroCount(uint.CreateTruncating(mask));
                sum += Unsafe.Add(ref leaves, leaf);
                leaves = ref Unsafe.Add(ref leaves, _leafStride);
            }
        }

        return sum;
    }

    /// <summary>ANDs one block of masks of all columns. Offsets are multiples of the stride within the table, and the stride is a multiple of the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void And(ref T masks, ReadOnlySpan<int> offsets, ref T target)
    {
        switch (_width)
        {
            case 512:
                for (int at = 0; at < Block; at += 2 * Vector512<T>.Count)
                {
                    Vector512<T> first = Vector512<T>.AllBitsSet;
                    Vector512<T> second = Vector512<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        ref T row = ref Unsafe.Add(ref masks, offset + at);
                        first &= Vector512.LoadUnsafe(ref row);
                        second &= Vector512.LoadUnsafe(ref row, (nuint)Vector512<T>.Count);
                    }

                    first.StoreUnsafe(ref target, (nuint)at);
                    second.StoreUnsafe(ref target, (nuint)(at + Vector512<T>.Count));
                }

                break;
            case 256:
                for (int at = 0; at < Block; at += 4 * Vector256<T>.Count)
                {
                    Vector256<T> first = Vector256<T>.AllBitsSet;
                    Vector256<T> second = Vector256<T>.AllBitsSet;
                    Vector256<T> third = Vector256<T>.AllBitsSet;
                    Vector256<T> fourth = Vector256<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        ref T row = ref Unsafe.Add(ref masks, offset + at);
                        first &= Vector256.LoadUnsafe(ref row);
                        second &= Vector256.LoadUnsafe(ref row, (nuint)Vector256<T>.Count);
                        third &= Vector256.LoadUnsafe(ref row, (nuint)(2 * Vector256<T>.Count));
                        fourth &= Vector256.LoadUnsafe(ref row, (nuint)(3 * Vector256<T>.Count));
                    }

                    first.StoreUnsafe(ref target, (nuint)at);
                    second.StoreUnsafe(ref target, (nuint)(at + Vector256<T>.Count));
                    third.StoreUnsafe(ref target, (nuint)(at + (2 * Vector256<T>.Count)));
                    fourth.StoreUnsafe(ref target, (nuint)(at + (3 * Vector256<T>.Count)));
                }

                break;
            case 128:
                for (int at = 0; at < Block; at += 4 * Vector128<T>.Count)
                {
                    Vector128<T> first = Vector128<T>.AllBitsSet;
                    Vector128<T> second = Vector128<T>.AllBitsSet;
                    Vector128<T> third = Vector128<T>.AllBitsSet;
                    Vector128<T> fourth = Vector128<T>.AllBitsSet;
                    foreach (int offset in offsets)
                    {
                        ref T row = ref Unsafe.Add(ref masks, offset + at);
                        first &= Vector128.LoadUnsafe(ref row);
                        second &= Vector128.LoadUnsafe(ref row, (nuint)Vector128<T>.Count);
                        third &= Vector128.LoadUnsafe(ref row, (nuint)(2 * Vector128<T>.Count));
                        fourth &= Vector128.LoadUnsafe(ref row, (nuint)(3 * Vector128<T>.Count));
                    }

                    first.StoreUnsafe(ref target, (nuint)at);
                    second.StoreUnsafe(ref target, (nuint)(at + Vector128<T>.Count));
                    third.StoreUnsafe(ref target, (nuint)(at + (2 * Vector128<T>.Count)));
                    fourth.StoreUnsafe(ref target, (nuint)(at + (3 * Vector128<T>.Count)));
                }

                break;
            default:
                for (int at = 0; at < Block; at++)
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
}

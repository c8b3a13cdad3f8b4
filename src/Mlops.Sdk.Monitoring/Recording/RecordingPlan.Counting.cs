using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <content>The hot path. Numbers of some rows are put together and counted column by column, eight at a time; texts are looked up at once.</content>
internal sealed partial class RecordingPlan
{
    /// <summary>Counts one row. The lane is the caller's alone.</summary>
    /// <returns>False when the row has not the plan's shape; nothing was counted then.</returns>
    internal bool Count(LaneCounts lane, ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, ReadOnlySpan<float> outputs)
    {
        int outputSlots = _numbers.Length - _numberInputs;
        if (numbers.Length != _numberInputs || texts.Length != _texts.Length || (outputSlots > 0 && outputs.Length != outputSlots))
        {
            return false;
        }

        lane.Rows++;
        int buffered = lane.Buffered;
        int stride = BufferRows;
        ref float buffer = ref MemoryMarshal.GetArrayDataReference(lane.Buffer);
        int cell = buffered;
        for (int i = 0; i < numbers.Length; i++, cell += stride)
        {
            Unsafe.Add(ref buffer, cell) = numbers[i]; // below slots * stride, since the shape was checked
        }

        for (int i = 0; i < outputSlots; i++, cell += stride)
        {
            Unsafe.Add(ref buffer, cell) = outputs[i];
        }

        ref long counts = ref MemoryMarshal.GetArrayDataReference(lane.Counts);
        for (int i = 0; i < texts.Length; i++)
        {
            ref readonly TextSlot slot = ref _texts[i];
            Unsafe.Add(ref counts, slot.CountStart + slot.CodeOf(texts[i]))++;
        }

        lane.Sketches?.Add(this, numbers, texts, outputs);
        lane.Buffered = ++buffered;
        if (buffered == stride)
        {
            Fold(lane);
        }

        return true;
    }

    /// <summary>Counts the numbers that a lane has put together.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Fold(LaneCounts lane)
    {
        if (lane.Buffered > 0)
        {
            for (int i = 0; i < _numbers.Length; i++)
            {
                CountNumbers(lane, i, lane.Buffer.AsSpan(i * BufferRows, lane.Buffered));
            }

            lane.Buffered = 0;
        }
    }

    /// <summary>Counts a column of numbers: input or output number <paramref name="slot"/>.</summary>
    internal void CountNumbers(LaneCounts lane, int slot, ReadOnlySpan<float> values)
    {
        NumberSlot at = _numbers[slot];
        Span<long> counts = lane.Counts.AsSpan(at.CountStart, at.Bins + 2);
        ReadOnlySpan<float> edges = _edges.AsSpan(at.EdgeStart, at.Bins - 1);
        ref Moments moments = ref lane.Moments[slot];
        int whole = values.Length & ~7;
        if (whole > 0)
        {
            CountEights(values[..whole], edges, counts, ref moments);
        }

        foreach (float value in values[whole..])
        {
            if (!float.IsFinite(value))
            {
                counts[at.Bins + (float.IsNaN(value) ? 0 : 1)]++;
                continue;
            }

            counts[ReferenceProfile.BinOf(edges, value)]++;
            moments.Add(value);
        }
    }

    /// <summary>Counts a column of texts, each distinct one looked up once.</summary>
    internal void CountTexts(LaneCounts lane, int slot, TextColumn column)
    {
        TextSlot text = _texts[slot];
        int[] codes = Array.ConvertAll(column.Dictionary, text.CodeOf);
        foreach (int code in column.Codes)
        {
            lane.Counts[text.CountStart + (code < 0 ? text.CodeOf(null) : codes[code])]++;
        }
    }

    /// <summary>Tells whether the reference lists a text.</summary>
    internal bool Knows(int slot, string text) => _texts[slot].CodeOf(text) < _texts[slot].Categories;

    /// <summary>Counts numbers eight at a time, free of branches that depend on them.</summary>
    private static void CountEights(ReadOnlySpan<float> values, ReadOnlySpan<float> edges, Span<long> counts, ref Moments moments)
    {
        if (moments.Values == 0)
        {
            int first = values.IndexOfAnyInRange(float.MinValue, float.MaxValue);
            moments.Shift = first < 0 ? 0 : values[first];
        }

        ref float value = ref MemoryMarshal.GetReference(values);
        ref float edge = ref MemoryMarshal.GetReference(edges);
        ref long count = ref MemoryMarshal.GetReference(counts);
        Vector256<int> missing = Vector256.Create(edges.Length + 1);
        Vector256<int> infinite = Vector256.Create(edges.Length + 2);
        Vector256<float> shift = Vector256.Create((float)moments.Shift);
        Vector256<double> wideShift = Vector256.Create(moments.Shift);
        Vector256<double> sum = Vector256<double>.Zero;
        Vector256<double> squares = Vector256<double>.Zero;
        Vector256<float> minimum = Vector256.Create(float.PositiveInfinity);
        Vector256<float> maximum = Vector256.Create(float.NegativeInfinity);
        int finite = 0;
        for (int i = 0; i < values.Length; i += 8)
        {
            Vector256<float> eight = Vector256.LoadUnsafe(ref value, (nuint)i);
            Vector256<float> isFinite = Vector256.LessThan(Vector256.Abs(eight), Vector256.Create(float.PositiveInfinity));
            Vector256<float> isNumber = Vector256.Equals(eight, eight);

            // a bin is right-closed, so its number is how many edges lie below the value
            Vector256<int> bin = Vector256<int>.Zero;
            for (int e = 0; e < edges.Length; e++)
            {
                bin -= Vector256.GreaterThan(eight, Vector256.Create(Unsafe.Add(ref edge, e))).AsInt32();
            }

            bin = Vector256.ConditionalSelect(isFinite.AsInt32(), bin, Vector256.ConditionalSelect(isNumber.AsInt32(), infinite, missing));
            for (int lane = 0; lane < 8; lane++)
            {
                Unsafe.Add(ref count, bin.GetElement(lane))++;
            }

            // what is not finite counts as no difference, and bounds nothing
            finite += BitOperations.PopCount(isFinite.ExtractMostSignificantBits());
            minimum = Vector256.Min(minimum, Vector256.ConditionalSelect(isFinite, eight, Vector256.Create(float.PositiveInfinity)));
            maximum = Vector256.Max(maximum, Vector256.ConditionalSelect(isFinite, eight, Vector256.Create(float.NegativeInfinity)));
            (Vector256<double> low, Vector256<double> high) = Vector256.Widen(Vector256.ConditionalSelect(isFinite, eight, shift));
            low -= wideShift;
            high -= wideShift;
            sum += low + high;
            squares += (low * low) + (high * high);
        }

        moments.Values += finite;
        moments.Sum += Vector256.Sum(sum);
        moments.Squares += Vector256.Sum(squares);
        for (int lane = 0; lane < 8; lane++)
        {
            moments.Minimum = Math.Min(moments.Minimum, minimum.GetElement(lane));
            moments.Maximum = Math.Max(moments.Maximum, maximum.GetElement(lane));
        }
    }
}

using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mlops.Sdk.Serving;

/// <summary>Scores a linear model with ML.NET's own order of operations, which depends on how full the feature vector is and on the processor. Immutable.</summary>
/// <remarks>
/// A feature vector with at most half of its slots stored is sparse: below 16 stored values ML.NET adds products one by one, from there on
/// in eight lanes (AVX) or four (SSE). A fuller one is dense, and is left to the library that ML.NET leaves it to. The bias comes last.
/// Source: Microsoft.ML.CpuMath 5.0, CpuMathUtils.DotProductSparse and AvxIntrinsics.DotSU. Proved on probe rows in each process, since the processor matters.
/// </remarks>
internal sealed class LinearScorer : CompiledModel
{
    private const int OnStack = 256;
    private const int FewestForLanes = 16;

    private readonly FeatureColumn[] _columns;
    private readonly Part[]? _parts;
    private readonly float[] _weights;
    private readonly float[]? _keptWeights;
    private readonly int[]? _kept;
    private readonly float _bias;
    private readonly int _features;

    // sparse weights: whether ML.NET keeps only the weights that are not 0, which its public face does not tell
    internal LinearScorer(ILoadedModel reference, Answer answer, LinearProgram program, Layout layout, bool sparseWeights)
        : base(reference, answer, "linear")
    {
        _columns = layout.Columns;
        _features = layout.Features;
        _weights = [.. program.Weights];
        _bias = program.Bias;
        if (_weights.Length != _features)
        {
            throw new NotCompilableException($"it has {_features} features and {_weights.Length} weights");
        }

        // few columns of a wide vector are always sparse and always below the lanes
        if (_columns.Length < FewestForLanes && _columns.Length <= _features / 2)
        {
            _parts = [.. _columns.Select(c => new Part(c, _weights))];
        }

        if (sparseWeights)
        {
            _kept = [.. Enumerable.Range(0, _weights.Length).Where(i => _weights[i] != 0)];
            _keptWeights = [.. _kept.Select(i => _weights[i])];
        }
    }

    [SkipLocalsInit]
    public override void Score(in ModelRow row, Span<float> outputs)
    {
        if (_parts is { } parts)
        {
            float sum = 0;
            foreach (ref readonly Part part in parts.AsSpan())
            {
                sum += part.Text is { } text
                    ? part.Weights[text.Find(row.Texts[part.Slot])]
                    : part.Weight * part.Number.Read(row.Numbers[part.Slot]);
            }

            Finish(_bias + sum, outputs);
            return;
        }

        // the stored values and the weights at their slots, in slot order
        Span<float> room = _columns.Length <= OnStack / 2 ? stackalloc float[OnStack] : RowBuffers.Numbers(2 * _columns.Length);
        Span<float> values = room[..(room.Length / 2)];
        Span<float> weights = room[(room.Length / 2)..];
        int count = 0;
        foreach (FeatureColumn column in _columns)
        {
            if (column.Text is null)
            {
                values[count] = column.Number.Read(row.Numbers[column.Slot]);
                weights[count++] = _weights[column.First];
            }
            else
            {
                int code = column.Text.Find(row.Texts[column.Slot]);
                if (code < column.Width)
                {
                    values[count] = 1;
                    weights[count++] = _weights[column.First + code];
                }
            }
        }

        float dot = count <= _features / 2 ? Sparse(weights[..count], values[..count]) : Dense(row);
        Finish(_bias + dot, outputs);
    }

    private static float Sparse(ReadOnlySpan<float> weights, ReadOnlySpan<float> values)
    {
        if (values.Length < FewestForLanes || !Sse.IsSupported)
        {
            float sum = 0;
            for (int i = 0; i < values.Length; i++)
            {
                sum += weights[i] * values[i];
            }

            return sum;
        }

        return Avx.IsSupported ? EightLanes(weights, values) : FourLanes(weights, values);
    }

    private static float EightLanes(ReadOnlySpan<float> weights, ReadOnlySpan<float> values)
    {
        Vector256<float> lanes = Vector256<float>.Zero;
        int at = 0;
        for (; at + 8 <= values.Length; at += 8)
        {
            Vector256<float> value = Vector256.Create(values[at..]);
            Vector256<float> weight = Vector256.Create(weights[at..]);
            lanes = Fma.IsSupported ? Fma.MultiplyAdd(value, weight, lanes) : Avx.Add(Avx.Multiply(weight, value), lanes);
        }

        float high = Pairwise(lanes.GetLower()) + Pairwise(lanes.GetUpper());
        Vector128<float> rest = Vector128<float>.Zero;
        if (at + 4 <= values.Length)
        {
            rest = Sse.Add(rest, Sse.Multiply(Vector128.Create(weights[at..]), Vector128.Create(values[at..])));
            at += 4;
        }

        float low = Pairwise(rest);
        for (; at < values.Length; at++)
        {
            low += weights[at] * values[at];
        }

        return low + high;
    }

    private static float FourLanes(ReadOnlySpan<float> weights, ReadOnlySpan<float> values)
    {
        Vector128<float> lanes = Vector128<float>.Zero;
        int at = 0;
        for (; at + 4 <= values.Length; at += 4)
        {
            lanes = Sse.Add(lanes, Sse.Multiply(Vector128.Create(weights[at..]), Vector128.Create(values[at..])));
        }

        float sum = Pairwise(lanes);
        for (; at < values.Length; at++)
        {
            sum += weights[at] * values[at];
        }

        return sum;
    }

    /// <summary>Adds four lanes as two horizontal additions do.</summary>
    private static float Pairwise(Vector128<float> lanes) => (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);

    [SkipLocalsInit]
    private float Dense(in ModelRow row)
    {
        Span<float> features = _features <= OnStack ? stackalloc float[OnStack] : RowBuffers.Numbers(_features);
        features = features[.._features];
        features.Clear();
        foreach (FeatureColumn column in _columns)
        {
            if (column.Text is null)
            {
                features[column.First] = column.Number.Read(row.Numbers[column.Slot]);
            }
            else
            {
                int code = column.Text.Find(row.Texts[column.Slot]);
                if (code < column.Width)
                {
                    features[column.First + code] = 1;
                }
            }
        }

        if (_kept is null)
        {
            return TensorPrimitives.Dot(_weights, features);
        }

        for (int i = 0; i < _kept.Length; i++)
        {
            features[i] = features[_kept[i]]; // in place: slots only move down
        }

        return Sparse(features[.._kept.Length], _keptWeights);
    }

    /// <summary>What one column adds to a sum that is taken one by one.</summary>
    private readonly struct Part
    {
        internal readonly TextLookup? Text;
        internal readonly float[] Weights;
        internal readonly NumberSource Number;
        internal readonly float Weight;
        internal readonly int Slot;

        internal Part(FeatureColumn column, float[] weights)
        {
            Text = column.Text;
            Slot = column.Slot;
            Number = column.Number;
            Weight = column.Text is null ? weights[column.First] : 0;

            // an unknown text adds nothing: -0 is the number that changes no bit of a sum
            Weights = [.. weights.AsSpan(column.First, column.Width), -0f];
        }
    }
}

using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>Turns a score into the outputs that a schema names.</summary>
internal sealed class Answer
{
    private readonly int _score;
    private readonly int _probability;
    private readonly int _label;
    private readonly double _slope;
    private readonly double _offset;
    private readonly float _threshold;

    internal Answer(ModelProgram program, ModelSchema schema)
    {
        _score = Find(schema, ModelOutputs.Score);
        _probability = Find(schema, ModelOutputs.Probability);
        _label = Find(schema, ModelOutputs.PredictedLabel);
        Outputs = schema.Outputs.Count;
        int known = (_score >= 0 ? 1 : 0) + (_probability >= 0 ? 1 : 0) + (_label >= 0 ? 1 : 0);
        if (known != Outputs)
        {
            throw new NotCompilableException($"the outputs {string.Join(", ", schema.Outputs)} are more than score, probability and label");
        }

        if (_probability >= 0)
        {
            (_slope, _offset) = program.Link is { } link ? (link.Slope, link.Offset) : throw new NotCompilableException("the schema names a probability and the program has no link");
        }

        _threshold = _label < 0 ? 0 : program.Threshold ?? throw new NotCompilableException("the schema names a label and the program has no threshold");
    }

    internal int Outputs { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Write(float score, Span<float> outputs)
    {
        if (_score >= 0)
        {
            outputs[_score] = score;
        }

        if (_probability >= 0)
        {
            outputs[_probability] = float.IsNaN(score) ? score : (float)(1 / (1 + Math.Exp((_slope * score) + _offset)));
        }

        if (_label >= 0)
        {
            outputs[_label] = score > _threshold ? 1f : 0f;
        }
    }

    private static int Find(ModelSchema schema, string output)
    {
        for (int i = 0; i < schema.Outputs.Count; i++)
        {
            if (schema.Outputs[i] == output)
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>A program that cannot be compiled: it is wrong, too large, or says something this compiler does not know.</summary>
internal sealed class NotCompilableException(string why) : Exception(why);

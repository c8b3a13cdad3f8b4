using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>Makes a feature from a number slot with the same single-precision operations as the model.</summary>
internal readonly struct NumberSource
{
    private readonly float _replacement = float.NaN;
    private readonly float _offset;
    private readonly float _scale = 1;
    private readonly NumberStep[]? _steps;

    internal NumberSource(int slot, IReadOnlyList<NumberStep> steps)
    {
        Slot = slot;
        switch (steps)
        {
            // x - 0 and x * 1 keep every bit of x, so that the frequent cases share one path without branches
            case []:
                break;
            case [{ Kind: NumberStepKind.Replace } only]:
                _replacement = only.Value;
                break;
            case [{ Kind: NumberStepKind.Affine } affine]:
                (_scale, _offset) = (affine.Value, affine.Offset);
                break;
            case [{ Kind: NumberStepKind.Replace } replace, { Kind: NumberStepKind.Affine } then]:
                (_replacement, _scale, _offset) = (replace.Value, then.Value, then.Offset);
                break;
            default:
                _steps = [.. steps];
                break;
        }
    }

    /// <summary>Gets which of the number slots is read.</summary>
    internal int Slot { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal float Read(float x)
    {
        if (_steps is not null)
        {
            return Steps(_steps, x);
        }

        x = float.IsNaN(x) ? (float.IsNaN(_replacement) ? x : _replacement) : x;
        return (x - _offset) * _scale;
    }

    private static float Steps(NumberStep[] steps, float x)
    {
        foreach (NumberStep step in steps)
        {
            x = step.Kind switch
            {
                NumberStepKind.Replace => float.IsNaN(x) ? step.Value : x,
                NumberStepKind.Affine => (x - step.Offset) * step.Value,
                _ => float.IsNaN(x) ? 1f : 0f,
            };
        }

        return x;
    }
}

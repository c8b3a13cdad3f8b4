using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>A thread's room for one row's slots. A call inside a call (an observer that predicts) gets its own.</summary>
internal sealed class Scratch
{
    [ThreadStatic]
    private static Scratch? t_spare;

    internal float[] Numbers = [];
    internal string?[] Texts = [];
    internal float[] Outputs = [];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Scratch Take(LiveVersion live)
    {
        Scratch? scratch = t_spare;
        t_spare = null;
        return scratch is not null && scratch.Numbers.Length >= live.NumberSlots && scratch.Texts.Length >= live.TextSlots && scratch.Outputs.Length >= live.OutputSlots
            ? scratch
            : Grow(scratch, live);
    }

    /// <summary>Gives the room back. The texts are let go, so that no caller's data lives on in it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void GiveBack(LiveVersion live)
    {
        Texts.AsSpan(0, live.TextSlots).Clear();
        t_spare = this;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Scratch Grow(Scratch? small, LiveVersion live) => new()
    {
        Numbers = new float[Math.Max(small?.Numbers.Length ?? 16, live.NumberSlots)],
        Texts = new string?[Math.Max(small?.Texts.Length ?? 16, live.TextSlots)],
        Outputs = new float[Math.Max(small?.Outputs.Length ?? 4, live.OutputSlots)],
    };
}

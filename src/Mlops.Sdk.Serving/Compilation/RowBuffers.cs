namespace Mlops.Sdk.Serving;

/// <summary>Room for one row on the calling thread, for models that are too wide for the stack. Used within one call only.</summary>
internal static class RowBuffers
{
    [ThreadStatic]
    private static float[]? t_numbers;
    [ThreadStatic]
    private static int[]? t_integers;

    internal static Span<float> Numbers(int length)
    {
        if (t_numbers is null || t_numbers.Length < length)
        {
            t_numbers = new float[length];
        }

        return t_numbers.AsSpan(0, length);
    }

    internal static Span<int> Integers(int length)
    {
        if (t_integers is null || t_integers.Length < length)
        {
            t_integers = new int[length];
        }

        return t_integers.AsSpan(0, length);
    }
}

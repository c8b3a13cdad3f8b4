namespace Mlops.Sdk.Data;

/// <summary>Walks over the different values of two sorted samples in increasing order, and says how often each has the value.</summary>
internal ref struct PooledRuns(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
{
    private readonly ReadOnlySpan<double> _reference = reference;
    private readonly ReadOnlySpan<double> _current = current;

    /// <summary>Gets how many numbers of the reference are at or below the value.</summary>
    internal int ReferenceUpTo { get; private set; }

    /// <summary>Gets how many numbers of the current sample are at or below the value.</summary>
    internal int CurrentUpTo { get; private set; }

    /// <summary>Gets how many numbers of the reference have the value.</summary>
    internal int Reference { get; private set; }

    /// <summary>Gets how many numbers of the current sample have the value.</summary>
    internal int Current { get; private set; }

    internal bool Next()
    {
        int i = ReferenceUpTo;
        int j = CurrentUpTo;
        if (i == _reference.Length && j == _current.Length)
        {
            return false;
        }

        double value = i == _reference.Length ? _current[j] : j == _current.Length ? _reference[i] : Math.Min(_reference[i], _current[j]);
        while (i < _reference.Length && _reference[i] == value)
        {
            i++;
        }

        while (j < _current.Length && _current[j] == value)
        {
            j++;
        }

        (Reference, Current) = (i - ReferenceUpTo, j - CurrentUpTo);
        (ReferenceUpTo, CurrentUpTo) = (i, j);
        return true;
    }
}

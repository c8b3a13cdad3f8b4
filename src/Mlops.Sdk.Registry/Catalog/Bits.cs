namespace Mlops.Sdk.Registry;

/// <summary>A set of version ordinals.</summary>
internal sealed class Bits(int count)
{
    private readonly ulong[] _words = new ulong[(count + 63) / 64];

    internal bool this[int at] => (_words[at >> 6] & (1ul << at)) != 0;

    internal void Set(int at) => _words[at >> 6] |= 1ul << at;

    internal void Clear(int at) => _words[at >> 6] &= ~(1ul << at);

    internal void Flip()
    {
        for (int i = 0; i < _words.Length; i++)
        {
            _words[i] = ~_words[i];
        }

        if (count % 64 != 0)
        {
            _words[^1] &= (1ul << count) - 1; // a shift counts modulo 64
        }
    }

    internal void And(Bits other)
    {
        for (int i = 0; i < _words.Length; i++)
        {
            _words[i] &= other._words[i];
        }
    }

    internal void Or(Bits other)
    {
        for (int i = 0; i < _words.Length; i++)
        {
            _words[i] |= other._words[i];
        }
    }
}

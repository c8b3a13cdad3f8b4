using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Finds the code of a category: a hash table that is built once and read by any thread.</summary>
/// <remarks>
/// It hashes the length and twelve characters only: the first, the middle and the last four. Where the categories themselves are too
/// alike for that, it hashes all characters. What is looked up cannot make it slow, since nothing is ever added.
/// </remarks>
internal sealed class CategoryCodes
{
    private const int LongestProbe = 6;

    private readonly string?[] _keys;
    private readonly int[] _codes;
    private readonly int _mask;
    private readonly bool _whole;

    internal CategoryCodes(IReadOnlyList<string> categories)
    {
        Count = categories.Count;
        _keys = new string?[BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, categories.Count * 4))];
        _codes = new int[_keys.Length];
        _mask = _keys.Length - 1;
        if (Fill(categories) > LongestProbe)
        {
            _whole = true;
            Array.Clear(_keys);
            Fill(categories);
        }
    }

    /// <summary>Gets how many categories there are.</summary>
    internal int Count { get; }

    /// <summary>Gets whether all characters are hashed.</summary>
    internal bool HashesAll => _whole;

    /// <summary>Finds a category's code.</summary>
    /// <returns>Its place in the list, or <see cref="Count"/> when it is not there.</returns>
    internal int CodeOf(string text)
    {
        int at = (int)Hash(text) & _mask;
        while (_keys[at] is { } key)
        {
            if (key.Length == text.Length && key.AsSpan().SequenceEqual(text))
            {
                return _codes[at];
            }

            at = (at + 1) & _mask;
        }

        return Count;
    }

    /// <summary>Puts the categories in.</summary>
    /// <returns>The length of the longest search.</returns>
    /// <exception cref="ArgumentException">A category is there twice.</exception>
    private int Fill(IReadOnlyList<string> categories)
    {
        int longest = 0;
        for (int code = 0; code < categories.Count; code++)
        {
            int at = (int)Hash(categories[code]) & _mask;
            int probes = 1;
            for (; _keys[at] is { } key; at = (at + 1) & _mask)
            {
                probes++;
                if (key == categories[code])
                {
                    throw new ArgumentException($"'{key}' is listed twice.", nameof(categories));
                }
            }

            (_keys[at], _codes[at]) = (categories[code], code);
            longest = Math.Max(longest, probes);
        }

        return longest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Hash(string text)
    {
        if (_whole)
        {
            return (uint)text.GetHashCode(StringComparison.Ordinal);
        }

        // multiply and fold by odd constants of the golden ratio and of MurmurHash3 (A. Appleby)
        ulong hash = (ulong)text.Length * 0x9E3779B97F4A7C15;
        if (text.Length >= 4)
        {
            ref char first = ref MemoryMarshal.GetReference(text.AsSpan());
            hash = (hash ^ Four(ref first, 0)) * 0xFF51AFD7ED558CCD;
            hash = (hash ^ (hash >> 32) ^ Four(ref first, text.Length - 4)) * 0xC4CEB9FE1A85EC53;
            hash = (hash ^ (hash >> 32) ^ Four(ref first, (text.Length - 4) / 2)) * 0xFF51AFD7ED558CCD;
        }
        else
        {
            foreach (char c in text)
            {
                hash = (hash ^ c) * 0xFF51AFD7ED558CCD;
            }
        }

        return (uint)(hash >> 32);
    }

    private static ulong Four(ref char first, int at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<char, byte>(ref Unsafe.Add(ref first, at)));
}

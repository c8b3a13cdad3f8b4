using System.Collections.Frozen;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>Finds a category's number by its characters: a perfect hash of the length and four characters, then one comparison. Immutable.</summary>
internal sealed class TextLookup
{
    private const int MostSeeds = 2_000;

    private readonly string[] _texts = [];
    private readonly int[] _codes = [];
    private readonly ulong _seed;
    private readonly int _shift;
    private readonly FrozenDictionary<string, int>? _dictionary;

    /// <summary>Prepares the search.</summary>
    /// <param name="categories">The categories; the first of equal ones counts. An empty one is never found: an empty text is a missing one.</param>
    internal TextLookup(IReadOnlyList<string> categories)
    {
        Unknown = categories.Count;
        var distinct = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < categories.Count; i++)
        {
            if (categories[i].Length > 0)
            {
                distinct.TryAdd(categories[i], i);
            }
        }

        // a table four times as large finds a seed without collisions for up to some hundred texts
        int bits = Math.Max(2, 66 - System.Numerics.BitOperations.LeadingZeroCount((ulong)Math.Max(1, distinct.Count)));
        bool alike = distinct.Keys.Select(Key).Distinct().Count() < distinct.Count;
        for (int extra = 0; !alike && extra < 4 && bits + extra <= 14; extra++)
        {
            if (TryPlace(distinct, bits + extra, out _seed, out string[]? texts, out int[]? codes))
            {
                (_texts, _codes, _shift) = (texts, codes, 64 - bits - extra);
                return;
            }
        }

        _dictionary = distinct.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Gets the number that stands for a missing, empty or unknown text.</summary>
    internal int Unknown { get; }

    /// <summary>Finds a text's number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return Unknown;
        }

        if (_dictionary is not null)
        {
            return _dictionary.TryGetValue(text, out int code) ? code : Unknown;
        }

        int slot = (int)((Key(text) * _seed) >> _shift);
        string known = _texts[slot];
        return ReferenceEquals(known, text) || string.Equals(known, text) ? _codes[slot] : Unknown;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(string text)
    {
        int length = text.Length;
        ulong four = text[0] | ((ulong)text[length - 1] << 16) | ((ulong)text[length >> 1] << 32) | ((ulong)text[length >> 2] << 48);
        return four ^ ((ulong)length * 0x9E3779B97F4A7C15);
    }

    private static bool TryPlace(Dictionary<string, int> categories, int bits, out ulong seed, out string[] texts, out int[] codes)
    {
        texts = [];
        codes = [];
        seed = 0x9E3779B97F4A7C15;
        ulong[] keys = [.. categories.Keys.Select(Key)];
        int[] taken = new int[1 << bits];
        for (int attempt = 1; attempt <= MostSeeds; attempt++)
        {
            int placed = 0;
            for (; placed < keys.Length; placed++)
            {
                ref int slot = ref taken[(int)((keys[placed] * seed) >> (64 - bits))];
                if (slot == attempt)
                {
                    break;
                }

                slot = attempt;
            }

            if (placed == keys.Length)
            {
                texts = new string[1 << bits];
                codes = new int[1 << bits];
                Array.Fill(texts, "");
                foreach ((string text, int code) in categories)
                {
                    int slot = (int)((Key(text) * seed) >> (64 - bits));
                    (texts[slot], codes[slot]) = (text, code);
                }

                return true;
            }

            seed = ((seed * 6364136223846793005) + 1442695040888963407) | 1;
        }

        return false;
    }
}

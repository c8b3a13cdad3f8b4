using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Cuts text into the words that are searched: runs of letters and digits, lower case, without accents.</summary>
/// <remarks>
/// The folding is a table of our own, so that a catalog finds the same on every machine, with and without globalisation data:
/// Latin, Greek and Cyrillic letters lose their accents, every other letter is only lowered. A Han, Hiragana or Katakana letter is a
/// word by itself, for those scripts put no spaces between words.
/// </remarks>
internal static class TextTokens
{
    internal const int MaxLength = 64;

    // the base letters of U+00C0..U+017F and U+1E00..U+1EFF; a dot where there is none, or more than one
    private const string Latin =
        "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllllllll" +
        "nnnnnn.nnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    private const string LatinMore =
        "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy......" +
        "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

    private const string Accented = "άέήίΰϊϋόύώΐйѐёѓїќѝўѷӂӑӓӗӝӟӣӥӧӭӯӱӳӵӹ";
    private const string Plain = "αεηιυιυουωιиеегікиуѵжааежзииоэууучы";

    /// <summary>Cuts text into words, in order.</summary>
    /// <param name="text">Any text; a half surrogate pair is no letter.</param>
    /// <param name="words">Takes the words; one of more than 64 characters is cut there.</param>
    /// <param name="most">How many words at most.</param>
    internal static void Cut(string text, List<string> words, int most = int.MaxValue)
    {
        StringBuilder word = new();
        int taken = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int value = rune.Value;
            if (value is >= 0x300 and <= 0x36F)
            {
                continue; // a combining accent belongs to the letter before it
            }

            bool letter = Rune.IsLetterOrDigit(rune);
            if (!letter || IsOwnWord(value))
            {
                Flush();
            }

            if (letter && taken < most)
            {
                Append(word, rune);
                if (IsOwnWord(value))
                {
                    Flush();
                }
            }
        }

        Flush();

        void Flush()
        {
            if (word.Length > 0 && taken < most)
            {
                words.Add(word.Length <= MaxLength ? word.ToString() : word.ToString(0, char.IsHighSurrogate(word[MaxLength - 1]) ? MaxLength - 1 : MaxLength));
                taken++;
            }

            word.Clear();
        }
    }

    /// <summary>Cuts text into words, in order.</summary>
    internal static List<string> Cut(string text)
    {
        List<string> words = [];
        Cut(text, words);
        return words;
    }

    private static bool IsOwnWord(int value) => value is (>= 0x3041 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0x20000 and <= 0x323AF);

    private static void Append(StringBuilder word, Rune rune)
    {
        if (word.Length > 2 * MaxLength)
        {
            return; // it is cut anyway
        }

        int value = rune.Value;
        if (value < 0x80)
        {
            word.Append((char)(value is >= 'A' and <= 'Z' ? value | 0x20 : value));
            return;
        }

        string? several = value switch
        {
            0xC6 or 0xE6 => "ae",
            0xDE or 0xFE => "th",
            0xDF or 0x1E9E => "ss",
            0x132 or 0x133 => "ij",
            0x152 or 0x153 => "oe",
            0x14A or 0x14B => "n",
            _ => null,
        };
        char one = value switch
        {
            >= 0xC0 and <= 0x17F => Latin[value - 0xC0],
            >= 0x1E00 and <= 0x1EFF => LatinMore[value - 0x1E00],
            _ => '.',
        };
        if (several is not null || one != '.')
        {
            _ = several is not null ? word.Append(several) : word.Append(one);
            return;
        }

        Rune lower = Rune.ToLowerInvariant(rune);
        int accented = lower.IsBmp ? Accented.IndexOf((char)lower.Value, StringComparison.Ordinal) : -1;
        if (accented >= 0)
        {
            word.Append(Plain[accented]);
        }
        else
        {
            Span<char> letters = stackalloc char[2];
            word.Append(letters[..lower.EncodeToUtf16(letters)]);
        }
    }
}

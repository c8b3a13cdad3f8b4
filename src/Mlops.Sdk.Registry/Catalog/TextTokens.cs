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
    /// <typeparam name="TSink">What takes the words.</typeparam>
    /// <param name="text">Any text; a half surrogate pair is no letter.</param>
    /// <param name="sink">Takes the words; one of more than 64 characters is cut there.</param>
    /// <param name="most">How many words at most.</param>
    internal static void Cut<TSink>(string text, ref TSink sink, int most = int.MaxValue)
        where TSink : struct, ITokenSink
    {
        Span<char> word = stackalloc char[MaxLength];
        int length = 0;
        int at = 0;
        while (at < text.Length)
        {
            char c = text[at];
            if (char.IsAscii(c))
            {
                at++;
                if (char.IsAsciiLetterOrDigit(c))
                {
                    if (length < MaxLength)
                    {
                        word[length++] = char.ToLowerInvariant(c);
                    }
                }
                else if (!Flush(word, ref length, ref sink, ref most))
                {
                    return;
                }

                continue;
            }

            if (Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int used) != System.Buffers.OperationStatus.Done)
            {
                rune = Rune.ReplacementChar;
            }

            at += used;
            if (rune.Value is >= 0x300 and <= 0x36F)
            {
                continue; // a combining accent belongs to the letter before it
            }

            bool letter = Rune.IsLetterOrDigit(rune);
            bool own = IsOwnWord(rune.Value);
            if ((!letter || own) && !Flush(word, ref length, ref sink, ref most))
            {
                return;
            }

            if (letter)
            {
                length += Fold(rune, word[length..]);
                if (own && !Flush(word, ref length, ref sink, ref most))
                {
                    return;
                }
            }
        }

        Flush(word, ref length, ref sink, ref most);
    }

    /// <summary>Cuts text into words, in order.</summary>
    internal static List<string> Cut(string text)
    {
        ListSink sink = new([]);
        Cut(text, ref sink);
        return sink.Words;
    }

    private static bool Flush<TSink>(ReadOnlySpan<char> word, ref int length, ref TSink sink, ref int most)
        where TSink : struct, ITokenSink
    {
        if (length > 0)
        {
            sink.Word(word[..length]);
            length = 0;
            most--;
        }

        return most > 0;
    }

    private static bool IsOwnWord(int value) => value is (>= 0x3041 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0x20000 and <= 0x323AF);

    /// <summary>Writes the letter as it is searched, or nothing when there is no room.</summary>
    private static int Fold(Rune rune, Span<char> word)
    {
        int value = rune.Value;
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
        if (several is not null)
        {
            return several.AsSpan().TryCopyTo(word) ? several.Length : 0;
        }

        char one = value switch
        {
            >= 0xC0 and <= 0x17F => Latin[value - 0xC0],
            >= 0x1E00 and <= 0x1EFF => LatinMore[value - 0x1E00],
            _ => '.',
        };
        Rune lower = Rune.ToLowerInvariant(rune);
        int accented = one == '.' && lower.IsBmp ? Accented.IndexOf((char)lower.Value, StringComparison.Ordinal) : -1;
        Rune folded = one != '.' ? new Rune(one) : accented >= 0 ? new Rune(Plain[accented]) : lower;
        return folded.TryEncodeToUtf16(word, out int written) ? written : 0;
    }

    private readonly struct ListSink(List<string> words) : ITokenSink
    {
        internal List<string> Words { get; } = words;

        public void Word(ReadOnlySpan<char> word) => Words.Add(word.ToString());
    }
}

/// <summary>Takes words.</summary>
internal interface ITokenSink
{
    /// <summary>Takes one word.</summary>
    /// <param name="word">The word; valid during the call.</param>
    void Word(ReadOnlySpan<char> word);
}

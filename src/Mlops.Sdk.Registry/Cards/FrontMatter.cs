using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>The part of YAML that model cards use: block mappings and lists, lists in brackets, plain and quoted texts, block texts, comments.</summary>
/// <remarks>Anchors, references, tags, mappings in braces and documents of several parts are refused. Bounded in length and depth.</remarks>
internal sealed class FrontMatter
{
    internal const int MaxLength = 64 * 1024;
    internal const int MaxDepth = 16;
    private readonly List<(int Number, int Indent, string Text)> _lines = [];
    private int _at;

    private FrontMatter(string[] lines, int first, int last)
    {
        for (int i = first; i < last; i++)
        {
            string line = lines[i];
            int indent = line.Length - line.TrimStart(' ').Length;
            if (line.AsSpan(indent).StartsWith("\t"))
            {
                throw Wrong(i + 1, "blanks, not tabs, before the text");
            }

            _lines.Add((i + 1, indent, line[indent..].TrimEnd()));
        }
    }

    /// <summary>Reads the front matter of a Markdown text; null when it has none.</summary>
    internal static Dictionary<string, object?>? Parse(string markdown)
    {
        string[] lines = Head(markdown).ReplaceLineEndings("\n").Split('\n');
        if (lines[0].TrimEnd() != "---")
        {
            return null;
        }

        int end = Array.FindIndex(lines, 1, l => l.TrimEnd() == "---");
        if (end < 0)
        {
            throw Wrong(1, $"a second line of three hyphens within {MaxLength} characters");
        }

        FrontMatter reader = new(lines, 1, end);
        reader.SkipBlank();
        if (reader._at == reader._lines.Count)
        {
            return new Dictionary<string, object?>(StringComparer.Ordinal);
        }

        object? root = reader.Block(reader._lines[reader._at].Indent, 0);
        reader.SkipBlank();
        return reader._at < reader._lines.Count ? throw Wrong(reader._lines[reader._at].Number, "a field that starts where the first one does")
            : root as Dictionary<string, object?> ?? throw Wrong(2, "fields with names");
    }

    /// <summary>A text in double quotes, each character that could end it or is no plain sign written by its number.</summary>
    internal static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            int value = rune.Value;
            _ = value switch
            {
                '"' or '\\' => quoted.Append('\\').Append((char)value),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                < 0x20 or (>= 0x7F and < 0xA0) or 0x2028 or 0x2029 or 0xFEFF or 0xFFFE or 0xFFFF => quoted.Append(CultureInfo.InvariantCulture, $"\\u{value:X4}"),
                _ => quoted.Append(rune.ToString()),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>A number that every reader of YAML takes for one.</summary>
    internal static string Number(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int exponent = text.IndexOf('E', StringComparison.Ordinal);
        return exponent >= 0 && !text.Contains('.', StringComparison.Ordinal) ? text.Insert(exponent, ".0") : text;
    }

    private static string Head(string markdown) => markdown.Length <= MaxLength ? markdown : markdown[..MaxLength];

    private object? Block(int indent, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Wrong(_lines[_at].Number, $"at most {MaxDepth} levels");
        }

        return IsItem(_lines[_at].Text) ? List(indent, depth) : Map(indent, depth);
    }

    private List<object?> List(int indent, int depth)
    {
        List<object?> items = [];
        while (Next() && _lines[_at].Indent == indent && IsItem(_lines[_at].Text))
        {
            (int number, _, string text) = _lines[_at];
            string rest = Uncomment(text[1..]).TrimStart(' ');
            if (rest.Length == 0)
            {
                _at++;
                items.Add(Next() && _lines[_at].Indent > indent ? Block(_lines[_at].Indent, depth + 1) : null);
            }
            else if (IsItem(rest) || KeyEnd(rest, number) >= 0)
            {
                // what follows the hyphen is the first line of a block that is as far in as it stands
                int inner = indent + (text.Length - text[1..].TrimStart(' ').Length);
                _lines[_at] = (number, inner, text[1..].TrimStart(' '));
                items.Add(Block(inner, depth + 1));
            }
            else
            {
                _at++;
                items.Add(Scalar(rest, number, indent));
            }
        }

        return items;
    }

    private Dictionary<string, object?> Map(int indent, int depth)
    {
        Dictionary<string, object?> map = new(StringComparer.Ordinal);
        while (Next() && _lines[_at].Indent == indent && !IsItem(_lines[_at].Text))
        {
            (int number, _, string text) = _lines[_at];
            int colon = KeyEnd(text, number);
            if (colon < 0)
            {
                throw Wrong(number, "a name and a colon");
            }

            string key = Key(text[..colon].TrimEnd(), number);
            string rest = Uncomment(text[(colon + 1)..]).Trim(' ');
            _at++;
            object? value = rest.Length > 0
                ? Scalar(rest, number, indent)
                : Next() && (_lines[_at].Indent > indent || (_lines[_at].Indent == indent && IsItem(_lines[_at].Text)))
                    ? Block(_lines[_at].Indent, depth + 1)
                    : null;
            if (!map.TryAdd(key, value))
            {
                throw Wrong(number, "each name once");
            }
        }

        if (_at < _lines.Count && _lines[_at].Indent > indent)
        {
            throw Wrong(_lines[_at].Number, "a line that is as far in as the one before");
        }

        return map;
    }

    private object? Scalar(string text, int number, int indent)
    {
        switch (text[0])
        {
            case '"' or '\'':
                int end = QuoteEnd(text, number);
                return end == text.Length - 1 ? Unquote(text, number) : throw Wrong(number, "nothing after the closing quote");
            case '[':
                return Bracketed(text, number);
            case '|' or '>':
                return Folded(text, number, indent);
            case '{' or '&' or '*' or '!' or '%' or '@' or '`':
                throw Wrong(number, $"a text, a number or a list; '{text[0]}' starts something else, put the text in quotes");
            default:
                return text is "null" or "~" ? null : text;
        }
    }

    private string Folded(string text, int number, int indent)
    {
        if (text.Length > 2 || (text.Length == 2 && text[1] is not ('-' or '+')))
        {
            throw Wrong(number, "'|' or '>' alone");
        }

        List<string> lines = [];
        int? inner = null;
        while (_at < _lines.Count && (_lines[_at].Text.Length == 0 || _lines[_at].Indent > indent))
        {
            if (_lines[_at].Text.Length > 0)
            {
                inner ??= _lines[_at].Indent;
            }

            lines.Add(new string(' ', Math.Max(0, _lines[_at].Text.Length == 0 ? 0 : _lines[_at].Indent - inner!.Value)) + _lines[_at].Text);
            _at++;
        }

        return string.Join(text[0] == '|' ? '\n' : ' ', lines).TrimEnd('\n', ' ');
    }

    private static List<object?> Bracketed(string text, int number)
    {
        List<object?> items = [];
        int at = 1;
        while (true)
        {
            at = Past(text, at);
            if (at == text.Length)
            {
                throw Wrong(number, "']'");
            }

            if (text[at] == ']')
            {
                return Past(text, at + 1) == text.Length ? items : throw Wrong(number, "nothing after ']'");
            }

            if (text[at] is '"' or '\'')
            {
                int end = QuoteEnd(text[at..], number) + at;
                items.Add(Unquote(text[at..(end + 1)], number));
                at = end + 1;
            }
            else
            {
                int end = text.AsSpan(at).IndexOfAny(',', ']', '[') + at;
                if (end < at || text[end] == '[' || text[at] is '{' or '&' or '*' or '!')
                {
                    throw Wrong(number, "texts with commas between them and ']' at the end");
                }

                items.Add(text[at..end].Trim());
                at = end;
            }

            at = Past(text, at);
            if (at < text.Length && text[at] == ',')
            {
                at++;
            }
            else if (at == text.Length || text[at] != ']')
            {
                throw Wrong(number, "',' or ']'");
            }
        }
    }

    private static int Past(string text, int at)
    {
        while (at < text.Length && text[at] == ' ')
        {
            at++;
        }

        return at;
    }

    private static int QuoteEnd(string text, int number)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (text[0] == '"' && text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == text[0])
            {
                if (text[0] == '\'' && i + 1 < text.Length && text[i + 1] == '\'')
                {
                    i++;
                }
                else
                {
                    return i;
                }
            }
        }

        throw Wrong(number, "the closing quote on the same line");
    }

    private static string Unquote(string text, int number)
    {
        string inner = text[1..^1];
        if (text[0] == '\'')
        {
            return inner.Replace("''", "'", StringComparison.Ordinal);
        }

        StringBuilder plain = new();
        for (int i = 0; i < inner.Length; i++)
        {
            if (inner[i] != '\\')
            {
                plain.Append(inner[i]);
                continue;
            }

            i++; // a quoted text never ends in a single backslash
            int digits = inner[i] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (inner.Length - i - 1 < digits)
                {
                    throw Wrong(number, $"{digits} hexadecimal digits");
                }

                if (!int.TryParse(inner.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || value is < 0 or > 0x10FFFF)
                {
                    throw Wrong(number, $"{digits} hexadecimal digits of a character");
                }

                _ = value <= 0xFFFF ? plain.Append((char)value) : plain.Append(char.ConvertFromUtf32(value));
                i += digits;
                continue;
            }

            plain.Append(inner[i] switch
            {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                'b' => '\b',
                'e' => '\u001b',
                '"' or '\\' or '/' or ' ' => inner[i],
                _ => throw Wrong(number, "a known escape after the backslash"),
            });
        }

        return plain.ToString();
    }

    /// <summary>Where a key ends: the place of its colon, or -1 when the text is no key and value.</summary>
    private static int KeyEnd(string text, int number)
    {
        int from = text[0] is '"' or '\'' ? QuoteEnd(text, number) + 1 : 0;
        if (from > 0)
        {
            int at = Past(text, from);
            return at < text.Length && text[at] == ':' && (at + 1 == text.Length || text[at + 1] == ' ') ? at : -1;
        }

        if (text[0] is '[' or '{' or '&' or '*' or '!' or '|' or '>' or '%' or '@' or '`')
        {
            return -1;
        }

        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == ':' && (i + 1 == text.Length || text[i + 1] == ' '))
            {
                return i;
            }

            if (text[i] == '#' && i > 0 && text[i - 1] == ' ')
            {
                return -1;
            }
        }

        return -1;
    }

    private static string Key(string text, int number) => text.Length == 0 ? throw Wrong(number, "a name before the colon") : text[0] is '"' or '\'' ? Unquote(text, number) : text;

    /// <summary>Takes a comment off the end: a number sign after a blank and outside quotes.</summary>
    private static string Uncomment(string text)
    {
        char quote = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quote == '"' && c == '\\')
            {
                i++;
            }
            else if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
            }
            else if (c is '"' or '\'' && (i == 0 || text[i - 1] is ' ' or '[' or ','))
            {
                quote = c;
            }
            else if (c == '#' && (i == 0 || text[i - 1] == ' '))
            {
                return text[..i].TrimEnd(' ');
            }
        }

        return text;
    }

    private static bool IsItem(string text) => text == "-" || text.StartsWith("- ", StringComparison.Ordinal);

    private bool Next()
    {
        SkipBlank();
        return _at < _lines.Count;
    }

    private void SkipBlank()
    {
        while (_at < _lines.Count && (_lines[_at].Text.Length == 0 || _lines[_at].Text[0] == '#'))
        {
            _at++;
        }
    }

    private static MlopsDataException Wrong(int line, string expected) => new("card.invalid_front_matter", $"Line {line} of the card: expected {expected}.");
}

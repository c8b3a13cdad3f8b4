using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Reads a filter in the language of MLflow's registry. <see cref="CatalogFilter.ParseMlflow"/> describes what is understood.</summary>
internal sealed class MlflowTextParser(string text)
{
    private int _at;

    internal CatalogFilter Parse()
    {
        if (text.Length > CatalogFilter.MaxText)
        {
            throw new MlopsDataException("catalog.invalid_query", $"A filter has at most {CatalogFilter.MaxText} characters; this one has {text.Length}.");
        }

        Blanks();
        if (_at == text.Length)
        {
            return CatalogFilter.All;
        }

        List<CatalogFilter> all = [One()];
        while (_at < text.Length)
        {
            if (!Keyword("AND"))
            {
                throw Wrong(_at, "AND or the end of the filter");
            }

            if (all.Count == CatalogTextParser.MaxTerms)
            {
                throw new MlopsDataException("catalog.invalid_query", $"Column {_at + 1}: a filter has at most {CatalogTextParser.MaxTerms} comparisons.");
            }

            all.Add(One());
        }

        return CatalogFilter.Join(all);
    }

    private CatalogFilter One()
    {
        int start = _at;
        string name = Identifier();
        string? key = null;
        if (_at < text.Length && text[_at] == '.')
        {
            _at++;
            key = Identifier();
        }

        Blanks();
        (string field, key) = (name.ToLowerInvariant(), key?.ToLowerInvariant()) switch
        {
            ("attributes" or "attribute" or "attr", { } attribute) => (attribute, null),
            ("metrics" or "metric", not null) => ("metric", key),
            ("tags" or "tag", not null) => ("tag", key),
            ("params" or "param" or "parameters" or "parameter", _) => throw Wrong(start, "metrics.NAME, tags.KEY or an attribute of versions; parameters belong to runs: search those"),
            (var other, null) => (other, key),
            _ => throw Wrong(start, "metrics.NAME, tags.KEY or an attribute"),
        };
        string op = Operator();
        Blanks();
        CatalogFilter filter = field switch
        {
            "metric" => CatalogFilter.Metric(key!, Comparison(op), Number()),
            "tag" => Text(MatchField.Tag, key, op),
            "name" => Text(MatchField.Model, null, op),
            "run_id" => Text(MatchField.Run, null, op),
            "version_number" or "version" => new NumberFilter(NumberField.Version, null, Comparison(op), Number()),
            "creation_timestamp" => Created(op),
            _ => throw Wrong(start, "metrics.NAME, tags.KEY, name, run_id, version_number or creation_timestamp"),
        };
        Blanks();
        return filter;
    }

    private CatalogFilter Text(MatchField field, string? key, string op)
    {
        switch (op)
        {
            case "=" or "!=":
                MatchFilter exact = new(field, key, Wildcard.Escape(Quoted()), MatchCase: true);
                return op == "=" ? exact : exact.Not();
            case "LIKE" or "ILIKE":
                return new MatchFilter(field, key, Like(Quoted()), MatchCase: op == "LIKE");
            case "IN":
                List<CatalogFilter> any = [];
                Expect('(');
                do
                {
                    Blanks();
                    any.Add(new MatchFilter(field, key, Wildcard.Escape(Quoted()), MatchCase: true));
                    Blanks();
                    if (any.Count > CatalogTextParser.MaxTerms)
                    {
                        throw Wrong(_at, $"at most {CatalogTextParser.MaxTerms} values");
                    }
                }
                while (_at < text.Length && text[_at] == ',' && _at++ >= 0);
                Expect(')');
                return CatalogFilter.Choose(any);
            default:
                throw Wrong(_at, "=, !=, LIKE, ILIKE or IN before a text");
        }
    }

    private TimeFilter Created(string op)
    {
        int at = _at;
        double milliseconds = Number();
        CatalogComparison comparison = Comparison(op);
        return comparison is not (CatalogComparison.Equal or CatalogComparison.NotEqual) && Math.Abs(milliseconds) < 6e13
            ? new TimeFilter(comparison, DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds).UtcTicks)
            : throw Wrong(at, "<, <=, > or >= and milliseconds since 1970");
    }

    /// <summary>Turns a LIKE pattern, with its percent and underscore, into ours.</summary>
    private static string Like(string pattern)
    {
        StringBuilder ours = new();
        foreach (char c in pattern)
        {
            _ = c switch
            {
                '%' => ours.Append('*'),
                '_' => ours.Append('?'),
                '*' or '?' or '\\' => ours.Append('\\').Append(c),
                _ => ours.Append(c),
            };
        }

        return ours.ToString();
    }

    private CatalogComparison Comparison(string op)
    {
        int index = Array.IndexOf(CatalogTextParser.Comparisons, op);
        return index >= 0 ? (CatalogComparison)index : throw Wrong(_at, "=, !=, <, <=, > or >= before a number");
    }

    private string Operator()
    {
        foreach (string op in (string[])["<=", ">=", "!=", "<", ">", "="])
        {
            if (string.CompareOrdinal(text, _at, op, 0, op.Length) == 0)
            {
                _at += op.Length;
                return op;
            }
        }

        return Keyword("LIKE") ? "LIKE" : Keyword("ILIKE") ? "ILIKE" : Keyword("IN") ? "IN" : throw Wrong(_at, "a comparison (=, !=, <, <=, >, >=, LIKE, ILIKE, IN)");
    }

    private string Identifier()
    {
        Blanks();
        if (_at < text.Length && text[_at] is '`' or '"')
        {
            return Quoted('`', '"');
        }

        int start = _at;
        while (_at < text.Length && (char.IsLetterOrDigit(text[_at]) || text[_at] is '_' or '-' or '/'))
        {
            _at++;
        }

        return _at > start ? text[start.._at] : throw Wrong(start, "a name");
    }

    private string Quoted(char first = '\'', char second = '"')
    {
        if (_at == text.Length || (text[_at] != first && text[_at] != second))
        {
            throw Wrong(_at, "a text in quotes");
        }

        int start = _at;
        int end = text.IndexOf(text[start], start + 1);
        if (end < 0)
        {
            throw Wrong(text.Length, $"the quote that closes the text at column {start + 1}");
        }

        _at = end + 1;
        return end > start + 1 || first == '\'' ? text[(start + 1)..end] : throw Wrong(start, "a name in the quotes");
    }

    private double Number()
    {
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '+' or '-' or '.'))
        {
            _at++;
        }

        return double.TryParse(text.AsSpan(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : throw Wrong(start, "a number");
    }

    private void Expect(char c)
    {
        Blanks();
        if (_at == text.Length || text[_at] != c)
        {
            throw Wrong(_at, $"'{c}'");
        }

        _at++;
    }

    private bool Keyword(string word)
    {
        bool there = string.Compare(text, _at, word, 0, word.Length, StringComparison.OrdinalIgnoreCase) == 0
            && (_at + word.Length == text.Length || !char.IsLetterOrDigit(text[_at + word.Length]));
        _at += there ? word.Length : 0;
        if (there)
        {
            Blanks();
        }

        return there;
    }

    private void Blanks()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private MlopsDataException Wrong(int at, string expected) => new(
        "catalog.invalid_query",
        $"Column {at + 1}: expected {expected}; found {(at >= text.Length ? "the end" : RegistryRules.Show(text[at..Math.Min(text.Length, at + 20)]))}.");
}

/// <summary>A pattern with <c>*</c> and <c>?</c>. Time grows with text times pattern at worst, never more.</summary>
internal sealed class Wildcard
{
    private readonly char[] _characters;
    private readonly byte[] _kinds; // 0 as it is, 1 any character, 2 any text
    private readonly bool _matchCase;
    private readonly string? _plain;

    internal Wildcard(string pattern, bool matchCase)
    {
        List<char> characters = [];
        List<byte> kinds = [];
        for (int i = 0; i < pattern.Length; i++)
        {
            bool escaped = pattern[i] == '\\' && i + 1 < pattern.Length;
            i += escaped ? 1 : 0;
            byte kind = (escaped, pattern[i]) switch { (false, '?') => 1, (false, '*') => 2, _ => 0 };
            if (kind != 2 || kinds.Count == 0 || kinds[^1] != 2)
            {
                characters.Add(matchCase ? pattern[i] : char.ToLowerInvariant(pattern[i]));
                kinds.Add(kind);
            }
        }

        (_characters, _kinds, _matchCase) = ([.. characters], [.. kinds], matchCase);
        _plain = kinds.TrueForAll(k => k == 0) ? new string(_characters) : null;
    }

    internal static string Escape(string text)
    {
        StringBuilder escaped = new();
        foreach (char c in text)
        {
            escaped.Append(c is '*' or '?' or '\\' ? "\\" : string.Empty).Append(c);
        }

        return escaped.ToString();
    }

    internal bool Matches(string? text)
    {
        if (text is null)
        {
            return false;
        }

        if (_plain is not null)
        {
            if (text.Length != _plain.Length)
            {
                return false;
            }
        }

        int at = 0;
        int part = 0;
        int star = -1;
        int resume = 0;
        while (at < text.Length)
        {
            if (part < _kinds.Length && _kinds[part] == 2)
            {
                (star, resume) = (part++, at);
            }
            else if (part < _kinds.Length && (_kinds[part] == 1 || _characters[part] == (_matchCase ? text[at] : char.ToLowerInvariant(text[at]))))
            {
                part++;
                at++;
            }
            else if (star >= 0)
            {
                (part, at) = (star + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        while (part < _kinds.Length && _kinds[part] == 2)
        {
            part++;
        }

        return part == _kinds.Length;
    }
}

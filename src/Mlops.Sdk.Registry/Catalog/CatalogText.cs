using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Reads the text of a filter. <see cref="CatalogFilter.Parse"/> describes it.</summary>
internal sealed class CatalogTextParser(string text)
{
    internal const int MaxTerms = 64;
    internal const int MaxNesting = 16;

    internal static readonly string[] Comparisons = ["=", "!=", "<", "<=", ">", ">="]; // in the order of CatalogComparison
    private static readonly string[] AgeUnits = ["min", "h", "d", "w", "y"];
    private static readonly long[] AgeMinutes = [1, 60, 24 * 60, 7 * 24 * 60, 365 * 24 * 60];

    private int _at;
    private int _terms;

    internal CatalogFilter Parse()
    {
        if (text.Length > CatalogFilter.MaxText)
        {
            throw new MlopsDataException("catalog.invalid_query", $"A query has at most {CatalogFilter.MaxText} characters; this one has {text.Length}.");
        }

        Blanks();
        if (_at == text.Length)
        {
            return CatalogFilter.All;
        }

        CatalogFilter filter = Either(0);
        return _at == text.Length ? filter : throw Wrong(_at, "a term or the end of the query");
    }

    private CatalogFilter Either(int nesting)
    {
        List<CatalogFilter> sides = [All(nesting)];
        while (Keyword("OR"))
        {
            sides.Add(All(nesting));
        }

        return CatalogFilter.Choose(sides);
    }

    private CatalogFilter All(int nesting)
    {
        List<CatalogFilter> terms = [One(nesting)];
        while (true)
        {
            bool and = Keyword("AND");
            if (!and && (_at == text.Length || text[_at] == ')' || IsKeyword("OR")))
            {
                return CatalogFilter.Join(terms);
            }

            terms.Add(One(nesting));
        }
    }

    private CatalogFilter One(int nesting)
    {
        Blanks();
        if (nesting > MaxNesting)
        {
            throw new MlopsDataException("catalog.invalid_query", $"Column {_at + 1}: a query nests at most {MaxNesting} levels deep.");
        }

        if (_at == text.Length || IsKeyword("OR") || IsKeyword("AND"))
        {
            throw Wrong(_at, "a term");
        }

        if (text[_at] == '-')
        {
            _at++;
            return _at < text.Length && !char.IsWhiteSpace(text[_at]) ? One(nesting + 1).Not() : throw Wrong(_at, "a term right after '-'");
        }

        if (Keyword("NOT"))
        {
            return One(nesting + 1).Not();
        }

        if (text[_at] == '(')
        {
            _at++;
            CatalogFilter inner = Either(nesting + 1);
            if (_at == text.Length || text[_at] != ')')
            {
                throw Wrong(_at, "')'");
            }

            _at++;
            Blanks();
            return inner;
        }

        if (++_terms > MaxTerms)
        {
            throw new MlopsDataException("catalog.invalid_query", $"Column {_at + 1}: a query has at most {MaxTerms} terms.");
        }

        CatalogFilter term = text[_at] == '"' ? At(_at, Quoted(), CatalogFilter.Phrase) : Term();
        if (_at < text.Length && !char.IsWhiteSpace(text[_at]) && text[_at] is not ('(' or ')'))
        {
            throw Wrong(_at, "a space after the term");
        }

        Blanks();
        return term;
    }

    private CatalogFilter Term()
    {
        int start = _at;
        string name = Bare(value: false);
        string? key = null;
        if (_at < text.Length && text[_at] == '"' && (Same(name, "metric.") || Same(name, "tag.")))
        {
            (key, name) = (Quoted(), name[..^1]);
        }

        string? op = Operator();
        if (op is null)
        {
            return key is not null ? throw Wrong(_at, "':' or a comparison after the field")
                : name == "*" && text[start] == '*' ? CatalogFilter.All
                : name.Length == 0 ? throw Wrong(start, "a term")
                : At(start, name, WordOf);
        }

        if (key is null && (name.StartsWith("metric.", StringComparison.OrdinalIgnoreCase) || name.StartsWith("tag.", StringComparison.OrdinalIgnoreCase)))
        {
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            (key, name) = (name[(dot + 1)..], name[..dot]);
        }

        if (key is { Length: 0 })
        {
            throw Wrong(start, "a name after the dot");
        }

        int at = _at;
        if (at == text.Length || char.IsWhiteSpace(text[at]))
        {
            throw Wrong(at, "a value right after the operator");
        }

        string value = text[at] == '"' ? Quoted() : Bare(value: true);
        return Field(start, name.ToLowerInvariant(), name, key, op, value, at);
    }

    private CatalogFilter Field(int start, string lower, string name, string? key, string op, string value, int at)
    {
        switch (lower)
        {
            case "metric" when key is not null:
                return CatalogFilter.Metric(key, Comparison(op), Number(value, at));
            case "tag":
                return Match(MatchField.Tag, key, op, value, at);
            case "model" or "name":
                return Match(MatchField.Model, null, op, value, at);
            case "alias":
                return Match(MatchField.Alias, null, op, value, at);
            case "owner":
                return Match(MatchField.Owner, null, op, value, at);
            case "stage":
                return Match(MatchField.Stage, null, op, value, at);
            case "algorithm":
                return Match(MatchField.Algorithm, null, op, value, at);
            case "format":
                return Match(MatchField.Format, null, op, value, at);
            case "run":
                return Match(MatchField.Run, null, op, value, at);
            case "by":
                return Match(MatchField.By, null, op, value, at);
            case "dataset":
                return Match(MatchField.Dataset, null, op, value, at);
            case "state":
                return Known(MatchField.State, op, value, at, CatalogFilter.States);
            case "task":
                return Known(MatchField.Task, op, value, at, [.. Enum.GetNames<ModelTask>().Select(n => n.ToLowerInvariant())]);
            case "drift":
                return Known(MatchField.Drift, op, value, at, [.. Enum.GetNames<CatalogDrift>().Select(n => n.ToLowerInvariant())]);
            case "version":
                return new NumberFilter(NumberField.Version, null, Comparison(op), Number(value, at));
            case "approvals":
                return new NumberFilter(NumberField.Approvals, null, Comparison(op), Number(value, at));
            case "rows":
                return new NumberFilter(NumberField.Rows, null, Comparison(op), Number(value, at));
            case "rating":
                return new NumberFilter(NumberField.Rating, null, Comparison(op), Number(value, at));
            case "ratings":
                return new NumberFilter(NumberField.Ratings, null, Comparison(op), Number(value, at));
            case "requests":
                return new NumberFilter(NumberField.Requests, null, Comparison(op), Number(value, at));
            case "created":
                return new TimeFilter(Order(op, start), Time(value, at));
            case "age":
                return new AgeFilter(Order(op, start), Age(value, at));
            case "deprecated":
                return new FlagFilter(FlagField.Deprecated, YesOrNo(op, value, at));
            case "approved":
                return new FlagFilter(FlagField.Approved, YesOrNo(op, value, at));
            case "signed":
                return new FlagFilter(FlagField.Signed, YesOrNo(op, value, at));
            case "live":
                return new FlagFilter(FlagField.Live, YesOrNo(op, value, at));
            default:
                return op != ":" && name.Length > 0 && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
                    ? CatalogFilter.Metric(name, Comparison(op), number)
                    : throw Wrong(start, "a field (model, alias, owner, task, stage, state, algorithm, format, run, by, dataset, drift, tag, tag.KEY, metric.NAME, version, approvals, rows, rating, ratings, requests, created, age, deprecated, approved, signed, live) or a metric compared with a number");
        }
    }

    private CatalogFilter Match(MatchField field, string? key, string op, string value, int at)
    {
        MatchFilter match = new(field, key, value, op != ":");
        return op is ":" or "=" ? match : op == "!=" ? match.Not() : throw Wrong(at, "':', '=' or '!=' before a text");
    }

    private CatalogFilter Known(MatchField field, string op, string value, int at, params string[] values)
    {
        string? known = Array.Find(values, v => Same(v, value));
        if (known is null && !value.AsSpan().ContainsAny('*', '?'))
        {
            throw Wrong(at, string.Join(", ", values[..^1].Select(v => $"'{v}'")) + $" or '{values[^1]}'");
        }

        return Match(field, null, op == "=" ? ":" : op, known ?? value, at) switch
        {
            NotFilter { Inner: MatchFilter inner } => (inner with { MatchCase = false }).Not(),
            var match => match,
        };
    }

    private static CatalogComparison Comparison(string op) => op == ":" ? CatalogComparison.Equal : (CatalogComparison)Array.IndexOf(Comparisons, op);

    private CatalogComparison Order(string op, int at) => op is "<" or "<=" or ">" or ">=" ? Comparison(op) : throw Wrong(at, "'<', '<=', '>' or '>=' after 'created' and 'age'");

    private double Number(string value, int at) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : throw Wrong(at, "a number such as 0.9");

    private bool YesOrNo(string op, string value, int at)
    {
        bool yes = Same(value, "yes") || Same(value, "true");
        return op is not (":" or "=" or "!=") || !(yes || Same(value, "no") || Same(value, "false")) ? throw Wrong(at, "'yes' or 'no'") : yes == (op != "!=");
    }

    private long Time(string value, int at) =>
        DateTimeOffset.TryParseExact(value, ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant)
            ? instant.UtcTicks
            : throw Wrong(at, "a date such as 2026-01-31 or a time such as 2026-01-31T14:05:00Z");

    private long Age(string value, int at)
    {
        int digits = 0;
        while (digits < value.Length && char.IsAsciiDigit(value[digits]))
        {
            digits++;
        }

        int unit = Array.IndexOf(AgeUnits, value[digits..].ToLowerInvariant());
        return unit >= 0 && long.TryParse(value.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count <= CatalogFilter.MaxAgeMinutes / AgeMinutes[unit]
            ? count * AgeMinutes[unit]
            : throw Wrong(at, "a number and a unit, such as 30d (min, h, d, w, y)");
    }

    private string Bare(bool value)
    {
        StringBuilder bare = new();
        while (_at < text.Length)
        {
            char c = text[_at];
            if (c == '\\')
            {
                if (_at + 1 == text.Length)
                {
                    throw Wrong(_at + 1, "a character after the backslash");
                }

                bare.Append(text[_at + 1]);
                _at += 2;
                continue;
            }

            if (char.IsWhiteSpace(c) || c is '"' or '(' or ')' || (!value && OperatorLength(_at) > 0))
            {
                break;
            }

            bare.Append(c);
            _at++;
        }

        return bare.ToString();
    }

    private string Quoted()
    {
        int start = _at++;
        StringBuilder quoted = new();
        while (_at < text.Length && text[_at] != '"')
        {
            if (text[_at] == '\\')
            {
                _at++;
                if (_at == text.Length)
                {
                    break;
                }
            }

            quoted.Append(text[_at++]);
        }

        if (_at == text.Length)
        {
            throw Wrong(_at, $"'\"' to close the text that starts at column {start + 1}");
        }

        _at++;
        return quoted.ToString();
    }

    private string? Operator()
    {
        int length = OperatorLength(_at);
        string? op = length == 0 ? null : text.Substring(_at, length);
        _at += length;
        return op;
    }

    private int OperatorLength(int at)
    {
        char next = at + 1 < text.Length ? text[at + 1] : '\0';
        return at == text.Length ? 0 : text[at] switch
        {
            ':' or '=' => 1,
            '<' or '>' => next == '=' ? 2 : 1,
            '!' => next == '=' ? 2 : 0,
            _ => 0,
        };
    }

    private bool IsKeyword(string word) => string.CompareOrdinal(text, _at, word, 0, word.Length) == 0
        && (_at + word.Length == text.Length || char.IsWhiteSpace(text[_at + word.Length]) || text[_at + word.Length] is '(' or ')');

    private bool Keyword(string word)
    {
        if (!IsKeyword(word))
        {
            return false;
        }

        _at += word.Length;
        Blanks();
        return true;
    }

    private void Blanks()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private static CatalogFilter WordOf(string word) => TextTokens.Cut(word).Count == 0 ? CatalogFilter.Phrase(word) : new WordFilter(word);

    /// <summary>Makes a part of the filter and says the column when it refuses.</summary>
    private static CatalogFilter At(int at, string value, Func<string, CatalogFilter> make)
    {
        try
        {
            return make(value);
        }
        catch (MlopsDataException refused)
        {
            throw new MlopsDataException("catalog.invalid_query", $"Column {at + 1}: {refused.Message}", refused);
        }
    }

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private MlopsDataException Wrong(int at, string expected) => new(
        "catalog.invalid_query",
        $"Column {at + 1}: expected {expected}; found {(at >= text.Length ? "the end" : RegistryRules.Show(text[at..Math.Min(text.Length, at + 20)]))}.");
}

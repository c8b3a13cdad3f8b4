using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Reads filters and orders. Recursive descent with a limit on length, terms and depth.</summary>
internal ref struct RunFilterParser
{
    private const int MaxLength = 10_000;
    private const int MaxTerms = 500;
    private const int MaxDepth = 40;
    private readonly string _text;
    private int _at;
    private int _terms;
    private int _depth;

    private RunFilterParser(string text)
    {
        _text = text;
        if (text.Length > MaxLength)
        {
            throw new MlopsDataException("tracking.invalid_filter", $"The filter has {text.Length} characters, {MaxLength} are allowed. Ask for less, or filter the answer.");
        }
    }

    internal static RunFilter Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new RunFilterParser(text);
        parser.Blanks();
        if (parser._at == text.Length)
        {
            return new RunFilter.Joined([], all: true);
        }

        RunFilter filter = parser.Or();
        return parser._at == text.Length ? filter : throw parser.Wrong("'and', 'or' or the end");
    }

    internal static RunOrder ParseOrder(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new RunFilterParser(text);
        parser.Blanks();
        RunField field = parser.Field();
        bool descending = parser.Word("desc");
        if (!descending)
        {
            parser.Word("asc");
        }

        return parser._at == text.Length ? new RunOrder(field, descending) : throw parser.Wrong("'asc', 'desc' or the end");
    }

    private RunFilter Or()
    {
        List<RunFilter> parts = [And()];
        while (Word("or"))
        {
            parts.Add(And());
        }

        return parts.Count == 1 ? parts[0] : new RunFilter.Joined(parts, all: false);
    }

    private RunFilter And()
    {
        List<RunFilter> parts = [Term()];
        while (Word("and"))
        {
            parts.Add(Term());
        }

        return parts.Count == 1 ? parts[0] : new RunFilter.Joined(parts, all: true);
    }

    private RunFilter Term()
    {
        if (++_terms > MaxTerms || ++_depth > MaxDepth)
        {
            throw new MlopsDataException("tracking.invalid_filter", $"The filter has more than {MaxTerms} comparisons or is nested more than {MaxDepth} deep. Ask for less, or filter the answer.");
        }

        RunFilter filter;
        if (Word("not"))
        {
            filter = Term().Not();
        }
        else if (Sign("("))
        {
            filter = Or();
            if (!Sign(")"))
            {
                throw Wrong("')'");
            }
        }
        else
        {
            filter = Comparison();
        }

        _depth--;
        return filter;
    }

    private RunFilter Comparison()
    {
        RunField field = Field();
        if (Word("is"))
        {
            bool absent = Word("not");
            return Word("present") && !absent ? field.IsPresent() : Word("null") ? (absent ? field.IsPresent() : field.IsPresent().Not()) : throw Wrong("'null', 'not null' or 'present'");
        }

        if (Word("in"))
        {
            return field.IsOneOf(List());
        }

        if (Word("not"))
        {
            return Word("in") ? field.IsPresent().And(field.IsOneOf(List()).Not()) : throw Wrong("'in'");
        }

        RunField.Operator how = Word("like") ? RunField.Operator.Like
            : Word("ilike") ? RunField.Operator.ILike
            : Sign("!=") || Sign("<>") ? RunField.Operator.NotEqual
            : Sign(">=") ? RunField.Operator.GreaterOrEqual
            : Sign("<=") ? RunField.Operator.LessOrEqual
            : Sign("==") || Sign("=") ? RunField.Operator.Equal
            : Sign(">") ? RunField.Operator.Greater
            : Sign("<") ? RunField.Operator.Less
            : throw Wrong("one of = != < <= > >= like ilike in");
        RunValue value = Value();
        return value.Number is not null && how is RunField.Operator.Like or RunField.Operator.ILike
            ? throw Wrong("a quoted text after 'like'")
            : new RunField.Comparison(field, how, value, []);
    }

    private RunField Field()
    {
        int start = _at;
        string first = Name(dots: false);
        if (_at >= _text.Length || _text[_at] != '.')
        {
            Blanks();
            return RunField.Attribute(Attribute(first));
        }

        _at++;
        string name = Name(dots: true);
        Blanks();
        if (name.Length > TrackingRules.MaxKey * 2)
        {
            throw Wrong("a shorter name");
        }

        switch (first.ToLowerInvariant())
        {
            case "metrics" or "metric":
                return RunField.Metric(name);
            case "min":
                return RunField.MetricMinimum(name);
            case "max":
                return RunField.MetricMaximum(name);
            case "params" or "param" or "parameters" or "parameter":
                return RunField.Param(name);
            case "tags" or "tag":
                return RunField.Tag(name);
            case "datasets" or "dataset":
                return RunField.Dataset(name);
            case "attributes" or "attribute" or "attr" or "run":
                return RunField.Attribute(Attribute(name));
            default:
                _at = start;
                throw Wrong("metrics., min., max., params., tags., datasets. or attributes. and a name");
        }
    }

    /// <summary>Other names that tools use for the same facts.</summary>
    private static string Attribute(string name) => name.ToLowerInvariant() switch
    {
        "name" or "run name" => "run_name",
        "id" => "run_id",
        "started" or "created" or "start time" => "start_time",
        "ended" or "end time" => "end_time",
        "user_id" or "by" => "user",
        "experiment_name" => "experiment",
        var other => other,
    };

    private string Name(bool dots)
    {
        if (_at < _text.Length && _text[_at] is '`' or '"')
        {
            char quote = _text[_at];
            int end = _text.IndexOf(quote, _at + 1);
            if (end <= _at + 1)
            {
                throw Wrong($"a name and a closing {quote}");
            }

            string quoted = _text[(_at + 1)..end];
            _at = end + 1;
            return quoted;
        }

        int start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '-' or '/' || (dots && _text[_at] == '.')))
        {
            _at++;
        }

        return _at > start ? _text[start.._at] : throw Wrong("a name");
    }

    private List<string> List()
    {
        if (!Sign("("))
        {
            throw Wrong("'('");
        }

        List<string> texts = [];
        do
        {
            RunValue value = Value();
            texts.Add(value.Text ?? TrackingRules.Number(value.Number!.Value));
            if (texts.Count > MaxTerms)
            {
                throw Wrong($"at most {MaxTerms} values");
            }
        }
        while (Sign(","));
        return Sign(")") ? texts : throw Wrong("',' or ')'");
    }

    private RunValue Value()
    {
        if (_at < _text.Length && _text[_at] is '\'' or '"')
        {
            return RunValue.Of(Quoted());
        }

        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '+' or '-' or '.'))
        {
            _at++;
        }

        string word = _text[start.._at];
        double? number = word.ToUpperInvariant() switch
        {
            "NAN" => double.NaN,
            "INF" or "+INF" or "INFINITY" or "+INFINITY" => double.PositiveInfinity,
            "-INF" or "-INFINITY" => double.NegativeInfinity,
            _ => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) ? parsed : null,
        };
        if (number is null)
        {
            _at = start;
            throw Wrong("a number or a text in single quotes");
        }

        Blanks();
        return RunValue.Of(number);
    }

    private string Quoted()
    {
        char quote = _text[_at];
        var text = new System.Text.StringBuilder();
        for (int i = _at + 1; i < _text.Length; i++)
        {
            if (_text[i] != quote)
            {
                text.Append(_text[i]);
            }
            else if (i + 1 < _text.Length && _text[i + 1] == quote)
            {
                text.Append(quote); // twice for once
                i++;
            }
            else
            {
                _at = i + 1;
                Blanks();
                return text.ToString();
            }
        }

        throw Wrong($"a closing {quote}");
    }

    private bool Word(string word)
    {
        int end = _at + word.Length;
        if (end > _text.Length || !_text.AsSpan(_at, word.Length).Equals(word, StringComparison.OrdinalIgnoreCase) || (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] is '_' or '.' or '-' or '/')))
        {
            return false;
        }

        _at = end;
        Blanks();
        return true;
    }

    private bool Sign(string sign)
    {
        if (!_text.AsSpan(_at).StartsWith(sign, StringComparison.Ordinal))
        {
            return false;
        }

        _at += sign.Length;
        Blanks();
        return true;
    }

    private void Blanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }

    private readonly MlopsDataException Wrong(string expected) => new(
        "tracking.invalid_filter",
        $"The filter does not read at position {_at}: expected {expected}, found {(_at < _text.Length ? RegistryRules.Show(_text[_at..]) : "the end")}. An example that reads: metrics.auc > 0.9 and params.trees = '100'.");
}

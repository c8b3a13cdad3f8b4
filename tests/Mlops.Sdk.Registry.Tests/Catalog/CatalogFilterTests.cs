namespace Mlops.Sdk.Registry.Tests.Catalog;

public sealed class CatalogFilterTests
{
    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String[Gen.Char, 1, 12],
        Gen.String[Gen.Char["abcO RAND\"\\:=<>!()-*?.é\t中"], 1, 12],
        RandomLedger.OneOf("OR", "AND", "NOT", "-a", "*", "a*", "a:b", "x y", "tag.eu", "\\"));

    private static readonly Gen<string> Word = AnyText.Where(t => TextTokens.Cut(t).Count > 0 && !t.Any(char.IsWhiteSpace));
    private static readonly Gen<CatalogComparison> Comparison = Gen.Enum<CatalogComparison>();
    private static readonly Gen<CatalogComparison> Order = RandomLedger.OneOf(CatalogComparison.Less, CatalogComparison.LessOrEqual, CatalogComparison.Greater, CatalogComparison.GreaterOrEqual);

    private static readonly Gen<CatalogFilter> Term = Gen.OneOf(
        Gen.Const(CatalogFilter.All),
        Word.Select(CatalogFilter.Words),
        AnyText.Where(t => TextTokens.Cut(t).Count > 0).Select(CatalogFilter.Phrase),
        AnyText.Select(t => CatalogFilter.Model(t)),
        AnyText.Select(t => CatalogFilter.Owner(t, matchCase: true)),
        AnyText.Select(CatalogFilter.Alias),
        AnyText.Select(CatalogFilter.Stage),
        AnyText.Select(CatalogFilter.Algorithm),
        AnyText.Select(CatalogFilter.Run),
        AnyText.Select(CatalogFilter.By),
        AnyText.Select(CatalogFilter.Dataset),
        AnyText.Select(CatalogFilter.Tag),
        Gen.Select(AnyText, AnyText, Gen.Bool).Select((k, v, c) => CatalogFilter.Tag(k, v, c)),
        Gen.Enum<ModelTask>().Select(CatalogFilter.Task),
        Gen.Enum<CatalogDrift>().Select(CatalogFilter.Drift),
        RandomLedger.OneOf("validated", "Rejected", "deleted", "del*", "?ejected").Select(CatalogFilter.State),
        Gen.Select(AnyText, Comparison, Gen.Double.Where(double.IsFinite)).Select(CatalogFilter.Metric),
        Gen.Select(Comparison, Gen.Int).Select(CatalogFilter.Version),
        Gen.Select(Comparison, Gen.Int[0, 9]).Select(CatalogFilter.Approvals),
        Gen.Select(Comparison, Gen.Double[-9, 9]).Select(CatalogFilter.Rating),
        Gen.Select(Comparison, Gen.Int[0, 9]).Select(CatalogFilter.Ratings),
        Gen.Select(Comparison, Gen.Int[0, 9]).Select(CatalogFilter.Requests),
        Gen.Select(Comparison, Gen.Long[0, 1L << 50]).Select(CatalogFilter.Rows),
        Gen.Select(Order, Gen.DateTime).Select((o, t) => CatalogFilter.Created(o, new DateTimeOffset(DateTime.SpecifyKind(t, DateTimeKind.Utc)))),
        Gen.Select(Order, Gen.Int[0, 5_000_000]).Select((o, m) => CatalogFilter.Age(o, TimeSpan.FromMinutes(m))),
        Gen.Bool.Select(CatalogFilter.Deprecated),
        Gen.Bool.Select(CatalogFilter.Approved),
        Gen.Bool.Select(CatalogFilter.Signed),
        Gen.Bool.Select(CatalogFilter.Live));

    internal static Gen<CatalogFilter> Filters(Gen<CatalogFilter> term) => Gen.Recursive<CatalogFilter>((depth, inner) => depth >= 3
        ? term
        : Gen.OneOf(
            term,
            Gen.Select(inner, inner).Select((a, b) => a & b),
            Gen.Select(inner, inner, inner).Select((a, b, c) => a | b | c),
            inner.Select(a => !a)));

    [Fact]
    public void Any_filter_is_the_same_after_writing_and_reading_it() => Filters(Term).Sample(
        filter =>
        {
            string text = filter.ToString();
            if (text.Length > CatalogFilter.MaxText || filter.Terms > CatalogTextParser.MaxTerms)
            {
                return true;
            }

            CatalogFilter read = CatalogFilter.Parse(text);
            return read.Equals(filter) && read.ToString() == text && read.GetHashCode() == filter.GetHashCode();
        },
        iter: 5_000);

    [Fact]
    public void Any_text_is_a_filter_or_refused_with_a_column_and_nothing_else() => Gen.OneOf(Gen.String[Gen.Char["ab1.\"\\:=<>!()-* ORANDtagmetric"], 0, 40], Gen.String[0, 60], Gen.Select(Filters(Term), Gen.Int[0, 100]).Select((f, n) => f.ToString()[..Math.Min(n, f.ToString().Length)])).Sample(
        text =>
        {
            foreach (Func<string, CatalogFilter> parse in (Func<string, CatalogFilter>[])[CatalogFilter.Parse, CatalogFilter.ParseMlflow])
            {
                try
                {
                    CatalogFilter read = parse(text);
                    Assert.Equal(read, CatalogFilter.Parse(read.ToString()));
                }
                catch (MlopsDataException refused)
                {
                    Assert.Equal("catalog.invalid_query", refused.Code);
                    Assert.StartsWith("Column ", refused.Message, StringComparison.Ordinal);
                }
            }
        },
        iter: 5_000);

    [Theory]
    [InlineData("fraud", "fraud")]
    [InlineData("  ", "*")]
    [InlineData("a b OR c d", "a b OR c d")]
    [InlineData("(a OR b) c", "(a OR b) c")]
    [InlineData("NOT (a b)", "-(a b)")]
    [InlineData("--a", "a")]
    [InlineData("a AND b", "a b")]
    [InlineData("auc>0.9", "metric.auc>0.9")]
    [InlineData("metric.auc:0.9", "metric.auc=0.9")]
    [InlineData("Rating>=4 ratings:3 -requests>0 metric.rating>1", "rating>=4 ratings=3 -requests>0 metric.rating>1")]
    [InlineData("tag:eu tag.region=eu tag.team:\"risk eu\"", "tag:eu tag.region=eu tag.team:\"risk eu\"")]
    [InlineData("owner!=ann", "-owner=ann")]
    [InlineData("created>2026-01-01 age<4w", "created>2026-01-01 age<4w")]
    [InlineData("age<28d", "age<4w")]
    [InlineData("deprecated:yes approved=no", "deprecated:yes approved:no")]
    [InlineData("TASK:Binary Drift:alerted", "task:binary drift:alerted")]
    [InlineData("name:fraud*", "model:fraud*")]
    [InlineData("\"exact phrase\" -legacy", "\"exact phrase\" -legacy")]
    [InlineData("metric.\"my metric\">=-1e-3", "metric.\"my metric\">=-0.001")]
    public void Text_means(string text, string canonical) => Assert.Equal(canonical, CatalogFilter.Parse(text).ToString());

    [Theory]
    [InlineData("fraud metric.auc>high", 18, "a number")]
    [InlineData("(a b", 5, "')'")]
    [InlineData("a )", 3, "a term or the end")]
    [InlineData("\"open", 6, "column 1")]
    [InlineData("colour:red", 1, "a field")]
    [InlineData("a OR", 5, "a term")]
    [InlineData("- a", 2, "right after '-'")]
    [InlineData("owner: ann", 7, "a value right after")]
    [InlineData("created:2026-01-01", 1, "'<', '<=', '>' or '>='")]
    [InlineData("created>yesterday", 9, "a date")]
    [InlineData("rating>=good", 9, "a number")]
    [InlineData("age<3m", 5, "a number and a unit")]
    [InlineData("deprecated:perhaps", 12, "'yes' or 'no'")]
    [InlineData("task:clustering", 6, "'binary', 'multiclass' or 'regression'")]
    [InlineData("owner>ann", 7, "':', '=' or '!='")]
    [InlineData("a\"b\"", 2, "a space")]
    [InlineData("a !!!", 3, "a letter or digit")]
    [InlineData("tag.:x", 1, "a name after the dot")]
    [InlineData("metric.\"a\" b", 11, "':' or a comparison")]
    public void A_bad_query_is_refused_with_its_column_and_what_was_expected(string text, int column, string expected)
    {
        MlopsDataException refused = Assert.Throws<MlopsDataException>(() => CatalogFilter.Parse(text));
        Assert.Equal("catalog.invalid_query", refused.Code);
        Assert.StartsWith($"Column {column}: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_deep_and_crowded_queries_are_refused()
    {
        foreach (string text in (string[])[new string('a', 5_000), new string('(', 2_000), new string('-', 3_000) + "a", string.Join(' ', Enumerable.Repeat("a", 65)), string.Join(" AND ", Enumerable.Repeat("version_number > 1", 200))])
        {
            Assert.Equal("catalog.invalid_query", Assert.Throws<MlopsDataException>(() => CatalogFilter.Parse(text)).Code);
            Assert.Equal("catalog.invalid_query", Assert.Throws<MlopsDataException>(() => CatalogFilter.ParseMlflow(text)).Code);
        }

        Assert.Equal("catalog.invalid_query", Assert.Throws<MlopsDataException>(() => CatalogFilter.State("asleep")).Code);
        CatalogFilter deep = CatalogFilter.Words("a");
        Assert.Equal("catalog.invalid_query", Assert.Throws<MlopsDataException>(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                deep = (deep | CatalogFilter.Words("b")) & CatalogFilter.Words("c");
            }
        }).Code);
    }

    [Theory]
    [InlineData("name = 'fraud'", "model=fraud")]
    [InlineData("name LIKE 'fraud%' AND tags.region ilike '_u'", "model=fraud* tag.region:?u")]
    [InlineData("metrics.auc > 0.9 and tags.`my key` != 'a*'", "metric.auc>0.9 -tag.\"my key\"=\"a\\\\*\"")]
    [InlineData("attributes.run_id IN ('a', 'b') AND version_number >= 2", "(run=a OR run=b) version>=2")]
    [InlineData("creation_timestamp > 1767225600000", "created>2026-01-01")]
    [InlineData("", "*")]
    public void An_MLflow_filter_means(string text, string ours) => Assert.Equal(ours, CatalogFilter.ParseMlflow(text).ToString());

    [Theory]
    [InlineData("params.depth = '3'", "Column 1", "parameters belong to runs")]
    [InlineData("metrics.auc LIKE 'a'", "Column 18", "before a number")]
    [InlineData("name > 'a'", "Column 8", "before a text")]
    [InlineData("name = fraud", "Column 8", "a text in quotes")]
    [InlineData("name = 'a' OR name = 'b'", "Column 12", "AND")]
    [InlineData("colour = 'a'", "Column 1", "version_number")]
    public void A_bad_MLflow_filter_is_refused(string text, string column, string expected)
    {
        string message = Assert.Throws<MlopsDataException>(() => CatalogFilter.ParseMlflow(text)).Message;
        Assert.StartsWith(column + ":", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_matches_as_a_slow_matcher_says() => Gen.Select(Gen.String[Gen.Char["ab*?\\"], 0, 8], Gen.String[Gen.Char["ab*"], 0, 8]).Sample(
        (pattern, text) => new Wildcard(pattern, matchCase: true).Matches(text) == Slow(pattern, text),
        iter: 20_000);

    [Theory]
    [InlineData("Ärger über die Straße", "arger uber die strasse")]
    [InlineData("Łódź naïve Œuvre ΆΛΦΑ Ёлка", "lodz naive oeuvre αλφα елка")]
    [InlineData("taxi-fare_v2 x2", "taxi fare v2 x2")]
    [InlineData("機械学習 model", "機 械 学 習 model")]
    [InlineData("e\u0301te\u0301", "ete")]
    [InlineData("\ud800broken", "broken")]
    public void Words_are_cut_and_folded(string text, string words) => Assert.Equal(words, string.Join(' ', TextTokens.Cut(text)));

    private static bool Slow(string pattern, string text)
    {
        if (pattern.Length == 0)
        {
            return text.Length == 0;
        }

        if (pattern[0] == '*')
        {
            return Slow(pattern[1..], text) || (text.Length > 0 && Slow(pattern, text[1..]));
        }

        bool escaped = pattern[0] == '\\' && pattern.Length > 1;
        char expected = escaped ? pattern[1] : pattern[0];
        return text.Length > 0 && ((!escaped && expected == '?') || expected == text[0]) && Slow(pattern[(escaped ? 2 : 1)..], text[1..]);
    }
}

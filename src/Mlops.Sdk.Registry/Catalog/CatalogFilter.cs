using System.Diagnostics.CodeAnalysis;

namespace Mlops.Sdk.Registry;

/// <summary>How a number or time is compared.</summary>
public enum CatalogComparison
{
    /// <summary>It is the same.</summary>
    Equal,

    /// <summary>It is there and another.</summary>
    NotEqual,

    /// <summary>It is smaller, or earlier.</summary>
    Less,

    /// <summary>It is smaller or the same.</summary>
    LessOrEqual,

    /// <summary>It is larger, or later.</summary>
    Greater,

    /// <summary>It is larger or the same.</summary>
    GreaterOrEqual,
}

/// <summary>Whether a version drifts, as far as monitoring has told the ledger.</summary>
public enum CatalogDrift
{
    /// <summary>Monitoring never spoke of it.</summary>
    Unwatched,

    /// <summary>It is watched, and no alert is open.</summary>
    Calm,

    /// <summary>An alert about it is open.</summary>
    Alerted,
}

/// <summary>Which versions of which models are wanted: made here in C#, or read from text, and written as text again. Immutable.</summary>
/// <remarks>
/// In a pattern <c>*</c> stands for any text and <c>?</c> for one character; a backslash before either takes it as it is. Patterns
/// ignore letter case unless asked otherwise. <see cref="Parse"/> describes the text.
/// </remarks>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "And, Or and Not are the named ones.")]
public abstract record CatalogFilter
{
    internal const int MaxDepth = 32;
    internal const int MaxTerms = 256;
    internal const int MaxText = 4_096;
    internal static readonly string[] States = ["validated", "rejected", "deleted"];

    private protected CatalogFilter(int depth, int terms)
    {
        if (depth > MaxDepth || terms > MaxTerms)
        {
            throw new MlopsDataException("catalog.invalid_query", $"A filter has at most {MaxTerms} terms and {MaxDepth} levels; this one has {terms} and {depth}. Ask for less at once.");
        }

        (Depth, Terms) = (depth, terms);
    }

    /// <summary>Gets the filter that every version passes that is not deleted. Its text is <c>*</c>.</summary>
    public static CatalogFilter All { get; } = new AllFilter();

    internal int Depth { get; }

    internal int Terms { get; }

    /// <summary>Asks for words in names, descriptions, tags, cards, algorithms and reasons, each as a word or its beginning, without regard to case and accents.</summary>
    /// <param name="text">The words, each with a letter or digit.</param>
    /// <returns>A filter that all words must pass.</returns>
    /// <exception cref="MlopsDataException">There is no word; code <c>catalog.invalid_query</c>.</exception>
    public static CatalogFilter Words(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Join(Separate(text).Select(CatalogFilter (w) => new WordFilter(CheckWords(w))));
    }

    /// <summary>Asks for words that stand one after the other.</summary>
    /// <param name="text">The words, with at least one letter or digit.</param>
    /// <returns>The filter.</returns>
    /// <exception cref="MlopsDataException">There is no word; code <c>catalog.invalid_query</c>.</exception>
    public static CatalogFilter Phrase(string text) => new PhraseFilter(CheckWords(text));

    /// <summary>Asks for a model's name.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="matchCase">Whether letter case counts.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Model(string pattern, bool matchCase = false) => Match(MatchField.Model, pattern, matchCase);

    /// <summary>Asks for versions that an alias names now.</summary>
    /// <param name="pattern">The alias as a pattern; <c>*</c> for any.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Alias(string pattern) => Match(MatchField.Alias, pattern);

    /// <summary>Asks for the model's owner.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="matchCase">Whether letter case counts.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Owner(string pattern, bool matchCase = false) => Match(MatchField.Owner, pattern, matchCase);

    /// <summary>Asks for the kind of task.</summary>
    /// <param name="task">The task.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Task(ModelTask task) => Match(MatchField.Task, task.ToString().ToLowerInvariant());

    /// <summary>Asks for the stage of life, such as <c>archived</c>; a version without one is in <c>validated</c> or <c>rejected</c>, as it was registered.</summary>
    /// <param name="pattern">The stage as a pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Stage(string pattern) => Match(MatchField.Stage, pattern);

    /// <summary>Asks how a version came through its gates: <c>validated</c>, <c>rejected</c>, or <c>deleted</c> since.</summary>
    /// <param name="pattern">The state as a pattern.</param>
    /// <returns>The filter. One that names <c>deleted</c> is the only way to see deleted versions.</returns>
    /// <exception cref="MlopsDataException">It is none of them and no pattern; code <c>catalog.invalid_query</c>.</exception>
    public static CatalogFilter State(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        string? known = Array.Find(States, s => string.Equals(s, pattern, StringComparison.OrdinalIgnoreCase));
        return known is not null || pattern.AsSpan().ContainsAny('*', '?')
            ? Match(MatchField.State, known ?? pattern)
            : throw new MlopsDataException("catalog.invalid_query", $"A state is 'validated', 'rejected' or 'deleted'; found {RegistryRules.Show(pattern)}.");
    }

    /// <summary>Asks for the algorithm or candidate.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Algorithm(string pattern) => Match(MatchField.Algorithm, pattern);

    /// <summary>Asks for the model format, such as <c>mlnet</c>.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Format(string pattern) => Match(MatchField.Format, pattern);

    /// <summary>Asks for the run that made the version.</summary>
    /// <param name="pattern">The run's id as a pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Run(string pattern) => Match(MatchField.Run, pattern, matchCase: true);

    /// <summary>Asks who registered the version.</summary>
    /// <param name="pattern">The actor's id as a pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter By(string pattern) => Match(MatchField.By, pattern);

    /// <summary>Asks for the data it was trained on.</summary>
    /// <param name="pattern">The source, or the fingerprint as <c>sha256:...</c>, as a pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Dataset(string pattern) => Match(MatchField.Dataset, pattern);

    /// <summary>Asks for a tag of the version or its model, whatever its value.</summary>
    /// <param name="pattern">The tag's key as a pattern.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Tag(string pattern) => Match(MatchField.Tag, pattern);

    /// <summary>Asks for the value of a tag of the version, or of its model where the version has none of that key.</summary>
    /// <param name="key">The tag's key, letter for letter.</param>
    /// <param name="pattern">The value as a pattern.</param>
    /// <param name="matchCase">Whether letter case counts.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Tag(string key, string pattern, bool matchCase = false)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(pattern);
        return new MatchFilter(MatchField.Tag, CheckKey(key), pattern, matchCase);
    }

    /// <summary>Asks whether the version drifts.</summary>
    /// <param name="drift">How it stands.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Drift(CatalogDrift drift) => Match(MatchField.Drift, drift.ToString().ToLowerInvariant());

    /// <summary>Asks for a metric on the test rows. A version without it does not pass.</summary>
    /// <param name="name">The metric's name, letter for letter.</param>
    /// <param name="comparison">How.</param>
    /// <param name="value">With what; finite.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Metric(string name, CatalogComparison comparison, double value)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new NumberFilter(NumberField.Metric, CheckKey(name), Check(comparison), CheckNumber(value));
    }

    /// <summary>Asks for the version's number.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="number">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Version(CatalogComparison comparison, int number) => new NumberFilter(NumberField.Version, null, Check(comparison), number);

    /// <summary>Asks how many people approved the version, its author and the library itself not counted.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="count">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Approvals(CatalogComparison comparison, int count) => new NumberFilter(NumberField.Approvals, null, Check(comparison), count);

    /// <summary>Asks how many rows of data were accepted for training and testing. A version without data does not pass.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="rows">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Rows(CatalogComparison comparison, long rows) => new NumberFilter(NumberField.Rows, null, Check(comparison), rows);

    /// <summary>Asks for the mean of the model's ratings, from 1 to 5 stars. A model that nobody rated does not pass.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="mean">With what; finite.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Rating(CatalogComparison comparison, double mean) => new NumberFilter(NumberField.Rating, null, Check(comparison), CheckNumber(mean));

    /// <summary>Asks how many people rated the model.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="count">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Ratings(CatalogComparison comparison, int count) => new NumberFilter(NumberField.Ratings, null, Check(comparison), count);

    /// <summary>Asks how many people wait for an answer whether they may use the model.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="count">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Requests(CatalogComparison comparison, int count) => new NumberFilter(NumberField.Requests, null, Check(comparison), count);

    /// <summary>Asks when the version was registered.</summary>
    /// <param name="comparison">How: before or after, not <see cref="CatalogComparison.Equal"/> or <see cref="CatalogComparison.NotEqual"/>.</param>
    /// <param name="instant">With what.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Created(CatalogComparison comparison, DateTimeOffset instant) => new TimeFilter(CheckOrder(comparison), instant.UtcTicks);

    /// <summary>Asks how long ago the version was registered.</summary>
    /// <param name="comparison">How: shorter or longer ago, not <see cref="CatalogComparison.Equal"/> or <see cref="CatalogComparison.NotEqual"/>.</param>
    /// <param name="age">With what; whole minutes of at least 0, up to 10,000 years.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Age(CatalogComparison comparison, TimeSpan age)
    {
        long minutes = age.Ticks / TimeSpan.TicksPerMinute;
        ArgumentOutOfRangeException.ThrowIfNegative(minutes, nameof(age));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minutes, MaxAgeMinutes, nameof(age));
        return new AgeFilter(CheckOrder(comparison), minutes);
    }

    /// <summary>Asks whether the version is deprecated.</summary>
    /// <param name="wanted">Whether it should be.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Deprecated(bool wanted = true) => new FlagFilter(FlagField.Deprecated, wanted);

    /// <summary>Asks whether somebody else than its author approved the version.</summary>
    /// <param name="wanted">Whether somebody should have.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Approved(bool wanted = true) => new FlagFilter(FlagField.Approved, wanted);

    /// <summary>Asks whether the version is signed.</summary>
    /// <param name="wanted">Whether it should be.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Signed(bool wanted = true) => new FlagFilter(FlagField.Signed, wanted);

    /// <summary>Asks whether a host serves the version now.</summary>
    /// <param name="wanted">Whether one should.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter Live(bool wanted = true) => new FlagFilter(FlagField.Live, wanted);

    /// <summary>Reads a filter from text.</summary>
    /// <param name="text">
    /// Terms with spaces between them must all hold; <c>OR</c> between terms asks for one of the sides and binds weaker; <c>-</c> before a
    /// term, or <c>NOT</c>, turns it round; parentheses group. A term is a word, a <c>"phrase"</c> or a field: <c>model</c>, <c>alias</c>,
    /// <c>owner</c>, <c>task</c>, <c>stage</c>, <c>state</c>, <c>algorithm</c>, <c>format</c>, <c>run</c>, <c>by</c>, <c>dataset</c>,
    /// <c>drift</c>, <c>tag</c> (a key) and <c>tag.KEY</c> (its value) with <c>:</c> (any letter case) or <c>=</c> (letter for letter) and
    /// a pattern; <c>metric.NAME</c>, <c>version</c>, <c>approvals</c>, <c>rows</c>, <c>rating</c> (the mean), <c>ratings</c> (how many) and <c>requests</c> (open ones) with <c>= != &lt; &lt;= &gt; &gt;=</c> and a number;
    /// <c>created</c> with a date; <c>age</c> with a number of <c>min h d w y</c>; <c>deprecated</c>, <c>approved</c>, <c>signed</c> and
    /// <c>live</c> with <c>yes</c> or <c>no</c>. A name that is no field is a metric when a number is compared. At most 4,096 characters,
    /// 64 terms and 16 levels. Empty text asks for everything.
    /// </param>
    /// <returns>The filter.</returns>
    /// <exception cref="MlopsDataException">The text is none; the message names the column and what was expected there; code <c>catalog.invalid_query</c>.</exception>
    public static CatalogFilter Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new CatalogTextParser(text).Parse();
    }

    /// <summary>Reads a filter in the language of MLflow's registry: <c>metrics.auc &gt; 0.9 AND tags.region = 'eu' AND name LIKE 'fraud%'</c>.</summary>
    /// <param name="text">
    /// Comparisons joined by <c>AND</c>. Left of one stands <c>metrics.NAME</c>, <c>tags.KEY</c>, <c>name</c>, <c>run_id</c>,
    /// <c>version_number</c> or <c>creation_timestamp</c> (milliseconds since 1970), also with <c>attributes.</c> before; then
    /// <c>= != &lt; &lt;= &gt; &gt;=</c>, or <c>LIKE</c>, <c>ILIKE</c> and <c>IN ('a', 'b')</c> for texts; then a number or a text in quotes.
    /// </param>
    /// <returns>The filter.</returns>
    /// <exception cref="MlopsDataException">The text is none; the message names the column and what was expected there; code <c>catalog.invalid_query</c>.</exception>
    public static CatalogFilter ParseMlflow(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new MlflowTextParser(text).Parse();
    }

    /// <summary>Asks for both.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter operator &(CatalogFilter left, CatalogFilter right)
    {
        ArgumentNullException.ThrowIfNull(left);
        return left.And(right);
    }

    /// <summary>Asks for at least one.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns>The filter.</returns>
    public static CatalogFilter operator |(CatalogFilter left, CatalogFilter right)
    {
        ArgumentNullException.ThrowIfNull(left);
        return left.Or(right);
    }

    /// <summary>Asks for the opposite.</summary>
    /// <param name="filter">The filter.</param>
    /// <returns>The filter turned round.</returns>
    public static CatalogFilter operator !(CatalogFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return filter.Not();
    }

    /// <summary>Asks for both.</summary>
    /// <param name="other">The other.</param>
    /// <returns>The filter.</returns>
    public CatalogFilter And(CatalogFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Join([this, other]);
    }

    /// <summary>Asks for at least one.</summary>
    /// <param name="other">The other.</param>
    /// <returns>The filter.</returns>
    public CatalogFilter Or(CatalogFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Choose([this, other]);
    }

    /// <summary>Asks for the opposite.</summary>
    /// <returns>The filter turned round.</returns>
    public CatalogFilter Not() => this is NotFilter not ? not.Inner : new NotFilter(this);

    /// <summary>Writes the filter as text that <see cref="Parse"/> reads to an equal one.</summary>
    /// <returns>The text.</returns>
    public sealed override string ToString() => CatalogTextWriter.Write(this);

    internal const long MaxAgeMinutes = 10_000L * 365 * 24 * 60;

    internal static CatalogFilter Join(IEnumerable<CatalogFilter> filters)
    {
        CatalogFilter[] all = [.. filters.SelectMany(f => f is AndFilter and ? and.Items : [f])];
        return all.Length switch { 0 => All, 1 => all[0], _ => new AndFilter(all) };
    }

    internal static CatalogFilter Choose(IEnumerable<CatalogFilter> filters)
    {
        CatalogFilter[] all = [.. filters.SelectMany(f => f is OrFilter or ? or.Items : [f])];
        return all.Length == 1 ? all[0] : new OrFilter(all);
    }

    internal static MatchFilter Match(MatchField field, string pattern, bool matchCase = false)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return new MatchFilter(field, null, pattern, matchCase);
    }

    private static string CheckWords(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TextTokens.Cut(text).Count > 0
            ? text
            : throw new MlopsDataException("catalog.invalid_query", $"A search needs a letter or digit; found {RegistryRules.Show(text)}.");
    }

    private static string CheckKey(string key) => key.Length > 0
        ? key
        : throw new MlopsDataException("catalog.invalid_query", "The name of a metric or tag has at least one character.");

    private static double CheckNumber(double value) => double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "Metrics and ratings are compared with a finite number.");

    private static CatalogComparison Check(CatalogComparison comparison) => Enum.IsDefined(comparison) ? comparison : throw new ArgumentOutOfRangeException(nameof(comparison), comparison, "A known comparison.");

    private static CatalogComparison CheckOrder(CatalogComparison comparison) => Check(comparison) is not (CatalogComparison.Equal or CatalogComparison.NotEqual)
        ? comparison
        : throw new ArgumentOutOfRangeException(nameof(comparison), comparison, "Times are compared by before and after.");

    private static string[] Separate(string text)
    {
        string[] words = text.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 0 ? words : throw new MlopsDataException("catalog.invalid_query", "A search needs a letter or digit; found none.");
    }
}

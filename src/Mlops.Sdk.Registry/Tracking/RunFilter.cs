using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Something of a run that can be asked for: a metric, a parameter, a tag, a fact.</summary>
/// <remarks>A run that lacks it matches no comparison, also not <see cref="IsNot(string)"/>; ask with <see cref="IsPresent"/>.</remarks>
public sealed record RunField
{
    private static readonly string[] Facts =
    [
        "run_id", "run_name", "experiment", "status", "trigger", "reason", "hypothesis", "verdict", "outcome", "note", "message",
        "user", "parent", "model", "version", "start_time", "end_time", "duration", "git_commit",
    ];

    private RunField(FieldKind kind, string name) => (Kind, Name) = (kind, name);

    private enum FieldKind
    {
        Metric,
        MetricMin,
        MetricMax,
        Param,
        Tag,
        Dataset,
        Attribute,
    }

    /// <summary>Gets the name of the metric, parameter, tag or fact.</summary>
    public string Name { get; }

    private FieldKind Kind { get; }

    /// <summary>Asks for the last value of a metric.</summary>
    /// <param name="name">The metric's name.</param>
    /// <returns>The field.</returns>
    public static RunField Metric(string name) => Checked(FieldKind.Metric, name);

    /// <summary>Asks for the smallest value of a metric.</summary>
    /// <param name="name">The metric's name.</param>
    /// <returns>The field.</returns>
    public static RunField MetricMinimum(string name) => Checked(FieldKind.MetricMin, name);

    /// <summary>Asks for the largest value of a metric.</summary>
    /// <param name="name">The metric's name.</param>
    /// <returns>The field.</returns>
    public static RunField MetricMaximum(string name) => Checked(FieldKind.MetricMax, name);

    /// <summary>Asks for a parameter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <returns>The field.</returns>
    public static RunField Param(string name) => Checked(FieldKind.Param, name);

    /// <summary>Asks for a tag.</summary>
    /// <param name="name">The tag's name.</param>
    /// <returns>The field.</returns>
    public static RunField Tag(string name) => Checked(FieldKind.Tag, name);

    /// <summary>Asks for the datasets that the run read: a comparison holds when it holds for one of them.</summary>
    /// <param name="name"><c>name</c>, <c>digest</c>, <c>source</c> or <c>role</c>.</param>
    /// <returns>The field.</returns>
    public static RunField Dataset(string name) => name is "name" or "digest" or "source" or "role"
        ? new(FieldKind.Dataset, name)
        : throw new MlopsDataException("tracking.invalid_filter", $"A dataset has name, digest, source and role; {RegistryRules.Show(name)} is none of them.");

    /// <summary>Asks for a fact of the run.</summary>
    /// <param name="name">
    /// <c>run_id</c>, <c>run_name</c>, <c>experiment</c>, <c>status</c>, <c>trigger</c>, <c>reason</c>, <c>hypothesis</c>, <c>verdict</c>, <c>outcome</c>, <c>note</c>,
    /// <c>message</c>, <c>user</c>, <c>parent</c>, <c>model</c>, <c>version</c>, <c>start_time</c> and <c>end_time</c> (milliseconds since 1970), <c>duration</c> (milliseconds), <c>git_commit</c>.
    /// </param>
    /// <returns>The field.</returns>
    public static RunField Attribute(string name) => Facts.Contains(name, StringComparer.Ordinal)
        ? new(FieldKind.Attribute, name)
        : throw new MlopsDataException("tracking.invalid_filter", $"A run has no attribute {RegistryRules.Show(name)}. It has: {string.Join(", ", Facts)}.");

    /// <summary>Asks whether the run has it at all.</summary>
    /// <returns>The filter.</returns>
    public RunFilter IsPresent() => new Comparison(this, Operator.Present, default, []);

    /// <summary>Asks for a text; <c>status</c> is compared without regard to case.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The filter.</returns>
    public RunFilter Is(string text) => new Comparison(this, Operator.Equal, RunValue.Of(Required(text)), []);

    /// <summary>Asks for any other text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The filter.</returns>
    public RunFilter IsNot(string text) => new Comparison(this, Operator.NotEqual, RunValue.Of(Required(text)), []);

    /// <summary>Asks for one of several texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <returns>The filter.</returns>
    public RunFilter IsOneOf(params IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return new Comparison(this, Operator.In, default, [.. texts.Select(Required)]);
    }

    /// <summary>Asks for a text of a form: <c>%</c> stands for any characters, <c>_</c> for one.</summary>
    /// <param name="pattern">The form.</param>
    /// <param name="ignoreCase">Whether upper and lower case of ASCII are the same.</param>
    /// <returns>The filter.</returns>
    public RunFilter Like(string pattern, bool ignoreCase = false) => new Comparison(this, ignoreCase ? Operator.ILike : Operator.Like, RunValue.Of(Required(pattern)), []);

    /// <summary>Asks for a number.</summary>
    /// <param name="number">The number. A parameter or tag is compared as a number when it is one.</param>
    /// <returns>The filter.</returns>
    public RunFilter Is(double number) => new Comparison(this, Operator.Equal, RunValue.Of(number), []);

    /// <summary>Asks for any other number.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The filter.</returns>
    public RunFilter IsNot(double number) => new Comparison(this, Operator.NotEqual, RunValue.Of(number), []);

    /// <summary>Asks for a larger number. NaN is neither above nor below.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The filter.</returns>
    public RunFilter Above(double number) => new Comparison(this, Operator.Greater, RunValue.Of(number), []);

    /// <summary>Asks for a number that is as large or larger.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The filter.</returns>
    public RunFilter AtLeast(double number) => new Comparison(this, Operator.GreaterOrEqual, RunValue.Of(number), []);

    /// <summary>Asks for a smaller number.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The filter.</returns>
    public RunFilter Below(double number) => new Comparison(this, Operator.Less, RunValue.Of(number), []);

    /// <summary>Asks for a number that is as small or smaller.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The filter.</returns>
    public RunFilter AtMost(double number) => new Comparison(this, Operator.LessOrEqual, RunValue.Of(number), []);

    /// <inheritdoc/>
    public override string ToString() => $"{Kind switch { FieldKind.Metric => "metrics", FieldKind.MetricMin => "min", FieldKind.MetricMax => "max", FieldKind.Param => "params", FieldKind.Tag => "tags", FieldKind.Dataset => "datasets", _ => "attributes" }}.`{Name}`";

    internal IEnumerable<RunValue> ValuesOf(RunDetails run) => Kind == FieldKind.Dataset
        ? run.Datasets.Select(d => RunValue.Of(Name switch { "name" => d.Name, "digest" => d.Digest.ToString(), "source" => d.Source, _ => d.Role }))
        : [ValueOf(run)];

    internal RunValue ValueOf(RunDetails run) => Kind switch
    {
        FieldKind.Metric => RunValue.Of(run.Metrics.GetValueOrDefault(Name)?.Last),
        FieldKind.MetricMin => RunValue.Of(run.Metrics.GetValueOrDefault(Name)?.Minimum),
        FieldKind.MetricMax => RunValue.Of(run.Metrics.GetValueOrDefault(Name)?.Maximum),
        FieldKind.Param => RunValue.Of(run.Parameters.GetValueOrDefault(Name)),
        FieldKind.Tag => RunValue.Of(run.Tags.GetValueOrDefault(Name)),
        FieldKind.Dataset => ValuesOf(run).FirstOrDefault(),
        _ => Name switch
        {
            "run_id" => RunValue.Of(run.RunId),
            "run_name" => RunValue.Of(run.Name),
            "experiment" => RunValue.Of(run.Experiment),
            "status" => RunValue.Of(run.Status.ToString()),
            "trigger" => RunValue.Of(run.Trigger),
            "reason" => RunValue.Of(run.Reason),
            "hypothesis" => RunValue.Of(run.Hypothesis),
            "verdict" => RunValue.Of(run.Outcome?.Verdict.ToString()),
            "outcome" => RunValue.Of(run.Outcome?.Text),
            "note" => RunValue.Of(run.Note),
            "message" => RunValue.Of(run.Message),
            "user" => RunValue.Of(run.By.Id),
            "parent" => RunValue.Of(run.Parent),
            "model" => RunValue.Of(run.Model),
            "version" => RunValue.Of(run.Version),
            "start_time" => RunValue.Of(run.Started.ToUnixTimeMilliseconds()),
            "end_time" => RunValue.Of(run.Ended?.ToUnixTimeMilliseconds()),
            "duration" => RunValue.Of((run.Ended - run.Started)?.TotalMilliseconds),
            _ => RunValue.Of(run.Environment?.GitCommit),
        },
    };

    internal bool IgnoresCase => Kind == FieldKind.Attribute && Name is "status" or "verdict";

    private static RunField Checked(FieldKind kind, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new RunField(kind, name);
    }

    private static string Required(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text;
    }

    internal enum Operator
    {
        Present,
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        Like,
        ILike,
        In,
    }

    /// <summary>One comparison of a field.</summary>
    internal sealed class Comparison(RunField field, Operator how, RunValue value, IReadOnlyList<string> texts) : RunFilter
    {
        public override bool Matches(RunDetails run)
        {
            foreach (RunValue found in field.ValuesOf(run))
            {
                if (found.Exists && Holds(found))
                {
                    return true;
                }
            }

            return false;
        }

        public override string ToString() => how switch
        {
            Operator.Present => $"{field} is present",
            Operator.In => $"{field} in ({string.Join(", ", texts.Select(Quote))})",
            _ => $"{field} {Sign(how)} {(value.Number is { } number ? TrackingRules.Number(number) : Quote(value.Text!))}",
        };

        private static string Sign(Operator how) => how switch
        {
            Operator.Equal => "=",
            Operator.NotEqual => "!=",
            Operator.Less => "<",
            Operator.LessOrEqual => "<=",
            Operator.Greater => ">",
            Operator.GreaterOrEqual => ">=",
            Operator.Like => "like",
            _ => "ilike",
        };

        private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

        private bool Holds(RunValue found)
        {
            if (how == Operator.Present)
            {
                return true;
            }

            if (value.Number is { } wanted)
            {
                double? number = found.Number ?? (double.TryParse(found.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) ? parsed : null);
                return number is { } n && how switch
                {
                    Operator.Equal => n.Equals(wanted), // NaN is found by NaN
                    Operator.NotEqual => !n.Equals(wanted),
                    Operator.Less => n < wanted,
                    Operator.LessOrEqual => n <= wanted,
                    Operator.Greater => n > wanted,
                    _ => n >= wanted,
                };
            }

            string text = found.Text ?? TrackingRules.Number(found.Number!.Value);
            StringComparison comparison = field.IgnoresCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
            return how switch
            {
                Operator.Equal => string.Equals(text, value.Text, comparison),
                Operator.NotEqual => !string.Equals(text, value.Text, comparison),
                Operator.Like => IsLike(text, value.Text!, ignoreCase: false),
                Operator.ILike => IsLike(text, value.Text!, ignoreCase: true),
                Operator.In => texts.Any(t => string.Equals(text, t, comparison)),
                Operator.Less => string.CompareOrdinal(text, value.Text) < 0,
                Operator.LessOrEqual => string.CompareOrdinal(text, value.Text) <= 0,
                Operator.Greater => string.CompareOrdinal(text, value.Text) > 0,
                _ => string.CompareOrdinal(text, value.Text) >= 0,
            };
        }

        /// <summary>Matches without recursion: after a mismatch it goes on from the last <c>%</c>, one character further.</summary>
        private static bool IsLike(string text, string pattern, bool ignoreCase)
        {
            int t = 0, p = 0, star = -1, mark = 0;
            while (t < text.Length)
            {
                if (p < pattern.Length && pattern[p] == '%')
                {
                    (star, mark) = (p++, t);
                }
                else if (p < pattern.Length && (pattern[p] == '_' || Same(pattern[p], text[t], ignoreCase)))
                {
                    p++;
                    t++;
                }
                else if (star >= 0)
                {
                    (p, t) = (star + 1, ++mark);
                }
                else
                {
                    return false;
                }
            }

            return pattern.AsSpan(p).Trim('%').IsEmpty;
        }

        private static bool Same(char a, char b, bool ignoreCase) => a == b || (ignoreCase && char.ToUpperInvariant(a) == char.ToUpperInvariant(b));
    }
}

/// <summary>What must hold for a run to be found. Immutable; made from <see cref="RunField"/> or from text.</summary>
public abstract class RunFilter
{
    private protected RunFilter()
    {
    }

    /// <summary>Reads a filter's text.</summary>
    /// <remarks>
    /// Comparisons of <c>metrics.NAME</c>, <c>min.NAME</c>, <c>max.NAME</c>, <c>params.NAME</c>, <c>tags.NAME</c>, <c>datasets.name</c> and <c>attributes.NAME</c> (or the bare attribute) with a
    /// number or a quoted text by <c>= != &lt; &lt;= &gt; &gt;= like ilike in (...)</c>, joined by <c>and</c>, <c>or</c>, <c>not</c> and parentheses. A name with other characters than letters, digits
    /// and <c>_ - . /</c> stands in backticks or double quotes. Words are read without regard to case.
    /// </remarks>
    /// <param name="text">The text, at most 10,000 characters, such as <c>metrics.auc > 0.9 and tags.region like 'eu%'</c>; blank for everything.</param>
    /// <returns>The filter.</returns>
    /// <exception cref="MlopsDataException">The text is no filter; code <c>tracking.invalid_filter</c>, with the position in the message.</exception>
    public static RunFilter Parse(string text) => RunFilterParser.Parse(text);

    /// <summary>Asks for runs that match this and another filter.</summary>
    /// <param name="other">The other filter.</param>
    /// <returns>The filter.</returns>
    public RunFilter And(RunFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Joined([this, other], all: true);
    }

    /// <summary>Asks for runs that match this or another filter.</summary>
    /// <param name="other">The other filter.</param>
    /// <returns>The filter.</returns>
    public RunFilter Or(RunFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Joined([this, other], all: false);
    }

    /// <summary>Asks for runs that do not match this filter.</summary>
    /// <returns>The filter.</returns>
    public RunFilter Not() => new Negation(this);

    /// <summary>Tells whether a run matches.</summary>
    /// <param name="run">The run.</param>
    /// <returns>Whether it does.</returns>
    public abstract bool Matches(RunDetails run);

    internal sealed class Joined(IReadOnlyList<RunFilter> filters, bool all) : RunFilter
    {
        public override bool Matches(RunDetails run) => all ? filters.All(f => f.Matches(run)) : filters.Any(f => f.Matches(run));

        public override string ToString() => filters.Count == 0 ? "all" : $"({string.Join(all ? " and " : " or ", filters)})";
    }

    internal sealed class Negation(RunFilter filter) : RunFilter
    {
        public override bool Matches(RunDetails run) => !filter.Matches(run);

        public override string ToString() => $"not ({filter})";
    }
}

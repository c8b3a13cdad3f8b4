using System.Globalization;
using System.Linq.Expressions;
using System.Text.RegularExpressions;

namespace Mlops.Sdk.Data;

/// <summary>What happens to rows that break a contract.</summary>
public enum ContractAction
{
    /// <summary>They are kept aside with the reason; the others go on. The default.</summary>
    Quarantine,

    /// <summary>The whole data set is refused.</summary>
    Reject,

    /// <summary>They are counted and go on with the others.</summary>
    Warn,
}

/// <summary>What rows must be. Built by <see cref="DataContractBuilder{T}"/>; immutable and thread-safe.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class DataContract<T>
{
    private readonly IReadOnlyList<(string Name, Func<T, string?> Check)> _rules;

    internal DataContract(IReadOnlyList<(string Name, Func<T, string?> Check)> rules, ContractAction action, double maxRejectedShare) =>
        (_rules, Action, MaxRejectedShare) = (rules, action, maxRejectedShare);

    /// <summary>Gets what happens to rows that break it.</summary>
    public ContractAction Action { get; }

    /// <summary>Gets the share of rows in [0, 1] that may break it before the whole data set is refused.</summary>
    public double MaxRejectedShare { get; }

    /// <summary>Gets the names of the rules in order.</summary>
    public IReadOnlyList<string> Rules => [.. _rules.Select(r => r.Name)];

    /// <summary>Gets the rules: each says what is wrong with a row, or null.</summary>
    internal IReadOnlyList<(string Name, Func<T, string?> Check)> Checks => _rules;

    /// <summary>Reads a source and checks every row.</summary>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The rows that keep the contract, and those that do not.</returns>
    /// <exception cref="MlopsDataException">The source cannot be read, or too many rows break the contract; code <c>data.contract_violated</c>.</exception>
    public async Task<ContractResult<T>> ReadAsync(IDataSource<T> source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var accepted = new List<T>();
        var rejected = new List<RejectedRow>();
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        long rows = 0;
        await foreach (DataRow<T> row in source.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows++;
            RejectedRow? problem = row.Rejection ?? Check(row.Value!, row.Line);
            if (problem is not null)
            {
                rejected.Add(problem);
                counts[problem.Rule] = counts.GetValueOrDefault(problem.Rule) + 1;
            }

            if (problem is null || (Action == ContractAction.Warn && row.Rejection is null))
            {
                accepted.Add(row.Value!);
            }
        }

        bool tooMany = Action == ContractAction.Reject ? rejected.Count > 0 : Action == ContractAction.Quarantine && rejected.Count > rows * MaxRejectedShare;
        if (tooMany)
        {
            string found = string.Join(", ", counts.OrderByDescending(c => c.Value).Select(c => $"{c.Key} {c.Value} times"));
            throw new MlopsDataException(
                "data.contract_violated",
                $"{rejected.Count} of {rows} rows of {source.Description} break the contract: {found}. First: line {rejected[0].Line}: {rejected[0].Message} Mend the data or change the contract.");
        }

        return new ContractResult<T>(accepted, rejected, counts) { Rows = rows };
    }

    private RejectedRow? Check(T row, long line)
    {
        foreach ((string name, Func<T, string?> check) in _rules)
        {
            if (check(row) is { } message)
            {
                return new RejectedRow(line, name, message);
            }
        }

        return null;
    }
}

/// <summary>What a contract found.</summary>
/// <typeparam name="T">The row.</typeparam>
/// <param name="Accepted">The rows that keep it.</param>
/// <param name="Rejected">The rows that do not, with the first rule each one breaks.</param>
/// <param name="Counts">How many rows break each rule first.</param>
public sealed record ContractResult<T>(IReadOnlyList<T> Accepted, IReadOnlyList<RejectedRow> Rejected, IReadOnlyDictionary<string, long> Counts)
{
    /// <summary>Gets how many rows were checked. With <see cref="ContractAction.Warn"/> a row can be in both lists.</summary>
    internal long Rows { get; init; } = Accepted.Count + Rejected.Count;
}

/// <summary>Builds a <see cref="DataContract{T}"/>. Not thread-safe; the contract is.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class DataContractBuilder<T>
{
    private static readonly TimeSpan MatchTime = TimeSpan.FromMilliseconds(100);
    private readonly List<(string Name, Func<T, string?> Check)> _rules = [];
    private ContractAction _action;
    private double _maxRejectedShare = 0.1;

    /// <summary>Demands a value.</summary>
    /// <param name="member">The member.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> NotNull(Expression<Func<T, object?>> member)
    {
        (string name, Func<T, object?> read) = Member(member);
        return Add($"not-null({name})", row => read(row) is null or "" ? $"'{name}' has no value." : null);
    }

    /// <summary>Demands a number in a range; a missing one is allowed.</summary>
    /// <param name="member">The member, a number.</param>
    /// <param name="minimum">The smallest value allowed.</param>
    /// <param name="maximum">The largest value allowed.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> Between(Expression<Func<T, object?>> member, double minimum, double maximum)
    {
        (string name, Func<T, object?> read) = Member(member);
        return Add(string.Create(CultureInfo.InvariantCulture, $"between({name}, {minimum}, {maximum})"), row =>
        {
            object? value = read(row);
            return value is null || (Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && number >= minimum && number <= maximum)
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"'{name}' is {value}; from {minimum} to {maximum} is allowed.");
        });
    }

    /// <summary>Demands one of some texts; a missing one is allowed.</summary>
    /// <param name="member">The member, a text or enum.</param>
    /// <param name="allowed">The texts allowed.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> OneOf(Expression<Func<T, object?>> member, params string[] allowed)
    {
        (string name, Func<T, object?> read) = Member(member);
        var set = new HashSet<string>(allowed, StringComparer.Ordinal);
        return Add($"one-of({name})", row => read(row)?.ToString() is { } text && !set.Contains(text) ? $"'{name}' is '{Shorten(text)}'; allowed are {string.Join(", ", allowed)}." : null);
    }

    /// <summary>Demands a text of a form; a missing one is allowed.</summary>
    /// <param name="member">The member, a text.</param>
    /// <param name="pattern">The regular expression; a match that takes over 100 ms counts as none.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> Matches(Expression<Func<T, object?>> member, string pattern)
    {
        (string name, Func<T, object?> read) = Member(member);
        var regex = new Regex(pattern, RegexOptions.CultureInvariant, MatchTime);
        return Add($"matches({name})", row => read(row)?.ToString() is { } text && !IsMatch(regex, text) ? $"'{name}' is '{Shorten(text)}', which does not match {pattern}." : null);
    }

    /// <summary>Demands whatever you say.</summary>
    /// <param name="name">The rule's name.</param>
    /// <param name="holds">Whether a row keeps it.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> Rule(string name, Func<T, bool> holds)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(holds);
        return Add(name, row => holds(row) ? null : $"The rule '{name}' does not hold.");
    }

    /// <summary>Says what happens to rows that break the contract.</summary>
    /// <param name="action">The action; the default is to keep them aside.</param>
    /// <param name="maxRejectedShare">With quarantine, the share of rows in [0, 1] beyond which the whole data set is refused. The default is 0.1.</param>
    /// <returns>The same builder.</returns>
    public DataContractBuilder<T> OnFailure(ContractAction action, double maxRejectedShare = 0.1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxRejectedShare);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRejectedShare, 1);
        (_action, _maxRejectedShare) = (action, maxRejectedShare);
        return this;
    }

    /// <summary>Makes the contract.</summary>
    /// <returns>A contract that later calls on this builder do not change.</returns>
    public DataContract<T> Build() => new([.. _rules], _action, _maxRejectedShare);

    private static (string Name, Func<T, object?> Read) Member(Expression<Func<T, object?>> member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return (MemberName.Of(member), member.Compile());
    }

    private static bool IsMatch(Regex regex, string text)
    {
        try
        {
            return regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return false; // too slow to tell is not a match: the row is kept aside and named
        }
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private DataContractBuilder<T> Add(string name, Func<T, string?> check)
    {
        _rules.Add((name, check));
        return this;
    }
}

using System.Collections.Frozen;

namespace Mlops.Sdk.Registry;

/// <summary>Which stages a version's life has and which moves between them are legal.</summary>
/// <remarks>
/// Immutable and thread-safe. Give every process of a workspace the same policy: it is asked when a move is decided, not kept in the ledger.
/// A version at a stage that the policy does not know (another policy held before) may be moved to any stage that it knows.
/// </remarks>
public sealed class LifecyclePolicy
{
    private readonly FrozenDictionary<string, FrozenSet<string>> _moves;

    /// <summary>Creates a policy with stages of your own.</summary>
    /// <param name="moves">The stages, each 1 to 64 of <c>a-z 0-9 - _</c>, and those that it may be left for; a stage that is only left for is a stage too.</param>
    /// <param name="passed">The stage of a version that is registered as validated.</param>
    /// <param name="failed">The stage of a version that is registered as rejected.</param>
    /// <param name="promotable">The stages at which an alias may name a version and a host may serve it.</param>
    /// <param name="entry">The stages that a registration may choose to begin at; null for <paramref name="passed"/> and <paramref name="failed"/> only.</param>
    /// <param name="inService">The name that a promotable version is shown at while a host serves it, such as <see cref="VersionStages.Deployed"/>; null to show the stage it was moved to.</param>
    /// <exception cref="MlopsException">A name breaks the rules or names no stage, or the failed stage is promotable; code <c>registry.invalid_lifecycle</c>.</exception>
    public LifecyclePolicy(
        IReadOnlyDictionary<string, IReadOnlyList<string>> moves,
        string passed,
        string failed,
        IReadOnlyList<string> promotable,
        IReadOnlyList<string>? entry = null,
        string? inService = null)
    {
        ArgumentNullException.ThrowIfNull(moves);
        ArgumentNullException.ThrowIfNull(promotable);
        Dictionary<string, FrozenSet<string>> all = new(StringComparer.Ordinal);
        foreach ((string from, IReadOnlyList<string> to) in moves)
        {
            all.Add(from, to.ToFrozenSet(StringComparer.Ordinal));
        }

        foreach (string stage in moves.Values.SelectMany(to => to))
        {
            all.TryAdd(stage, FrozenSet<string>.Empty);
        }

        foreach (string stage in all.Keys)
        {
            Require(RegistryRules.IsAlias(stage), $"a stage's name is 1 to 64 of 'a-z', '0-9', '-' and '_', found {RegistryRules.Show(stage)}");
        }

        _moves = all.ToFrozenDictionary(StringComparer.Ordinal);
        Passed = Known(passed, nameof(passed));
        Failed = Known(failed, nameof(failed));
        Promotable = promotable.Select(stage => Known(stage, nameof(promotable))).ToFrozenSet(StringComparer.Ordinal);
        Entry = (entry ?? []).Append(passed).Append(failed).Select(stage => Known(stage, nameof(entry))).ToFrozenSet(StringComparer.Ordinal);
        InService = inService;
        Require(passed != failed, $"a version that passed and one that failed begin at different stages, found '{passed}' for both");
        Require(!Promotable.Contains(failed), $"a version that failed cannot be promoted, found '{failed}' among the promotable stages");
        Require(inService is null || (RegistryRules.IsAlias(inService) && !_moves.ContainsKey(inService)), $"'{inService}' is read from deployments, so no move may lead to it or from it, and it is named as stages are");
    }

    /// <summary>
    /// Gets the policy of a registry without one: draft → registered → validated → approved, each of which may be rejected or archived;
    /// approval may be taken back; archived versions return as registered. Registered, validated and approved versions may be promoted and are shown as deployed while a host serves them.
    /// </summary>
    public static LifecyclePolicy Default { get; } = new(
        new Dictionary<string, IReadOnlyList<string>>
        {
            [VersionStages.Draft] = [VersionStages.Registered, VersionStages.Archived],
            [VersionStages.Registered] = [VersionStages.Validated, VersionStages.Rejected, VersionStages.Archived],
            [VersionStages.Validated] = [VersionStages.Approved, VersionStages.Rejected, VersionStages.Archived],
            [VersionStages.Approved] = [VersionStages.Validated, VersionStages.Rejected, VersionStages.Archived],
            [VersionStages.Rejected] = [VersionStages.Archived],
            [VersionStages.Archived] = [VersionStages.Registered],
        },
        VersionStages.Validated,
        VersionStages.Rejected,
        [VersionStages.Registered, VersionStages.Validated, VersionStages.Approved],
        [VersionStages.Draft, VersionStages.Registered],
        VersionStages.Deployed);

    /// <summary>Gets the stages.</summary>
    public IReadOnlyCollection<string> Stages => _moves.Keys;

    /// <summary>Gets the stage of a version that is registered as validated.</summary>
    public string Passed { get; }

    /// <summary>Gets the stage of a version that is registered as rejected.</summary>
    public string Failed { get; }

    /// <summary>Gets the stages at which an alias may name a version and a host may serve it.</summary>
    public IReadOnlySet<string> Promotable { get; }

    /// <summary>Gets the stages that a registration may choose to begin at.</summary>
    public IReadOnlySet<string> Entry { get; }

    /// <summary>Gets the name that a promotable version is shown at while a host serves it, or null.</summary>
    public string? InService { get; }

    /// <summary>Tells whether a move is legal.</summary>
    /// <param name="from">The stage to leave.</param>
    /// <param name="to">The stage to go to.</param>
    /// <returns>Whether it is.</returns>
    public bool Allows(string from, string to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        return _moves.TryGetValue(from, out FrozenSet<string>? next) ? next.Contains(to) : _moves.ContainsKey(to);
    }

    /// <summary>Says where a stage may be left for, for a message.</summary>
    internal string Next(string from) => _moves.TryGetValue(from, out FrozenSet<string>? next)
        ? next.Count == 0 ? "no other stage" : string.Join(", ", next.Order(StringComparer.Ordinal))
        : string.Join(", ", _moves.Keys.Order(StringComparer.Ordinal));

    private string Known(string stage, string where)
    {
        ArgumentNullException.ThrowIfNull(stage, where);
        Require(_moves.ContainsKey(stage), $"{where} names {RegistryRules.Show(stage)}, which is none of the stages");
        return stage;
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new MlopsException("registry.invalid_lifecycle", $"The life cycle breaks a rule: {rule}.");
        }
    }
}

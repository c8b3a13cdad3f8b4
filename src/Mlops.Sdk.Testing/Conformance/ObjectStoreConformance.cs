namespace Mlops.Sdk.Testing;

/// <summary>A store breaks a rule of <see cref="IObjectStore"/>.</summary>
/// <param name="rule">The name of the rule.</param>
/// <param name="message">What was expected and what was found.</param>
public sealed class ObjectStoreConformanceException(string rule, string message) : Exception($"{rule}: {message}")
{
    /// <summary>Gets the name of the rule.</summary>
    public string Rule => rule;
}

/// <summary>The contract of <see cref="IObjectStore"/> as checks: every implementation passes all of them.</summary>
/// <remarks>
/// Needs no test framework. With xunit, make a theory over <see cref="Rules"/> and call <see cref="CheckAsync"/> with each. Checks write
/// below <c>conformance/</c> only and each uses keys of its own, so they may run on a store that holds other things, and at the same time.
/// </remarks>
public static class ObjectStoreConformance
{
    private static readonly Dictionary<string, Func<ConformanceRun, Task>> Checks = new[]
    {
        BasicChecks.All, ConditionChecks.All, ReadingChecks.All, ListingChecks.All, RacingChecks.All, TouchChecks.All, LimitChecks.All, UploadChecks.All,
    }.SelectMany(c => c).ToDictionary(c => c.Rule, c => c.Check, StringComparer.Ordinal);

    private static readonly Dictionary<string, Func<ConformanceRun, FaultInjectingObjectStore, Task>> ChecksUnderFaults =
        FaultChecks.All.ToDictionary(c => c.Rule, c => c.Check, StringComparer.Ordinal);

    /// <summary>Gets the names of the rules, as sentences.</summary>
    public static IReadOnlyList<string> Rules { get; } = [.. Checks.Keys];

    /// <summary>Gets the names of the rules of a store over a bad connection, as sentences.</summary>
    public static IReadOnlyList<string> RulesUnderFaults { get; } = [.. ChecksUnderFaults.Keys];

    /// <summary>Checks one rule.</summary>
    /// <param name="rule">One of <see cref="Rules"/>.</param>
    /// <param name="open">Opens the store. It is called more than once: each call gives another handle to the same place, as another process would have.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>A task that ends when the rule is found to hold.</returns>
    /// <exception cref="ObjectStoreConformanceException">The store breaks the rule.</exception>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static Task CheckAsync(string rule, Func<IObjectStore> open, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(open);
        return Checks.TryGetValue(rule, out Func<ConformanceRun, Task>? check)
            ? check(new ConformanceRun(rule, open, cancellationToken))
            : throw new ArgumentException($"There is no rule '{rule}'. The rules are ObjectStoreConformance.Rules.", nameof(rule));
    }

    /// <summary>Checks one rule of a store over a bad connection: the store is put behind a <see cref="FaultInjectingObjectStore"/>, never half-written, and a retry converges.</summary>
    /// <param name="rule">One of <see cref="RulesUnderFaults"/>.</param>
    /// <param name="open">Opens the store; see <see cref="CheckAsync"/>.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>A task that ends when the rule is found to hold.</returns>
    /// <exception cref="ObjectStoreConformanceException">The store breaks the rule.</exception>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static Task CheckUnderFaultsAsync(string rule, Func<IObjectStore> open, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(open);
        return ChecksUnderFaults.TryGetValue(rule, out Func<ConformanceRun, FaultInjectingObjectStore, Task>? check)
            ? check(new ConformanceRun(rule, open, cancellationToken), new FaultInjectingObjectStore(open(), seed: rule.Length))
            : throw new ArgumentException($"There is no rule '{rule}'. The rules are ObjectStoreConformance.RulesUnderFaults.", nameof(rule));
    }

    /// <summary>Checks all rules, those under faults too, one after the other, and stops at the first that is broken.</summary>
    /// <param name="open">Opens the store; see <see cref="CheckAsync"/>.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>A task that ends when every rule is found to hold.</returns>
    /// <exception cref="ObjectStoreConformanceException">The store breaks a rule.</exception>
    public static async Task CheckAllAsync(Func<IObjectStore> open, CancellationToken cancellationToken = default)
    {
        foreach (string rule in Rules)
        {
            await CheckAsync(rule, open, cancellationToken).ConfigureAwait(false);
        }

        foreach (string rule in RulesUnderFaults)
        {
            await CheckUnderFaultsAsync(rule, open, cancellationToken).ConfigureAwait(false);
        }
    }
}

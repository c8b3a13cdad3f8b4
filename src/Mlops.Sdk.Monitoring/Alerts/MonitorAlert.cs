using System.Collections.Frozen;

namespace Mlops.Sdk.Monitoring;

/// <summary>How much an alert matters.</summary>
public enum AlertSeverity
{
    /// <summary>Good to know.</summary>
    Info,

    /// <summary>Somebody should look at it during the day.</summary>
    Warning,

    /// <summary>Somebody should look at it now.</summary>
    Critical,
}

/// <summary>Where a watched number, or the alert about it, stands.</summary>
public enum AlertState
{
    /// <summary>Nothing is wrong.</summary>
    Ok,

    /// <summary>Windows broke the policy, not enough of them yet.</summary>
    Pending,

    /// <summary>The alert is open.</summary>
    Firing,

    /// <summary>The alert is open, and the latest window was calm.</summary>
    Resolving,

    /// <summary>The alert has ended.</summary>
    Resolved,
}

/// <summary>Something that had a part in an alert: what changed most, and where to look.</summary>
/// <param name="Name">What it is: a feature, or a segment such as <c>country=SE</c>.</param>
/// <param name="Weight">Its part in what was found, in [0, 1]; the larger, the more.</param>
/// <param name="Message">What happened with it, for a person.</param>
public sealed record AlertCause(string Name, double Weight, string Message);

/// <summary>Finds what stands behind an alert. Implementations are services; each is asked about a window that is about to raise an alert.</summary>
public interface IAlertExplainer
{
    /// <summary>Ranks what changed.</summary>
    /// <param name="closed">The window and what it is compared with.</param>
    /// <param name="signals">What was measured about it.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>What changed, most important first; at most 10 are kept. A failure is logged, and the alert is raised without them.</returns>
    ValueTask<IReadOnlyList<AlertCause>> ExplainAsync(ClosedWindow closed, IReadOnlyList<MonitorSignal> signals, CancellationToken cancellationToken = default);
}

/// <summary>An alert about a version of a model. Immutable; how it stood when it was read.</summary>
/// <param name="Id">Its id: also the correlation of the ledger entries that belong to it.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The number of the version that was watched; 0 for the model as a whole.</param>
/// <param name="Message">What was found, for a person.</param>
/// <param name="RaisedAt">When it was raised.</param>
public sealed record MonitorAlert(string Id, string Model, int Version, string Message, DateTimeOffset RaisedAt)
{
    internal const int MostCauses = 10;
    internal static readonly IReadOnlyDictionary<string, double> NoNumbers = FrozenDictionary<string, double>.Empty;

    /// <summary>Gets the name of the policy that was broken.</summary>
    public string Policy { get; init; } = AlertPolicy.DriftName;

    /// <summary>Gets the digest of what the policy said, or null in alerts of older writers.</summary>
    public Digest? PolicyDigest { get; init; }

    /// <summary>Gets how much it matters now: escalation raises it.</summary>
    public AlertSeverity Severity { get; init; } = AlertSeverity.Warning;

    /// <summary>Gets where it stands: <see cref="AlertState.Firing"/>, <see cref="AlertState.Resolving"/> or <see cref="AlertState.Resolved"/>.</summary>
    public AlertState State { get; init; } = AlertState.Firing;

    /// <summary>Gets the name of the number that broke the policy; for a quorum the pattern that was counted.</summary>
    public string Signal { get; init; } = AlertPolicy.DriftSignal;

    /// <summary>Gets the part of the rows that it is about, or null for all.</summary>
    public string? Segment { get; init; }

    /// <summary>Gets the id of the window, or of the report of signals, that raised it.</summary>
    public string? WindowId { get; init; }

    /// <summary>Gets when the span that raised it began, or null in alerts of older writers.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Gets when the span that raised it ended, or null in alerts of older writers.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Gets the numbers behind it, by name.</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; init; } = NoNumbers;

    /// <summary>Gets what changed most and where to look, most important first.</summary>
    public IReadOnlyList<AlertCause> Causes { get; init; } = [];

    /// <summary>Gets who answers for it, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>Gets what the policy is for, or null.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the address of the page that says what to do, or null.</summary>
    public string? RunBook { get; init; }

    /// <summary>Gets whether it was silenced when it was raised: handlers are not told until the silence ends.</summary>
    public bool Silenced { get; init; }

    /// <summary>Gets who took it up, or null.</summary>
    public string? AcknowledgedBy { get; init; }

    /// <summary>Gets when it was taken up, or null.</summary>
    public DateTimeOffset? AcknowledgedAt { get; init; }

    /// <summary>Gets when it was escalated, or null.</summary>
    public DateTimeOffset? EscalatedAt { get; init; }

    /// <summary>Gets when it ended, or null.</summary>
    public DateTimeOffset? ClosedAt { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Severity} {Policy}: {Model} v{Version}{(Segment is null ? string.Empty : $" [{Segment}]")}: {Message}";
}

namespace Mlops.Sdk.Monitoring;

/// <summary>Where an alert's loop stands: alert, run, version, decision.</summary>
public enum LoopOutcome
{
    /// <summary>A run was asked for and has not started, or started and not ended.</summary>
    Running,

    /// <summary>The run made a version; no alias names it.</summary>
    Registered,

    /// <summary>The run's version was put into service.</summary>
    Promoted,

    /// <summary>A contract or a gate said no.</summary>
    Rejected,

    /// <summary>The run failed or was cancelled.</summary>
    Failed,

    /// <summary>No run was started: earlier ones did not help, and a person has to look.</summary>
    GaveUp,
}

/// <summary>What an alert led to: which run, which version, and whether it was put into service. Folded from the ledger: the same on every host.</summary>
/// <param name="AlertId">The alert's id.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version that the alert was about.</param>
/// <param name="Policy">The policy that was broken.</param>
/// <param name="AskedAt">When the run was asked for, or the loop given up.</param>
public sealed record AlertLoop(string AlertId, string Model, int Version, string Policy, DateTimeOffset AskedAt)
{
    internal AlertLoop(string alertId, string model, int version, string policy, DateTimeOffset askedAt, string key)
        : this(alertId, model, version, policy, askedAt) => Key = key;

    /// <summary>Gets the run, or null while none has started.</summary>
    public string? RunId { get; init; }

    /// <summary>Gets how the run stands, or null while none has started.</summary>
    public RunStatus? Status { get; init; }

    /// <summary>Gets the version that the run made, also a rejected one, or null.</summary>
    public int? NewVersion { get; init; }

    /// <summary>Gets when the run ended, or null.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Gets the first alias that named the new version, or null.</summary>
    public string? PromotedTo { get; init; }

    /// <summary>Gets when that was, or null.</summary>
    public DateTimeOffset? PromotedAt { get; init; }

    /// <summary>Gets where it stands.</summary>
    public LoopOutcome Outcome => GaveUp ? LoopOutcome.GaveUp
        : PromotedAt is not null ? LoopOutcome.Promoted
        : Status switch
        {
            null or RunStatus.Running => LoopOutcome.Running,
            RunStatus.Registered => LoopOutcome.Registered,
            RunStatus.Rejected => LoopOutcome.Rejected,
            _ => LoopOutcome.Failed,
        };

    /// <summary>Gets the key that the run was started with; empty when the entry of an older writer did not say.</summary>
    internal string Key { get; init; } = string.Empty;

    internal bool GaveUp { get; init; }
}

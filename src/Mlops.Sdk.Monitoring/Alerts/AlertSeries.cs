using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a policy judges on its own: one signal of one version and segment.</summary>
internal readonly record struct SeriesKey(string Policy, int Version, string? Segment, string Signal);

/// <summary>What a window is for a policy.</summary>
internal enum Verdict
{
    /// <summary>It breaks the policy.</summary>
    Breach,

    /// <summary>It does not break it, and is not calm either, or cannot be judged yet.</summary>
    Neutral,

    /// <summary>It is calm.</summary>
    Calm,
}

/// <summary>What a judgement does to the alert of a series.</summary>
internal enum SeriesMove
{
    None,
    Raised,
    Repeated,
    Resolved,
}

/// <summary>Where a series stands. Immutable.</summary>
internal sealed record SeriesState
{
    internal const int MostRaised = 5;
    internal static readonly SeriesState Empty = new();

    internal AlertState Phase { get; init; } = AlertState.Ok;

    /// <summary>Gets which of the latest windows broke the policy, the latest in the lowest bit.</summary>
    internal ulong Hits { get; init; }

    /// <summary>Gets how many calm windows came in a row.</summary>
    internal int Calm { get; init; }

    /// <summary>Gets the open alert, or null.</summary>
    internal string? AlertId { get; init; }

    /// <summary>Gets when it raised alerts, the latest ones, oldest first.</summary>
    internal ImmutableArray<DateTimeOffset> Raised { get; init; } = [];

    /// <summary>Gets the latest values, oldest first, when the policy needs them.</summary>
    internal ImmutableArray<double> Recent { get; init; } = [];

    /// <summary>Gets the latest values that did not break the policy, oldest first, when it needs them.</summary>
    internal ImmutableArray<double> Usual { get; init; } = [];

    internal bool IsEmpty => Phase == AlertState.Ok && Hits == 0 && AlertId is null && Raised.IsEmpty && Recent.IsEmpty && Usual.IsEmpty;

    internal SeriesState Apply(SeriesDelta delta) => this with
    {
        Phase = delta.Phase,
        Hits = delta.Hits,
        Calm = delta.Calm,
        Recent = Keep(Recent, delta.Recent, delta.KeepRecent),
        Usual = Keep(Usual, delta.Usual, delta.KeepUsual),
    };

    internal SeriesState Raise(string alert, DateTimeOffset at) => this with
    {
        Phase = AlertState.Firing,
        Calm = 0,
        AlertId = alert,
        Raised = (Raised.Length >= MostRaised ? Raised.RemoveRange(0, Raised.Length - MostRaised + 1) : Raised).Add(at),
    };

    internal SeriesState Close() => this with { Phase = AlertState.Ok, Hits = 0, Calm = 0, AlertId = null };

    private static ImmutableArray<double> Keep(ImmutableArray<double> values, double? value, int keep)
    {
        if (value is not { } v)
        {
            return values;
        }

        keep = Math.Clamp(keep, 1, AlertPolicyBuilder.MostKept);
        return (values.Length >= keep ? values.RemoveRange(0, values.Length - keep + 1) : values).Add(v);
    }
}

/// <summary>How a judgement changed a series: what stands on the ledger, so that every host and every later reader goes on from the same state.</summary>
internal sealed record SeriesDelta(string Policy, string Signal, int Version, AlertState Phase, ulong Hits, int Calm)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Segment { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Recent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int KeepRecent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Usual { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int KeepUsual { get; init; }

    [JsonIgnore]
    internal SeriesKey Key => new(Policy, Version, Segment, Signal);

    [JsonIgnore]
    internal bool IsSane => Policy is { Length: > 0 and <= 64 } && Signal is { Length: > 0 and <= 512 } && Segment is not { Length: > 512 } && Version >= 0 && Calm >= 0
        && Phase is AlertState.Ok or AlertState.Pending or AlertState.Firing or AlertState.Resolving
        && (Recent is null || double.IsFinite(Recent.Value)) && (Usual is null || double.IsFinite(Usual.Value));
}

namespace Mlops.Sdk.Monitoring;

/// <summary>Which calls are asked about, and what they are told apart by.</summary>
public sealed record UsageQuery
{
    /// <summary>Gets the model, or null for all.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the number of the version, or null for all; 0 for calls that no version answered.</summary>
    public int? Version { get; init; }

    /// <summary>Gets the caller, or null for all.</summary>
    public string? Caller { get; init; }

    /// <summary>Gets the first hour (the hour that the time lies in), or null for the beginning.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Gets the time before which: an hour that begins before it is in. Null for the end.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Gets what calls are told apart by, besides the model.</summary>
    /// <value>The default is <see cref="UsageParts.Hour"/> and <see cref="UsageParts.Version"/>.</value>
    public UsageParts By { get; init; } = UsageParts.Hour | UsageParts.Version;
}

/// <summary>What calls can be told apart by.</summary>
[Flags]
public enum UsageParts
{
    /// <summary>Nothing but the model.</summary>
    None = 0,

    /// <summary>The hour in UTC that the call ended in.</summary>
    Hour = 1,

    /// <summary>The version that answered.</summary>
    Version = 2,

    /// <summary>Who asked.</summary>
    Caller = 4,

    /// <summary>How the call ended: answered, or with which error.</summary>
    Error = 8,
}

/// <summary>Calls that are counted together. Parts that the query does not tell apart are null.</summary>
public sealed class UsageRow
{
    private readonly LatencyHistogram _latency;

    internal UsageRow(UsageKey key, UsageParts by, UsageCounts counts, long errors, IReadOnlyList<UsageCost> costs)
    {
        Model = key.Model;
        Hour = by.HasFlag(UsageParts.Hour) ? UsageLog.TimeOf(key.Hour) : null;
        Version = by.HasFlag(UsageParts.Version) ? key.Version : null;
        (Caller, Error) = (key.Caller, key.Error);
        (Calls, Rows, Errors, Costs) = (counts.Calls, counts.Rows, errors, costs);
        (Busy, Longest, _latency) = (TimeSpan.FromTicks(counts.Busy), TimeSpan.FromTicks(counts.Longest), counts.Latency);
    }

    /// <summary>Gets the model's name.</summary>
    public string Model { get; }

    /// <summary>Gets the beginning of the hour, in UTC; null when hours are not told apart.</summary>
    public DateTimeOffset? Hour { get; }

    /// <summary>Gets the number of the version that answered, 0 when none did; null when versions are not told apart.</summary>
    public int? Version { get; }

    /// <summary>Gets who asked; <see cref="UsageLog.Other"/> for those beyond the number that is kept. Null for nobody in particular, and when callers are not told apart.</summary>
    public string? Caller { get; }

    /// <summary>Gets the code or type of the error; null for calls that were answered, and when ends are not told apart.</summary>
    public string? Error { get; }

    /// <summary>Gets how many calls there were, answered or not.</summary>
    public long Calls { get; }

    /// <summary>Gets how many rows they asked for.</summary>
    public long Rows { get; }

    /// <summary>Gets how many calls ended with an error.</summary>
    public long Errors { get; }

    /// <summary>Gets the time that all calls took together.</summary>
    public TimeSpan Busy { get; }

    /// <summary>Gets the time that the longest call took.</summary>
    public TimeSpan Longest { get; }

    /// <summary>Gets what the calls cost by the prices at that time, one amount for each currency that processes counted in; empty when it was nothing.</summary>
    public IReadOnlyList<UsageCost> Costs { get; }

    /// <summary>Gets the share of calls that ended with an error, in [0, 1].</summary>
    public double ErrorShare => Calls == 0 ? 0 : (double)Errors / Calls;

    /// <summary>Gets the time that a share of the calls did not exceed, such as 0.95: the nearest rank.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    /// <returns>A time within 1.6 % of that of a call at that rank, and no longer than <see cref="Longest"/>.</returns>
    public TimeSpan LatencyAt(double share)
    {
        if (!(share is > 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share of calls is above 0 and at most 1, such as 0.95.");
        }

        return TimeSpan.FromTicks((long)Math.Round(Math.Min(Longest.Ticks, _latency.AtShare(share))));
    }

    internal void AddTo(UsageCounts total)
    {
        (total.Calls, total.Rows, total.Busy, total.Longest) = (total.Calls + Calls, total.Rows + Rows, total.Busy + Busy.Ticks, Math.Max(total.Longest, Longest.Ticks));
        total.Latency.Add(_latency);
    }
}

/// <summary>An amount.</summary>
/// <param name="Currency">The currency or unit.</param>
/// <param name="Amount">How much of it.</param>
public sealed record UsageCost(string Currency, decimal Amount);

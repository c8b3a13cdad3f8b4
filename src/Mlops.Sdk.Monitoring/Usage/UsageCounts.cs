namespace Mlops.Sdk.Monitoring;

/// <summary>What calls are counted by.</summary>
/// <param name="Hour">Whole hours since 1970-01-01T00:00Z.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version that answered; 0 when none did.</param>
/// <param name="Caller">Who asked; null for nobody in particular.</param>
/// <param name="Error">The code of the error; null for calls that were answered.</param>
internal readonly record struct UsageKey(long Hour, string Model, int Version, string? Caller, string? Error);

/// <summary>What is counted of calls with one key. Not thread-safe.</summary>
internal sealed class UsageCounts
{
    internal long Calls { get; set; }

    internal long Rows { get; set; }

    /// <summary>Gets or sets the time of all calls together, in 100 ns.</summary>
    internal long Busy { get; set; }

    /// <summary>Gets or sets the time of the longest call, in 100 ns.</summary>
    internal long Longest { get; set; }

    internal LatencyHistogram Latency { get; } = new();

    internal void Add(long rows, long ticks)
    {
        ticks = Math.Max(0, ticks);
        Calls++;
        Rows += rows;
        Busy += ticks;
        Longest = Math.Max(Longest, ticks);
        Latency.Add(ticks);
    }

    internal void Add(UsageCounts other)
    {
        Calls += other.Calls;
        Rows += other.Rows;
        Busy += other.Busy;
        Longest = Math.Max(Longest, other.Longest);
        Latency.Add(other.Latency);
    }

    internal void Clear()
    {
        (Calls, Rows, Busy, Longest) = (0, 0, 0, 0);
        Latency.Clear();
    }
}

namespace Mlops.Sdk;

/// <summary>How a process works with the ledger.</summary>
public sealed class LedgerOptions
{
    /// <summary>Gets or sets how often a follower looks for what other processes wrote; a random tenth is added so that hosts do not look together.</summary>
    /// <value>From 20 ms to 1 hour. The default is 250 ms.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Gets or sets the name of this host in the source of entries.</summary>
    /// <value>The default is the machine's name.</value>
    public string Host { get; set; } = Environment.MachineName;

    /// <summary>Gets or sets how far apart the looks of an idle follower may grow; null for no slowing down.</summary>
    /// <value>At least <see cref="PollInterval"/>, at most 1 hour. The default is null. A store that bills reads wants some seconds; a new champion is then noticed that much later.</value>
    public TimeSpan? IdlePollInterval { get; set; }

    /// <summary>Gets or sets how long commits that were folded into a segment stay beside it before they are removed.</summary>
    /// <value>From 1 minute to 30 days, the same in all processes on a store. The default is 1 hour. A process that was held up for half of it looks for segments before it trusts what it knew.</value>
    public TimeSpan FoldGrace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Gets or sets how many commits make a segment.</summary>
    internal int SegmentCommits { get; set; } = 512;

    /// <summary>Gets or sets how many bytes of commits make a segment.</summary>
    internal int SegmentBytes { get; set; } = 4 << 20;

    /// <summary>Gets or sets after how many new entries, at least, the views are saved again.</summary>
    internal int SnapshotEntries { get; set; } = 8192;

    internal void Check()
    {
        if (PollInterval < TimeSpan.FromMilliseconds(20) || PollInterval > TimeSpan.FromHours(1))
        {
            throw new MlopsException("ledger.invalid_option", $"LedgerOptions.PollInterval is {PollInterval}; it must be from 20 ms to 1 hour.");
        }

        if (IdlePollInterval is { } idle && (idle < PollInterval || idle > TimeSpan.FromHours(1)))
        {
            throw new MlopsException("ledger.invalid_option", $"LedgerOptions.IdlePollInterval is {idle}; it must be from PollInterval ({PollInterval}) to 1 hour, or null.");
        }

        if (FoldGrace < TimeSpan.FromMinutes(1) || FoldGrace > TimeSpan.FromDays(30))
        {
            throw new MlopsException("ledger.invalid_option", $"LedgerOptions.FoldGrace is {FoldGrace}; it must be from 1 minute to 30 days.");
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(Host);
    }
}

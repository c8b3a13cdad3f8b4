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

    internal void Check()
    {
        if (PollInterval < TimeSpan.FromMilliseconds(20) || PollInterval > TimeSpan.FromHours(1))
        {
            throw new MlopsException("ledger.invalid_option", $"LedgerOptions.PollInterval is {PollInterval}; it must be from 20 ms to 1 hour.");
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(Host);
    }
}

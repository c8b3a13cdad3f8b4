namespace Mlops.Sdk;

/// <summary>Who follows the ledger, and how its place in it is kept.</summary>
/// <param name="name">The subscriber's name: 1 to 64 of <c>a-z 0-9 -</c>. All processes that use one name share one place in the ledger.</param>
public sealed class LedgerSubscriptionOptions(string name)
{
    /// <summary>Gets the subscriber's name.</summary>
    public string Name { get; } = name;

    /// <summary>Gets or sets which entries the handler is given; the others are passed over. It must be quick and always answer the same.</summary>
    /// <value>The default is null: all.</value>
    public Func<LedgerEntry, bool>? Filter { get; set; }

    /// <summary>Gets or sets the number of the first entry for a name that nobody used before. A known name goes on where it was.</summary>
    /// <value>0 for the whole ledger, or null for what comes after the end of the ledger when the subscription first runs. The default is 0.</value>
    public long? From { get; set; } = 0;

    /// <summary>Gets or sets after how many handled entries the place is saved. A process that is killed handles at most so many entries again.</summary>
    /// <value>From 1 to 10,000. The default is 100.</value>
    public int SaveEvery { get; set; } = 100;

    /// <summary>Gets or sets after how long the place is saved when fewer entries than <see cref="SaveEvery"/> came.</summary>
    /// <value>From 20 ms to 1 minute. The default is 1 second.</value>
    public TimeSpan SaveAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets or sets for how long a process holds the name without being heard of; then another one takes over.</summary>
    /// <value>From 200 ms to 1 hour. The default is 30 seconds. It is renewed three times as often.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets how long to wait before an entry whose handler failed is given to it again; doubled each time, with jitter, up to <see cref="MaxRetryDelay"/>.</summary>
    /// <value>From 1 ms to 1 hour. The default is 1 second.</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets or sets the longest wait between two tries of one entry.</summary>
    /// <value>From <see cref="RetryDelay"/> to 1 day. The default is 5 minutes.</value>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Checks the options before a subscription is made of them.</summary>
    /// <exception cref="MlopsException">An option is out of its range; code <c>ledger.invalid_option</c>.</exception>
    public void Check()
    {
        Require(Name is { Length: >= 1 and <= 64 } && Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'), nameof(Name), "1 to 64 of a-z, 0-9 and '-'");
        Require(From is null or >= 0, nameof(From), "an entry's number from 0, or null");
        Require(SaveEvery is >= 1 and <= 10_000, nameof(SaveEvery), "from 1 to 10,000");
        Require(SaveAfter >= TimeSpan.FromMilliseconds(20) && SaveAfter <= TimeSpan.FromMinutes(1), nameof(SaveAfter), "from 20 ms to 1 minute");
        Require(Lease >= TimeSpan.FromMilliseconds(200) && Lease <= TimeSpan.FromHours(1), nameof(Lease), "from 200 ms to 1 hour");
        Require(RetryDelay >= TimeSpan.FromMilliseconds(1) && RetryDelay <= TimeSpan.FromHours(1), nameof(RetryDelay), "from 1 ms to 1 hour");
        Require(MaxRetryDelay >= RetryDelay && MaxRetryDelay <= TimeSpan.FromDays(1), nameof(MaxRetryDelay), $"from {nameof(RetryDelay)} to 1 day");
    }

    internal LedgerSubscriptionOptions Checked()
    {
        Check();
        return (LedgerSubscriptionOptions)MemberwiseClone();
    }

    private static void Require(bool holds, string option, string rule)
    {
        if (!holds)
        {
            throw new MlopsException("ledger.invalid_option", $"{nameof(LedgerSubscriptionOptions)}.{option} must be {rule}; what was given is not.");
        }
    }
}

/// <summary>An entry as a subscriber is given it.</summary>
/// <param name="Entry">The entry. Its number is the key for "handled already": a handler that stores its result together with this number, and passes over numbers it has, sees each entry exactly once.</param>
/// <param name="Epoch">How often the name has changed hands. A handler that writes somewhere else can refuse the writes of a smaller epoch than it has seen: they come from a process that was paused and does not know yet that another took over.</param>
public sealed record LedgerDelivery(LedgerEntry Entry, long Epoch);

/// <summary>Where a subscriber stands.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Next">The number of the next entry it has not handled for certain.</param>
/// <param name="Epoch">How often the name has changed hands.</param>
/// <param name="Holder">The process that works for the name, or null when none does.</param>
/// <param name="HeldUntil">Until when, by that process's clock, unless it renews; or null.</param>
public sealed record LedgerCursor(string Name, long Next, long Epoch, string? Holder, DateTimeOffset? HeldUntil);

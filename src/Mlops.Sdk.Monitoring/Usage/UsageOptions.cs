using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Monitoring;

/// <summary>How use is counted. Configuration section: <c>Mlops:Usage</c>.</summary>
public sealed class UsageOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Usage";

    /// <summary>Gets or sets whether calls are counted in this process. When they are not, they are not timed either.</summary>
    /// <value>The default is true.</value>
    public bool Enabled { get; set; } = true;

    /// <summary>Gets or sets how often counts are written to the store: the most that a killed process loses.</summary>
    /// <value>From 1 second to 1 hour. The default is 1 minute.</value>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Gets or sets how many callers a process counts by name in an hour: the first ones that call. All others are counted together as <see cref="UsageLog.Other"/>.</summary>
    /// <value>From 1 to 10,000. The default is 200.</value>
    [Range(1, 10_000)]
    public int MaxCallers { get; set; } = 200;

    /// <summary>Gets or sets what use costs; for models that <see cref="Prices"/> does not name.</summary>
    /// <value>The default is null: no cost is counted.</value>
    public UsagePrice? Price { get; set; }

    /// <summary>Gets what the use of single models costs, by the model's name.</summary>
    public IDictionary<string, UsagePrice> Prices { get; } = new Dictionary<string, UsagePrice>(StringComparer.Ordinal);

    /// <summary>Gets or sets the currency or unit that all prices of this process are in.</summary>
    /// <value>1 to 16 characters. The default is <c>EUR</c>.</value>
    [Required]
    [StringLength(16, MinimumLength = 1)]
    public string Currency { get; set; } = "EUR";

    internal string? WhyNot()
    {
        if (FlushInterval < TimeSpan.FromSeconds(1) || FlushInterval > TimeSpan.FromHours(1))
        {
            return $"{nameof(FlushInterval)} is {FlushInterval}; it must be from 1 second to 1 hour.";
        }

        if (MaxCallers is < 1 or > 10_000)
        {
            return $"{nameof(MaxCallers)} is {MaxCallers}; it must be from 1 to 10,000.";
        }

        if (string.IsNullOrWhiteSpace(Currency) || Currency.Length > 16)
        {
            return $"{nameof(Currency)} must have 1 to 16 characters, not all blank.";
        }

        foreach (KeyValuePair<string, UsagePrice> price in Prices)
        {
            if (price.Value?.WhyNot() is { } problem)
            {
                return $"{nameof(Prices)}:{price.Key}:{problem}";
            }
        }

        return Price?.WhyNot() is { } why ? $"{nameof(Price)}:{why}" : null;
    }
}

/// <summary>What the use of a model costs. Parts that are 0 cost nothing; the others add up.</summary>
public sealed class UsagePrice
{
    /// <summary>Gets or sets the price of a call that was answered, whatever number of rows it has.</summary>
    /// <value>From 0 to 1,000,000,000. The default is 0.</value>
    public decimal PerCall { get; set; }

    /// <summary>Gets or sets the price of a row of a call that was answered.</summary>
    /// <value>From 0 to 1,000,000,000. The default is 0.</value>
    public decimal PerRow { get; set; }

    /// <summary>Gets or sets the price of a second that a processor is busy. Scoring is synchronous, so the time of calls, failed ones included, counts as it: an upper bound where threads wait for a processor.</summary>
    /// <value>From 0 to 1,000,000,000. The default is 0.</value>
    public decimal PerCpuSecond { get; set; }

    internal string? WhyNot() =>
        Wrong(PerCall) ? $"{nameof(PerCall)} is {PerCall}; it must be from 0 to 1,000,000,000."
        : Wrong(PerRow) ? $"{nameof(PerRow)} is {PerRow}; it must be from 0 to 1,000,000,000."
        : Wrong(PerCpuSecond) ? $"{nameof(PerCpuSecond)} is {PerCpuSecond}; it must be from 0 to 1,000,000,000."
        : null;

    internal decimal CostOf(bool answered, long calls, long rows, long busyTicks) =>
        (answered ? (PerCall * calls) + (PerRow * rows) : 0) + (PerCpuSecond * busyTicks / TimeSpan.TicksPerSecond);

    private static bool Wrong(decimal price) => price is < 0 or > 1_000_000_000;
}

[OptionsValidator]
internal sealed partial class UsageOptionsRanges : IValidateOptions<UsageOptions>;

internal sealed class UsageOptionsRules : IValidateOptions<UsageOptions>
{
    public ValidateOptionsResult Validate(string? name, UsageOptions options) =>
        options.WhyNot() is { } problem ? ValidateOptionsResult.Fail($"{UsageOptions.Section}:{problem}") : ValidateOptionsResult.Success;
}
